namespace FunctionalGrad.Tests

open FunctionalGrad
open FunctionalGrad.Compile
open Xunit

/// Programs with windows against the reference evaluator, which knows none of the laws by which the compiler rewrites them.
type SlidingTests() =
    let byReference (f: unit -> Tensor) : Tensor = Evaluation.byReference (fun () -> Tensor.ofArray (f ()).Value)
    let agree what tolerance (f: unit -> Tensor) = Expect.close what tolerance (byReference f) (f ())

    let tolerance (x: Tensor) = if x.DType = DType.Float32 then 2e-5 else 1e-12

    let draw (source: Source) (sizes: int list) =
        let x = source.Floats(Shape sizes)
        if source.Chance 2 then cast DType.Float32 x else x

    /// Bytes of memory that a compiled function takes beside its arguments and results.
    let arenaOf (f: Tensor -> Tensor) (x: Tensor) =
        let body, _, _ = Flow.trace "jit" f x [| x |]
        (Compiler.compile body.Graph.Value.Graph).Program.ArenaBytes

    [<Fact>]
    member _.``convolutions and their gradients are those of the reference``() =
        Property.forSeeds 60 (fun seed ->
            let source = Source seed
            let axes = source.Int(1, 2)
            let each low high = List.init axes (fun _ -> source.Int(low, high))
            let stride, padding, dilation, kernel = each 1 2, each 0 2, each 1 2, each 1 5
            let groups = source.Int(1, 2)
            let least = List.map3 (fun k d p -> max 1 ((k - 1) * d + 1 - 2 * p)) kernel dilation padding
            let sizes = least |> List.map (fun n -> n + source.Int(0, 12))
            let x = draw source (source.Int(1, 3) :: groups * source.Int(1, 3) :: sizes)
            let weight = source.Floats(Shape(groups * source.Int(1, 7) :: x.Shape.[1] / groups :: kernel)) |> cast x.DType
            let conv = [ conv1dWith; conv2dWith ][axes - 1]
            let options = { Stride = stride; Padding = Padding.Zeros padding; Dilation = dilation; Groups = groups }
            let f w x = conv options w None x
            let u = source.Floats((f weight x).Shape) |> cast x.DType
            let loss w x = sumAll (u * f w x)
            agree $"seed {seed}, value" (tolerance x) (fun () -> f weight x)
            agree $"seed {seed}, by x" (tolerance x) (fun () -> grad (loss weight) x)
            agree $"seed {seed}, by the weight" (tolerance x) (fun () -> grad (fun w -> loss w x) weight))

    [<Fact>]
    member _.``pools and their gradients are those of the reference``() =
        Property.forSeeds 60 (fun seed ->
            let source = Source seed
            let axes = source.Int(1, 2)
            let size = List.init axes (fun _ -> source.Int(1, 3))
            let sizes = size |> List.map (fun k -> k + source.Int(0, 11))
            // Few values, so that there are ties.
            let x = draw source (source.Int(1, 2) :: source.Int(1, 3) :: sizes)
            let x = if source.Chance 2 then round (x * 2.0) else x
            let stride = if source.Chance 2 then [] else [ source.Int(1, 3) ]
            let most = [ maxPool1dWith; maxPool2dWith ][axes - 1] { MaxPooling.Default with Stride = stride } size
            let mean = [ avgPool1dWith; avgPool2dWith ][axes - 1] { AveragePooling.Default with Stride = stride } size

            for name, pool in [ "max", most; "mean", mean ] do
                let u = source.Floats((pool x).Shape) |> cast x.DType
                agree $"seed {seed}, {name}" (tolerance x) (fun () -> pool x)
                agree $"seed {seed}, {name}, gradient" (tolerance x) (fun () -> grad (fun x -> sumAll (u * pool x)) x))

    [<Fact>]
    member _.``small folds keep NaN, infinity and the sign of a sum of zeros``() =
        let minus = zeros [ 1; 1; 8; 10 ] * -1.0
        // 0 + (−0 + −0 + …) is +0, whose inverse is +∞.
        Expect.equal (full [ 1; 1; 4; 5 ] infinity) (1.0 / avgPool2d [ 2 ] minus)
        Expect.equal (full [ 1; 1; 4; 5 ] nan) (maxPool2d [ 2 ] (full [ 1; 1; 8; 10 ] nan))
        Expect.equal (full [ 1; 1; 4; 5 ] -infinity) (maxPool2d [ 2 ] (full [ 1; 1; 8; 10 ] -infinity))

    [<Fact>]
    member _.``the windows of a convolution are nowhere laid out``() =
        let source = Source 1
        let floats sizes = source.Floats(Shape sizes: Shape) |> cast DType.Float32
        let x, weight = floats [ 4; 8; 20; 20 ], floats [ 8; 8; 3; 3 ]
        Tensor.evaluate [ x; weight ]
        let windows = 4L * 8L * 18L * 18L * 9L * 4L
        let conv w x = conv2dWith Convolution.Default w None x
        Assert.True(arenaOf (conv weight) x < windows / 2L)
        Assert.True(arenaOf (grad (fun x -> sumAll (conv weight x ** 2))) x < windows)
        Assert.True(arenaOf (grad (fun w -> sumAll (conv w x ** 2))) weight < windows)

    [<Fact>]
    member _.``few elements that are chosen again and again are folded``() =
        let x = tensor [ for i in 1..270 -> float (37 * i % 100) - 60.0 ] |> reshape [ 30; 3; 3 ]
        let atLeast (x: Tensor) (limit: float) = where (x .> limit) x (fullLike limit x)
        let limited = Seq.fold atLeast x (seq { -60.0 .. -1.0 })
        Expect.equal (amax [ 1; 2 ] (maximum x (tensor -1.0))) (amax [ 1; 2 ] limited)
