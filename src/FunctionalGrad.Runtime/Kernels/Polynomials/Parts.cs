using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

internal static partial class Polynomials
{
    /// <summary>1.5 · 2^52 or 1.5 · 2^23: added to a number, it rounds that number to an integer in the lowest bits, there increased by a bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Magic<A, V>(A a, int bias = 0)
        where A : struct, IArithmetic<V> => a.Constant((a.IsWide ? 6755399441055744.0 : 12582912.0) + bias);

    /// <summary>2^n, given n plus <see cref="Magic"/>; n within the range of normal numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V PowerOfTwo<A, V>(A a, V shifted)
        where A : struct, IArithmetic<V> =>
        AsExponent(a, a.AddBits(shifted, a.Bits(a.IsWide ? 1023 : 127)));

    /// <summary>What the exponent of a number is stored with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Bias<A, V>(A a)
        where A : struct, IArithmetic<V> => a.IsWide ? 1023 : 127;

    /// <summary>The integer in the lowest bits, moved to where a floating-point number has its exponent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V AsExponent<A, V>(A a, V bits)
        where A : struct, IArithmetic<V> => a.IsWide ? a.ShiftLeft(bits, 52) : a.ShiftLeft(bits, 23);

    /// <summary>ln 2, rounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogOfTwo<A, V>(A a)
        where A : struct, IArithmetic<V> => a.Constant(a.IsWide ? 0.6931471805599453 : 0.6931471824645996);

    /// <summary>What <see cref="LogOfTwo"/> leaves out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogOfTwoRest<A, V>(A a)
        where A : struct, IArithmetic<V> => a.Constant(a.IsWide ? 2.3190468138462996e-17 : -1.9046542121259336e-09);

    /// <summary>c0 + c1·x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Line<A, V>(A a, V x, double c0, double c1)
        where A : struct, IArithmetic<V> => a.FusedMultiplyAdd(x, a.Constant(c1), a.Constant(c0));

    /// <summary>c0 + c1·x + c2·x² + c3·x³, in two chains that overlap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Cubic<A, V>(A a, V x, V x2, double c0, double c1, double c2, double c3)
        where A : struct, IArithmetic<V> => a.FusedMultiplyAdd(Line(a, x, c2, c3), x2, Line(a, x, c0, c1));

    /// <summary>x moved into an interval; NaN stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Clamp<A, V>(A a, V x, double least, double greatest)
        where A : struct, IArithmetic<V> => a.AtMost(a.Constant(greatest), a.AtLeast(a.Constant(least), x));

    /// <summary>y ≥ 0 with the sign of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V WithSignOf<A, V>(A a, V y, V x)
        where A : struct, IArithmetic<V> => a.Or(y, a.And(x, a.Bits(a.IsWide ? long.MinValue : int.MinValue)));
}
