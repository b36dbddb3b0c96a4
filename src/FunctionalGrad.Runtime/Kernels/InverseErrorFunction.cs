namespace FunctionalGrad.Kernels;

/// <summary>The inverse of the error function, in double precision.</summary>
internal static class InverseErrorFunction
{
    private const double TwoOverRootPi = 1.1283791670955126;

    /// <summary>The y with erf y = x; ±∞ at ±1, NaN beyond. A few ulp.</summary>
    /// <remarks>
    /// A first value by M. Giles, "Approximating the erfinv function" (GPU Computing Gems, 2011), then Halley's method on erf
    /// about 0, and Newton's on ln erfc towards the ends, where 1 − |x| has no rounding.
    /// </remarks>
    public static double Of(double x)
    {
        var size = Math.Abs(x);
        if (!(size < 1))
            return size == 1 ? x * double.PositiveInfinity : double.NaN;
        if (size < 1e-9)
            return x / TwoOverRootPi;
        var y = Approximate(size);

        // The approximation was made for single precision: beyond that its end is only near.
        var rounds = size < 0.999999 ? 2 : 4;
        for (var round = 0; round < rounds; round++)
        {
            var slope = TwoOverRootPi * Math.Exp(-y * y);
            if (size < 0.5)
            {
                var step = (Erf(y) - size) / slope;
                y -= step / (1 + (y * step));
            }
            else
            {
                // The logarithm of erfc is nearly a parabola, so that this converges from afar.
                var rest = Erfc(y);
                y += Math.Log(rest / (1 - size)) * rest / slope;
            }
        }

        return Math.CopySign(y, x);
    }

    private static double Approximate(double x)
    {
        var w = -Math.Log((1 - x) * (1 + x));
        ReadOnlySpan<double> middle =
        [
            2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
        ];
        ReadOnlySpan<double> tail =
        [
            -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
        ];
        var z = w < 5 ? w - 2.5 : Math.Sqrt(w) - 3;
        var sum = 0.0;
        foreach (var coefficient in w < 5 ? middle : tail)
            sum = (sum * z) + coefficient;
        return sum * x;
    }

    /// <summary>Maclaurin's series, for arguments below ½.</summary>
    private static double Erf(double y)
    {
        var (square, term, sum) = (y * y, y, 0.0);
        for (var n = 1; n < 16; n++)
        {
            term *= -square / n;
            sum += term / ((2 * n) + 1);
        }

        return TwoOverRootPi * (y + sum);
    }

    private static double Erfc(double y) => Polynomials.Erfc(default(Lanes1<double>), y);
}
