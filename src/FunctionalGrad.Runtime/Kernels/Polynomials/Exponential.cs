using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

/// <summary>
/// Elementary functions as straight-line arithmetic, without tables or branches. Every one has its error stated, in units in the last place,
/// and every multiplication that feeds an addition is fused explicitly, so that each lane of each width gives the same bits everywhere.
/// The coefficients are minimax approximations made for this library with the Remez algorithm at 200 bits.
/// </summary>
internal static partial class Polynomials
{
    private const double Log2OfE = 1.4426950408889634;

    /// <summary>e^x. At most 1 ulp; subnormal results included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        var (minusOne, shifted) = ExpFactors(a, x);
        return ScaleInTwoSteps(a, a.Add(a.Constant(1), minusOne), shifted);
    }

    /// <summary>e^x = (1 + minusOne) · 2^n, and n plus <see cref="Magic"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V MinusOne, V Shifted) ExpFactors<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        // Beyond these ends the result is 0 or infinite already; NaN passes.
        x = Clamp(a, x, a.IsWide ? -746.0 : -104.0, a.IsWide ? 710.0 : 89.0);
        var shifted = Shifted<A, V>(a, x);
        return (ExpMinusOne(a, ExpRemainder(a, x, shifted)), shifted);
    }

    /// <summary>y · 2^n, given n plus <see cref="Magic"/>: 2^n alone may be out of range where the result is not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ScaleInTwoSteps<A, V>(A a, V y, V shifted)
        where A : struct, IArithmetic<V>
    {
        var (half, rest) = PowersOfTwo(a, shifted);
        return a.Mul(a.Mul(y, half), rest);
    }

    /// <summary>Two powers of two whose product is 2^n, given n plus <see cref="Magic"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V First, V Second) PowersOfTwo<A, V>(A a, V shifted)
        where A : struct, IArithmetic<V>
    {
        // Their biased exponents add up to n + 2·bias.
        var sum = a.SubBits(shifted, a.Bits(a.IsWide ? 0x4338000000000000 - 2046 : 0x4b400000 - 254));
        var half = a.ShiftRight(sum, 1);
        return (AsExponent(a, half), AsExponent(a, a.SubBits(sum, half)));
    }

    /// <summary>e^x where neither x nor the result is near the ends of the range: −700 … 700, or −80 … 80 in single precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpMiddle<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        var shifted = Shifted<A, V>(a, x);
        var r = ExpRemainder(a, x, shifted);
        var scale = PowerOfTwo(a, shifted);
        return a.FusedMultiplyAdd(ExpMinusOne(a, r), scale, scale);
    }

    /// <summary>e^x − 1, accurate near 0. At most 2 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Expm1<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        var inside = Clamp(a, x, a.IsWide ? -40.0 : -20.0, a.IsWide ? 710.0 : 89.0);
        var shifted = Shifted<A, V>(a, inside);
        var r = ExpRemainder(a, inside, shifted);

        // Half of 2^n, because 2^n itself may be just out of range.
        var half = PowerOfTwo(a, a.Sub(shifted, a.Constant(1)));
        var y = a.FusedMultiplyAdd(r, half, a.Sub(half, a.Constant(0.5)));
        var r2 = a.Mul(r, r);
        y = a.FusedMultiplyAdd(a.Mul(ExpQuotient(a, r, r2), r2), half, y);
        return a.Select(a.Less(a.Abs(x), a.Constant(1e-20)), x, a.Add(y, y));
    }

    /// <summary>The hyperbolic tangent. At most 2.5 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        // e^(−2|x|) − 1, made of what the derivative makes e^(−2|x|) of.
        var (minusOne, shifted) = ExpFactors(a, a.Neg(a.Abs(a.Add(x, x))));
        var (half, rest) = PowersOfTwo(a, shifted);
        var expm1 = a.FusedMultiplyAdd(a.Mul(minusOne, half), rest, a.Sub(a.Mul(half, rest), a.Constant(1)));
        return WithSignOf(a, a.Div(a.Abs(expm1), a.Add(a.Constant(2), expm1)), x);
    }

    /// <summary>1 / (1 + e^−x). At most 2.5 ulp; subnormal results included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        // e^−|x| cannot overflow; it and the quotient are those of −x too.
        var small = Exp(a, a.Neg(a.Abs(x)));
        var one = a.Constant(1);
        var large = a.Div(one, a.Add(one, small));
        return a.Select(a.Less(x, a.Constant(0)), a.Mul(small, large), large);
    }

    /// <summary>e^r − 1 for |r| ≤ ln 2 / 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpMinusOne<A, V>(A a, V r)
        where A : struct, IArithmetic<V>
    {
        var r2 = a.Mul(r, r);
        return a.FusedMultiplyAdd(r2, ExpQuotient(a, r, r2), r);
    }

    /// <summary>(e^r − 1 − r) / r² for |r| ≤ ln 2 / 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpQuotient<A, V>(A a, V r, V r2)
        where A : struct, IArithmetic<V>
    {
        var r4 = a.Mul(r2, r2);
        V q;
        if (a.IsWide)
        {
            // 2^−57.9
            q = Line(a, r, 2.7630311539963134e-07, 2.4999999522889246e-08);
            q = a.FusedMultiplyAdd(q, r4, Cubic(a, r, r2, 0.0013888888943766628, 0.00019841269505035708, 2.480149293797154e-05, 2.755758712562778e-06));
            q = a.FusedMultiplyAdd(q, r4, Cubic(a, r, r2, 0.5000000000000011, 0.1666666666666641, 0.04166666666652973, 0.008333333333495547));
        }
        else
        {
            // 2^−28.3
            q = Cubic(a, r, r2, 0.4999999403953552, 0.1666652113199234, 0.04166838899254799, 0.00836874544620514);
            q = a.FusedMultiplyAdd(a.Constant(0.0013814554549753666), r4, q);
        }

        return q;
    }

    /// <summary>x / ln 2 rounded to an integer, plus a number so large that the integer stands in the lowest bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Shifted<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.FusedMultiplyAdd(x, a.Constant(Log2OfE), Magic<A, V>(a));

    /// <summary>x − n·ln 2, with ln 2 in two parts, given n plus <see cref="Magic"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpRemainder<A, V>(A a, V x, V shifted)
        where A : struct, IArithmetic<V>
    {
        var minus = a.Sub(Magic<A, V>(a), shifted);
        var r = a.FusedMultiplyAdd(minus, LogOfTwo<A, V>(a), x);
        return a.FusedMultiplyAdd(minus, LogOfTwoRest<A, V>(a), r);
    }
}
