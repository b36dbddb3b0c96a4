using System.Runtime.CompilerServices;

namespace FunctionalGrad.Linear.Factorizations;

/// <summary>
/// A = U·diag(s)·Vᵀ by one-sided Jacobi rotations (Hestenes 1958; Golub and Van Loan, section 8.6.3), which finds small singular
/// values to high relative accuracy.
/// </summary>
internal static class SingularValues
{
    private const int MostSweeps = 60;

    /// <summary>
    /// For a matrix with at least as many rows as columns: the transpose of U (n × m), the values, descending, and the transpose of V (n × n), whose rows have
    /// their largest element positive. NaN if an element is not finite.
    /// </summary>
    public static (Dense UTransposed, double[] Values, Dense VTransposed) Decompose(Dense a)
    {
        var columns = a.Transposed();
        var n = a.Columns;
        var v = Dense.Identity(n);
        var values = new double[n];
        var scale = columns.Largest();
        if (!double.IsFinite(scale))
        {
            columns.Elements.Fill(double.NaN);
            v.Elements.Fill(double.NaN);
            Array.Fill(values, double.NaN);
            return (columns, values, v);
        }

        foreach (ref var x in columns.Elements)
            x /= scale == 0 ? 1 : scale;
        Orthogonalize(columns, v);
        for (var i = 0; i < n; i++)
            values[i] = Math.Sqrt(Rows.Dot(columns.Row(i), columns.Row(i)));
        return Sorted(columns, values, v, scale);
    }

    /// <summary>Turns pairs of columns (as rows) until all are orthogonal.</summary>
    private static void Orthogonalize(Dense columns, Dense v)
    {
        var turned = true;
        for (var sweep = 0; turned && sweep < MostSweeps; sweep++)
        {
            turned = false;
            for (var p = 0; p < columns.Rows; p++)
            {
                for (var q = p + 1; q < columns.Rows; q++)
                    turned |= Turn(columns, v, p, q);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Turn(Dense columns, Dense v, int p, int q)
    {
        var x = columns.Row(p);
        var y = columns.Row(q);
        var (alpha, beta, gamma) = (Rows.Dot(x, x), Rows.Dot(y, y), Rows.Dot(x, y));
        if (Math.Abs(gamma) <= 1e-16 * Math.Sqrt(alpha) * Math.Sqrt(beta) || Math.Abs(gamma) < 1e-290)
            return false;
        var (c, s) = Rows.JacobiAngle(alpha, beta, gamma);
        Rows.Rotate(c, s, x, y);
        Rows.Rotate(c, s, v.Row(p), v.Row(q));
        return true;
    }

    private static (Dense UTransposed, double[] Values, Dense VTransposed) Sorted(Dense columns, double[] values, Dense v, double scale)
    {
        var order = Rows.Order([.. values.Select(value => -value)]);
        var (left, right) = (new Dense(columns.Rows, columns.Columns), new Dense(v.Rows, v.Columns));
        for (var i = 0; i < order.Length; i++)
        {
            columns.Row(order[i]).CopyTo(left.Row(i));
            v.Row(order[i]).CopyTo(right.Row(i));
            var value = values[order[i]];
            if (Rows.PointsBack(right.Row(i)))
            {
                Rows.Scale(-1, left.Row(i));
                Rows.Scale(-1, right.Row(i));
            }

            if (value > 1e-140)
            {
                foreach (ref var x in left.Row(i))
                    x /= value;
            }
            else
            {
                Complete(left, i);
            }
        }

        return (left, [.. order.Select(i => values[i] * scale)], right);
    }

    /// <summary>A row of length 1 that is orthogonal to those above it: the unit vector that has most left, twice orthogonalized.</summary>
    private static void Complete(Dense rows, int row)
    {
        var target = rows.Row(row);
        var (best, most) = (0, -1.0);
        for (var axis = 0; axis < rows.Columns; axis++)
        {
            var left = 1.0;
            for (var i = 0; i < row; i++)
                left -= rows[i, axis] * rows[i, axis];
            if (left > most)
                (best, most) = (axis, left);
        }

        target.Clear();
        target[best] = 1;
        for (var again = 0; again < 2; again++)
        {
            for (var i = 0; i < row; i++)
                Rows.Subtract(Rows.Dot(rows.Row(i), target), rows.Row(i), target);
        }

        Rows.Scale(1 / Math.Sqrt(Rows.Dot(target, target)), target);
    }
}
