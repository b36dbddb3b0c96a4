namespace FunctionalGrad

open FunctionalGrad.Linear.Factorizations

/// Factorizations with several results, which stand side by side in one matrix: computed once, sliced as needed.
module internal Spectra =
    open Matrix

    let private unaryOp = Factoring.unaryOp

    /// Eigenvectors (n × n, as columns) and eigenvalues (n × 1).
    let eigenParts (packed: Tensor) =
        let struct (n, _) = sizesOf packed
        struct (columns 0 n packed, columns n 1 packed)

    /// Eigenvectors and, as the last column, eigenvalues of a symmetric matrix: n × (n + 1).
    /// Derivatives: Giles, "Collected matrix derivative results for forward and reverse mode AD", 2008, section 3.1.
    let eigen (x: Tensor) : Tensor =
        let tangent _ y dx =
            let struct (v, w) = eigenParts y
            let inside = matmul (flipped v) (matmul dx v)
            beside [ matmul v (gaps w * inside); diagonalColumn inside ]

        let cotangent _ y g =
            let struct (v, w) = eigenParts y
            let struct (gv, gw) = eigenParts g
            let onDiagonal = diagonal (Views.broadcastTo v.Shape gw)
            matmul v (matmul (onDiagonal + gaps w * matmul (flipped v) gv) (flipped v))

        unaryOp
            "eigh"
            "eigenvectors and eigenvalues of a symmetric matrix"
            (fun x y -> MatrixFunctions.Eigen(x, y))
            (fun (struct (n, _)) -> struct (n, n + 1))
            tangent
            cotangent
            x

    /// Eigenvalues of a symmetric matrix, n × 1. Their derivatives do not divide by the gaps between them.
    let eigenvalues (x: Tensor) : Tensor =
        let vectors x =
            let struct (v, _) = eigenParts (eigen x)
            v

        let tangent x _ dx =
            let v = vectors x
            diagonalColumn (matmul (flipped v) (matmul dx v))

        let cotangent x _ g =
            let v = vectors x
            matmul (v * flipped g) (flipped v)

        unaryOp
            "eigvalsh"
            "eigenvalues of a symmetric matrix"
            (fun x y -> MatrixFunctions.Eigenvalues(x, y))
            (fun (struct (n, _)) -> struct (n, 1))
            tangent
            cotangent
            x

    /// Qᵀ (n × m) and R (n × n).
    let qrParts (packed: Tensor) =
        let struct (n, width) = sizesOf packed
        struct (columns 0 (width - n) packed, columns (width - n) n packed)

    /// Qᵀ and R of a matrix with no more columns than rows: n × (m + n).
    /// Derivatives: Walter and Lehmann, "Algorithmic differentiation of linear algebra functions…", 2018, for full column rank.
    let qr (x: Tensor) : Tensor =
        let tangent _ y dx =
            let struct (qT, r) = qrParts y
            // (dA·R⁻¹)ᵀ
            let cT = Factoring.triangularSolve false true false r (flipped dx)
            let inside = matmul qT (flipped cT)
            let below = strictlyLower inside
            let above = inside - (below - flipped below)
            beside [ cT - matmul (flipped above) qT; matmul above r ]

        let cotangent _ y g =
            let struct (qT, r) = qrParts y
            let struct (gqT, gr) = qrParts g
            let inside = matmul r (flipped gr) - matmul gqT (flipped qT)
            let mirrored = lower inside + flipped (strictlyLower inside)
            flipped (Factoring.triangularSolve false false false r (gqT + matmul mirrored qT))

        unaryOp
            "qr"
            "orthonormal columns and a triangle"
            (fun x y -> MatrixFunctions.OrthogonalTriangularFactors(x, y))
            (fun (struct (m, n)) -> struct (n, m + n))
            tangent
            cotangent
            x

    /// Uᵀ (n × m), s (n × 1) and Vᵀ (n × n).
    let svdParts (packed: Tensor) =
        let struct (n, width) = sizesOf packed
        let m = width - n - 1
        struct (columns 0 m packed, columns m 1 packed, columns (m + 1) n packed)

    /// Uᵀ, s and Vᵀ of a matrix with no more columns than rows: n × (m + 1 + n).
    /// Derivatives: Townsend, "Differentiating the singular value decomposition", 2016, for distinct positive singular values.
    let svd (x: Tensor) : Tensor =
        // Removes what lies in the span of U.
        let outside uT x = x - matmul (matmul x (flipped uT)) uT

        let tangent _ y dx =
            let struct (uT, s, vT) = svdParts y
            let sT = flipped s
            let inside = matmul uT (matmul dx (flipped vT))
            let insideT, f = flipped inside, gaps (s * s)
            let du = f * (inside * sT + s * insideT)
            let dv = f * (s * inside + insideT * sT)
            let further = outside uT (matmul vT (flipped dx)) / s
            beside [ matmul (flipped du) uT + further; diagonalColumn inside; matmul (flipped dv) vT ]

        let cotangent _ y g =
            let struct (uT, s, vT) = svdParts y
            let struct (guT, gs, gvT) = svdParts g
            let sT = flipped s
            let f = gaps (s * s)
            let skew x = x - flipped x
            let left = f * skew (matmul uT (flipped guT)) * sT
            let right = s * (f * skew (matmul vT (flipped gvT)))
            let inside = left + right + diagonal (Views.broadcastTo f.Shape gs)
            let whole = matmul (flipped inside) uT + outside uT guT / s
            matmul (flipped whole) vT

        unaryOp
            "svd"
            "singular vectors and values"
            (fun x y -> MatrixFunctions.SingularFactors(x, y))
            (fun (struct (m, n)) -> struct (n, m + 1 + n))
            tangent
            cotangent
            x

    /// Singular values of a matrix with no more columns than rows, n × 1. Their derivatives do not divide by the gaps between them.
    let singularValues (x: Tensor) : Tensor =
        let tangent x _ dx =
            let struct (uT, _, vT) = svdParts (svd x)
            diagonalColumn (matmul uT (matmul dx (flipped vT)))

        let cotangent x _ g =
            let struct (uT, _, vT) = svdParts (svd x)
            matmul (flipped uT) (g * vT)

        unaryOp
            "svdvals"
            "singular values"
            (fun x y -> MatrixFunctions.Singular(x, y))
            (fun (struct (_, n)) -> struct (n, 1))
            tangent
            cotangent
            x
