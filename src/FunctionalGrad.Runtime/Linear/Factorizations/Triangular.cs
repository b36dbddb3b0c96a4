using System.Runtime.CompilerServices;

namespace FunctionalGrad.Linear.Factorizations;

/// <summary>Cholesky factors and triangular systems.</summary>
internal static class Triangular
{
    /// <summary>
    /// The lower factor of a symmetric positive definite matrix, of which the lower triangle is read, row by row (Golub and Van Loan,
    /// section 4.2). Of a matrix that is not positive definite, the lower triangle is NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Cholesky(Dense a, Dense result)
    {
        for (var i = 0; i < a.Rows; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var rest = a[i, j] - Rows.Dot(result.Row(i)[..j], result.Row(j)[..j]);
                if (i == j && !(rest > 0))
                {
                    Fail(result);
                    return;
                }

                result[i, j] = i == j ? Math.Sqrt(rest) : rest / result[j, j];
            }
        }
    }

    /// <summary>
    /// Solves op(T)·X = B by substitution in place of B, where T is one triangle of the matrix; the other is not read. A zero on the diagonal divides.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Solve(Dense t, Dense b, bool lower, bool transpose, bool unitDiagonal)
    {
        var n = t.Rows;
        var forward = lower != transpose;
        for (var step = 0; step < n; step++)
        {
            var i = forward ? step : n - 1 - step;
            var row = b.Row(i);
            for (var before = 0; before < step; before++)
            {
                var j = forward ? before : n - 1 - before;
                Rows.Subtract(transpose ? t[j, i] : t[i, j], b.Row(j), row);
            }

            if (unitDiagonal)
                continue;
            foreach (ref var x in row)
                x /= t[i, i];
        }
    }

    private static void Fail(Dense result)
    {
        for (var i = 0; i < result.Rows; i++)
            result.Row(i)[..(i + 1)].Fill(double.NaN);
    }
}
