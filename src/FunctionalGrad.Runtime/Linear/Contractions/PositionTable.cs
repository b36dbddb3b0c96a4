using System.Runtime.InteropServices;

namespace FunctionalGrad.Linear.Contractions;

/// <summary>One axis of a contraction: its extent and its strides in the two operands that have it, in elements.</summary>
internal readonly record struct SharedAxis(int Extent, long First, long Second);

/// <summary>Part of the positions: where it begins in both operands, in bytes, and how many positions of the table it takes.</summary>
internal readonly record struct PositionBlock(nint First, nint Second, int Count);

/// <summary>
/// Where the positions along several axes lie in two operands, in bytes: a table for the last axes, and blocks, which are indexes over the axes in
/// front. A position lies at its block's place plus its place in the table.
/// </summary>
internal sealed unsafe class PositionTable
{
    private readonly (long Extent, nint First, nint Second)[] loops;
    private readonly int lastCount;
    private readonly long pieces;
    private readonly nint[] first;
    private readonly nint[] second;

    /// <summary>Tabulates the axes, outermost first.</summary>
    /// <param name="axes">The axes, in the order in which positions count.</param>
    /// <param name="elementSize">Bytes of an element.</param>
    /// <param name="largest">The most positions that the table may have.</param>
    public PositionTable(IEnumerable<SharedAxis> axes, int elementSize, int largest)
    {
        var merged = Merge(axes);
        var split = merged.Count;
        Count = 1;
        while (split > 0 && (long)Count * merged[split - 1].Extent <= largest)
            Count *= merged[--split].Extent;
        var inTable = merged.Skip(split).ToList();
        var around = new List<(long, nint, nint)>();
        for (var i = 0; i < split - 1; i++)
            around.Add((merged[i].Extent, (nint)merged[i].First * elementSize, (nint)merged[i].Second * elementSize));
        pieces = 1;
        lastCount = Count;
        if (split > 0)
        {
            // The first axis that does not fit whole is cut into equal parts.
            var axis = merged[split - 1];
            var most = Math.Max(largest / Math.Max(Count, 1), 1);
            pieces = (axis.Extent + most - 1) / most;
            var part = (int)((axis.Extent + pieces - 1) / pieces);
            pieces = (axis.Extent + part - 1) / part;
            around.Add((pieces, (nint)(part * axis.First) * elementSize, (nint)(part * axis.Second) * elementSize));
            lastCount = (int)(axis.Extent - ((pieces - 1) * part)) * Count;
            inTable.Insert(0, axis with { Extent = part });
            Count *= part;
        }

        loops = [.. around];
        Run = inTable.Count == 0 ? 1 : inTable[^1].Extent;
        RunStrides = inTable.Count == 0 ? (0, 0) : ((nint)inTable[^1].First * elementSize, (nint)inTable[^1].Second * elementSize);
        Blocks = loops.Aggregate(1L, (n, loop) => n * loop.Extent);
        Total = merged.Aggregate(1L, (n, axis) => n * axis.Extent);
        first = Tabulate(inTable, axis => axis.First * elementSize);
        second = Tabulate(inTable, axis => axis.Second * elementSize);
    }

    /// <summary>Positions in the table.</summary>
    public int Count { get; }

    /// <summary>How many blocks there are; every one but the last of its axis takes the whole table.</summary>
    public long Blocks { get; }

    /// <summary>All positions.</summary>
    public long Total { get; }

    /// <summary>So many neighbours in the table lie evenly spaced.</summary>
    public int Run { get; }

    /// <summary>Bytes between such neighbours, in both operands.</summary>
    public (nint First, nint Second) RunStrides { get; }

    /// <summary>The fewest positions that a block has.</summary>
    public int FewestInBlock => Math.Min(Count, lastCount);

    /// <summary>The places of the table in the first operand.</summary>
    public nint* First => (nint*)Marshal.UnsafeAddrOfPinnedArrayElement(first, 0);

    /// <summary>The places of the table in the second operand.</summary>
    public nint* Second => (nint*)Marshal.UnsafeAddrOfPinnedArrayElement(second, 0);

    /// <summary>A block by its number.</summary>
    public PositionBlock Block(long index)
    {
        var count = index % pieces == pieces - 1 ? lastCount : Count;
        nint firstPlace = 0, secondPlace = 0;
        for (var axis = loops.Length - 1; axis >= 0; axis--)
        {
            var (extent, firstStride, secondStride) = loops[axis];
            var place = (nint)(index % extent);
            index /= extent;
            firstPlace += place * firstStride;
            secondPlace += place * secondStride;
        }

        return new PositionBlock(firstPlace, secondPlace, count);
    }

    /// <summary>The axes without those of one element, and neighbours that step evenly through both operands as one.</summary>
    private static List<SharedAxis> Merge(IEnumerable<SharedAxis> axes)
    {
        var merged = new List<SharedAxis>();
        foreach (var axis in axes)
        {
            if (axis.Extent == 1)
                continue;
            if (merged.Count > 0 && IsOne(merged[^1], axis))
                merged[^1] = axis with { Extent = merged[^1].Extent * axis.Extent };
            else
                merged.Add(axis);
        }

        return merged;
    }

    private static bool IsOne(SharedAxis outer, SharedAxis inner) =>
        (long)outer.Extent * inner.Extent <= int.MaxValue && outer.First == inner.First * inner.Extent && outer.Second == inner.Second * inner.Extent;

    private static nint[] Tabulate(List<SharedAxis> axes, Func<SharedAxis, long> stride)
    {
        var count = axes.Aggregate(1, (n, axis) => n * axis.Extent);
        var table = GC.AllocateArray<nint>(Math.Max(count, 1), pinned: true);
        for (var i = 0; i < count; i++)
        {
            var rest = i;
            for (var axis = axes.Count - 1; axis >= 0; axis--)
            {
                table[i] += (nint)(rest % axes[axis].Extent * stride(axes[axis]));
                rest /= axes[axis].Extent;
            }
        }

        return table;
    }
}
