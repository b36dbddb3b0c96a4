using FunctionalGrad.Kernels;

namespace FunctionalGrad.Tests;

/// <summary>Select, casts and strided copies.</summary>
public sealed unsafe class KernelCopyTests
{
    [Fact]
    public void Select_takes_from_the_side_that_the_condition_names()
    {
        foreach (var width in KernelCalls.Widths)
            foreach (var length in KernelCalls.Lengths)
            {
                CheckSelect(DType.Float32, Samples.Floats(length, 1), Samples.Floats(length, 2), width);
                CheckSelect(DType.Float64, Samples.Doubles(length, 1), Samples.Doubles(length, 2), width);
                CheckSelect(DType.Int32, Samples.Ints(length, 1), Samples.Ints(length, 2), width);
                CheckSelect(DType.Int64, Samples.Longs(length, 1), Samples.Longs(length, 2), width);
                CheckSelect(DType.Bool, Samples.Bools(length, 1), Samples.Bools(length, 2), width);
            }
    }

    [Fact]
    public void Casts_truncate_saturate_and_wrap()
    {
        float[] single = [0f, -0f, 1.9f, -1.9f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 3e9f, -3e9f, 1e30f, 2147483520f, 0.3f];
        CheckCast(DType.Float32, DType.Int32, single, [0, 0, 1, -1, 0, int.MaxValue, int.MinValue, int.MaxValue, int.MinValue, int.MaxValue, 2147483520, 0]);
        CheckCast(DType.Float32, DType.Int64, single, [0, 0, 1, -1, 0, long.MaxValue, long.MinValue, 3000000000, -3000000000, long.MaxValue, 2147483520, 0]);
        CheckCast(DType.Float32, DType.Bool, single, [false, false, true, true, true, true, true, true, true, true, true, true]);
        CheckCast(DType.Float32, DType.Float64, single, single.Select(x => (double)x).ToArray());
        double[] wide = [0.0, -0.0, 1.9, -1.9, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 3e9, -3e9, 1e30, 2147483647.9, 0.3];
        CheckCast(DType.Float64, DType.Int32, wide, [0, 0, 1, -1, 0, int.MaxValue, int.MinValue, int.MaxValue, int.MinValue, int.MaxValue, int.MaxValue, 0]);
        CheckCast(DType.Float64, DType.Int64, wide, [0, 0, 1, -1, 0, long.MaxValue, long.MinValue, 3000000000, -3000000000, long.MaxValue, 2147483647, 0]);
        CheckCast(DType.Float64, DType.Float32, wide, wide.Select(x => (float)x).ToArray());
        CheckCast(DType.Int64, DType.Int32, [0, 1L << 32, (1L << 32) + 5, -1, long.MaxValue], [0, 0, 5, -1, -1]);
        CheckCast(DType.Int64, DType.Bool, [0, 1L << 32, -1], [false, true, true]);
        CheckCast(DType.Bool, DType.Float32, [true, false, true], [1f, 0f, 1f]);
        CheckCast(DType.Bool, DType.Int64, [true, false, true], [1L, 0L, 1L]);
    }

