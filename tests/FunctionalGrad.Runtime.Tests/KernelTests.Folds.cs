using FunctionalGrad.Kernels;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Tests;

/// <summary>Folds over rows and columns against plain loops.</summary>
public sealed unsafe class KernelFoldTests
{
    private static readonly (int Rows, int Length)[] Sizes =
        [(0, 5), (5, 0), (1, 1), (7, 1), (5, 2), (3, 7), (4, 8), (3, 16), (2, 47), (2, 48), (2, 49), (3, 63), (3, 64), (3, 65), (3, 127), (2, 128), (2, 255), (2, 257), (1, 1000), (300, 33), (129, 64)];

    [Fact]
    public void Integer_folds_are_exact()
    {
        foreach (var (fold, combine) in new (Fold, Func<int, int, int>)[] { (Fold.Sum, (x, y) => x + y), (Fold.Prod, (x, y) => x * y), (Fold.Max, Math.Max), (Fold.Min, Math.Min) })
            Check(fold, DType.Int32, Samples.Ints, combine, (e, a, _) => Assert.Equal(e, a));
        foreach (var (fold, combine) in new (Fold, Func<long, long, long>)[] { (Fold.Sum, (x, y) => x + y), (Fold.Prod, (x, y) => x * y), (Fold.Max, Math.Max), (Fold.Min, Math.Min) })
            Check(fold, DType.Int64, Samples.Longs, combine, (e, a, _) => Assert.Equal(e, a));
    }

    [Fact]
    public void Extremes_of_floats_propagate_NaN()
    {
        Check(Fold.Max, DType.Float32, Samples.Floats, MathF.Max, (e, a, _) => Assert.Equal(e, a));
        Check(Fold.Min, DType.Float32, Samples.Floats, MathF.Min, (e, a, _) => Assert.Equal(e, a));
        Check(Fold.Max, DType.Float64, Samples.Doubles, Math.Max, (e, a, _) => Assert.Equal(e, a));
        Check(Fold.Min, DType.Float64, Samples.Doubles, Math.Min, (e, a, _) => Assert.Equal(e, a));
        Check(Fold.Max, DType.Float64, Plain, Math.Max, (e, a, _) => Assert.Equal(e, a));
    }

    [Fact]
    public void Any_and_all()
    {
        Check(Fold.Max, DType.Bool, Samples.Bools, (x, y) => x || y, (e, a, _) => Assert.Equal(e, a));
        Check(Fold.Min, DType.Bool, Samples.Bools, (x, y) => x && y, (e, a, _) => Assert.Equal(e, a));
        Check(Fold.Max, DType.Bool, (n, _) => new bool[n], (x, y) => x || y, (e, a, _) => Assert.Equal(e, a));
        Check(Fold.Min, DType.Bool, (n, _) => Enumerable.Repeat(true, n).ToArray(), (x, y) => x && y, (e, a, _) => Assert.Equal(e, a));
    }

    [Fact]
    public void Sums_and_products_of_floats()
    {
        Check(Fold.Sum, DType.Float64, Plain, (x, y) => x + y, (e, a, n) => Assert.Equal(e, a, 1e-15 * (n + 1)));
        Check(Fold.Prod, DType.Float64, (n, seed) => Plain(n, seed).Select(x => 1 + (x / 10)).ToArray(), (x, y) => x * y, (e, a, n) => Assert.Equal(1, (a + 1e-300) / (e + 1e-300), 1e-15 * (n + 1)));
        Check(Fold.Sum, DType.Float32, (n, seed) => Plain(n, seed).Select(x => (float)x).ToArray(), (x, y) => x + y, (e, a, n) => Assert.Equal(e, a, 2e-7f * (n + 1)));
    }

    [Fact]
    public void Long_sums_stay_accurate()
    {
        var x = Enumerable.Repeat(0.1f, 1 << 20).ToArray();
        Assert.Equal(104857.6, KernelCalls.FoldRows(Fold.Sum, DType.Float32, x, 1, x.Length, VectorWidth.Bits)[0], 1.0);
    }

