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

    private const double TwoToMinus64 = 5.421010862427522e-20;

    /// <summary>e^x. At most 1 ulp; subnormal results included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        // Beyond these ends the result is 0 or infinite already; NaN passes.
        x = Clamp(a, x, a.IsWide ? -746.0 : -104.0, a.IsWide ? 710.0 : 89.0);
        Reduce(a, x, 2 * Bias<A, V>(a), out var power, out var r);
        return ScaleInTwoSteps(a, ExpMinusOne(a, r), power);
    }

    /// <summary>(1 + y) · 2^n, given n and twice the bias of exponents in the lowest bits: 2^n alone may be out of range where the result is not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ScaleInTwoSteps<A, V>(A a, V y, V power)
        where A : struct, IArithmetic<V>
    {
        // The biased exponents of the two factors add up to n + 2·bias; what stands above them is shifted out.
        var half = a.ShiftRight(power, 1);
        var scale = AsExponent(a, half);
        return a.Mul(a.FusedMultiplyAdd(y, scale, scale), AsExponent(a, a.SubBits(power, half)));
    }

    /// <summary>e^x where neither x nor the result is near the ends of the range: −700 … 700, or −80 … 80 in single precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpMiddle<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        Reduce(a, x, Bias<A, V>(a), out var power, out var r);
        var scale = AsExponent(a, power);
        return a.FusedMultiplyAdd(ExpMinusOne(a, r), scale, scale);
    }

    /// <summary>e^−|x|. At most 1 ulp; subnormal results included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpOfMinusAbs<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        ReduceMinusAbs(a, x, out var scale, out var r);
        return ScaleDown(a, ExpMinusOne(a, r), scale);
    }

    /// <summary>(1 + y) · scale · 2^−64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ScaleDown<A, V>(A a, V y, V scale)
        where A : struct, IArithmetic<V> => a.Mul(a.FusedMultiplyAdd(y, scale, scale), a.Constant(TwoToMinus64));

    /// <summary>−|x| = n·ln 2 + r, and a scale of 2^(n + 64), which is a normal number for every n that counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ReduceMinusAbs<A, V>(A a, V x, out V scale, out V r)
        where A : struct, IArithmetic<V>
    {
        x = a.AtLeast(a.Constant(a.IsWide ? -746.0 : -104.0), a.MinusAbs(x));
        Reduce(a, x, Bias<A, V>(a) + 64, out var power, out r);
        scale = AsExponent(a, power);
    }

    /// <summary>e^x − 1, accurate near 0. At most 2 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Expm1<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        var inside = Clamp(a, x, a.IsWide ? -40.0 : -20.0, a.IsWide ? 710.0 : 89.0);

        // Half of 2^n, because 2^n itself may be just out of range.
        Reduce(a, inside, Bias<A, V>(a) - 1, out var power, out var r);
        var half = AsExponent(a, power);
        var y = a.FusedMultiplyAdd(r, half, a.Sub(half, a.Constant(0.5)));
        var r2 = a.Mul(r, r);
        y = a.FusedMultiplyAdd(a.Mul(ExpQuotient(a, r, r2), r2), half, y);
        return a.Select(a.Less(a.Abs(x), a.Constant(1e-20)), x, a.Add(y, y));
    }

    /// <summary>The hyperbolic tangent. At most 2.5 ulp.</summary>
    /// <remarks>(1 − e) / (1 + e) for e = e^−|2x|. Beside sigmoid (2x), which is part of its slope, only the numerator is new.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        var twice = a.Add(x, x);
        ReduceMinusAbs(a, twice, out var scale, out var r);
        var minus = a.Mul(scale, a.Constant(-TwoToMinus64));
        var expm1 = ExpMinusOne(a, r);
        var y = a.FusedMultiplyAdd(expm1, minus, a.Add(a.Constant(1), minus));
        var small = ScaleDown(a, expm1, scale);
        return WithSignOf(a, ByOnePlus(a, y, small, OneByOnePlus(a, small)), x);
    }

    /// <summary>1 / (1 + e^−x). At most 2.5 ulp; subnormal results included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        // e^−|x| cannot overflow, and is the same for −x.
        var small = ExpOfMinusAbs(a, x);
        var large = OneByOnePlus(a, small);
        return a.Select(a.Less(x, a.Constant(0)), ByOnePlus(a, small, small, large), large);
    }

    /// <summary>1 / (1 + x)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V OneByOnePlus<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Div(a.Constant(-1), a.Sub(a.Constant(-1), x));

    /// <summary>y / (1 + x), given 1 / (1 + x): a product, and what it misses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ByOnePlus<A, V>(A a, V y, V x, V inverse)
        where A : struct, IArithmetic<V>
    {
        var quotient = a.Mul(y, inverse);
        return a.FusedMultiplyAdd(a.FusedMultiplyAdd(quotient, a.Sub(a.Constant(-1), x), y), inverse, quotient);
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
        V q;
        if (a.IsWide)
        {
            var r4 = a.Mul(r2, r2);

            // 2^−57.9
            q = Line(a, r, 2.7630311539963134e-07, 2.4999999522889246e-08);
            q = a.FusedMultiplyAdd(q, r4, Cubic(a, r, r2, 0.0013888888943766628, 0.00019841269505035708, 2.480149293797154e-05, 2.755758712562778e-06));
            q = a.FusedMultiplyAdd(q, r4, Cubic(a, r, r2, 0.5000000000000011, 0.1666666666666641, 0.04166666666652973, 0.008333333333495547));
        }
        else
        {
            // 2^−28.3
            q = a.FusedMultiplyAdd(a.Constant(0.0013814554549753666), r2, Line(a, r, 0.04166838899254799, 0.00836874544620514));
            q = a.FusedMultiplyAdd(q, r2, Line(a, r, 0.4999999403953552, 0.1666652113199234));
        }

        return q;
    }

    /// <summary>x = n·ln 2 + r, with ln 2 in two parts. The lowest bits of the power are those of the integer n + bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reduce<A, V>(A a, V x, int bias, out V power, out V r)
        where A : struct, IArithmetic<V>
    {
        var magic = Magic<A, V>(a, bias);
        power = a.FusedMultiplyAdd(x, a.Constant(Log2OfE), magic);
        var minus = a.Sub(magic, power);
        r = a.FusedMultiplyAdd(minus, LogOfTwo<A, V>(a), x);
        r = a.FusedMultiplyAdd(minus, LogOfTwoRest<A, V>(a), r);
    }
}
