using FunctionalGrad.Loops;

namespace FunctionalGrad.Tests;

/// <summary>Powers: the special cases of IEEE 754, the error, and the same bits at every width.</summary>
public sealed class KernelPowerTests
{
    [Fact]
    public void Meets_its_references()
    {
        (double X, double Y, double Power)[] references =
        [
            (2.0, 0.5, 1.4142135623730951),
            (2.0, -0.5, 0.7071067811865476),
            (1.0000001, 1000000000.0, 2.6881038582144647e43),
            (0.9999999, -6000000000.0, 3.773132301637932e260),
            (1.5, 1700.25, 2.5070512348557902e299),
            (0.3, -588.5, 5.177756201225085e307),
            (10.0, 308.2, 1.584893192461072e308),
            (10.0, -323.1, 1e-323),
            (5e-324, 0.5, 2.2227587494850775e-162),
            (5e-324, -0.9, 9.45352569147208e290),
            (1.7e308, 0.99, 1.4065152073912217e305),
            (1.7e308, -1.04, 2.757e-321),
            (3.7, 3.0, 50.653000000000006),
            (0.7071067811865476, 2.0, 0.5000000000000001),
            (0.7071067811865475, -2045.5, 7.55836856416104e307),
            (1.4142135623730951, 2047.0, 1.2711610061538242e308),
            (12345.678, -3.3, 3.1477532414095794e-14),
            (1.0000000000000002, 1e17, 4398196873.9457445),
            (0.9999999999999999, 6e18, 5.0322248034881087e-290),
            (1e-05, 64.25, 5.63e-322),
            (2.5, 0.1, 1.0959582263852172),
            (7.0, -1.0, 0.14285714285714285),
            (3.0, 40.0, 1.2157665459056929e19),
            (4.9146548509083485e-24, -0.0970778617894977, 183.1217874355506),
        ];
        var z = KernelCalls.Binary<double, double>(Opcode.Pow, DType.Float64, references.Select(r => r.X).ToArray(), references.Select(r => r.Y).ToArray(), 256);
        for (var i = 0; i < z.Length; i++)
        {
            var expected = references[i].Power;
            var error = Math.Abs(z[i] - expected) / (Math.BitIncrement(expected) - expected);
            Assert.True(error <= 2, $"{references[i]}: {z[i]:R}, {error} ulp");
        }
    }

    [Fact]
    public void Special_cases_are_those_of_the_standard()
    {
        double[] special =
        [
            0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 2.5, -2.5, 1e300, -1e300, 1e-300, -1e-300, 9007199254740993, -9007199254740991,
            double.Epsilon, -double.Epsilon, double.PositiveInfinity, double.NegativeInfinity, double.NaN, 0.9999999999999999, 1.0000000000000002,
        ];
        var x = special.SelectMany(_ => special).ToArray();
        var y = special.SelectMany(v => Enumerable.Repeat(v, special.Length)).ToArray();
        foreach (var width in KernelCalls.Widths)
        {
            var z = KernelCalls.Binary<double, double>(Opcode.Pow, DType.Float64, x, y, width);
            for (var i = 0; i < z.Length; i++)
                Check(Math.Pow(x[i], y[i]), z[i], 2e-16 * 2, $"{x[i]:R} ^ {y[i]:R}");
            var single = KernelCalls.Binary<float, float>(Opcode.Pow, DType.Float32, Narrow(x), Narrow(y), width);
            for (var i = 0; i < single.Length; i++)
                Check((float)Math.Pow((float)x[i], (float)y[i]), single[i], 2.4e-7, $"single {x[i]:R} ^ {y[i]:R}");
        }
    }

    [Fact]
    public void Single_precision_is_within_two_units()
    {
        var random = new Random(3);
        var x = Enumerable.Range(0, 30_000).Select(i => (float)Math.Exp((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-5, 3)))).ToArray();
        var y = x.Select(v => (float)((random.NextDouble() - 0.5) * 170 / Math.Max(Math.Abs(Math.Log(v)), 1e-7))).ToArray();
        var z = KernelCalls.Binary<float, float>(Opcode.Pow, DType.Float32, x, y, 256);
        for (var i = 0; i < z.Length; i++)
        {
            var exact = Math.Pow(x[i], y[i]);
            var error = Math.Abs(z[i] - exact) / Math.ScaleB(1, Math.Max(Math.ILogB(exact), -126) - 23);
            Assert.True(error <= 2, $"{x[i]:R} ^ {y[i]:R}: {z[i]:R}, not {exact:R}: {error} ulp");
        }
    }

    [Fact]
    public void Every_width_and_length_gives_the_same_bits()
    {
        foreach (var length in KernelCalls.Lengths)
        {
            var x = Samples.Doubles(length, 3);
            var y = Samples.Doubles(length, 4);
            var wide = KernelCalls.Binary<double, double>(Opcode.Pow, DType.Float64, x, y, 128);
            var narrow = KernelCalls.Binary<float, float>(Opcode.Pow, DType.Float32, Narrow(x), Narrow(y), 128);
            foreach (var width in KernelCalls.Widths)
            {
                Assert.Equal(wide, KernelCalls.Binary<double, double>(Opcode.Pow, DType.Float64, x, y, width));
                Assert.Equal(narrow, KernelCalls.BinaryInPlace(Opcode.Pow, DType.Float32, Narrow(x), Narrow(y), width, false));
            }
        }
    }

    private static float[] Narrow(double[] x) => x.Select(v => (float)v).ToArray();

    private static void Check(double expected, double actual, double tolerance, string what)
    {
        var same = double.IsNaN(expected) ? double.IsNaN(actual)
            : expected == 0 || double.IsInfinity(expected) || Math.Abs(expected) < 1e-300 ? BitConverter.DoubleToInt64Bits(expected) == BitConverter.DoubleToInt64Bits(actual)
            : Math.Abs(actual - expected) <= tolerance * Math.Abs(expected);
        Assert.True(same, $"{what}: {actual:R}, not {expected:R}");
    }
}