    [Fact]
    public void Casts_of_every_pair_agree_with_a_plain_loop()
    {
        foreach (var length in KernelCalls.Lengths)
        {
            var longs = Samples.Longs(length, 3);
            CheckCast(DType.Int64, DType.Float64, longs, longs.Select(x => (double)x).ToArray());
            CheckCast(DType.Int64, DType.Float32, longs, longs.Select(x => (float)x).ToArray());
            CheckCast(DType.Int64, DType.Int64, longs, longs);
            var ints = Samples.Ints(length, 3);
            CheckCast(DType.Int32, DType.Float32, ints, ints.Select(x => (float)x).ToArray());
            CheckCast(DType.Int32, DType.Float64, ints, ints.Select(x => (double)x).ToArray());
            CheckCast(DType.Int32, DType.Int64, ints, ints.Select(x => (long)x).ToArray());
            CheckCast(DType.Int32, DType.Bool, ints, ints.Select(x => x != 0).ToArray());
            var bools = Samples.Bools(length, 3);
            CheckCast(DType.Bool, DType.Bool, bools, bools);
            CheckCast(DType.Bool, DType.Int32, bools, bools.Select(x => x ? 1 : 0).ToArray());
            CheckCast(DType.Bool, DType.Float64, bools, bools.Select(x => x ? 1.0 : 0.0).ToArray());
            var singles = Samples.Floats(length, 3);
            CheckCast(DType.Float32, DType.Float64, singles, singles.Select(x => (double)x).ToArray());
            CheckCast(DType.Float32, DType.Int32, singles, singles.Select(Saturate).ToArray());
            CheckCast(DType.Float32, DType.Bool, singles, singles.Select(x => x != 0).ToArray());
            var doubles = Samples.Doubles(length, 3);
            CheckCast(DType.Float64, DType.Float32, doubles, doubles.Select(x => (float)x).ToArray());
            CheckCast(DType.Float64, DType.Int32, doubles, doubles.Select(x => Saturate(x)).ToArray());
            CheckCast(DType.Float64, DType.Bool, doubles, doubles.Select(x => x != 0).ToArray());
        }
    }

    private static int Saturate(float x) => Saturate((double)x);

    private static int Saturate(double x) =>
        double.IsNaN(x) ? 0 : x >= int.MaxValue ? int.MaxValue : x <= int.MinValue ? int.MinValue : (int)Math.Truncate(x);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(-1)]
    [InlineData(-3)]
    public void Strided_copies(int stride)
    {
        CheckStrided<byte>(stride, i => (byte)i);
        CheckStrided<float>(stride, i => i);
        CheckStrided<double>(stride, i => i);
    }

    private static void CheckStrided<T>(int stride, Func<int, T> value)
        where T : unmanaged
    {
        foreach (var n in KernelCalls.Lengths)
        {
            var size = (Math.Max(n, 1) * Math.Max(Math.Abs(stride), 1)) + 1;
            var start = stride < 0 ? size - 1 : 0;
            var data = Enumerable.Range(0, size).Select(value).ToArray();
            var target = new T[n];
            var back = new T[size];
            fixed (T* from = data)
            fixed (T* to = target)
            fixed (T* again = back)
            {
                BlockKernels.GatherStrided(sizeof(T))(from + start, stride, to, n);
                BlockKernels.ScatterStrided(sizeof(T))(to, again + start, stride, n);
            }

            for (var i = 0; i < n; i++)
            {
                Assert.Equal(data[start + (i * stride)], target[i]);
                Assert.Equal(data[start + (i * stride)], back[start + (i * stride)]);
            }
        }
    }

    private static void CheckSelect<T>(DType type, T[] a, T[] b, int width)
        where T : unmanaged
    {
        var condition = Samples.Bools(a.Length, 5);
        var y = new T[a.Length];
        fixed (bool* flags = condition)
        fixed (T* left = a)
        fixed (T* right = b)
        fixed (T* to = y)
            BlockKernels.Select(type, width)(flags, left, right, to, y.Length);
        Assert.Equal(condition.Select((c, i) => c ? a[i] : b[i]), y);
    }

    private static void CheckCast<TFrom, TTo>(DType from, DType to, TFrom[] x, TTo[] expected)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        foreach (var width in KernelCalls.Widths)
        {
            var y = new TTo[x.Length];
            var inPlace = new byte[x.Length * Math.Max(sizeof(TFrom), sizeof(TTo))];
            fixed (TFrom* source = x)
            fixed (TTo* target = y)
            fixed (byte* place = inPlace)
            {
                BlockKernels.Cast(from, to, width)(source, target, x.Length);
                new ReadOnlySpan<TFrom>(source, x.Length).CopyTo(new Span<TFrom>(place, x.Length));
                BlockKernels.Cast(from, to, width)(place, place, x.Length);
                Assert.Equal(expected, new ReadOnlySpan<TTo>(place, x.Length).ToArray());
            }

            Assert.Equal(expected, y);
        }
    }
}
