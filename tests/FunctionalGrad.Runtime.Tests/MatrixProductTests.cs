using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.Intrinsics;
using FunctionalGrad.Kernels;
using FunctionalGrad.Linear;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Tests;

public sealed unsafe class MatrixProductTests
{
    private static readonly int[] Edges = [1, 2, 3, 5, 6, 7, 8, 11, 12, 13, 15, 16, 17, 23, 31, 32, 33, 65];

    private static readonly Layout[] Targets =
        [Layout.RowMajor, Layout.ColumnMajor, Layout.PaddedRows, Layout.PaddedColumns, Layout.EverySecond, Layout.BackwardRows, Layout.BackwardColumns];

    [Theory]
    [MemberData(nameof(LayoutPairs))]
    public void EveryLayoutOfEitherOperand(int aLayout, int bLayout)
    {
        foreach (var (rows, columns, inner) in new[] { (1, 1, 1), (7, 19, 11), (13, 33, 17), (50, 70, 30), (70, 150, 90) })
        {
            CheckBoth(rows, columns, inner, (Layout)aLayout, (Layout)bLayout, Layout.RowMajor);
            CheckBoth(rows, columns, inner, (Layout)aLayout, (Layout)bLayout, Layout.ColumnMajor);
            CheckBoth(rows, columns, inner, (Layout)aLayout, (Layout)bLayout, Layout.EverySecond);
        }
    }

    public static TheoryData<int, int> LayoutPairs()
    {
        var data = new TheoryData<int, int>();
        foreach (var a in Enum.GetValues<Layout>())
            foreach (var b in Enum.GetValues<Layout>())
                data.Add((int)a, (int)b);
        return data;
    }

    [Fact]
    public void EverySizeAroundTheTileEdges()
    {
        foreach (var rows in Edges)
            foreach (var columns in Edges)
                foreach (var inner in new[] { 1, 2, 3, 7, 16, 37 })
                    CheckBoth(rows, columns, inner, Layout.RowMajor, Layout.RowMajor, Layout.RowMajor);
    }

    [Fact]
    public void SizesThatCrossTheBlocks()
    {
        foreach (var layout in new[] { Layout.RowMajor, Layout.ColumnMajor })
        {
            CheckBoth(67, 83, 1031, layout, layout, Layout.RowMajor);
            CheckBoth(461, 79, 263, layout, layout, Layout.RowMajor);
            CheckBoth(43, 2411, 257, layout, layout, Layout.RowMajor);
            CheckBoth(43, 2411, 257, layout, layout, Layout.EverySecond);
            CheckBoth(3, 4099, 521, layout, layout, Layout.PaddedRows);
            CheckBoth(4099, 3, 521, layout, layout, Layout.PaddedColumns);
            CheckBoth(5003, 1, 11, layout, layout, Layout.EverySecond); // more than one chunk of a vector's result
            CheckBoth(1, 1, 300_007, layout, Layout.EverySecond, layout); // a vector too long to copy
        }
    }

    [Fact]
    public void RandomSizesAndLayouts()
    {
        var random = new Random(20240617);
        for (var trial = 0; trial < 400; trial++)
        {
            int Size() => (int)Math.Exp(random.NextDouble() * Math.Log(120));
            Layout Any() => (Layout)random.Next(Enum.GetValues<Layout>().Length);
            CheckBoth(Size(), Size(), Size() * random.Next(1, 5), Any(), Any(), Targets[random.Next(Targets.Length)]);
        }
    }

    [Fact]
    public void EveryVectorWidth()
    {
        foreach (var layout in new[] { Layout.RowMajor, Layout.ColumnMajor, Layout.EverySecond })
            foreach (var (rows, columns, inner) in new[] { (1, 40, 9), (40, 1, 9), (5, 7, 3), (29, 67, 20), (80, 210, 300), (10, 5, 203) })
            {
                CheckWidths<float>(rows, columns, inner, layout);
                CheckWidths<double>(rows, columns, inner, layout);
            }
    }

    [Fact]
    public void FewRowsOrColumns()
    {
        foreach (var layout in new[] { Layout.RowMajor, Layout.ColumnMajor, Layout.PaddedRows })
            for (var few = 1; few <= 14; few++)
                foreach (var (many, inner) in new[] { (4, 64), (5, 71), (19, 137), (33, 300) })
                {
                    CheckBoth(many, few, inner, Layout.RowMajor, layout, Layout.RowMajor);
                    CheckBoth(many, few, inner, Layout.ColumnMajor, layout, Layout.PaddedColumns);
                    CheckBoth(few, many, inner, layout, Layout.ColumnMajor, Layout.EverySecond);
                    CheckBoth(few, many, inner, layout, Layout.RowMajor, Layout.ColumnMajor);
                }
    }

