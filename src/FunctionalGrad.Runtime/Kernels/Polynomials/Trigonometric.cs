using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

internal static partial class Polynomials
{
    /// <summary>sin x for |x| up to <see cref="TrigonometricLimit"/>. At most 2 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sin<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        Quadrant(a, x, out var quadrant, out var r);
        var z = a.Mul(r, r);
        var y = a.Select(IsOdd(a, quadrant), CosReduced(a, z), SinReduced(a, r, z));

        // The polynomial loses the sign of −0.
        return a.Select(a.Equal(x, a.Constant(0)), x, a.Xor(y, SecondBitAsSign(a, quadrant)));
    }

    /// <summary>cos x for |x| up to <see cref="TrigonometricLimit"/>. At most 2 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Cos<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        Quadrant(a, x, out var quadrant, out var r);
        quadrant = a.AddBits(quadrant, a.Bits(1));
        var z = a.Mul(r, r);
        var y = a.Select(IsOdd(a, quadrant), CosReduced(a, z), SinReduced(a, r, z));
        return a.Xor(y, SecondBitAsSign(a, quadrant));
    }

    /// <summary>tan x for |x| up to <see cref="TrigonometricLimit"/>. At most 3.5 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tan<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        Quadrant(a, x, out var quadrant, out var r);
        var odd = IsOdd(a, quadrant);
        var z = a.Mul(r, r);
        var sine = SinReduced(a, r, z);
        var cosine = CosReduced(a, z);

        // tan (r + π/2) = −cos r / sin r
        var y = a.Div(a.Select(odd, a.Neg(cosine), sine), a.Select(odd, sine, cosine));
        return a.Select(a.Equal(x, a.Constant(0)), x, y);
    }

    /// <summary>Where |x| is too large for <see cref="Sin"/>, <see cref="Cos"/> and <see cref="Tan"/>: more digits of π are needed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V BeyondTrigonometric<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Less(TrigonometricLimit<A, V>(a), a.Abs(x));

    /// <summary>10⁶, or 10⁵ in single precision: up to there three parts of π/2 are enough.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V TrigonometricLimit<A, V>(A a)
        where A : struct, IArithmetic<V> => a.Constant(a.IsWide ? 1e6 : 1e5);

    /// <summary>x = n·π/2 + r with |r| ≤ π/4; the lowest bits of the quadrant are those of n.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quadrant<A, V>(A a, V x, out V quadrant, out V r)
        where A : struct, IArithmetic<V>
    {
        quadrant = a.FusedMultiplyAdd(x, a.Constant(0.6366197723675814), Magic<A, V>(a));
        var minus = a.Sub(Magic<A, V>(a), quadrant);

        // Each part of π/2 is what the parts before it leave out; the first difference is exact.
        r = a.FusedMultiplyAdd(minus, a.Constant(a.IsWide ? 1.5707963267948966 : 1.5707963705062866), x);
        r = a.FusedMultiplyAdd(minus, a.Constant(a.IsWide ? 6.123233995736766e-17 : -4.371138828673793e-08), r);
        r = a.FusedMultiplyAdd(minus, a.Constant(a.IsWide ? -1.4973849048591698e-33 : -1.7151245100058819e-15), r);
    }

    /// <summary>sin r for |r| ≤ π/4, z = r²: r + r³·p(z).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SinReduced<A, V>(A a, V r, V z)
        where A : struct, IArithmetic<V>
    {
        var z2 = a.Mul(z, z);
        V p;
        if (a.IsWide)
        {
            // 2^−57.9
            p = Line(a, z, -2.5050770455022847e-08, 1.589742018730097e-10);
            p = a.FusedMultiplyAdd(p, a.Mul(z2, z2), Cubic(a, z, z2, -0.16666666666666635, 0.008333333333322914, -0.00019841269830126628, 2.755731378396411e-06));
        }
        else
        {
            // 2^−28
            p = a.FusedMultiplyAdd(a.Constant(-0.00019518124463502318), z2, Line(a, z, -0.16666655242443085, 0.008332186378538609));
        }

        return a.FusedMultiplyAdd(a.Mul(r, z), p, r);
    }

    /// <summary>cos r for |r| ≤ π/4, z = r²: 1 − z/2 + z²·p(z).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V CosReduced<A, V>(A a, V z)
        where A : struct, IArithmetic<V>
    {
        var z2 = a.Mul(z, z);
        V p;
        if (a.IsWide)
        {
            // 2^−63.5
            p = Line(a, z, 2.0875856824937796e-09, -1.1366084765140882e-11);
            p = a.FusedMultiplyAdd(p, a.Mul(z2, z2), Cubic(a, z, z2, 0.041666666666666644, -0.0013888888888881322, 2.4801587293522227e-05, -2.7557315417134807e-07));
        }
        else
        {
            // 2^−33.1
            p = a.FusedMultiplyAdd(a.Constant(2.4442486392217688e-05), z2, Line(a, z, 0.04166664928197861, -0.001388740842230618));
        }

        return a.FusedMultiplyAdd(z2, p, a.FusedMultiplyAdd(z, a.Constant(-0.5), a.Constant(1)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V IsOdd<A, V>(A a, V quadrant)
        where A : struct, IArithmetic<V> => a.SubBits(a.Bits(0), a.And(quadrant, a.Bits(1)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SecondBitAsSign<A, V>(A a, V quadrant)
        where A : struct, IArithmetic<V> =>
        a.IsWide ? a.ShiftLeft(a.And(quadrant, a.Bits(2)), 62) : a.ShiftLeft(a.And(quadrant, a.Bits(2)), 30);
}
