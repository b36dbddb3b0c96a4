using System.Numerics;
using FunctionalGrad.Kernels;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Tests;

/// <summary>Every exact instruction on every type against a plain loop, at every width and many lengths.</summary>
public sealed class KernelPointwiseTests
{
    [Fact]
    public void Unary_of_floats()
    {
        var laws = new Dictionary<Opcode, (Func<float, float> Single, Func<double, double> Double)>
        {
            [Opcode.Neg] = (x => -x, x => -x),
            [Opcode.Abs] = (MathF.Abs, Math.Abs),
            [Opcode.Sign] = (x => x > 0 ? 1 : x < 0 ? -1 : x, x => x > 0 ? 1 : x < 0 ? -1 : x),
            [Opcode.Sqrt] = (MathF.Sqrt, Math.Sqrt),
            [Opcode.Rsqrt] = (x => 1 / MathF.Sqrt(x), x => 1 / Math.Sqrt(x)),
            [Opcode.Floor] = (MathF.Floor, Math.Floor),
            [Opcode.Ceil] = (MathF.Ceiling, Math.Ceiling),
            [Opcode.Round] = (x => MathF.Round(x, MidpointRounding.ToEven), x => Math.Round(x, MidpointRounding.ToEven)),
            [Opcode.Trunc] = (MathF.Truncate, Math.Truncate),
        };
        foreach (var (code, (single, wide)) in laws)
        {
            CheckUnary(code, DType.Float32, Samples.Floats, single);
            CheckUnary(code, DType.Float64, Samples.Doubles, wide);
        }
    }

    [Fact]
    public void Unary_of_integers_and_truth_values()
    {
        CheckUnary(Opcode.Neg, DType.Int32, Samples.Ints, x => -x);
        CheckUnary(Opcode.Abs, DType.Int32, Samples.Ints, x => x < 0 ? -x : x);
        CheckUnary(Opcode.Sign, DType.Int32, Samples.Ints, x => Math.Sign(x));
        CheckUnary(Opcode.Not, DType.Int32, Samples.Ints, x => ~x);
        CheckUnary(Opcode.Floor, DType.Int32, Samples.Ints, x => x);
        CheckUnary(Opcode.Neg, DType.Int64, Samples.Longs, x => -x);
        CheckUnary(Opcode.Abs, DType.Int64, Samples.Longs, x => x < 0 ? -x : x);
        CheckUnary(Opcode.Sign, DType.Int64, Samples.Longs, x => Math.Sign(x));
        CheckUnary(Opcode.Not, DType.Int64, Samples.Longs, x => ~x);
        CheckUnary(Opcode.Round, DType.Int64, Samples.Longs, x => x);
        CheckUnary(Opcode.Not, DType.Bool, Samples.Bools, x => !x);
    }

    [Fact]
    public void IsNaN_gives_truth_values()
    {
        foreach (var width in KernelCalls.Widths)
            foreach (var length in KernelCalls.Lengths)
            {
                var x = Samples.Floats(length, length);
                Assert.Equal(x.Select(float.IsNaN), KernelCalls.Unary<float, bool>(Opcode.IsNaN, DType.Float32, x, width));
                var z = Samples.Doubles(length, length);
                Assert.Equal(z.Select(double.IsNaN), KernelCalls.Unary<double, bool>(Opcode.IsNaN, DType.Float64, z, width));
            }
    }

    [Fact]
    public void Binary_of_floats()
    {
        CheckFloats<float>(DType.Float32, Samples.Floats, MathF.Max, MathF.Min);
        CheckFloats<double>(DType.Float64, Samples.Doubles, Math.Max, Math.Min);
        CheckBinary<float>(Opcode.Atan2, DType.Float32, Samples.Floats, MathF.Atan2);
        CheckBinary<double>(Opcode.Atan2, DType.Float64, Samples.Doubles, Math.Atan2);
        CheckBinary<double>(Opcode.Remainder, DType.Float64, Samples.Doubles, Remainder);
        CheckBinary<float>(Opcode.Remainder, DType.Float32, Samples.Floats, (x, y) => (float)Remainder32(x, y));
    }