    [Fact]
    public void NothingIsReadOrWrittenOutside()
    {
        if (!GuardedMemory.IsSupported)
            return;
        var sizes = new[] { 1, 2, 3, 5, 7, 9, 13, 17, 31, 70, 150 };
        foreach (var rows in sizes)
            foreach (var columns in sizes)
                foreach (var inner in sizes)
                {
                    TouchOnlyOwn<float>(rows, columns, inner);
                    TouchOnlyOwn<double>(rows, columns, inner);
                }
    }

    private static void TouchOnlyOwn<T>(int rows, int columns, int inner)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using GuardedMemory a = new(rows * inner * sizeof(T)), b = new(inner * columns * sizeof(T)), c = new(rows * columns * sizeof(T));
        foreach (var last in new[] { false, true })
            foreach (var transposeA in new[] { false, true })
                foreach (var transposeB in new[] { false, true })
                    MatrixProduct.Multiply(
                        rows, columns, inner,
                        (T*)(last ? a.Last : a.First), transposeA ? 1 : inner, transposeA ? rows : 1,
                        (T*)(last ? b.Last : b.First), transposeB ? 1 : columns, transposeB ? inner : 1,
                        (T*)(last ? c.Last : c.First), columns, 1);
    }

    [Fact]
    public void AnEmptyInnerExtentGivesZeros()
    {
        CheckBoth(5, 7, 0, Layout.RowMajor, Layout.RowMajor, Layout.PaddedRows);
        CheckBoth(5, 7, 0, Layout.RowMajor, Layout.RowMajor, Layout.EverySecond);
    }

    [Fact]
    public void EmptyResultsAreLeftAlone()
    {
        MatrixProduct.Multiply<float>(0, 5, 5, null, 5, 1, null, 5, 1, null, 5, 1);
        MatrixProduct.Multiply<double>(5, 0, 5, null, 5, 1, null, 5, 1, null, 5, 1);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 40)]
    [InlineData(40, 1)]
    [InlineData(9, 21)]
    public void NaNAndInfinityPropagate(int rows, int columns)
    {
        foreach (var value in new[] { float.NaN, float.PositiveInfinity })
        {
            var random = new Random(5);
            var a = new StridedMatrix<float>(rows, 30, Layout.RowMajor, random);
            var b = new StridedMatrix<float>(30, columns, Layout.RowMajor, random);
            var c = new StridedMatrix<float>(rows, columns, Layout.RowMajor, random);
            for (var row = 0; row < rows; row++)
                a[row, 17] = 0;
            for (var column = 0; column < columns; column++)
                b[17, column] = value;
            Multiply(rows, columns, 30, a, b, c);
            for (var row = 0; row < rows; row++)
                for (var column = 0; column < columns; column++)
                    Assert.True(float.IsNaN(c[row, column]));
        }
    }

    [Fact]
    public void TheSameCallGivesTheSameBits()
    {
        var random = new Random(3);
        var a = new StridedMatrix<float>(150, 700, Layout.RowMajor, random);
        var b = new StridedMatrix<float>(700, 90, Layout.ColumnMajor, random);
        var first = new StridedMatrix<float>(150, 90, Layout.RowMajor, random);
        var second = new StridedMatrix<float>(150, 90, Layout.RowMajor, random);
        Multiply(150, 90, 700, a, b, first);
        Multiply(150, 90, 700, a, b, second);
        for (var row = 0; row < 150; row++)
            for (var column = 0; column < 90; column++)
                Assert.Equal(BitConverter.SingleToInt32Bits(first[row, column]), BitConverter.SingleToInt32Bits(second[row, column]));
    }

    [Fact]
    public void ARepeatedCallAllocatesNothing()
    {
        var random = new Random(4);
        var a = new StridedMatrix<double>(150, 700, Layout.EverySecond, random);
        var b = new StridedMatrix<double>(700, 90, Layout.ColumnMajor, random);
        var c = new StridedMatrix<double>(150, 90, Layout.RowMajor, random);
        Multiply(150, 90, 700, a, b, c);
        var least = long.MaxValue;
        for (var trial = 0; trial < 10; trial++) // a collection in another thread counts what is left of this thread's allocation block
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Multiply(150, 90, 700, a, b, c);
            Multiply(150, 1, 700, a, b, c);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public void BatchesWalkTheirOwnStrides()
    {
        const int First = 3, Second = 2, Rows = 5, Columns = 4, Inner = 6;
        var random = new Random(6);
        var a = new StridedMatrix<double>(First * Rows, Inner, Layout.RowMajor, random); // repeated over the second batch extent
        var b = new StridedMatrix<double>(Second * Inner, Columns, Layout.RowMajor, random); // repeated over the first, walked backwards
        var c = new StridedMatrix<double>(First * Second * Rows, Columns, Layout.RowMajor, random);
        var step = new MatrixProductStep(
            DType.Float64, [First, Second], Rows, Columns, Inner,
            new MatrixOperand(2, 0, [Rows * Inner, 0], Inner, 1),
            new MatrixOperand(0, Inner * Columns, [0, -Inner * Columns], Columns, 1),
            new MatrixOperand(1, 0, [Second * Rows * Columns, Rows * Columns], Columns, 1));
        BatchedProduct.Run(step, [(nint)b.Pointer, (nint)c.Pointer, (nint)a.Pointer]);
        for (var i = 0; i < First; i++)
            for (var j = 0; j < Second; j++)
                for (var row = 0; row < Rows; row++)
                    for (var column = 0; column < Columns; column++)
                    {
                        var expected = Enumerable.Range(0, Inner).Sum(k => a[(i * Rows) + row, k] * b[((1 - j) * Inner) + k, column]);
                        Assert.Equal(expected, c[(((i * Second) + j) * Rows) + row, column], 1e-14);
                    }

        Assert.True(c.CanariesLive());
    }

    [Fact]
    public void AnEmptyBatchDoesNothing()
    {
        var operand = new MatrixOperand(0, 0, [0], 1, 1);
        BatchedProduct.Run(new MatrixProductStep(DType.Float32, [0], 2, 2, 2, operand, operand, operand), [0]);
    }

    [Fact]
    public void IntegersAreRefused()
    {
        var operand = new MatrixOperand(0, 0, ImmutableArray<long>.Empty, 1, 1);
        Assert.Throws<DTypeException>(() => BatchedProduct.Run(new MatrixProductStep(DType.Int32, [], 1, 1, 1, operand, operand, operand), [0]));
    }

    private static void CheckBoth(int rows, int columns, int inner, Layout a, Layout b, Layout c)
    {
        Check<float>(rows, columns, inner, a, b, c, Multiply);
        Check<double>(rows, columns, inner, a, b, c, Multiply);
    }

    private static void CheckWidths<T>(int rows, int columns, int inner, Layout layout)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Check<T>(rows, columns, inner, layout, layout, Layout.RowMajor, MultiplyWith<Lanes128<T>, Vector128<T>, T>);
        Check<T>(rows, columns, inner, layout, layout, Layout.RowMajor, MultiplyWith<Lanes256<T>, Vector256<T>, T>);
        Check<T>(rows, columns, inner, layout, layout, Layout.RowMajor, MultiplyWith<Lanes512<T>, Vector512<T>, T>);
    }

    private static void Check<T>(
        int rows, int columns, int inner, Layout aLayout, Layout bLayout, Layout cLayout,
        Action<int, int, int, StridedMatrix<T>, StridedMatrix<T>, StridedMatrix<T>> multiply)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var random = new Random(HashCode(rows, columns, inner));
        var a = new StridedMatrix<T>(rows, inner, aLayout, random);
        var b = new StridedMatrix<T>(inner, columns, bLayout, random);
        var c = new StridedMatrix<T>(rows, columns, cLayout, random);
        multiply(rows, columns, inner, a, b, c);
        var name = $"{typeof(T).Name} {rows}×{inner}×{columns}, {aLayout} · {bLayout} → {cLayout}";
        Assert.True(c.CanariesLive(), $"{name}: wrote outside of C");
        var unit = typeof(T) == typeof(float) ? 1.2e-7 : 2.3e-16;
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
            {
                var (expected, size) = Dot(a, b, row, column, inner);
                var actual = double.CreateChecked(c[row, column]);
                if (!(Math.Abs(actual - expected) <= (inner + 2) * unit * size))
                    Assert.Fail($"{name}: element ({row}, {column}) is {actual}, not {expected}");
            }
    }

    private static (double Sum, double Size) Dot<T>(StridedMatrix<T> a, StridedMatrix<T> b, int row, int column, int inner)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double sum = 0, size = 0;
        for (var k = 0; k < inner; k++)
        {
            var term = double.CreateChecked(a[row, k]) * double.CreateChecked(b[k, column]);
            sum += term;
            size += Math.Abs(term);
        }

        return (sum, size);
    }

    private static int HashCode(int rows, int columns, int inner) => (((rows * 31) + columns) * 31) + inner;

    private static void Multiply<T>(int rows, int columns, int inner, StridedMatrix<T> a, StridedMatrix<T> b, StridedMatrix<T> c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        MatrixProduct.Multiply(
            rows, columns, inner, a.Pointer, a.RowStride, a.ColumnStride, b.Pointer, b.RowStride, b.ColumnStride, c.Pointer, c.RowStride, c.ColumnStride);

    private static void MultiplyWith<TLanes, TVector, T>(
        int rows, int columns, int inner, StridedMatrix<T> a, StridedMatrix<T> b, StridedMatrix<T> c)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        MatrixProduct.Multiply<TLanes, TVector, T>(new(rows, columns, inner, a.View, b.View, c.View, accumulate: false));
}
