using FunctionalGrad.Kernels;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Tests;

/// <summary>Calls kernels on arrays, at any width, deliberately misaligned.</summary>
internal static unsafe class KernelCalls
{
    public static readonly int[] Widths = [VectorWidth.One, 128, 256, 512];

    public static readonly int[] Lengths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 61, 63, 64, 65, 127, 251];

    public static readonly DType[] Types = [DType.Float32, DType.Float64, DType.Int32, DType.Int64, DType.Bool];

    public static TY[] Unary<TX, TY>(Opcode code, DType type, TX[] x, int width, int shift = 0)
        where TX : unmanaged
        where TY : unmanaged
    {
        var y = new TY[x.Length + shift + 1];
        y[^1] = Sentinel<TY>();
        fixed (TX* from = x)
        fixed (TY* to = y)
            BlockKernels.Unary(code, type, width)(from, to + shift, x.Length);
        Assert.Equal(Sentinel<TY>(), y[^1]);
        return y[shift..^1];
    }

    public static T[] UnaryInPlace<T>(Opcode code, DType type, T[] x, int width)
        where T : unmanaged
    {
        var y = (T[])x.Clone();
        fixed (T* at = y)
            BlockKernels.Unary(code, type, width)(at, at, y.Length);
        return y;
    }

    public static TY[] Binary<TX, TY>(Opcode code, DType type, TX[] a, TX[] b, int width)
        where TX : unmanaged
        where TY : unmanaged
    {
        var y = new TY[a.Length + 1];
        y[^1] = Sentinel<TY>();
        fixed (TX* left = a)
        fixed (TX* right = b)
        fixed (TY* to = y)
            BlockKernels.Binary(code, type, width)(left, right, to, a.Length);
        Assert.Equal(Sentinel<TY>(), y[^1]);
        return y[..^1];
    }

    public static T[] BinaryInPlace<T>(Opcode code, DType type, T[] a, T[] b, int width, bool overFirst)
        where T : unmanaged
    {
        var left = (T[])a.Clone();
        var right = (T[])b.Clone();
        fixed (T* first = left)
        fixed (T* second = right)
            BlockKernels.Binary(code, type, width)(first, second, overFirst ? first : second, a.Length);
        return overFirst ? left : right;
    }

    public static T[] FoldRows<T>(Fold fold, DType type, T[] x, int rows, int length, int width)
        where T : unmanaged
    {
        var accumulators = new T[rows];
        fixed (T* from = x)
        fixed (T* to = accumulators)
        {
            BlockKernels.Fill(type, fold, to, rows);
            BlockKernels.FoldRows(fold, type, width)(from, to, rows, length);
        }

        return accumulators;
    }

    public static T[] FoldColumns<T>(Fold fold, DType type, T[] x, int rows, int length, int width)
        where T : unmanaged
    {
        var accumulators = new T[length];
        fixed (T* from = x)
        fixed (T* to = accumulators)
        {
            BlockKernels.Fill(type, fold, to, length);
            BlockKernels.FoldColumns(fold, type, width)(from, to, rows, length);
        }

        return accumulators;
    }

    private static T Sentinel<T>()
        where T : unmanaged
    {
        T value;
        new Span<byte>(&value, sizeof(T)).Fill(0x5a);
        return value;
    }
}

/// <summary>Samples with every special value, from fixed seeds.</summary>
internal static class Samples
{
    public static float[] Floats(int count, int seed)
    {
        float[] special =
        [
            0f, -0f, 1f, -1f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -float.Epsilon, 1e-40f,
            float.MaxValue, float.MinValue, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 3e9f, -3e9f, 1e19f, -1e19f, 2f, 3f, 88.8f, -104f,
        ];
        var random = new Random(seed);
        return Fill(count, special, random, () => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 4))));
    }

    public static double[] Doubles(int count, int seed)
    {
        double[] special =
        [
            0.0, -0.0, 1, -1, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, -double.Epsilon, 1e-310,
            double.MaxValue, double.MinValue, 0.5, -0.5, 1.5, 2.5, -2.5, 3e9, -3e9, 1e19, -1e19, 2, 3, 709.9, -746, 1e40, 1e-45,
        ];
        var random = new Random(seed);
        return Fill(count, special, random, () => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 4)));
    }

    public static int[] Ints(int count, int seed)
    {
        int[] special = [0, 1, -1, 2, -2, 3, int.MaxValue, int.MinValue, int.MinValue + 1, 46341, 65536];
        var random = new Random(seed);
        return Fill(count, special, random, () => random.Next(-100, 100));
    }

    public static long[] Longs(int count, int seed)
    {
        long[] special = [0, 1, -1, 2, -2, 3, long.MaxValue, long.MinValue, int.MinValue, 1L << 53, (1L << 53) + 1, 3037000500, 1L << 32];
        var random = new Random(seed);
        return Fill(count, special, random, () => random.Next(-100, 100));
    }

    public static bool[] Bools(int count, int seed)
    {
        var random = new Random(seed);
        return Fill(count, [], random, () => random.Next(2) == 0);
    }

    /// <summary>Numbers whose sum, or product, depends on the order in which they are folded.</summary>
    public static double[] Spread64(Fold fold, int count, int seed)
    {
        var random = new Random(seed);
        var x = new double[count];
        for (var i = 0; i < count; i++)
            x[i] = fold == Fold.Sum ? (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-6, 7)) : 1 + ((random.NextDouble() - 0.5) / 8);
        return x;
    }

    /// <inheritdoc cref="Spread64"/>
    public static float[] Spread32(Fold fold, int count, int seed) => Array.ConvertAll(Spread64(fold, count, seed), x => (float)x);

    private static T[] Fill<T>(int count, T[] special, Random random, Func<T> next)
    {
        var result = new T[count];
        for (var i = 0; i < count; i++)
            result[i] = special.Length > 0 && random.Next(3) == 0 ? special[random.Next(special.Length)] : next();
        return result;
    }
}
