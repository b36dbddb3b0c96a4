namespace FunctionalGrad.Tests

open System
open System.Threading.Tasks
open FunctionalGrad
open Xunit

/// What factorizations promise beyond the laws: identities at larger sizes, matrices at the edge, refusals.
type LinearAlgebraTests() =
    let random seed sizes = (Source seed).Floats(Between(-1.0, 1.0), Shape(List.ofSeq sizes))
    let turn (x: Tensor) = swapaxes -1 -2 x
    let eye n = eyeWith DType.Float64 n
    let close expected actual = Expect.close "identity" 1e-12 expected actual

    /// Σ xₖ·yₖᵀ of a few random vectors: a matrix of that rank.
    let ofRank rank rows columns = matmul (random 3 [ rows; rank ]) (random 4 [ rank; columns ])

    let refuses parts (action: unit -> Tensor) = Expect.error<MatrixException, _> parts action
    let shape parts (action: unit -> 'Result) = Expect.error<ShapeException, _> parts action

    [<Fact>]
    member _.``factors multiply to the matrix``() =
        let x = random 1 [ 2; 40; 40 ]
        let positive = matmul x (turn x) + eye 40
        let l = cholesky positive
        close positive (matmul l (turn l))
        Expect.equal (tensor 0.0) (sumAll (abs (Matrix.strictlyUpper l)))
        let b = random 2 [ 2; 40; 3 ]
        close b (matmul positive (solve positive b))
        Expect.close "inverse" 1e-11 (broadcastTo [ 2; 40; 40 ] (eye 40)) (matmul x (inverse x))
        let values, vectors = eigh positive
        close (matmul positive vectors) (vectors * expandDims -2 values)
        close (broadcastTo [ 2; 40; 40 ] (eye 40)) (matmul (turn vectors) vectors)

    [<Theory; InlineData(50, 20); InlineData(20, 50); InlineData(30, 30)>]
    member _.``orthogonal factors of any shape``(rows: int, columns: int) =
        let x = random 5 [ rows; columns ]
        let k = min rows columns
        let q, r = qr x
        close x (matmul q r)
        close (eye k) (matmul (turn q) q)
        let u, s, vT = svd x
        close x (matmul (u * s) vT)
        close (eye k) (matmul (turn u) u)
        close (eye k) (matmul vT (turn vT))
        close s (svdvals x)

    [<Theory; InlineData(6, 4); InlineData(4, 6); InlineData(5, 5)>]
    member _.``matrices of deficient rank``(rows: int, columns: int) =
        let x = ofRank 2 rows columns
        let u, s, vT = svd x
        close x (matmul (u * s) vT)
        close (eye s.Count) (matmul (turn u) u)
        Assert.True((select 0 2 s).ToDouble() < 1e-14)
        let p = pinv x
        close x (matmul x (matmul p x))
        close p (matmul p (matmul x p))
        close (turn (matmul x p)) (matmul x p)
        close (turn (matmul p x)) (matmul p x)
        // The least squares of a consistent system leave nothing.
        let b = matmul x (random 6 [ columns ])
        close b (matmul x (lstsq x b))
        let q, r = qr x
        close x (matmul q r)

    [<Fact>]
    member _.``zeros have orthonormal vectors too``() =
        let u, s, vT = svd (zerosWith DType.Float64 [ 4; 3 ])
        close (eye 3) (matmul (turn u) u)
        close (eye 3) (matmul vT (turn vT))
        Expect.equal (zerosWith DType.Float64 [ 3 ]) s
        let values, vectors = eigh (zerosWith DType.Float64 [ 3; 3 ])
        Expect.equal (zerosWith DType.Float64 [ 3 ]) values
        close (eye 3) (matmul (turn vectors) vectors)

    [<Fact>]
    member _.``repeated eigenvalues``() =
        let q, _ = qr (random 7 [ 6; 6 ])
        let spectrum = tensor [ 1.0; 1.0; 1.0; 2.0; 2.0; 5.0 ]
        let x = matmul (q * spectrum) (turn q)
        close spectrum (eigvalsh x)
        // The sum of the eigenvalues is the trace, whose gradient is the identity.
        close (eye 6) (grad (eigvalsh >> sumAll) x)

    [<Fact>]
    member _.``a singular matrix has a determinant and a gradient``() =
        let x = ofRank 3 4 4
        Assert.True(abs ((det x).ToDouble()) < 1e-15)

        let minor i j =
            let without k n = [ 0 .. n - 1 ] |> List.filter ((<>) k) |> List.map int64
            x |> take 0 (tensor (without i 4)) |> take 1 (tensor (without j 4)) |> det

        let cofactors = stack 0 [ for i in 0..3 -> stack 0 [ for j in 0..3 -> minor i j * (if (i + j) % 2 = 0 then 1.0 else -1.0) ] ]
        close cofactors (grad det x)
        Expect.equal (zerosWith DType.Float64 [ 4; 4 ]) (grad det (ofRank 1 4 4 * 0.0))
        Expect.equal (tensor [ 0.0; 0.0 ]) (det (zerosWith DType.Float64 [ 2; 5; 5 ]))
        // Up to 3 × 3 the second derivatives are there as well.
        let singular = tensor [ [ 1.0; 2.0; 3.0 ]; [ 4.0; 5.0; 6.0 ]; [ 7.0; 8.0; 9.0 ] ]
        Expect.equal (tensor 0.0) (det singular)
        // ∂²det/∂x₀₀∂x₁₁ = x₂₂
        Expect.number 9.0 (hessian det singular |> select 0 0 |> select 0 0 |> select 0 1 |> select 0 1)

    /// The catalog's samples are near diagonal; these are not, so that rows change places in LU.
    [<Theory; InlineData(1); InlineData(2); InlineData(3)>]
    member _.``derivatives at any well-conditioned matrix``(seed: int) =
        let q, _ = qr (random (20 + seed) [ 5; 5 ])
        let p, _ = qr (random (30 + seed) [ 5; 5 ])
        let x = matmul (q * tensor [ 0.5; 1.0; 1.7; 2.5; 3.6 ]) p
        let b = random (40 + seed) [ 5; 2 ]
        let tall (x: Tensor) = slice [ None, None, None; None, Some 3, None ] x

        let agrees name (f: Tensor -> Tensor) =
            let at (f: Tensor -> Tensor) tolerance =
                let report = GradCheck.measure (fun (xs: Tensor[]) -> f xs[0]) [| x |]
                Assert.True(report.Reverse < tolerance && report.Forward < tolerance, $"{name}: {report.Reverse}, {report.Forward}")
                Assert.True(report.Adjoint < 1e-9, $"{name}: the modes disagree by {report.Adjoint}")

            at f 1e-6
            let u = random 50 (List.ofSeq (f x).Shape.Sizes)
            at (grad (fun x -> sumAll (u * f x))) 1e-5

        agrees "solve" (fun x -> solve x b)
        agrees "solve transposed" (fun x -> Factoring.solve true x b)
        agrees "inverse" inverse
        agrees "det" det
        agrees "logarithm of det" (slogdet >> snd)
        agrees "cholesky" (fun x -> cholesky (matmul x (turn x)))
        agrees "eigenvalues" (fun x -> eigvalsh (matmul x (turn x)))
        agrees "eigenvectors" (fun x -> snd (eigh (matmul x (turn x))))
        agrees "Q" (qr >> fst)
        agrees "R, tall" (tall >> qr >> snd)
        agrees "R, wide" (tall >> turn >> qr >> snd)
        agrees "U, tall" (fun x -> let u, _, _ = svd (tall x) in u)
        agrees "U" (fun x -> let u, _, _ = svd x in u)
        agrees "V" (fun x -> let _, _, v = svd x in v)
        agrees "singular values" (tall >> svdvals)
        agrees "pinv, tall" (tall >> pinv)
        // Of rank 3 whatever x is.
        agrees "pinv, deficient" (fun x -> pinv (matmul (tall x) (turn (tall x))))

    [<Fact>]
    member _.``determinants that leave the range of a double``() =
        let scaled = eye 5 * tensor [ 1e-200; 1e200; 1e200; 1e-200; -3.0 ]
        Expect.number -3.0 (det scaled)
        let sign, logarithm = slogdet (eye 400 * 1e-10)
        Expect.number 1.0 sign
        Expect.number (-4000.0 * log 10.0) logarithm
        let sign, logarithm = slogdet (zerosWith DType.Float64 [ 2; 2 ])
        Expect.equal (tensor 0.0) sign
        Expect.equal (tensor -infinity) logarithm

    [<Fact>]
    member _.``empty matrices``() =
        let none = zerosWith DType.Float64 [ 2; 0; 0 ]
        Expect.equal (onesWith DType.Float64 [ 2 ]) (det none)
        Expect.equal (onesWith DType.Float64 [ 2 ]) (fst (slogdet none))
        Expect.shape [ 2; 0; 3 ] (solve none (zerosWith DType.Float64 [ 0; 3 ]))
        Expect.shape [ 3; 2 ] (pinv (zerosWith DType.Float64 [ 2; 3 ]))
        Expect.shape [ 0; 2 ] (pinv (zerosWith DType.Float64 [ 2; 0 ]))

    [<Fact>]
    member _.``float32 is double precision, rounded once``() =
        let x = cast DType.Float32 (matmul (random 8 [ 5; 5 ]) (turn (random 8 [ 5; 5 ])) + eye 5)
        let wide = cast DType.Float64 x
        Expect.equal (cast DType.Float32 (inverse wide)) (inverse x)
        Expect.equal (cast DType.Float32 (eigvalsh wide)) (eigvalsh x)
        Expect.equal (cast DType.Float32 (det wide)) (det x)
        Assert.Equal(DType.Float32, (inverse (tensor [ [ 2; 0 ]; [ 0; 4 ] ])).DType)

    [<Fact>]
    member _.``many threads at once``() =
        let x = random 9 [ 20; 20 ]
        let expected = svdvals x
        let found = Array.init 64 (fun _ -> null: Tensor)
        Parallel.For(0, 64, (fun i -> found[i] <- svdvals (x + 0.0))) |> ignore
        Array.iter (Expect.equal expected) found

    [<Fact>]
    member _.``one matrix and many right-hand sides``() =
        let a, b = random 10 [ 3; 3 ] + eye 3 * 3.0, random 11 [ 4; 3 ]
        close (stack 0 [ for i in 0..3 -> solve a (select 0 i b) ]) (vmap (solve a) b)
        let lower = triangularSolve true false false a
        close (stack 0 [ for i in 0..3 -> lower (select 0 i b) ]) (vmap lower b)
        close (inverse a) (jacobian (solve a) (select 0 0 b))

    [<Fact>]
    member _.``known matrices without the property are refused``() =
        let singular = tensor [ [ 1.0; 2.0 ]; [ 2.0; 4.0 ] ]
        refuses [ "solve"; "singular"; "[2, 2]"; "lstsq" ] (fun () -> solve singular (tensor [ 1.0; 2.0 ]))
        refuses [ "inverse"; "singular"; "pinv" ] (fun () -> inverse (stack 0 [ eye 2; singular ]))
        refuses [ "matrixPower"; "singular" ] (fun () -> matrixPower -2 singular)
        refuses [ "cholesky"; "positive definite"; "[2, 2]" ] (fun () -> cholesky singular)
        refuses [ "cholesky" ] (fun () -> cholesky (zerosWith DType.Float64 [ 1; 1 ]))
        refuses [ "triangularSolve"; "diagonal" ] (fun () -> triangularSolve true false false (singular - 1.0) (tensor [ 1.0; 2.0 ]))
        refuses [ "inverse" ] (fun () -> grad (inverse >> sumAll) singular)

    [<Fact>]
    member _.``unknown ones give what arithmetic gives``() =
        let matrices = tensor [ [ [ 1.0; 2.0 ]; [ 2.0; 4.0 ] ]; [ [ 2.0; 0.0 ]; [ 0.0; 4.0 ] ] ]
        let inverses = vmap inverse matrices
        Assert.False(Double.IsFinite(inverses.Value.GetDouble 0))
        Expect.equal (tensor [ [ 0.5; 0.0 ]; [ 0.0; 0.25 ] ]) (select 0 1 inverses)
        Assert.True(Double.IsNaN((vmap cholesky matrices).Value.GetDouble 0))
        // NaN in, NaN out: that is no property of the matrix.
        Assert.True(Double.IsNaN((cholesky (eye 2 * nan)).Value.GetDouble 0))
        Assert.True(Double.IsNaN((eigvalsh (eye 2 * infinity)).Value.GetDouble 0))

    [<Fact>]
    member _.``shapes that are no matrices``() =
        let wide = zerosWith DType.Float64 [ 2; 3 ]
        shape [ "cholesky"; "[2, 3]"; "square" ] (fun () -> cholesky wide)
        shape [ "solve"; "[2, 3]"; "square" ] (fun () -> solve wide wide)
        shape [ "solve"; "[2, 2]"; "[3, 1]" ] (fun () -> solve (eye 2) (zerosWith DType.Float64 [ 3 ]))
        shape [ "solve"; "[]" ] (fun () -> solve (eye 2) (tensor 1.0))
        shape [ "det"; "[4]" ] (fun () -> det (zerosWith DType.Float64 [ 4 ]))
        shape [ "slogdet"; "[2, 3]" ] (fun () -> slogdet wide)
        shape [ "eigh"; "[2, 3]" ] (fun () -> eigh wide)
        shape [ "qr"; "[4]" ] (fun () -> qr (zerosWith DType.Float64 [ 4 ]))
        shape [ "svd"; "[]" ] (fun () -> svd (tensor 1.0))
        shape [ "cross"; "[2, 3]"; "[2]" ] (fun () -> cross wide (zerosWith DType.Float64 [ 2 ]))
        shape [ "lstsq"; "[2, 3]"; "[3, 1]" ] (fun () -> lstsq wide (zerosWith DType.Float64 [ 3 ]))
        shape [ "solve"; "[2]"; "[3]" ] (fun () -> solve (zerosWith DType.Float64 [ 2; 1; 1 ]) (zerosWith DType.Float64 [ 3; 1; 1 ]))
