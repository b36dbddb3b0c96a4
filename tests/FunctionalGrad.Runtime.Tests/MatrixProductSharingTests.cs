using System.Collections.Immutable;
using System.Numerics;
using FunctionalGrad.Linear;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Tests;

/// <summary>Products on several threads, in batches, and onto what is there.</summary>
[Collection(ThreadedTests.Name)]
public sealed unsafe class MatrixProductSharingTests : IDisposable
{
    private static readonly (int Rows, int Columns, int Inner)[] Sizes =
    [
        (300, 200, 500), (101, 97, 1031), (33, 1100, 300), (1100, 33, 300), (7, 2411, 257), (160, 3000, 301), // blocks, by rows and by columns
        (2003, 10, 400), (5, 1999, 400), (1501, 1, 1024), (1, 1501, 1024), (70, 1, 9001), (700, 901, 1), (901, 700, 1), // narrow ones
    ];

    private readonly int degree = Parallelism.Degree;

    public void Dispose() => Parallelism.Degree = degree;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void TheNumberOfThreadsChangesNoBit(int layout)
    {
        foreach (var (rows, columns, inner) in Sizes)
        {
            CompareThreads<float>(rows, columns, inner, (Layout)layout);
            CompareThreads<double>(rows, columns, inner, (Layout)layout);
        }
    }

