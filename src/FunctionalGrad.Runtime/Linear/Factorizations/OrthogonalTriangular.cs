namespace FunctionalGrad.Linear.Factorizations;

/// <summary>A = Q·R by Householder reflections (Golub and Van Loan, section 5.2).</summary>
internal static class OrthogonalTriangular
{
    /// <summary>
    /// For a matrix with at least as many rows as columns: the transpose of Q (n × m, rows orthonormal) and R (n × n, upper triangular,
    /// no negative number on its diagonal, which makes the factors unique where the columns are independent). NaN if an element is not finite.
    /// </summary>
    public static (Dense QTransposed, Dense R) Decompose(Dense a)
    {
        var columns = a.Transposed();
        var n = a.Columns;
        var q = new Dense(n, a.Rows);
        var r = new Dense(n, n);
        var scale = columns.Largest();
        if (!double.IsFinite(scale))
        {
            q.Elements.Fill(double.NaN);
            r.Elements.Fill(double.NaN);
            return (q, r);
        }

        foreach (ref var x in columns.Elements)
            x /= scale == 0 ? 1 : scale;
        Reduce(columns, r);
        Rows.Scale(scale, r.Elements);
        Expand(columns, q);
        for (var i = 0; i < n; i++)
        {
            if (r[i, i] >= 0)
                continue;
            Rows.Scale(-1, r.Row(i)[i..]);
            Rows.Scale(-1, q.Row(i));
        }

        return (q, r);
    }

    /// <summary>Columns (as rows) become the reflections' directions, of length √2 or 0; r becomes the triangle.</summary>
    private static void Reduce(Dense columns, Dense r)
    {
        for (var k = 0; k < columns.Rows; k++)
        {
            var v = columns.Row(k);
            for (var i = 0; i < k; i++)
                r[i, k] = v[i];
            v[..k].Clear();
            var norm = Math.Sqrt(Rows.Dot(v, v));
            r[k, k] = v[k] > 0 ? -norm : norm;
            v[k] -= r[k, k];
            var length = Math.Sqrt(Rows.Dot(v, v));
            if (length > 0)
            {
                foreach (ref var x in v)
                    x *= Math.Sqrt(2) / length;
            }

            for (var j = k + 1; j < columns.Rows; j++)
                Rows.Subtract(Rows.Dot(v, columns.Row(j)), v, columns.Row(j));
        }
    }

    /// <summary>Applies the reflections, last first, to the first unit vectors.</summary>
    private static void Expand(Dense directions, Dense q)
    {
        for (var j = 0; j < q.Rows; j++)
        {
            q[j, j] = 1;
            for (var k = j; k >= 0; k--)
                Rows.Subtract(Rows.Dot(directions.Row(k), q.Row(j)), directions.Row(k), q.Row(j));
        }
    }
}