    [Fact]
    public void Remainder_has_the_sign_of_the_divisor()
    {
        double[] x = [7, -7, 7, -7, -1, 1, 6, -6, 1, 1e300, 0.3];
        double[] y = [3, 3, -3, -3, double.PositiveInfinity, double.NegativeInfinity, 3, 3, 0, 7, 0.1];
        double[] expected = [1, 2, -2, -1, double.PositiveInfinity, double.NegativeInfinity, 0, 0, double.NaN, 1e300 % 7, 0.3 % 0.1];
        Assert.Equal(expected, KernelCalls.Binary<double, double>(Opcode.Remainder, DType.Float64, x, y, VectorWidth.Bits));
    }

    [Fact]
    public void Binary_of_integers()
    {
        CheckIntegers<int>(DType.Int32, Samples.Ints);
        CheckIntegers<long>(DType.Int64, Samples.Longs);
    }

    [Fact]
    public void Integer_division_and_power()
    {
        int[] a = [7, -7, 7, -7, int.MinValue, int.MinValue, 5];
        int[] b = [2, 2, -2, -2, -1, 1, 7];
        Assert.Equal([3, -3, -3, 3, int.MinValue, int.MinValue, 0], KernelCalls.Binary<int, int>(Opcode.Div, DType.Int32, a, b, 256));
        Assert.Equal([1, 1, -1, -1, 0, 0, 5], KernelCalls.Binary<int, int>(Opcode.Remainder, DType.Int32, a, b, 256));
        int[] bases = [2, 2, 1, -1, -1, 0, 3, -3, 2, 0, 5];
        int[] exponents = [10, -1, -5, -5, -4, -1, 3, 3, 31, 0, 40];
        int[] powers = [1024, 0, 1, -1, 1, 0, 27, -27, int.MinValue, 1, unchecked((int)(uint)(BigInteger.Pow(5, 40) % (BigInteger.One << 32)))];
        Assert.Equal(powers, KernelCalls.Binary<int, int>(Opcode.Pow, DType.Int32, bases, exponents, 256));
        Assert.Throws<DivisionByZeroException>(() => KernelCalls.Binary<int, int>(Opcode.Div, DType.Int32, [1], [0], 256));
        Assert.Throws<DivisionByZeroException>(() => KernelCalls.Binary<long, long>(Opcode.Remainder, DType.Int64, [1], [0], 256));
    }

    [Fact]
    public void Binary_of_truth_values()
    {
        CheckBinary<bool>(Opcode.And, DType.Bool, Samples.Bools, (x, y) => x && y);
        CheckBinary<bool>(Opcode.Or, DType.Bool, Samples.Bools, (x, y) => x || y);
        CheckBinary<bool>(Opcode.Xor, DType.Bool, Samples.Bools, (x, y) => x != y);
        CheckBinary<bool>(Opcode.Equal, DType.Bool, Samples.Bools, (x, y) => x == y);
        CheckBinary<bool>(Opcode.NotEqual, DType.Bool, Samples.Bools, (x, y) => x != y);
        CheckBinary<bool>(Opcode.Less, DType.Bool, Samples.Bools, (x, y) => !x && y);
        CheckBinary<bool>(Opcode.LessEqual, DType.Bool, Samples.Bools, (x, y) => !x || y);
        CheckBinary<bool>(Opcode.Max, DType.Bool, Samples.Bools, (x, y) => x || y);
        CheckBinary<bool>(Opcode.Min, DType.Bool, Samples.Bools, (x, y) => x && y);
    }

    [Fact]
    public unsafe void Senseless_pairs_are_refused()
    {
        Assert.Throws<ArgumentException>(() => { BlockKernels.Unary(Opcode.Exp, DType.Bool); });
        Assert.Throws<ArgumentException>(() => { BlockKernels.Unary(Opcode.Sin, DType.Int32); });
        Assert.Throws<ArgumentException>(() => { BlockKernels.Unary(Opcode.Not, DType.Float32); });
        Assert.Throws<ArgumentException>(() => { BlockKernels.Binary(Opcode.Add, DType.Bool); });
        Assert.Throws<ArgumentException>(() => { BlockKernels.Binary(Opcode.And, DType.Float32); });
        Assert.Throws<ArgumentException>(() => { BlockKernels.Binary(Opcode.Exp, DType.Float32); });
        Assert.Throws<ArgumentException>(() => { BlockKernels.FoldRows(Fold.Sum, DType.Bool); });
        Assert.Throws<ArgumentException>(() => { BlockKernels.FoldColumns(Fold.ArgMax, DType.Float32); });
        Assert.Throws<ArgumentException>(() => { BlockKernels.ArgRows(Fold.Max, DType.Float32); });
        Assert.Throws<ArgumentException>(() => { BlockKernels.GatherStrided(3); });
    }

