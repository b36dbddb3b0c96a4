using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

internal static partial class Polynomials
{
    /// <summary>x to the power y, with the special cases of IEEE 754. At most 2 ulp.</summary>
    /// <remarks>e^(y·ln |x|), where the logarithm and the product are sums of two numbers: an error in them counts several hundredfold.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Pow<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V>
    {
        var infinity = a.Constant(double.PositiveInfinity);
        var size = a.Abs(x);
        LogInTwoParts(a, size, out var log, out var logRest);
        log = a.Select(a.Equal(size, a.Constant(0)), a.Constant(double.NegativeInfinity), log);
        log = a.Select(a.Less(size, infinity), log, size);
        var product = a.Mul(y, log);
        var productRest = a.FusedMultiplyAdd(y, logRest, a.FusedMultiplyAdd(y, log, a.Neg(product)));
        return PowEnds(a, x, y, ExpOfSum(a, product, productRest));
    }

    /// <summary>The result's sign, and the cases in which the logarithm does not know it: y = 0, x = 1, x &lt; 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V PowEnds<A, V>(A a, V x, V y, V power)
        where A : struct, IArithmetic<V>
    {
        var zero = a.Constant(0);
        var one = a.Constant(1);
        var infinity = a.Constant(double.PositiveInfinity);
        var isInteger = a.Equal(a.Floor(y), y);
        var half = a.Mul(y, a.Constant(0.5));
        var isOdd = a.And(isInteger, a.Not(a.Equal(a.Floor(half), half)));
        power = a.Xor(power, a.And(isOdd, a.And(x, a.Bits(a.IsWide ? long.MinValue : int.MinValue))));
        var isNegative = a.And(a.Less(x, zero), a.Less(a.Neg(infinity), x));
        power = a.Select(a.And(isNegative, a.Not(isInteger)), a.Constant(double.NaN), power);
        var isOne = a.And(a.Equal(a.Abs(x), one), a.Equal(a.Abs(y), infinity));
        isOne = a.Or(isOne, a.Or(a.Equal(y, zero), a.Equal(x, one)));
        return a.Select(isOne, one, power);
    }

    /// <summary>e^(x + rest), where the rest is below the last place of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpOfSum<A, V>(A a, V x, V rest)
        where A : struct, IArithmetic<V>
    {
        // An infinite product has no meaningful rest.
        rest = a.And(rest, a.Less(a.Abs(x), a.Constant(a.IsWide ? 800.0 : 120.0)));
        x = Clamp(a, x, a.IsWide ? -746.0 : -104.0, a.IsWide ? 710.0 : 89.0);
        Reduce(a, x, 2 * Bias<A, V>(a), out var power, out var r);
        return ScaleInTwoSteps(a, ExpMinusOne(a, a.Add(r, rest)), power);
    }

    /// <summary>ln x as the sum of two numbers, good to some ten bits more than one; x positive.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LogInTwoParts<A, V>(A a, V x, out V log, out V rest)
        where A : struct, IArithmetic<V>
    {
        SplitAny(a, x, out var exponent, out var mantissa);

        // s = f / (2 + f) in two parts
        var f = a.Sub(mantissa, a.Constant(1));
        var divisor = a.Add(a.Constant(2), f);
        var divisorRest = a.Sub(f, a.Sub(divisor, a.Constant(2)));
        var reciprocal = a.Div(a.Constant(1), divisor);
        var s = a.Mul(f, reciprocal);
        var minus = a.Neg(s);
        var sRest = a.Mul(a.FusedMultiplyAdd(minus, divisorRest, a.FusedMultiplyAdd(minus, divisor, f)), reciprocal);
        ArtanhRest(a, s, sRest, out var third, out var thirdRest);

        // The parts by falling size: exponent·ln 2 (exact), 2s, third.
        var whole = a.Mul(exponent, a.Constant(a.IsWide ? 0.693147180369123816490 : 0.693145751953125));
        var twice = a.Add(s, s);
        var first = a.Add(whole, twice);
        var added = a.Sub(first, whole);
        var lost = a.Add(a.Sub(whole, a.Sub(first, added)), a.Sub(twice, added));
        var second = a.Add(first, third);
        lost = a.Add(lost, a.Sub(third, a.Sub(second, first)));
        lost = a.Add(lost, a.Add(thirdRest, a.Add(sRest, sRest)));
        lost = a.FusedMultiplyAdd(exponent, a.Constant(a.IsWide ? 1.9082149292705877e-10 : 1.428606765330187e-06), lost);
        log = a.Add(second, lost);
        rest = a.Sub(lost, a.Sub(log, second));
    }

    /// <summary>2·artanh s − 2s = s³·(2/3 + s²·q(s²)) in two parts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ArtanhRest<A, V>(A a, V s, V sRest, out V value, out V rest)
        where A : struct, IArithmetic<V>
    {
        var z = a.Mul(s, s);
        var zRest = a.FusedMultiplyAdd(a.Add(s, s), sRest, a.FusedMultiplyAdd(s, s, a.Neg(z)));
        var z2 = a.Mul(z, z);
        V q;
        if (a.IsWide)
        {
            // 2^−65
            q = a.FusedMultiplyAdd(a.Constant(0.13069687320063236), z2, Line(a, z, 0.15386122329343077, 0.13271019024484004));
            q = a.FusedMultiplyAdd(q, a.Mul(z2, z2), Cubic(a, z, z2, 0.40000000000000174, 0.28571428571082763, 0.22222222349735427, 0.18181798712433628));
        }
        else
        {
            // 2^−36
            q = a.FusedMultiplyAdd(a.Constant(0.23314742743968964), z2, Line(a, z, 0.4000009596347809, 0.28552085161209106));
        }

        var twoThirds = a.Constant(a.IsWide ? 0.6666666666666666 : 0.6666666865348816);
        var w = a.Mul(z, twoThirds);
        var wRest = a.FusedMultiplyAdd(z, twoThirds, a.Neg(w));
        wRest = a.FusedMultiplyAdd(z, a.Constant(a.IsWide ? 3.700743415417188e-17 : -1.9868215517249155e-08), wRest);
        wRest = a.FusedMultiplyAdd(zRest, twoThirds, wRest);
        wRest = a.FusedMultiplyAdd(z2, q, wRest);
        value = a.Mul(s, w);
        rest = a.FusedMultiplyAdd(s, w, a.Neg(value));
        rest = a.FusedMultiplyAdd(sRest, w, a.FusedMultiplyAdd(s, wRest, rest));
    }
}
