using FunctionalGrad.Loops;

namespace FunctionalGrad.Tests;

/// <summary>Elementary functions: their error in units in the last place, their ends, and the same bits at every width.</summary>
public sealed class KernelTranscendentalTests
{
    private const int Samples32 = 20_000;

    /// <summary>The largest error promised, in units in the last place of the exact result.</summary>
    private static readonly Dictionary<Opcode, double> Promise = new()
    {
        [Opcode.Exp] = 1,
        [Opcode.Expm1] = 2,
        [Opcode.Log] = 1,
        [Opcode.Log1p] = 1.5,
        [Opcode.Sin] = 2,
        [Opcode.Cos] = 2,
        [Opcode.Tan] = 3.5,
        [Opcode.Tanh] = 2.5,
        [Opcode.Sigmoid] = 2.5,
        [Opcode.Softplus] = 2,
        [Opcode.Erf] = 2,
    };

    public static TheoryData<string> Codes => new(Promise.Keys.Select(code => code.ToString()));

    [Theory]
    [MemberData(nameof(Codes))]
    public void Double_precision_meets_its_references(string name)
    {
        var code = Enum.Parse<Opcode>(name);
        var references = KernelReferences.Doubles[code];
        var y = KernelCalls.Unary<double, double>(code, DType.Float64, references.Select(r => r.X).ToArray(), 256);
        for (var i = 0; i < y.Length; i++)
        {
            var error = Math.Abs(y[i] - references[i].Y) / UnitInLastPlace(references[i].Y);
            Assert.True(error <= Promise[code] + 0.5, $"{code} {references[i].X:R}: {y[i]:R}, not {references[i].Y:R}: {error} ulp");
        }
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void Single_precision_meets_double_precision(string name)
    {
        var code = Enum.Parse<Opcode>(name);
        var x = Arguments(code).Select(v => (float)v).ToArray();
        var y = KernelCalls.Unary<float, float>(code, DType.Float32, x, 256);
        var exact = KernelCalls.Unary<double, double>(code, DType.Float64, x.Select(v => (double)v).ToArray(), 256);
        for (var i = 0; i < y.Length; i++)
        {
            if (Math.Abs(exact[i]) > float.MaxValue)
                continue;
            var error = Math.Abs(y[i] - exact[i]) / UnitInLastPlaceSingle(exact[i]);
            Assert.True(error <= Promise[code], $"{code} {x[i]:R}: {y[i]:R}, not {exact[i]:R}: {error} ulp");
        }
    }

    [Theory]
    [InlineData("Exp")]
    [InlineData("Log")]
    [InlineData("Sin")]
    [InlineData("Cos")]
    [InlineData("Tan")]
    [InlineData("Tanh")]
    public void Double_precision_meets_the_standard_library(string name)
    {
        var code = Enum.Parse<Opcode>(name);
        Func<double, double> law = code switch
        {
            Opcode.Exp => Math.Exp,
            Opcode.Log => Math.Log,
            Opcode.Sin => Math.Sin,
            Opcode.Cos => Math.Cos,
            Opcode.Tan => Math.Tan,
            _ => Math.Tanh,
        };
        var x = Arguments(code);
        var y = KernelCalls.Unary<double, double>(code, DType.Float64, x, 256);
        for (var i = 0; i < y.Length; i++)
        {
            if (double.IsInfinity(y[i]) && y[i] == law(x[i]))
                continue;

            // Math itself may be off by one, tanh by two.
            var error = Math.Abs(y[i] - law(x[i])) / UnitInLastPlace(law(x[i]));
            Assert.True(error <= Promise[code] + 2, $"{code} {x[i]:R}: {y[i]:R}, not {law(x[i]):R}: {error} ulp");
        }
    }

    [Theory]
    [InlineData("Exp", 1, 1, double.PositiveInfinity, 0)]
    [InlineData("Expm1", 0, -0.0, double.PositiveInfinity, -1)]
    [InlineData("Log", double.NegativeInfinity, double.NegativeInfinity, double.PositiveInfinity, double.NaN)]
    [InlineData("Log1p", 0, -0.0, double.PositiveInfinity, double.NaN)]
    [InlineData("Sin", 0, -0.0, double.NaN, double.NaN)]
    [InlineData("Cos", 1, 1, double.NaN, double.NaN)]
    [InlineData("Tan", 0, -0.0, double.NaN, double.NaN)]
    [InlineData("Tanh", 0, -0.0, 1, -1)]
    [InlineData("Sigmoid", 0.5, 0.5, 1, 0)]
    [InlineData("Softplus", 0.6931471805599453, 0.6931471805599453, double.PositiveInfinity, 0)]
    [InlineData("Erf", 0, -0.0, 1, -1)]
    public void Ends_of_the_range(string name, double zero, double minusZero, double infinity, double minusInfinity)
    {
        var code = Enum.Parse<Opcode>(name);
        double[] x = [0.0, -0.0, double.PositiveInfinity, double.NegativeInfinity, double.NaN];
        double[] expected = [zero, minusZero, infinity, minusInfinity, double.NaN];
        foreach (var width in KernelCalls.Widths)
        {
            var y = KernelCalls.Unary<double, double>(code, DType.Float64, x, width);
            Assert.Equal(expected.Select(Bits), y.Select(Bits));
            var single = KernelCalls.Unary<float, float>(code, DType.Float32, x.Select(v => (float)v).ToArray(), width);
            Assert.Equal(expected.Select(v => Bits((float)v)), single.Select(v => Bits(v)));
        }
    }

    [Fact]
    public void Results_leave_the_range_where_they_should()
    {
        Assert.Equal([double.PositiveInfinity, 0, double.MaxValue], Call(Opcode.Exp, 709.8, -745.2, 709.782712893383).Select(v => v > 1.797e308 && v < double.PositiveInfinity ? double.MaxValue : v));
        Assert.Equal([double.PositiveInfinity, -1], Call(Opcode.Expm1, 709.8, -800));
        Assert.Equal([double.NegativeInfinity, double.NaN, double.NaN], Call(Opcode.Log1p, -1, -1.5, double.NegativeInfinity));
        Assert.Equal([double.NaN, double.NaN], Call(Opcode.Log, -1, -double.Epsilon));
        Assert.Equal([0, 1, 1e308], Call(Opcode.Sigmoid, -800, 800).Concat(Call(Opcode.Softplus, 1e308)));
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void Every_width_position_and_length_gives_the_same_bits(string name)
    {
        var code = Enum.Parse<Opcode>(name);
        var x = Arguments(code).Take(2000).Concat(Samples.Doubles(500, 11)).ToArray();
        var single = x.Select(v => (float)v).ToArray();
        var wide = KernelCalls.Unary<double, double>(code, DType.Float64, x, 128).Select(Bits).ToArray();
        var narrow = KernelCalls.Unary<float, float>(code, DType.Float32, single, 128).Select(v => Bits(v)).ToArray();
        foreach (var width in KernelCalls.Widths)
        {
            Assert.Equal(wide, KernelCalls.Unary<double, double>(code, DType.Float64, x, width).Select(Bits));
            Assert.Equal(narrow, KernelCalls.Unary<float, float>(code, DType.Float32, single, width, 1).Select(v => Bits(v)));
            foreach (var length in KernelCalls.Lengths)
            {
                Assert.Equal(wide[3..(3 + length)], KernelCalls.UnaryInPlace(code, DType.Float64, x[3..(3 + length)], width).Select(Bits));
                Assert.Equal(narrow[^length..], KernelCalls.UnaryInPlace(code, DType.Float32, single[^length..], width).Select(v => Bits(v)));
            }
        }
    }

    private static IEnumerable<double> Call(Opcode code, params double[] x) => KernelCalls.Unary<double, double>(code, DType.Float64, x, 256);

    /// <summary>Arguments over the whole range in which the function does something.</summary>
    private static double[] Arguments(Opcode code)
    {
        var random = new Random(17);
        var (least, greatest) = code switch
        {
            Opcode.Exp => (-104.0, 89.0),
            Opcode.Expm1 => (-20, 89),
            Opcode.Log or Opcode.Log1p => (0, 10),
            Opcode.Tanh => (-10, 10),
            Opcode.Sigmoid or Opcode.Softplus => (-104, 40),
            Opcode.Erf => (-4.5, 4.5),
            _ => (-1e5, 1e5),
        };
        return Enumerable.Range(0, Samples32).Select(i => (i % 4) switch
        {
            0 => least + (random.NextDouble() * (greatest - least)),
            1 => Math.Max(least, -0.9) + (random.NextDouble() * 2),
            2 => Math.Exp((random.NextDouble() * 160) - 85),
            _ => random.Next(-20, 20) is var k && least < 0 ? k * Math.PI / 4 : Math.Abs(k) + 1.0,
        }).ToArray();
    }

    private static double UnitInLastPlace(double x) => Math.BitIncrement(Math.Abs(x)) - Math.Abs(x);

    private static double UnitInLastPlaceSingle(double x)
    {
        // The spacing on the side of zero that the exact result lies on.
        var size = Math.Max(Math.Abs(x), 1.1754943508222875e-38);
        return Math.ScaleB(1, Math.ILogB(size) - 23);
    }

    private static long Bits(double x) => double.IsNaN(x) ? long.MaxValue : BitConverter.DoubleToInt64Bits(x);

    private static long Bits(float x) => float.IsNaN(x) ? int.MaxValue : BitConverter.SingleToInt32Bits(x);
}