    private static double Remainder(double x, double y)
    {
        var r = x % y;
        return r == 0 ? Math.CopySign(0, y) : r < 0 != y < 0 ? r + y : r;
    }

    private static float Remainder32(float x, float y)
    {
        var r = x % y;
        return r == 0 ? MathF.CopySign(0, y) : r < 0 != y < 0 ? r + y : r;
    }

    private static void CheckFloats<T>(DType type, Func<int, int, T[]> sample, Func<T, T, T> max, Func<T, T, T> min)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CheckBinary(Opcode.Div, type, sample, (x, y) => x / y);
        CheckBinary(Opcode.Max, type, sample, max);
        CheckBinary(Opcode.Min, type, sample, min);
        CheckNumbers(type, sample);
    }

    private static void CheckIntegers<T>(DType type, Func<int, int, T[]> sample)
        where T : unmanaged, IBinaryInteger<T>
    {
        CheckBinary(Opcode.Max, type, sample, T.Max);
        CheckBinary(Opcode.Min, type, sample, T.Min);
        CheckBinary(Opcode.And, type, sample, (x, y) => x & y);
        CheckBinary(Opcode.Or, type, sample, (x, y) => x | y);
        CheckBinary(Opcode.Xor, type, sample, (x, y) => x ^ y);
        CheckNumbers(type, sample);
    }

    private static void CheckNumbers<T>(DType type, Func<int, int, T[]> sample)
        where T : unmanaged, INumber<T>
    {
        CheckBinary(Opcode.Add, type, sample, (x, y) => x + y);
        CheckBinary(Opcode.Sub, type, sample, (x, y) => x - y);
        CheckBinary(Opcode.Mul, type, sample, (x, y) => x * y);
        CheckCompare(Opcode.Less, type, sample, (x, y) => x < y);
        CheckCompare(Opcode.LessEqual, type, sample, (x, y) => x <= y);
        CheckCompare(Opcode.Equal, type, sample, (x, y) => x == y);
        CheckCompare(Opcode.NotEqual, type, sample, (x, y) => x != y);
    }

    private static void CheckUnary<T>(Opcode code, DType type, Func<int, int, T[]> sample, Func<T, T> law)
        where T : unmanaged
    {
        foreach (var width in KernelCalls.Widths)
            foreach (var length in KernelCalls.Lengths)
            {
                var x = sample(length, length + 1);
                var expected = x.Select(law).ToArray();
                Assert.Equal(expected, KernelCalls.Unary<T, T>(code, type, x, width));
                Assert.Equal(expected, KernelCalls.Unary<T, T>(code, type, x, width, 1));
                Assert.Equal(expected, KernelCalls.UnaryInPlace(code, type, x, width));
            }
    }

    private static void CheckBinary<T>(Opcode code, DType type, Func<int, int, T[]> sample, Func<T, T, T> law)
        where T : unmanaged
    {
        foreach (var width in KernelCalls.Widths)
            foreach (var length in KernelCalls.Lengths)
            {
                var x = sample(length, length + 1);
                var y = sample(length, length + 1000);
                var expected = x.Zip(y, law).ToArray();
                Assert.Equal(expected, KernelCalls.Binary<T, T>(code, type, x, y, width));
                Assert.Equal(expected, KernelCalls.BinaryInPlace(code, type, x, y, width, true));
                Assert.Equal(expected, KernelCalls.BinaryInPlace(code, type, x, y, width, false));
            }
    }

    private static void CheckCompare<T>(Opcode code, DType type, Func<int, int, T[]> sample, Func<T, T, bool> law)
        where T : unmanaged
    {
        foreach (var width in KernelCalls.Widths)
            foreach (var length in KernelCalls.Lengths)
            {
                var x = sample(length, length + 1);
                var y = sample(length, length + 1000);
                Assert.Equal(x.Zip(y, law).ToArray(), KernelCalls.Binary<T, bool>(code, type, x, y, width));
            }
    }
}
