using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

internal static partial class Polynomials
{
    /// <summary>ln x; −∞ for 0, NaN for less. At most 1 ulp; subnormal x included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        SplitAny(a, x, out var exponent, out var mantissa);
        var y = LogReduced(a, a.Sub(mantissa, a.Constant(1)), exponent);
        return LogEnds(a, x, x, y);
    }

    /// <summary>ln (1 + x), accurate near 0; −∞ for −1, NaN for less. At most 1.5 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log1p<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        var sum = a.Add(a.Constant(1), x);
        var y = LogEnds(a, sum, x, LogOfSum(a, sum, SumError(a, sum, x)));
        return a.Select(a.Less(a.Abs(x), a.Constant(1e-20)), x, y);
    }

    /// <summary>ln (1 + e^x), without a threshold. At most 2 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Softplus<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        // = max(x, 0) + ln (1 + e^−|x|)
        var small = ExpOfMinusAbs(a, x);

        // 1 + small is between 1 and 2; above √2 its half is taken.
        var one = a.Constant(1);
        var above = a.Less(a.Constant(0.41421356), small);
        var f = a.Select(above, a.Mul(a.Sub(small, one), a.Constant(0.5)), small);
        return a.Add(a.And(x, a.Less(a.Constant(0), x)), LogReduced(a, f, a.And(above, one)));
    }

    /// <summary>What the rounded sum of 1 and x leaves out, exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SumError<A, V>(A a, V sum, V x)
        where A : struct, IArithmetic<V>
    {
        var added = a.Sub(sum, a.Constant(1));
        return a.Add(a.Sub(a.Constant(1), a.Sub(sum, added)), a.Sub(x, added));
    }

    /// <summary>ln (sum + lost), where the sum is a normal number and lost is below its last place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogOfSum<A, V>(A a, V sum, V lost)
        where A : struct, IArithmetic<V>
    {
        Split(a, sum, out var exponent, out var mantissa);

        // In a huge sum the lost part does not count, and scaling it down as far would leave the range.
        var scale = PowerOfTwo(a, a.Sub(Magic<A, V>(a), a.AtMost(a.Constant(60), exponent)));
        return LogReduced(a, a.FusedMultiplyAdd(lost, scale, a.Sub(mantissa, a.Constant(1))), exponent);
    }

    /// <summary>x = mantissa · 2^exponent, with a mantissa between √½ and √2; x positive.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SplitAny<A, V>(A a, V x, out V exponent, out V mantissa)
        where A : struct, IArithmetic<V>
    {
        var subnormal = a.Less(x, a.Constant(a.IsWide ? 2.2250738585072014e-308 : 1.17549435e-38));
        var normal = a.Select(subnormal, a.Mul(x, a.Constant(a.IsWide ? 18014398509481984.0 : 33554432.0)), x);
        Split(a, normal, out exponent, out mantissa);
        exponent = a.Sub(exponent, a.And(subnormal, a.Constant(a.IsWide ? 54 : 25)));
    }

    /// <summary>x = mantissa · 2^exponent, with a mantissa between √½ and √2; x positive and normal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split<A, V>(A a, V x, out V exponent, out V mantissa)
        where A : struct, IArithmetic<V>
    {
        var rootOfHalf = a.IsWide ? 0x3fe6a09e00000000 : 0x3f3504f3;
        var one = a.IsWide ? 0x3ff0000000000000 : 0x3f800000;
        var bits = a.AddBits(x, a.Bits(one - rootOfHalf));

        // The exponent's bits become a number as the lowest digits of 2^52 or 2^23.
        var carrier = a.Constant(a.IsWide ? 4503599627370496.0 : 8388608.0);
        var biased = a.Or(a.IsWide ? a.ShiftRight(bits, 52) : a.ShiftRight(bits, 23), carrier);
        exponent = a.Sub(biased, a.Constant(a.IsWide ? 4503599627370496.0 + 1023 : 8388608.0 + 127));
        mantissa = a.AddBits(a.And(bits, a.Bits(a.IsWide ? 0x000fffffffffffff : 0x007fffff)), a.Bits(rootOfHalf));
    }

    /// <summary>ln (1 + f) + exponent · ln 2, for 1 + f between √½ and √2.</summary>
    /// <remarks>As FreeBSD's msun does it: with s = f / (2 + f), ln (1 + f) = 2·artanh s = f − s·(f − r) for an r of s².</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogReduced<A, V>(A a, V f, V exponent)
        where A : struct, IArithmetic<V>
    {
        var s = a.Div(f, a.Add(a.Constant(2), f));
        var z = a.Mul(s, s);
        var z2 = a.Mul(z, z);
        V r;
        if (a.IsWide)
        {
            // 2^−58.4
            r = a.FusedMultiplyAdd(a.Constant(0.14787752412695918), z2, Line(a, z, 0.18183525581600682, 0.1531494682245227));
            r = a.FusedMultiplyAdd(r, a.Mul(z2, z2), Cubic(a, z, z2, 0.6666666666666725, 0.3999999999946479, 0.28571428733020077, 0.22222199410325982));
        }
        else
        {
            // 2^−29.2
            r = a.FusedMultiplyAdd(a.Constant(0.29866909980773926), z2, Line(a, z, 0.6666677594184875, 0.39977768063545227));
        }

        var halfSquare = a.Mul(a.Mul(a.Constant(0.5), f), f);
        var tail = a.FusedMultiplyAdd(s, a.FusedMultiplyAdd(z, r, halfSquare), a.Mul(exponent, LogOfTwoRest<A, V>(a)));
        return a.FusedMultiplyAdd(exponent, LogOfTwo<A, V>(a), a.Sub(f, a.Sub(halfSquare, tail)));
    }

    /// <summary>y, but at the ends of the range what a logarithm gives there: u is what the logarithm is of, x what NaN and ∞ are taken from.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogEnds<A, V>(A a, V u, V x, V y)
        where A : struct, IArithmetic<V>
    {
        var zero = a.Constant(0);
        y = a.Select(a.Less(u, a.Constant(double.PositiveInfinity)), y, x);
        y = a.Select(a.Less(u, zero), a.Constant(double.NaN), y);
        return a.Select(a.Equal(u, zero), a.Constant(double.NegativeInfinity), y);
    }
}
