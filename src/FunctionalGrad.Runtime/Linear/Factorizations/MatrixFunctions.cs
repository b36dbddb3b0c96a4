using System.Numerics;

namespace FunctionalGrad.Linear.Factorizations;

/// <summary>The functions that Core calls. Several results stand beside each other in one matrix.</summary>
internal static class MatrixFunctions
{
    /// <summary>Whether no element of an array of floats is NaN or infinite.</summary>
    public static bool IsFinite(NDArray array) =>
        array.DType == DType.Float32 ? IsFinite(array.AsSpan<float>()) : array.DType != DType.Float64 || IsFinite(array.AsSpan<double>());

    public static void Cholesky(Dense[] operands, Dense result) => Triangular.Cholesky(operands[0], result);

    public static void TriangularSolve(Dense[] operands, Dense result, bool lower, bool transpose, bool unitDiagonal)
    {
        operands[1].Elements.CopyTo(result.Elements);
        Triangular.Solve(operands[0], result, lower, transpose, unitDiagonal);
    }

    public static void Solve(Dense[] operands, Dense result, bool transpose) =>
        new LowerUpper(operands[0]).Solve(operands[1], result, transpose);

    /// <summary>1 × 1.</summary>
    public static void Determinant(Dense[] operands, Dense result) => result[0, 0] = new LowerUpper(operands[0]).Determinant();

    /// <summary>1 × 2: sign and logarithm of the magnitude.</summary>
    public static void LogDeterminant(Dense[] operands, Dense result) =>
        (result[0, 0], result[0, 1]) = new LowerUpper(operands[0]).LogDeterminant();

    /// <summary>
    /// The matrix of cofactors, det A · A⁻ᵀ; near singular matrices from A = U·S·Vᵀ: det U · det V · U·diag(∏ of the other sᵢ)·Vᵀ.
    /// </summary>
    public static void Cofactors(Dense[] operands, Dense result)
    {
        var factors = new LowerUpper(operands[0].Copy());
        if (factors.PivotRatio() > 1e-8)
        {
            factors.Solve(Dense.Identity(result.Rows), result, transpose: true);
            Rows.Scale(factors.Determinant(), result.Elements);
            return;
        }

        var (u, s, v) = SingularValues.Decompose(operands[0]);
        var sign = Orientation(u) * Orientation(v);
        for (var k = 0; k < s.Length; k++)
        {
            var others = sign;
            for (var i = 0; i < s.Length; i++)
                others *= i == k ? 1 : s[i];
            AddProduct(others, u.Row(k), v.Row(k), result);
        }
    }

    /// <summary>n × 1: the eigenvalues.</summary>
    public static void Eigenvalues(Dense[] operands, Dense result) => SymmetricEigen.Decompose(operands[0]).Values.CopyTo(result.Elements);

    /// <summary>n × (n + 1): eigenvectors as columns, then the eigenvalues.</summary>
    public static void Eigen(Dense[] operands, Dense result)
    {
        var (values, vectors) = SymmetricEigen.Decompose(operands[0]);
        for (var i = 0; i < values.Length; i++)
        {
            for (var j = 0; j < values.Length; j++)
                result[i, j] = vectors[j, i];
            result[i, values.Length] = values[i];
        }
    }

    /// <summary>n × (m + n): the transpose of Q, then R.</summary>
    public static void OrthogonalTriangularFactors(Dense[] operands, Dense result)
    {
        var (q, r) = OrthogonalTriangular.Decompose(operands[0]);
        for (var i = 0; i < r.Rows; i++)
        {
            q.Row(i).CopyTo(result.Row(i));
            r.Row(i).CopyTo(result.Row(i)[q.Columns..]);
        }
    }

    /// <summary>n × 1: the singular values.</summary>
    public static void Singular(Dense[] operands, Dense result) => SingularValues.Decompose(operands[0]).Values.CopyTo(result.Elements);

    /// <summary>n × (m + 1 + n): the transpose of U, the singular values, the transpose of V.</summary>
    public static void SingularFactors(Dense[] operands, Dense result)
    {
        var (u, s, v) = SingularValues.Decompose(operands[0]);
        for (var i = 0; i < s.Length; i++)
        {
            u.Row(i).CopyTo(result.Row(i));
            result[i, u.Columns] = s[i];
            v.Row(i).CopyTo(result.Row(i)[(u.Columns + 1)..]);
        }
    }

    /// <summary>The Moore-Penrose inverse; singular values up to max(m, n)·ε times the largest count as 0.</summary>
    public static void PseudoInverse(Dense[] operands, Dense result)
    {
        var a = operands[0];
        var wide = a.Rows < a.Columns;
        var (u, s, v) = SingularValues.Decompose(wide ? a.Transposed() : a);
        for (var k = 0; k < s.Length; k++)
        {
            if (s[k] <= Math.Max(a.Rows, a.Columns) * a.Epsilon * s[0])
                break;
            AddProduct(1 / s[k], wide ? u.Row(k) : v.Row(k), wide ? v.Row(k) : u.Row(k), result);
        }
    }

    private static bool IsFinite<T>(ReadOnlySpan<T> elements)
        where T : INumberBase<T>
    {
        foreach (var x in elements)
        {
            if (!T.IsFinite(x))
                return false;
        }

        return true;
    }

    /// <summary>The determinant of an orthogonal matrix, 1 or −1; NaN stays.</summary>
    private static double Orientation(Dense orthogonal) => Math.Round(new LowerUpper(orthogonal.Copy()).Determinant());

    /// <summary>Adds factor·x·yᵀ.</summary>
    private static void AddProduct(double factor, ReadOnlySpan<double> x, ReadOnlySpan<double> y, Dense result)
    {
        for (var i = 0; i < x.Length; i++)
            Rows.Subtract(-factor * x[i], y, result.Row(i));
    }
}
