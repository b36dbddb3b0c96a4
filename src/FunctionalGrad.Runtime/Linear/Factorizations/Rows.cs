using System.Numerics;
using System.Runtime.CompilerServices;

namespace FunctionalGrad.Linear.Factorizations;

/// <summary>
/// What factorizations do with rows. The loops are optimized at once: a first call that waits for the second tier takes ten times as long.
/// </summary>
internal static class Rows
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var sums = Vector<double>.Zero;
        var i = 0;
        for (; i <= x.Length - Vector<double>.Count; i += Vector<double>.Count)
            sums += new Vector<double>(x[i..]) * new Vector<double>(y[i..]);
        var sum = Vector.Sum(sums);
        for (; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }

    /// <summary>y − factor·x, in place of y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Subtract(double factor, ReadOnlySpan<double> x, Span<double> y)
    {
        var i = 0;
        for (; i <= y.Length - Vector<double>.Count; i += Vector<double>.Count)
            (new Vector<double>(y[i..]) - (new Vector<double>(x[i..]) * factor)).CopyTo(y[i..]);
        for (; i < y.Length; i++)
            y[i] -= factor * x[i];
    }

    public static void Scale(double factor, Span<double> x)
    {
        foreach (ref var element in x)
            element *= factor;
    }

    /// <summary>(c·x − s·y, s·x + c·y) in place of (x, y).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(double c, double s, Span<double> x, Span<double> y)
    {
        var i = 0;
        for (; i <= x.Length - Vector<double>.Count; i += Vector<double>.Count)
        {
            var (a, b) = (new Vector<double>(x[i..]), new Vector<double>(y[i..]));
            ((a * c) - (b * s)).CopyTo(x[i..]);
            ((a * s) + (b * c)).CopyTo(y[i..]);
        }

        for (; i < x.Length; i++)
        {
            var (a, b) = (x[i], y[i]);
            x[i] = (c * a) - (s * b);
            y[i] = (s * a) + (c * b);
        }
    }

    /// <summary>
    /// Cosine and sine of the smaller angle whose rotation makes the symmetric 2×2 matrix (alpha, gamma; gamma, beta) diagonal
    /// (Golub and Van Loan, "Matrix Computations", section 8.5.2).
    /// </summary>
    public static (double C, double S) JacobiAngle(double alpha, double beta, double gamma)
    {
        var zeta = (beta - alpha) / (2 * gamma);
        var t = 1 / (Math.Abs(zeta) + double.Hypot(1, zeta));
        t = zeta < 0 ? -t : t;
        var c = 1 / Math.Sqrt(1 + (t * t));
        return (c, c * t);
    }

    /// <summary>Whether the element of the largest magnitude (the first of them) is negative.</summary>
    public static bool PointsBack(ReadOnlySpan<double> x)
    {
        var best = 0;
        for (var i = 1; i < x.Length; i++)
        {
            // Equal magnitudes that rounding has parted must not decide a sign.
            if (Math.Abs(x[i]) > Math.Abs(x[best]) * (1 + 1e-10))
                best = i;
        }

        return x.Length > 0 && x[best] < 0;
    }

    /// <summary>The places of the numbers in ascending order; equal ones keep their order.</summary>
    public static int[] Order(double[] keys) => [.. Enumerable.Range(0, keys.Length).OrderBy(i => keys[i])];
}
