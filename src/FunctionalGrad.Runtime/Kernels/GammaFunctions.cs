namespace FunctionalGrad.Kernels;

/// <summary>The logarithm of the gamma function and its derivatives, in double precision.</summary>
internal static class GammaFunctions
{
    /// <summary>B₂, B₄, …: the Bernoulli numbers.</summary>
    private static ReadOnlySpan<double> Bernoulli =>
    [
        1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6, -3617.0 / 510,
        43867.0 / 798, -174611.0 / 330, 854513.0 / 138, -236364091.0 / 2730,
    ];

    /// <summary>ζ(k) − 1 for k = 2, 3, …</summary>
    private static ReadOnlySpan<double> ZetaMinusOne =>
    [
        0.64493406684822643647, 0.2020569031595942854, 0.082323233711138191516, 0.036927755143369926331, 0.017343061984449139715,
        0.0083492773819228268398, 0.0040773561979443393787, 0.0020083928260822144179, 0.00099457512781808533715,
        0.0004941886041194645587, 0.00024608655330804829864, 0.00012271334757848914675, 6.1248135058704829259e-5,
        3.0588236307020493552e-5, 1.5282259408651871733e-5, 7.6371976378997622736e-6, 3.8172932649998398565e-6,
        1.9082127165539389257e-6, 9.5396203387279611315e-7, 4.7693298678780646312e-7, 2.3845050272773299e-7,
        1.1921992596531107307e-7, 5.9608189051259479612e-8, 2.9803503514652280186e-8, 1.4901554828365041235e-8,
        7.450711789835429492e-9, 3.7253340247884570548e-9,
    ];

    /// <summary>
    /// ln |Γ(x)|; ∞ at 0, −1, −2, …. Above 0 within a few ulp, also near the zeros at 1 and 2; below 0 the error is absolute
    /// where the function crosses 0. Stirling's series from 10 on, the Taylor series about 2 under it (Abramowitz and Stegun 6.1.33 and
    /// 6.1.41), the reflection formula (6.1.17).
    /// </summary>
    public static double LogGamma(double x)
    {
        if (!double.IsFinite(x))
            return Math.Abs(x);
        if (Math.Abs(x) < 0.5)
            return AboutTwo(x) - LogOnePlus(x) - Math.Log(Math.Abs(x));
        if (x < 0)
            return x == Math.Floor(x) ? double.PositiveInfinity : Math.Log(Math.PI / Math.Abs(x * double.SinPi(x))) - LogGamma(-x);
        if (x < 1.5)
            return AboutTwo(x - 1) - LogOnePlus(x - 1);
        if (x >= 10)
            return Stirling(x);
        var product = 1.0;
        while (x >= 2.5)
            product *= --x;
        return Math.Log(product) + AboutTwo(x - 2);
    }

    /// <summary>The derivative of an order (0, 1, … 170) of the digamma function (ln Γ)′; NaN for other orders.</summary>
    /// <remarks>Upward recurrence and asymptotic series (Abramowitz and Stegun 6.3.18 and 6.4.11), reflection below 0 (6.4.7).</remarks>
    public static double Polygamma(double order, double x)
    {
        if (!(order >= 0 && order <= 170) || order != Math.Floor(order) || double.IsNaN(x) || double.IsNegativeInfinity(x))
            return double.NaN;
        var n = (int)order;
        if (x == 0)
            return n == 0 ? -1 / x : AtPole(n);
        if (x < 0)
            return x == Math.Floor(x) ? AtPole(n) : Reflected(n, x);
        if (double.IsPositiveInfinity(x))
            return n == 0 ? x : 0;
        return n == 0 ? Digamma(x) : HigherPolygamma(n, x);
    }

    /// <summary>Both sides of a pole agree for odd orders only.</summary>
    private static double AtPole(int n) => int.IsOddInteger(n) ? double.PositiveInfinity : double.NaN;

    private static double Digamma(double x)
    {
        var shift = 0.0;
        for (; x < 10; x++)
            shift += 1 / x;
        var (square, power, sum) = (1 / x / x, 1.0, 0.0);
        for (var k = 0; k < 9; k++)
        {
            power *= square;
            sum += Bernoulli[k] / (2 * (k + 1)) * power;
        }

        return Math.Log(x) - 0.5 / x - sum - shift;
    }

    /// <summary>(−1)ⁿ⁺¹·n!·Σ (x + k)^−(n + 1), the sum by Euler and Maclaurin's formula.</summary>
    private static double HigherPolygamma(int n, double x)
    {
        var (s, sum) = (n + 1, 0.0);
        for (; x < 12 + n; x++)
            sum += Math.Pow(x, -s);
        var tail = Math.Pow(x, -n) / n + (0.5 * Math.Pow(x, -s));
        var term = Math.Pow(x, -s) / x * s / 2;
        for (var j = 1; j <= 12; j++)
        {
            tail += Bernoulli[j - 1] * term;
            term *= (s + (2 * j) - 1) / x * (s + (2 * j)) / x / (((2 * j) + 1) * ((2 * j) + 2));
        }

        var factorial = 1.0;
        for (var k = 2; k <= n; k++)
            factorial *= k;
        return (int.IsOddInteger(n) ? factorial : -factorial) * (sum + tail);
    }

    /// <summary>(−1)ⁿ·ψₙ(1 − x) − π·dⁿ/dxⁿ cot πx.</summary>
    private static double Reflected(int n, double x)
    {
        var mirrored = n == 0 ? Digamma(1 - x) : HigherPolygamma(n, 1 - x);
        return (int.IsOddInteger(n) ? -mirrored : mirrored) - (Math.Pow(Math.PI, n + 1) * CotangentDerivative(n, 1 / double.TanPi(x)));
    }

    /// <summary>The derivative of an order of cot, as a polynomial of its value c: p ↦ −(1 + c²)·p′.</summary>
    private static double CotangentDerivative(int n, double c)
    {
        Span<double> p = stackalloc double[n + 3];
        Span<double> next = stackalloc double[n + 3];
        p.Clear();
        p[1] = 1;
        for (var k = 0; k < n; k++)
        {
            next.Clear();
            for (var degree = 1; degree <= k + 1; degree++)
            {
                next[degree - 1] -= degree * p[degree];
                next[degree + 1] -= degree * p[degree];
            }

            next.CopyTo(p);
        }

        var value = p[n + 1];
        for (var degree = n; degree >= 0; degree--)
            value = (value * c) + p[degree];
        return value;
    }

    private static double Stirling(double x)
    {
        var (square, power, sum) = (1 / x / x, 1 / x, 0.0);
        for (var k = 0; k < 9; k++)
        {
            sum += Bernoulli[k] / ((2 * k + 1) * (2 * k + 2)) * power;
            power *= square;
        }

        // ½·ln 2π − ½
        return ((x - 0.5) * (Math.Log(x) - 1)) + (sum + 0.41893853320467274178);
    }

    /// <summary>ln Γ(2 + z) for |z| ≤ ½.</summary>
    private static double AboutTwo(double z)
    {
        var sum = 0.0;
        for (var k = ZetaMinusOne.Length + 1; k >= 2; k--)
            sum = (ZetaMinusOne[k - 2] / k) - (z * sum);

        // 1 minus Euler's constant
        return z * (0.42278433509846713939 + (z * sum));
    }

    /// <summary>ln(1 + x): the error of 1 + x cancels in the quotient.</summary>
    private static double LogOnePlus(double x)
    {
        var y = 1 + x;
        return y == 1 ? x : Math.Log(y) * (x / (y - 1));
    }
}
