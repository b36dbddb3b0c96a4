namespace FunctionalGrad.Tests

open System
open FunctionalGrad
open Xunit

/// Every refusal names who refuses, and what of.
type ErrorTests() =
    let of' sizes = zerosWith DType.Float64 sizes
    let x = of' [ 2; 3 ]
    let shape parts (action: unit -> Tensor) = Expect.error<ShapeException, _> parts action
    let dtype parts (action: unit -> Tensor) = Expect.error<DTypeException, _> parts action
    let index parts (action: unit -> Tensor) = Expect.error<IndexException, _> parts action
    let gradient parts (action: unit -> Tensor) = Expect.error<GradientException, _> parts action

    [<Fact>]
    member _.``shapes that do not broadcast``() =
        shape [ "add"; "[2, 3]"; "[4]"; "3 ≠ 4" ] (fun () -> x + of' [ 4 ])
        shape [ "mul"; "[2, 3]"; "[3, 2]" ] (fun () -> x * of' [ 3; 2 ])
        shape [ "less"; "[2, 3]"; "[2]" ] (fun () -> less x (of' [ 2 ]))
        shape [ "where"; "[2, 3]"; "[5]" ] (fun () -> where (tensor true) x (of' [ 5 ]))
        shape [ "where"; "[7]"; "[2, 3]" ] (fun () -> where (zerosWith DType.Bool [ 7 ]) x x)
        shape [ "add"; "0 ≠ 3" ] (fun () -> of' [ 0 ] + of' [ 3 ])

    [<Fact>]
    member _.``dtypes that do not fit``() =
        dtype [ "where"; "float64"; "bool" ] (fun () -> where x x x)
        dtype [ "logicalAnd"; "float64" ] (fun () -> logicalAnd x x)
        dtype [ "logicalXor"; "float64" ] (fun () -> logicalXor x x)
        dtype [ "sub"; "bool"; "logicalXor" ] (fun () -> tensor [ true ] - tensor [ false ])
        dtype [ "neg"; "bool" ] (fun () -> -(tensor [ true ]))
        dtype [ "softmax"; "int32"; "cast" ] (fun () -> softmax 0 (tensor [ 1; 2 ]))
        dtype [ "gather"; "float64"; "cast" ] (fun () -> gather 0 x x)
        dtype [ "uniform"; "int32" ] (fun () -> Random.uniformWith DType.Int32 (Key.ofSeed 1) [ 2 ])
        dtype [ "normal"; "bool" ] (fun () -> Random.normalWith DType.Bool (Key.ofSeed 1) [ 2 ])

    [<Fact>]
    member _.``elements read as another type``() =
        Expect.error<DTypeException, _> [ "float64"; "float32" ] (fun () -> x.ToArray<float32>())
        Expect.error<ShapeException, _> [ "[2, 3]" ] (fun () -> float x)
        Expect.error<ShapeException, _> [ "[2, 3]" ] (fun () -> int x)
        Expect.error<ShapeException, _> [ "toArray2D"; "[4]" ] (fun () -> toArray2D<float>(of' [ 4 ]))
        Expect.error<ShapeException, _> [ "toJagged"; "[]" ] (fun () -> toJagged<float>(of' []))
        Expect.error<ShapeException, _> [ "toArray3D"; "[2, 3]" ] (fun () -> toArray3D<float> x)

    [<Fact>]
    member _.``data that is no tensor``() =
        shape [ "tensor"; "ragged"; "[0]"; "[1]" ] (fun () -> tensor [ [ 1.0; 2.0 ]; [ 3.0 ] ])
        shape [ "tensor"; "ragged" ] (fun () -> tensor [| [| 1 |]; [||] |])
        shape [ "tensor"; "ragged" ] (fun () -> tensor [ [ [ 1.0 ]; [ 2.0 ] ]; [ [ 1.0 ]; [ 2.0; 3.0 ] ] ])
        dtype [ "tensor"; "Decimal" ] (fun () -> tensor [ 1.0m ])
        dtype [ "tensor"; "Byte" ] (fun () -> tensor [| 1uy |])
        dtype [ "tensor"; "Int32"; "Double" ] (fun () -> tensor [ box 1; box 2.0 ])
        Expect.error<DataFormatException, _> [ "tensor"; "three" ] (fun () -> tensor [ "three" ])
        Expect.error<ArgumentNullException, _> [ "tensor"; "null" ] (fun () -> tensor (null: float[]))

    [<Fact>]
    member _.``axes out of range``() =
        shape [ "sum"; "axis 2"; "[2, 3]" ] (fun () -> sum [ 2 ] x)
        shape [ "mean"; "axis -3"; "[2, 3]" ] (fun () -> mean [ -3 ] x)
        shape [ "max"; "axis 5" ] (fun () -> amaxKeepDims [ 5 ] x)
        shape [ "argmax"; "axis 2" ] (fun () -> argmax [ 2 ] x)
        shape [ "sum"; "scalar" ] (fun () -> sum [ 0 ] (tensor 1.0))
        shape [ "softmax" ] (fun () -> softmax 2 x)
        shape [ "logsumexp" ] (fun () -> logsumexp [ -3 ] x)
        shape [ "flip"; "axis 2" ] (fun () -> flip [ 2 ] x)
        shape [ "swapaxes"; "axis 4" ] (fun () -> swapaxes 0 4 x)
        shape [ "expandDims"; "axis 4" ] (fun () -> expandDims 4 x)
        shape [ "concat"; "axis 2" ] (fun () -> concat 2 [ x; x ])
        shape [ "stack"; "axis 3" ] (fun () -> stack 3 [ x; x ])
        shape [ "split"; "axis 2" ] (fun () -> (split 2 [ 1 ] x).Head)
        shape [ "select"; "axis 2" ] (fun () -> select 2 0 x)
        shape [ "gather"; "axis 2" ] (fun () -> gather 2 (tensor [ [ 0 ] ]) x)
        shape [ "take"; "axis -3" ] (fun () -> take -3 (tensor [ 0 ]) x)

    [<Fact>]
    member _.``axes named twice``() =
        shape [ "sum"; "[0; 0]"; "[2, 3]"; "twice" ] (fun () -> sum [ 0; 0 ] x)
        shape [ "prod"; "[1; -1]" ] (fun () -> prod [ 1; -1 ] x)
        shape [ "permute"; "[0; 0]" ] (fun () -> permute [ 0; 0 ] x)
        shape [ "squeeze"; "twice" ] (fun () -> squeeze [ 0; -2 ] (of' [ 1; 3 ]))
        shape [ "flip"; "twice" ] (fun () -> flip [ 1; -1 ] x)
        shape [ "permute"; "[2, 3]" ] (fun () -> permute [ 0 ] x)

    [<Fact>]
    member _.``shapes that cannot be had``() =
        shape [ "reshape"; "[2, 3]"; "[4]" ] (fun () -> reshape [ 4 ] x)
        shape [ "reshape"; "[2, 3]"; "4" ] (fun () -> reshape [ 4; -1 ] x)
        shape [ "reshape"; "-1" ] (fun () -> reshape [ -1; -1 ] x)
        shape [ "-2" ] (fun () -> reshape [ -2; -3 ] x)
        shape [ "reshape"; "0" ] (fun () -> reshape [ 0; -1 ] (of' [ 0 ]))
        shape [ "broadcastTo"; "[2, 3]"; "[3, 2]" ] (fun () -> broadcastTo [ 3; 2 ] x)
        shape [ "broadcastTo"; "[2, 3]"; "[3]" ] (fun () -> broadcastTo [ 3 ] x)
        shape [ "broadcastTo"; "[2]"; "[3]" ] (fun () -> broadcastTo [ 3 ] (onesWith DType.Float64 [ 2 ]))
        shape [ "squeeze"; "axis 1"; "[2, 3]" ] (fun () -> squeeze [ 1 ] x)
        shape [ "-1" ] (fun () -> zeros [ -1 ])
        shape [ "elements" ] (fun () -> zeros [ 100_000; 100_000 ])

    [<Fact>]
    member _.``joining and dividing``() =
        shape [ "concat"; "[2, 3]"; "[2, 4]"; "axis 0" ] (fun () -> concat 0 [ x; of' [ 2; 4 ] ])
        shape [ "concat"; "[2, 3]"; "[2]" ] (fun () -> concat 0 [ x; of' [ 2 ] ])
        shape [ "concat"; "at least one" ] (fun () -> concat 0 [])
        shape [ "concat"; "scalar" ] (fun () -> concat 0 [ of' []; of' [] ])
        shape [ "stack"; "[2, 3]"; "[3, 2]" ] (fun () -> stack 0 [ x; of' [ 3; 2 ] ])
        shape [ "stack"; "at least one" ] (fun () -> stack 0 [])
        shape [ "split"; "[1; 1]"; "[2, 3]" ] (fun () -> (split 1 [ 1; 1 ] x).Head)
        shape [ "split"; "[4; -1]" ] (fun () -> (split 1 [ 4; -1 ] x).Head)
        shape [ "pad"; "[2, 3]" ] (fun () -> pad [ 1, 1 ] x)
        shape [ "pad"; "[2147483647]"; "elements" ] (fun () -> pad [ 1, 0 ] (broadcastTo [ Int32.MaxValue ] (tensor 1.0)))
        shape [ "split"; "[2147483647; 2147483647; 3]" ] (fun () -> (split 0 [ Int32.MaxValue; Int32.MaxValue; 3 ] (of' [ 1 ])).Head)
        let half = broadcastTo [ 2_000_000_000 ] (tensor 1.0)
        shape [ "concat"; "4000000000" ] (fun () -> concat 0 [ half; half ])
        shape [ "pad"; "negative" ] (fun () -> pad [ 0, 0; -1, 0 ] x)

    [<Fact>]
    member _.``parts that are not there``() =
        shape [ "slice"; "3 ranges"; "[2, 3]" ] (fun () -> slice [ None, None, None; None, None, None; None, None, None ] x)
        shape [ "slice"; "step"; "0" ] (fun () -> slice [ None, None, Some 0 ] x)
        index [ "select"; "2"; "axis 0"; "[2, 3]" ] (fun () -> select 0 2 x)
        index [ "select"; "-3" ] (fun () -> select 0 -3 x)

    [<Fact>]
    member _.``positions out of range``() =
        index [ "gather"; "3"; "size 3" ] (fun () -> gather 1 (tensor [ [ 3 ] ]) x)
        index [ "gather"; "-1" ] (fun () -> gather 1 (tensor [ [ -1 ] ]) x)
        index [ "take"; "2"; "element 1"; "size 2" ] (fun () -> take 0 (tensor [ 0; 2 ]) x)
        index [ "scatterAdd"; "9" ] (fun () -> scatterAdd 0 (tensor [ [ 9 ] ]) (tensor 1.0) x)
        index [ "oneHot"; "4"; "0 to 3" ] (fun () -> oneHot 4 (tensor [ 0; 4 ]))
        index [ "crossEntropy"; "3" ] (fun () -> crossEntropy (tensor [ 0; 3 ]) x)
        index [ "nll"; "-1" ] (fun () -> nllLoss (tensor [ 0; -1 ]) x)
        index [ "take" ] (fun () -> take 0 (tensor [ 0 ]) (of' [ 0; 3 ]))

    [<Fact>]
    member _.``positions out of range are found when a traced index runs``() =
        index [ "take"; "7" ] (fun () -> vmap (fun i -> take 0 i (of' [ 3 ])) (tensor [ 0; 7 ]))

        Evaluation.byReference (fun () -> index [ "take"; "7" ] (fun () -> vmap (fun i -> take 0 i (of' [ 3 ])) (tensor [ 0; 7 ])))

    [<Fact>]
    member _.``indices of the wrong shape``() =
        shape [ "gather"; "[2]"; "[2, 3]"; "take" ] (fun () -> gather 0 (tensor [ 0; 1 ]) x)
        shape [ "gather"; "stretch" ] (fun () -> gather 0 (zerosWith DType.Int32 [ 2; 4 ]) x)

    [<Fact>]
    member _.``the extreme of nothing``() =
        shape [ "max"; "[0]" ] (fun () -> amaxAll (of' [ 0 ]))
        shape [ "min"; "[2, 0]" ] (fun () -> amin [ 1 ] (of' [ 2; 0 ]))
        shape [ "argmax"; "[0, 3]" ] (fun () -> argmax [ 0 ] (of' [ 0; 3 ]))
        shape [ "argmin"; "[0]" ] (fun () -> argminAll (of' [ 0 ]))

    [<Fact>]
    member _.``products whose sizes differ``() =
        shape [ "matmul"; "[2, 3] × [4, 5]"; "3 ≠ 4" ] (fun () -> x @@ of' [ 4; 5 ])
        shape [ "matmul"; "[2, 3] × [2]" ] (fun () -> x @@ of' [ 2 ])
        shape [ "matmul"; "[3] × [2, 3]" ] (fun () -> of' [ 3 ] @@ x)
        shape [ "matmul"; "[]"; "scalar" ] (fun () -> x @@ of' [])
        shape [ "matmul"; "[2]"; "[3]" ] (fun () -> of' [ 2; 4; 3 ] @@ of' [ 3; 3; 4 ])
        shape [ "dot"; "[3] × [4]" ] (fun () -> dot (of' [ 3 ]) (of' [ 4 ]))
        shape [ "dot"; "[2, 3]"; "rank 1" ] (fun () -> dot x (of' [ 3 ]))
        shape [ "mv"; "[2, 3] × [2]" ] (fun () -> mv x (of' [ 2 ]))
        shape [ "mv"; "rank 2" ] (fun () -> mv (of' [ 3 ]) (of' [ 3 ]))
        shape [ "outer"; "[2, 3]" ] (fun () -> outer x (of' [ 3 ]))

    [<Fact>]
    member _.``equations that say nothing``() =
        let refuses parts equation operands = shape ("einsum" :: equation :: parts) (fun () -> einsum equation operands)

        refuses [ "no operands" ] "ij->i" []
        refuses [ "2 terms"; "1 operands" ] "ij,jk->ik" [ x ]
        refuses [ "1 terms"; "2 operands" ] "ij->ij" [ x; x ]
        refuses [ "3 labels"; "rank 2" ] "ijk->i" [ x ]
        refuses [ "1 labels"; "rank 2" ] "i->i" [ x ]
        refuses [ "'z'" ] "ij->iz" [ x ]
        refuses [ "twice" ] "ij->ii" [ x ]
        refuses [ "arrow" ] "ij->i->j" [ x ]
        refuses [ "'1'" ] "i1->i" [ x ]
        refuses [ "'.'" ] "i.->i" [ x ]
        refuses [ "more than once" ] "i......->i" [ x ]
        refuses [ "more than once" ] "...i...->i" [ x ]
        refuses [ "..." ] "i...->i" [ x ]
        refuses [ "3 labels" ] "ijk...->i" [ x ]
        shape [ "einsum"; "[2, 3] × [2, 3]"; "3 and 2" ] (fun () -> einsum "ij,jk->ik" [ x; x ])
        shape [ "einsum"; "[2, 3]"; "share" ] (fun () -> einsum "ii->i" [ x ])

    [<Fact>]
    member _.``losses of shapes that differ``() =
        shape [ "crossEntropy"; "[2, 3]"; "[3]" ] (fun () -> crossEntropy (tensor [ 0; 1; 2 ]) x)
        shape [ "crossEntropy"; "[3]" ] (fun () -> crossEntropy (tensor [ 0 ]) (of' [ 3 ]))
        shape [ "nll"; "[2, 3]" ] (fun () -> nllLoss (tensor [ [ 0; 1 ] ]) x)
        shape [ "mse"; "[2, 3]"; "[3]" ] (fun () -> mseLoss (of' [ 3 ]) x)
        shape [ "l1"; "[2, 3]"; "[]" ] (fun () -> l1Loss (of' []) x)
        shape [ "hinge"; "[2, 3]" ] (fun () -> hingeLoss (of' [ 3; 2 ]) x)
        shape [ "crossEntropySoft"; "[2, 3]" ] (fun () -> crossEntropySoft (of' [ 3; 2 ]) x)
        dtype [ "crossEntropy"; "float64" ] (fun () -> crossEntropy (of' [ 2 ]) x)
        dtype [ "take"; "bool" ] (fun () -> take 0 (tensor [ true ]) x)

    [<Fact>]
    member _.``gradients that do not exist``() =
        gradient [ "grad"; "[2, 3]"; "jacobian" ] (fun () -> grad (fun x -> x * 2.0) x)
        gradient [ "grad"; "int32"; "cast" ] (fun () -> grad (fun x -> x * x) (tensor 3))
        gradient [ "grad"; "int64 [2]" ] (fun () -> grad sumAll (tensor [ 1L; 2L ]))
        gradient [ "grad"; "int64" ] (fun () -> grad argmaxAll (tensor [ 1.0; 2.0 ]))
        gradient [ "grad"; "bool" ] (fun () -> grad (fun x -> less x x) (tensor 1.0))
        gradient [ "vjp" ] (fun () -> vjp id (tensor 1) |> fst)
        gradient [ "jvp" ] (fun () -> jvp id (tensor 1) (tensor 1) |> fst)
        gradient [ "diff"; "int32"; "cast" ] (fun () -> diff id (tensor 1))
        gradient [ "diff"; "[2, 3]" ] (fun () -> diff id x)
        gradient [ "jacobian"; "int64" ] (fun () -> jacrev argmaxAll (tensor [ 1.0; 2.0 ]))

    [<Fact>]
    member _.``cotangents and tangents of the wrong shape``() =
        shape [ "vjp"; "cotangents"; "[2, 3]"; "[3, 2]" ] (fun () -> (vjp sin x |> snd) (of' [ 3; 2 ]))
        shape [ "jvp"; "tangents"; "[2, 3]"; "[6]" ] (fun () -> jvp sin x (of' [ 6 ]) |> fst)

    [<Fact>]
    member _.``maps over sizes that differ``() =
        shape [ "vmap"; "[2, 3]"; "[4]" ] (fun () -> vmap (fun (a: Tensor, b: Tensor) -> a * b) (x, of' [ 4 ]))
        shape [ "vmap"; "[]" ] (fun () -> vmap sin (tensor 1.0))
        shape [ "vmap" ] (fun () -> vmap (fun () -> x) ())

    [<Fact>]
    member _.``arguments out of range``() =
        Expect.error<ArgumentOutOfRangeException, _> [ "bernoulli" ] (fun () -> Random.bernoulli (Key.ofSeed 1) 1.5 [ 2 ])
        Expect.error<ArgumentOutOfRangeException, _> [ "bernoulli" ] (fun () -> Random.bernoulli (Key.ofSeed 1) nan [ 2 ])
        Expect.error<ArgumentOutOfRangeException, _> [ "randint" ] (fun () -> Random.randint (Key.ofSeed 1) 3L 3L [ 2 ])
        shape [ "arange"; "by 0" ] (fun () -> arangeWith DType.Float64 0.0 1.0 0.0)
        shape [ "arange" ] (fun () -> arangeWith DType.Float64 0.0 infinity 1.0)
        shape [ "arange" ] (fun () -> arangeWith DType.Float64 nan 1.0 1.0)
        shape [ "linspace"; "-1" ] (fun () -> linspace 0.0 1.0 -1)
        Expect.error<ShapeException, _> [ "-1" ] (fun () -> Key.splitMany -1 (Key.ofSeed 1))
        Expect.error<ShapeException, _> [ "-1" ] (fun () -> eye -1)
        Expect.error<ShapeException, _> [ "-2" ] (fun () -> Random.permutation (Key.ofSeed 1) -2)
        Expect.error<ShapeException, _> [ "oneHot" ] (fun () -> oneHot -1 (tensor [ 0 ]))
        Expect.error<DTypeException, _> [ "oneHot"; "float64" ] (fun () -> oneHot 3 (tensor [ 0.0 ]))

    [<Fact>]
    member _.``the gradient checker needs float64``() =
        Expect.error<DTypeException, _> [ "float32"; "cast" ] (fun () -> GradCheck.check sumAll (tensor [ 1.0f ]))