    [Fact]
    public void Extremes_know_where_they_stand()
    {
        foreach (var (rows, length) in Sizes)
            foreach (var type in new[] { Fold.ArgMax, Fold.ArgMin })
            {
                var order = type == Fold.ArgMax ? 1 : -1;
                var small = new Random(rows + length);
                CheckArg(type, DType.Float64, Samples.Doubles(rows * length, 3), rows, length, (a, b) => (double.IsNaN(a) && !double.IsNaN(b)) || order * a > order * b);
                CheckArg(type, DType.Float32, Samples.Floats(rows * length, 4).Select(x => float.IsNaN(x) ? 0 : x).ToArray(), rows, length, (a, b) => order * a > order * b);
                CheckArg(type, DType.Int32, Enumerable.Range(0, rows * length).Select(_ => small.Next(5)).ToArray(), rows, length, (a, b) => order * a > order * b);
                CheckArg(type, DType.Int64, Samples.Longs(rows * length, 5), rows, length, (a, b) => a.CompareTo(b) * order > 0);
                CheckArg(type, DType.Bool, Samples.Bools(rows * length, 6), rows, length, (a, b) => a.CompareTo(b) * order > 0);
            }
    }

    private static double[] Plain(int count, int seed)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, count).Select(_ => random.NextDouble() - 0.5).ToArray();
    }

    private static void Check<T>(Fold fold, DType type, Func<int, int, T[]> sample, Func<T, T, T> combine, Action<T, T, int> same)
        where T : unmanaged
    {
        foreach (var (rows, length) in Sizes)
        {
            var x = sample(rows * length, rows + length);
            var identity = new T[1];
            fixed (T* one = identity)
                BlockKernels.Fill(type, fold, one, 1);
            T[]? firstRows = null, firstColumns = null;
            foreach (var width in KernelCalls.Widths)
            {
                var byRow = KernelCalls.FoldRows(fold, type, x, rows, length, width);
                for (var r = 0; r < rows; r++)
                    same(Enumerable.Range(0, length).Select(i => x[(r * length) + i]).Aggregate(identity[0], combine), byRow[r], length);
                var byColumn = KernelCalls.FoldColumns(fold, type, x, rows, length, width);
                for (var j = 0; j < length; j++)
                    same(Enumerable.Range(0, rows).Select(r => x[(r * length) + j]).Aggregate(identity[0], combine), byColumn[j], rows);
                Assert.Equal(firstRows ??= byRow, byRow);
                Assert.Equal(firstColumns ??= byColumn, byColumn);
            }
        }
    }

    private static void CheckArg<T>(Fold fold, DType type, T[] x, int rows, int length, Func<T, T, bool> beats)
        where T : unmanaged
    {
        foreach (var (width, blocks) in new[] { (128, 1), (256, 1), (512, 1), (256, 2) })
        {
            var (best, position) = Start<T>(rows);
            fixed (T* from = x)
            fixed (T* to = best)
            fixed (long* at = position)
            {
                for (var block = 0; block < blocks; block++)
                    BlockKernels.ArgRows(fold, type, width)(from, to, at, rows, length, 10 + (block * length));
            }

            for (var r = 0; r < rows; r++)
                Assert.Equal(First(length, i => x[(r * length) + i], beats) is { } i ? 10 + i : -1, position[r]);
        }

        var (bestColumn, where) = Start<T>(length);
        var half = rows / 2;
        fixed (T* from = x)
        fixed (T* to = bestColumn)
        fixed (long* at = where)
        {
            BlockKernels.ArgColumns(fold, type)(from, to, at, half, length, 10);
            BlockKernels.ArgColumns(fold, type)(from + (half * length), to, at, rows - half, length, 10 + half);
        }

        for (var j = 0; j < length; j++)
            Assert.Equal(First(rows, r => x[(r * length) + j], beats) is { } r ? 10 + r : -1, where[j]);
    }

    private static (T[] Best, long[] Position) Start<T>(int n) => (new T[n], Enumerable.Repeat(-1L, n).ToArray());

    private static int? First<T>(int n, Func<int, T> at, Func<T, T, bool> beats)
    {
        if (n == 0)
            return null;
        var best = 0;
        for (var i = 1; i < n; i++)
        {
            if (beats(at(i), at(best)))
                best = i;
        }

        return best;
    }
}
