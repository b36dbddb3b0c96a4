using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

internal static partial class Polynomials
{
    /// <summary>
    /// Coefficients of (1 + 2x)·e^x²·erfc x as a Chebyshev series in (x − 3.75)/(x + 3.75), the first one halved: the form of M. Shepherd and
    /// J. Laframboise, "Chebyshev approximation of (1 + 2x)exp(x²)erfc x in 0 ≤ x &lt; ∞" (1981), computed anew at 40 digits.
    /// </summary>
    private static ReadOnlySpan<double> ErfcSeries =>
    [
        1.17757893456740175, -0.0045900545806464773309, -0.084249133366517915584, 0.059209939998191890498, -0.026658668435305752277,
        0.0090749976707052650939, -0.0024131635404176081909, 0.00049077583652580863229, -6.9169733025012063671e-5, 4.1390279860730101675e-6,
        7.7403830661984906686e-7, -2.1886401049234395661e-7, 1.0764999465670910377e-8, 4.5219598112182868979e-9, -7.7544002088313511065e-10,
        -6.3180883408866844944e-11, 2.8687950109306698981e-11, 1.945586854577734723e-13, -9.6546967484334389059e-13, 3.2525481481487398415e-14,
        3.3478119482868053878e-14, -1.8645628804193131015e-15, -1.2507950530688647085e-15, 7.418235256624043463e-17, 5.0681489047961113168e-17,
    ];

    /// <summary>1 − erf x without its cancellation, far into the tail. At most 5 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Erfc<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        var one = a.Constant(1);
        var shift = a.Constant(3.75);
        var limit = a.Constant(a.IsWide ? 28.0 : 11.0);
        var size = a.AtMost(limit, a.Abs(x));

        var t = a.Div(a.Sub(size, shift), a.Add(size, shift));
        var doubled = a.Add(t, t);
        V b1 = a.Constant(0), b2 = b1;
        for (var k = a.IsWide ? ErfcSeries.Length - 1 : 13; k > 0; k--)
            (b1, b2) = (a.FusedMultiplyAdd(doubled, b1, a.Sub(a.Constant(ErfcSeries[k]), b2)), b1);
        var series = a.FusedMultiplyAdd(t, b1, a.Sub(a.Constant(ErfcSeries[0]), b2));

        // e^−x² with the rounding of x² made good.
        var square = a.Mul(size, size);
        var rest = a.FusedMultiplyAdd(size, size, a.Neg(square));
        var rounded = Exp(a, a.Neg(square));
        var power = a.FusedMultiplyAdd(a.Neg(rest), rounded, rounded);
        var tail = a.Mul(power, a.Div(series, a.FusedMultiplyAdd(a.Constant(2), size, one)));
        return a.Select(a.Less(x, a.Constant(0)), a.Sub(a.Constant(2), tail), tail);
    }
}
