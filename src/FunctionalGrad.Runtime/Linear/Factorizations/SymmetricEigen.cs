using System.Runtime.CompilerServices;

namespace FunctionalGrad.Linear.Factorizations;

/// <summary>
/// Eigenvalues and eigenvectors of a symmetric matrix by Jacobi's cyclic method (Golub and Van Loan, section 8.5): slower than
/// tridiagonal methods on large matrices, and more accurate.
/// </summary>
internal static class SymmetricEigen
{
    private const int MostSweeps = 60;

    /// <summary>
    /// Eigenvalues, ascending, and row by row the eigenvectors, of length 1 with their largest element positive. The matrix is overwritten.
    /// NaN if an element is not finite.
    /// </summary>
    public static (double[] Values, Dense Vectors) Decompose(Dense a)
    {
        var n = a.Rows;
        var vectors = Dense.Identity(n);
        var values = new double[n];
        var scale = a.Largest();
        if (!double.IsFinite(scale))
        {
            vectors.Elements.Fill(double.NaN);
            Array.Fill(values, double.NaN);
            return (values, vectors);
        }

        if (scale > 0)
        {
            Divide(a.Elements, scale);
            Diagonalize(a, vectors);
        }

        for (var i = 0; i < n; i++)
            values[i] = a[i, i] * scale;
        return Sorted(values, vectors);
    }

    private static void Divide(Span<double> x, double divisor)
    {
        foreach (ref var element in x)
            element /= divisor;
    }

    private static void Diagonalize(Dense a, Dense vectors)
    {
        var turned = true;
        for (var sweep = 0; turned && sweep < MostSweeps; sweep++)
        {
            turned = false;
            for (var p = 0; p < a.Rows; p++)
            {
                for (var q = p + 1; q < a.Rows; q++)
                    turned |= Turn(a, vectors, p, q);
            }
        }
    }

    /// <summary>Makes element [p, q] zero; whether there was anything to do.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Turn(Dense a, Dense vectors, int p, int q)
    {
        var (alpha, beta, gamma) = (a[p, p], a[q, q], a[p, q]);
        var small = Math.Abs(gamma) < 1e-290 || (alpha + (gamma / 8) == alpha && beta + (gamma / 8) == beta);
        if (small)
        {
            a[p, q] = a[q, p] = 0;
            return false;
        }

        var (c, s) = Rows.JacobiAngle(alpha, beta, gamma);
        Rows.Rotate(c, s, a.Row(p), a.Row(q));
        for (var i = 0; i < a.Rows; i++)
        {
            var (x, y) = (a[p, i], a[q, i]);
            (a[i, p], a[i, q]) = (x, y);
        }

        // The block of four has been turned from one side only.
        a[p, p] = alpha - (s / c * gamma);
        a[q, q] = beta + (s / c * gamma);
        a[p, q] = a[q, p] = 0;
        Rows.Rotate(c, s, vectors.Row(p), vectors.Row(q));
        return true;
    }

    private static (double[] Values, Dense Vectors) Sorted(double[] values, Dense vectors)
    {
        var order = Rows.Order(values);
        var sorted = new Dense(vectors.Rows, vectors.Columns);
        for (var i = 0; i < order.Length; i++)
        {
            var row = vectors.Row(order[i]);
            if (Rows.PointsBack(row))
                Rows.Scale(-1, row);
            row.CopyTo(sorted.Row(i));
        }

        return ([.. order.Select(i => values[i])], sorted);
    }
}
