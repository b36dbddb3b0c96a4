namespace FunctionalGrad.Linear.Factorizations;

/// <summary>P·A = L·U with partial pivoting (Golub and Van Loan, section 3.4), and what follows from it.</summary>
internal sealed class LowerUpper
{
    private readonly Dense factors;
    private readonly int[] order;

    /// <summary>Factors a square matrix, in its own place.</summary>
    public LowerUpper(Dense a)
    {
        factors = a;
        order = [.. Enumerable.Range(0, a.Rows)];
        Sign = 1;
        for (var k = 0; k < a.Rows; k++)
        {
            Exchange(k, Pivot(k));
            // A column of zeros stays: the pivot 0 says that the matrix is singular.
            if (a[k, k] == 0)
                continue;
            for (var i = k + 1; i < a.Rows; i++)
            {
                a[i, k] /= a[k, k];
                Rows.Subtract(a[i, k], a.Row(k)[(k + 1)..], a.Row(i)[(k + 1)..]);
            }
        }
    }

    /// <summary>The sign of the permutation.</summary>
    public int Sign { get; private set; }

    /// <summary>The smallest magnitude of a pivot as part of the largest: 0 says singular.</summary>
    public double PivotRatio()
    {
        var (smallest, largest) = (double.PositiveInfinity, 0.0);
        for (var i = 0; i < factors.Rows; i++)
        {
            var pivot = Math.Abs(factors[i, i]);
            (smallest, largest) = (Math.Min(smallest, pivot), Math.Max(largest, pivot));
        }

        return smallest / largest;
    }

    /// <summary>Solves A·X = B or Aᵀ·X = B. A singular matrix gives infinities and NaN.</summary>
    public void Solve(Dense b, Dense result, bool transpose)
    {
        if (transpose)
        {
            Triangular.Solve(factors, b, false, true, false);
            Triangular.Solve(factors, b, true, true, true);
        }

        for (var i = 0; i < order.Length; i++)
            b.Row(transpose ? i : order[i]).CopyTo(result.Row(transpose ? order[i] : i));
        if (!transpose)
        {
            Triangular.Solve(factors, result, true, false, true);
            Triangular.Solve(factors, result, false, false, false);
        }
    }

    /// <summary>The determinant; its parts may leave the range of a double as long as the whole does not.</summary>
    public double Determinant()
    {
        var (mantissa, exponent) = ((double)Sign, 0L);
        for (var i = 0; i < factors.Rows; i++)
        {
            mantissa *= factors[i, i];
            if (mantissa == 0 || !double.IsFinite(mantissa))
                return mantissa;
            var shift = Math.ILogB(mantissa);
            mantissa = Math.ScaleB(mantissa, -shift);
            exponent += shift;
        }

        return Math.ScaleB(mantissa, (int)Math.Clamp(exponent, -5000, 5000));
    }

    /// <summary>The sign of the determinant and the logarithm of its magnitude: (0, −∞) if it is 0.</summary>
    public (double Sign, double Logarithm) LogDeterminant()
    {
        var (sign, logarithm) = ((double)Sign, 0.0);
        for (var i = 0; i < factors.Rows; i++)
        {
            var pivot = factors[i, i];
            if (pivot == 0)
                return (0, double.NegativeInfinity);
            sign = double.IsNaN(pivot) ? double.NaN : pivot < 0 ? -sign : sign;
            logarithm += Math.Log(Math.Abs(pivot));
        }

        return (sign, logarithm);
    }

    private int Pivot(int k)
    {
        var best = k;
        for (var i = k + 1; i < factors.Rows; i++)
        {
            if (Math.Abs(factors[i, k]) > Math.Abs(factors[best, k]))
                best = i;
        }

        return best;
    }

    private void Exchange(int i, int j)
    {
        if (i == j)
            return;
        for (var column = 0; column < factors.Columns; column++)
            (factors[i, column], factors[j, column]) = (factors[j, column], factors[i, column]);
        (order[i], order[j]) = (order[j], order[i]);
        Sign = -Sign;
    }
}