    private static void CompareThreads<T>(int rows, int columns, int inner, Layout layout)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var random = new Random(rows);
        StridedMatrix<T> a = new(rows, inner, layout, random), b = new(inner, columns, layout, random);
        var alone = new StridedMatrix<T>(rows, columns, Layout.RowMajor, random);
        Parallelism.Degree = 1;
        Multiply(rows, columns, inner, a, b, alone, accumulate: false);
        Check(rows, columns, inner, a, b, null, alone, layout);
        foreach (var threads in new[] { 2, 3 })
        {
            Parallelism.Degree = threads;
            var shared = new StridedMatrix<T>(rows, columns, Layout.RowMajor, random);
            Multiply(rows, columns, inner, a, b, shared, accumulate: false);
            for (var row = 0; row < rows; row++)
                for (var column = 0; column < columns; column++)
                    if (!shared[row, column].Equals(alone[row, column]))
                        Assert.Fail($"{typeof(T).Name} {rows}×{inner}×{columns} {layout}, {threads} threads: ({row}, {column}) is {shared[row, column]}, not {alone[row, column]}");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void AProductIsAddedToWhatIsThere(int layout)
    {
        var sizes = Sizes.Concat([(1, 1, 1), (3, 5, 4), (4, 4, 4), (6, 7, 9), (5, 12, 130), (13, 9, 131), (7, 1, 70), (1, 7, 70), (9, 17, 1), (40, 50, 60), (5, 3, 0)]);
        foreach (var (rows, columns, inner) in sizes)
            foreach (var target in new[] { Layout.RowMajor, Layout.ColumnMajor, Layout.EverySecond })
            {
                CheckAdded<float>(rows, columns, inner, (Layout)layout, target);
                CheckAdded<double>(rows, columns, inner, (Layout)layout, target);
            }
    }

    private static void CheckAdded<T>(int rows, int columns, int inner, Layout layout, Layout target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var random = new Random(columns);
        StridedMatrix<T> a = new(rows, inner, layout, random), b = new(inner, columns, layout, random), c = new(rows, columns, target, random);
        var before = new T[rows, columns];
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
                before[row, column] = c[row, column];
        Multiply(rows, columns, inner, a, b, c, accumulate: true);
        Check(rows, columns, inner, a, b, before, c, layout);
        Assert.True(c.CanariesLive());
    }

    private static void Multiply<T>(int rows, int columns, int inner, StridedMatrix<T> a, StridedMatrix<T> b, StridedMatrix<T> c, bool accumulate)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        MatrixProduct.Multiply<T>(new(rows, columns, inner, a.View, b.View, c.View, accumulate));

    /// <summary>Compares a few rows and columns with sums in double precision.</summary>
    private static void Check<T>(
        int rows, int columns, int inner, StridedMatrix<T> a, StridedMatrix<T> b, T[,]? before, StridedMatrix<T> c, Layout layout)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var unit = typeof(T) == typeof(float) ? 1.2e-7 : 2.3e-16;
        for (var row = 0; row < rows; row += Math.Max(rows / 37, 1))
            for (var column = 0; column < columns; column += Math.Max(columns / 41, 1))
            {
                var sum = before is null ? 0 : double.CreateChecked(before[row, column]);
                var size = Math.Abs(sum);
                for (var k = 0; k < inner; k++)
                {
                    var term = double.CreateChecked(a[row, k]) * double.CreateChecked(b[k, column]);
                    sum += term;
                    size += Math.Abs(term);
                }

                var actual = double.CreateChecked(c[row, column]);
                if (!(Math.Abs(actual - sum) <= (inner + 3) * unit * size))
                    Assert.Fail($"{typeof(T).Name} {rows}×{inner}×{columns} {layout}: ({row}, {column}) is {actual}, not {sum}");
            }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void BatchesOnThreads(int threads)
    {
        Parallelism.Degree = threads;
        foreach (var (rows, inner, columns) in new[] { (4, 4, 4), (1, 64, 64), (64, 64, 1), (17, 33, 20), (3, 1, 50), (5, 0, 3) })
            foreach (var (first, second) in new[] { (1, 1), (1, 40), (300, 1), (20, 15), (0, 4) })
            {
                CheckBatch(first, second, rows, inner, columns, sharesA: false, sharesB: false);
                CheckBatch(first, second, rows, inner, columns, sharesA: true, sharesB: false);
                CheckBatch(first, second, rows, inner, columns, sharesA: false, sharesB: true);
            }
    }

    private static void CheckBatch(int first, int second, int rows, int inner, int columns, bool sharesA, bool sharesB)
    {
        var count = first * second;
        var random = new Random(rows + count);
        var a = new StridedMatrix<double>((sharesA ? 1 : count) * rows, inner, Layout.RowMajor, random);
        var b = new StridedMatrix<double>((sharesB ? 1 : count) * inner, columns, Layout.RowMajor, random);
        var c = new StridedMatrix<double>(count * rows, columns, Layout.RowMajor, random);
        ImmutableArray<long> Strides(bool shared, long size) => shared ? [0, 0] : [second * size, size];
        BatchedProduct.Run(
            new MatrixProductStep(
                DType.Float64, [first, second], rows, columns, inner,
                new(0, 0, Strides(sharesA, rows * inner), inner, 1),
                new(1, 0, Strides(sharesB, inner * columns), columns, 1),
                new(2, 0, Strides(false, rows * columns), columns, 1)),
            [(nint)a.Pointer, (nint)b.Pointer, (nint)c.Pointer]);
        Assert.True(c.CanariesLive());
        for (var index = 0; index < count; index++)
            for (var row = 0; row < rows; row++)
                for (var column = 0; column < columns; column += 3)
                {
                    var sum = 0.0;
                    for (var k = 0; k < inner; k++)
                        sum += a[((sharesA ? 0 : index) * rows) + row, k] * b[((sharesB ? 0 : index) * inner) + k, column];
                    if (!(Math.Abs(c[(index * rows) + row, column] - sum) <= 1e-13))
                        Assert.Fail($"{first}·{second} of {rows}×{inner}×{columns}, {sharesA}, {sharesB}: ({index}, {row}, {column}) is {c[(index * rows) + row, column]}, not {sum}");
                }
    }

    [Fact]
    public void SharingAllocatesNothing()
    {
        Parallelism.Degree = 2;
        var random = new Random(4);
        StridedMatrix<float> a = new(200, 700, Layout.RowMajor, random), b = new(700, 190, Layout.ColumnMajor, random), c = new(200, 190, Layout.RowMajor, random);
        var batch = new MatrixProductStep(DType.Float32, [200], 1, 190, 700, new(0, 0, [700], 0, 1), new(1, 0, [0], 1, 700), new(2, 0, [190], 0, 1));
        var apart = new MatrixProductStep(DType.Float32, [200], 1, 190, 20, new(0, 0, [700], 0, 1), new(1, 0, [1], 1, 700), new(2, 0, [190], 0, 1));
        var least = long.MaxValue;
        for (var trial = 0; trial < 10; trial++) // a collection in another thread counts what is left of this thread's allocation block
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Multiply(200, 190, 700, a, b, c, accumulate: false);
            BatchedProduct.Run(batch, [(nint)a.Pointer, (nint)b.Pointer, (nint)c.Pointer]);
            BatchedProduct.Run(apart, [(nint)a.Pointer, (nint)b.Pointer, (nint)c.Pointer]);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }
}
