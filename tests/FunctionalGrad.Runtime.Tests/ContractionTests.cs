using System.Collections.Immutable;
using System.Numerics;
using FunctionalGrad.Linear.Contractions;
using FunctionalGrad.Loops;
using FunctionalGrad.Tests;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Contractions over operands of any axes and strides, in every way and at every vector width, against plain loops.</summary>
public sealed class ContractionTests
{
    private static readonly int[] Sizes = [1, 1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 28];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 24)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void EveryWayGivesTheSums(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 4; i++)
        {
            Check<float>(Draw(random, DType.Float32), random);
            Check<double>(Draw(random, DType.Float64), random);
        }
    }

    [Fact]
    public void ManyPositionsAreTakenInParts()
    {
        var random = new Random(5);
        // Rows, columns and terms beyond the tables, each in pieces of which the last is shorter.
        Check<float>(Step(random, DType.Float32, [], [3, 2500], [2], [2, 2]), random);
        Check<float>(Step(random, DType.Float32, [], [2, 3], [3, 4111], [5]), random);
        Check<double>(Step(random, DType.Float64, [], [2, 3], [3, 5], [3, 1500]), random);
        Check<double>(Step(random, DType.Float64, [2], [5], [9], [2, 700]), random);
    }

    [Fact]
    public void EmptyAxesGiveNothingOrZeros()
    {
        var random = new Random(6);
        Check<float>(Step(random, DType.Float32, [], [2, 3], [4, 2], [0, 3]), random);
        Check<float>(Step(random, DType.Float32, [], [2, 0], [4, 2], [2, 3]), random);
        Check<double>(Step(random, DType.Float64, [0], [2, 2], [4, 2], [2, 3]), random);
        Check<double>(Step(random, DType.Float64, [], [], [], []), random);
    }

    [Fact]
    public void TheWayDoesNotChangeTheBits()
    {
        var random = new Random(7);
        for (var i = 0; i < 20; i++)
        {
            var step = Step(random, DType.Float32, [], [2, 9], [3, 17], [3, 1 + random.Next(400)]);
            var (a, b) = (Fill<float>(Reach(step.A, step, true, false), random, false), Fill<float>(Reach(step.B, step, false, true), random, false));
            float[]? first = null;
            foreach (var lanes in new[] { 4, 8, 16 })
                foreach (var plan in ContractionPlan.All(step, lanes))
                {
                    var c = Run(plan, a, b);
                    first ??= c;
                    Assert.Equal(first, c);
                }
        }
    }

    [Fact]
    public void StepsThatReachBeyondTheirBuffersAreRefused()
    {
        var operand = new ContractionOperand(0, 0, [], [3, 1], [1]);
        BufferInfo[] buffers = [new(BufferKind.Input, Shape.Of(8), DType.Float32), new(BufferKind.Output, Shape.Of(16), DType.Float32)];
        var target = new ContractionOperand(1, 0, [], [8, 4], [1]);
        Program Make(ContractionOperand a, ContractionOperand b, ImmutableArray<int> rows) =>
            new([.. buffers], 0, [new ContractionStep(DType.Float32, [], rows, [3], [2], a, b, target)]);
        Make(operand, new ContractionOperand(0, 0, [], [1], [2]), [2, 2]);
        Assert.Throws<ArgumentException>(() => Make(operand, new ContractionOperand(0, 0, [], [1], [4]), [2, 2]));
        Assert.Throws<ArgumentException>(() => Make(operand, new ContractionOperand(0, 0, [], [1, 1], [2]), [2, 2]));
        Assert.Throws<ArgumentException>(() => Make(operand, new ContractionOperand(0, 0, [], [1], [2]), [2, -2]));
        Assert.Throws<ArgumentException>(() => Make(operand with { BatchStrides = [1] }, new ContractionOperand(0, 0, [], [1], [2]), [2, 2]));
    }

    private static ContractionStep Draw(Random random, DType dtype)
    {
        int[] Extents(int most)
        {
            var extents = Enumerable.Range(0, random.Next(most + 1)).Select(_ => Sizes[random.Next(Sizes.Length)]).ToArray();
            for (var i = 0; i < extents.Length && extents.Aggregate(1, (n, extent) => n * extent) > 120; i++)
                extents[i] = Math.Min(extents[i], 3);
            return extents;
        }

        return Step(random, dtype, [.. Extents(1).Select(n => Math.Min(n, 3))], Extents(3), Extents(3), Extents(3));
    }

    /// <summary>Operands whose axes overlap as windows do, or lie apart, in some order; a result whose elements lie apart, with gaps.</summary>
    private static ContractionStep Step(Random random, DType dtype, int[] batch, int[] rows, int[] columns, int[] inner)
    {
        ContractionOperand Operand(int buffer, int[] first, int[] second, bool apart)
        {
            int[] extents = [.. batch, .. first, .. second];
            var strides = new long[extents.Length];
            var order = Enumerable.Range(0, extents.Length).ToArray();
            if (random.Next(2) == 0)
                random.Shuffle(order);
            long next = 1;
            foreach (var axis in order.Reverse())
            {
                strides[axis] = apart || random.Next(3) > 0 ? next : random.Next(4);
                next = Math.Max(next, strides[axis] * extents[axis]) + random.Next(2);
            }

            var offset = 0L;
            for (var axis = 0; axis < strides.Length; axis++)
                if (random.Next(8) == 0)
                {
                    offset += strides[axis] * Math.Max(extents[axis] - 1, 0);
                    strides[axis] = -strides[axis];
                }

            var (n, m) = (batch.Length, batch.Length + first.Length);
            return new ContractionOperand(buffer, offset, [.. strides[..n]], [.. strides[n..m]], [.. strides[m..]]);
        }

        return new ContractionStep(
            dtype, [.. batch], [.. rows], [.. columns], [.. inner],
            Operand(0, rows, inner, false), Operand(1, inner, columns, false), Operand(2, rows, columns, true));
    }

    private static unsafe void Check<T>(ContractionStep step, Random random)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // Small whole numbers, so that every order of their sums is exact.
        T[] a = Fill<T>(Reach(step.A, step, true, false), random, true), b = Fill<T>(Reach(step.B, step, false, true), random, true);
        var expected = Fill<T>(Reach(step.C, step, true, true), random, true);
        Array.Fill(expected, T.NaN);
        foreach (var batch in Indices(step.Batch))
            foreach (var row in Indices(step.Rows))
                foreach (var column in Indices(step.Columns))
                {
                    var sum = T.Zero;
                    foreach (var term in Indices(step.Inner))
                        sum += a[At(step.A, batch, row, term)] * b[At(step.B, batch, term, column)];
                    expected[At(step.C, batch, row, column)] = sum;
                }

        foreach (var bytes in new[] { 16, 32, 64 })
            foreach (var plan in ContractionPlan.All(step, bytes / sizeof(T)))
                Assert.Equal(expected, Run(plan, a, b));
    }

    /// <summary>Runs a plan over operands at the edge of memory that nobody may touch; places that are not written are NaN.</summary>
    private static unsafe T[] Run<T>(ContractionPlan plan, T[] a, T[] b)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var c = new T[Reach(plan.Step.C, plan.Step, true, true)];
        Array.Fill(c, T.NaN);
        if (!GuardedMemory.IsSupported)
        {
            fixed (T* left = a, right = b, target = c)
                Contraction.Run(plan, [(nint)left, (nint)right, (nint)target]);
            return c;
        }

        using GuardedMemory left1 = new(a.Length * sizeof(T)), right1 = new(b.Length * sizeof(T)), target1 = new(c.Length * sizeof(T));
        foreach (var atEnd in new[] { false, true })
        {
            T* x = (T*)(atEnd ? left1.Last : left1.First), y = (T*)(atEnd ? right1.Last : right1.First), z = (T*)(atEnd ? target1.Last : target1.First);
            a.CopyTo(new Span<T>(x, a.Length));
            b.CopyTo(new Span<T>(y, b.Length));
            new Span<T>(z, c.Length).Fill(T.NaN);
            Contraction.Run(plan, [(nint)x, (nint)y, (nint)z]);
            new Span<T>(z, c.Length).CopyTo(c);
        }

        return c;
    }

    private static T[] Fill<T>(int count, Random random, bool whole)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        [.. Enumerable.Range(0, count).Select(_ => T.CreateChecked(whole ? random.Next(-3, 4) : random.NextDouble() - 0.5))];

    private static int Reach(ContractionOperand operand, ContractionStep step, bool hasRows, bool hasColumns)
    {
        var (rows, columns) = (hasRows ? step.Rows : step.Inner, hasColumns ? step.Columns : step.Inner);
        int[] extents = [.. step.Batch, .. rows, .. columns];
        long[] strides = [.. operand.BatchStrides, .. operand.RowStrides, .. operand.ColumnStrides];
        return (int)(1 + operand.Offset + extents.Zip(strides, (n, stride) => Math.Max(0, stride * (n - 1))).Sum());
    }

    private static long At(ContractionOperand operand, int[] batch, int[] row, int[] column)
    {
        static long Sum(int[] index, ImmutableArray<long> strides) => index.Select((i, d) => i * strides[d]).Sum();
        return operand.Offset + Sum(batch, operand.BatchStrides) + Sum(row, operand.RowStrides) + Sum(column, operand.ColumnStrides);
    }

    private static IEnumerable<int[]> Indices(ImmutableArray<int> extents)
    {
        if (extents.Contains(0))
            yield break;
        var index = new int[extents.Length];
        while (true)
        {
            yield return index;
            var axis = extents.Length - 1;
            while (axis >= 0 && ++index[axis] == extents[axis])
                index[axis--] = 0;
            if (axis < 0)
                yield break;
        }
    }
}
