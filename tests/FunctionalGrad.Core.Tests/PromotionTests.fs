namespace FunctionalGrad.Tests

open FunctionalGrad
open Xunit

/// Which dtype comes out, as PyTorch documents it.
type PromotionTests() =
    let vector dtype = cast dtype (tensor [ 1.0; 2.0 ])
    let scalar dtype = cast dtype (tensor 1.0)
    let is (expected: DType) (x: Tensor) = Assert.Equal(expected, x.DType)

    let order = [ DType.Bool; DType.Int32; DType.Int64; DType.Float32; DType.Float64 ]

    [<Fact>]
    member _.``of two tensors the higher dtype wins``() =
        for i, a in List.indexed order do
            for j, b in List.indexed order do
                let expected = order[max i j]
                is expected (vector a + vector b)
                is expected (vector a * vector b)
                is expected (maximum (vector a) (vector b))
                is expected (where (tensor [ true; false ]) (vector a) (vector b))
                is expected (concat 0 [ vector a; vector b ])
                is expected (scalar a * scalar b)

    [<Fact>]
    member _.``a scalar does not widen within its category``() =
        is DType.Float32 (vector DType.Float32 + scalar DType.Float64)
        is DType.Float32 (scalar DType.Float64 + vector DType.Float32)
        is DType.Int32 (vector DType.Int32 * scalar DType.Int64)
        is DType.Float32 (vector DType.Float32 + scalar DType.Int64)

    [<Fact>]
    member _.``a scalar of a higher category does``() =
        is DType.Float32 (vector DType.Int64 * scalar DType.Float32)
        is DType.Float64 (vector DType.Int32 * scalar DType.Float64)
        is DType.Int32 (vector DType.Bool + scalar DType.Int32)

    [<Fact>]
    member _.``a .NET number takes the dtype of the tensor``() =
        is DType.Float32 (vector DType.Float32 * 2.0)
        is DType.Float32 (1.0 - vector DType.Float32)
        is DType.Float64 (vector DType.Float64 + 1)
        is DType.Int32 (vector DType.Int32 + 1)
        is DType.Int64 (2 * vector DType.Int64)
        is DType.Float32 (vector DType.Int64 * 0.5)
        is DType.Int64 (vector DType.Bool + 1)

    [<Fact>]
    member _.``division is true division``() =
        is DType.Float32 (vector DType.Int32 / vector DType.Int64)
        is DType.Float32 (vector DType.Int64 / 2)
        is DType.Float64 (vector DType.Float64 / vector DType.Int32)
        Expect.equal (tensor [ 0.5f; 1.0f ]) (tensor [ 1; 2 ] / 2)
        Expect.equal (tensor [ 3.5f ]) (tensor [ 7L ] / tensor [ 2 ])

    [<Fact>]
    member _.``functions of floats make integers float32``() =
        is DType.Float32 (exp (vector DType.Int32))
        is DType.Float32 (sqrt (vector DType.Bool))
        is DType.Float32 (sigmoid (vector DType.Int64))
        is DType.Float64 (sin (vector DType.Float64))
        is DType.Float32 (atan2 (vector DType.Int32) (vector DType.Int32))

    [<Fact>]
    member _.``integers stay integers where they can``() =
        is DType.Int32 (abs (vector DType.Int32))
        is DType.Int32 (floor (vector DType.Int32))
        is DType.Int64 (-(vector DType.Int64))
        is DType.Int64 (vector DType.Int64 ** 2)
        is DType.Int32 (remainder (vector DType.Int32) (vector DType.Int32))

    [<Fact>]
    member _.``sums of integers are int64, means float32``() =
        is DType.Int64 (sumAll (vector DType.Int32))
        is DType.Int64 (sumAll (vector DType.Bool))
        is DType.Int64 (prodAll (vector DType.Int32))
        is DType.Float32 (meanAll (vector DType.Int64))
        is DType.Float64 (sumAll (vector DType.Float64))
        is DType.Int32 (amaxAll (vector DType.Int32))
        is DType.Int64 (argmaxAll (vector DType.Float32))
        is DType.Bool (any [ 0 ] (vector DType.Float32))

    [<Fact>]
    member _.``comparisons are bool, whatever is compared``() =
        for a in order do
            for b in order do
                is DType.Bool (less (vector a) (vector b))
                is DType.Bool (equal (vector a) (vector b))

        Expect.equal (tensor [ true; false ]) (tensor [ 1; 2 ] .= tensor [ 1.0; 2.5 ])

    [<Fact>]
    member _.``truth values under arithmetic``() =
        let a, b = tensor [ true; true; false; false ], tensor [ true; false; true; false ]
        Expect.equal (tensor [ true; true; true; false ]) (a + b)
        Expect.equal (tensor [ true; false; false; false ]) (a * b)
        Expect.equal (tensor [ true; true; true; false ]) (maximum a b)
        Expect.equal (tensor [ true; false; false; false ]) (minimum a b)
        Expect.equal (tensor 2L) (sumAll a)
        Expect.equal (tensor 0.5f) (meanAll a)

    [<Fact>]
    member _.``integer arithmetic wraps and rounds as .NET does``() =
        Expect.equal (tensor [ -2147483648 ]) (tensor [ 2147483647 ] + tensor [ 1 ])
        Expect.equal (tensor [ 2; 1; 0; -1 ]) (remainder (tensor [ 5; -5; 6; 5 ]) (tensor [ 3; 3; 3; -3 ]))

    [<Fact>]
    member _.``products of matrices promote too``() =
        is DType.Float64 (cast DType.Float32 (tensor [ [ 1.0 ] ]) @@ tensor [ [ 1.0 ] ])
        is DType.Float32 (tensor [ [ 1 ] ] @@ tensor [ [ 1.0f ] ])
        is DType.Int32 (tensor [ [ 1 ] ] @@ tensor [ [ 1 ] ])
