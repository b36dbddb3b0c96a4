using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

internal static partial class Polynomials
{
    /// <summary>The error function, 2/√π · ∫₀ˣ e^−t² dt. At most 2 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Erf<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        var one = a.Constant(1);
        var size = a.Abs(x);
        var limit = a.Constant(a.IsWide ? 6.0 : 4.0);
        size = a.AtMost(limit, size);

        // Up to 1 an odd polynomial; from there 1 − e^p(x − 1), where the error of the polynomial counts less and less.
        var isSmall = a.Less(size, one);
        var square = a.Mul(x, x);
        var small = a.FusedMultiplyAdd(x, ErfOverArgument(a, a.Select(isSmall, square, one)), x);
        var beyond = a.Select(isSmall, a.Constant(0), a.Sub(size, one));
        var large = a.Sub(one, ExpMiddle(a, LogOfErfc(a, beyond)));
        return a.Select(isSmall, small, WithSignOf(a, large, x));
    }

    /// <summary>erf x / x − 1 as a polynomial of z = x², up to 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ErfOverArgument<A, V>(A a, V z)
        where A : struct, IArithmetic<V>
    {
        var z2 = a.Mul(z, z);
        var z4 = a.Mul(z2, z2);
        V p;
        if (a.IsWide)
        {
            // 2^−56.9
            p = Cubic(a, z, z2, 1.6447131643859141e-06, -1.620631428485447e-07, 1.3710982554343236e-08, -7.779472296035115e-10);
            p = a.FusedMultiplyAdd(p, z4, Cubic(a, z, z2, 0.00522397760611877, -0.0008548325929327103, 0.0001205529357724718, -1.4924712308240948e-05));
            return a.FusedMultiplyAdd(p, z4, Cubic(a, z, z2, 0.12837916709551256, -0.3761263890318352, 0.11283791670944185, -0.02686617064311151));
        }

        // 2^−29.6
        p = a.FusedMultiplyAdd(a.Constant(7.85386364441365e-05), z2, Line(a, z, 0.005188327748328447, -0.0008010194287635386));
        return a.FusedMultiplyAdd(p, z4, Cubic(a, z, z2, 0.12837916612625122, -0.3761262595653534, 0.1128358542919159, -0.026853812858462334));
    }

    /// <summary>ln (1 − erf (1 + t)) for t from 0 to 5, or 3 in single precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogOfErfc<A, V>(A a, V t)
        where A : struct, IArithmetic<V>
    {
        var t2 = a.Mul(t, t);
        var t4 = a.Mul(t2, t2);
        V p;
        if (a.IsWide)
        {
            // 2^−59.5, as an error of erf
            p = a.FusedMultiplyAdd(a.Constant(1.0496685946294977e-12), t2, Line(a, t, 3.7097538100673334e-10, -2.9068182985294184e-11));
            p = a.FusedMultiplyAdd(p, t4, Cubic(a, t, t2, 9.806167193298651e-08, -5.226950644487477e-08, 1.498745144831249e-08, -2.8816554718652063e-09));
            p = a.FusedMultiplyAdd(p, t4, Cubic(a, t, t2, -2.7158472096529638e-05, 9.607952539060145e-06, -2.0587347910900226e-06, 1.4202960955691545e-07));
            p = a.FusedMultiplyAdd(p, t4, Cubic(a, t, t2, 0.010033825378473736, -0.0019779025941508432, 0.00023732259126081428, 2.627756047879985e-05));
            return a.FusedMultiplyAdd(p, t4, Cubic(a, t, t2, -1.8496055099332482, -2.6389675142347886, -0.8431072563586589, -0.04156109804218352));
        }

        // 2^−29.8, as an error of erf
        p = a.FusedMultiplyAdd(a.Constant(0.00018637592438608408), t2, Line(a, t, 0.009895446710288525, -0.0018293717876076698));
        return a.FusedMultiplyAdd(p, t4, Cubic(a, t, t2, -1.8496055603027344, -2.6389667987823486, -0.8431175947189331, -0.04150349274277687));
    }
}
