using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>How the body of a kernel is walked through.</summary>
internal enum NestKind
{
    /// <summary>Nothing is folded: every element by itself.</summary>
    Elements,

    /// <summary>What is folded lies in a row, vectors along it.</summary>
    Rows,

    /// <summary>What is folded lies in columns, side by side in the lanes of vectors.</summary>
    Columns,
}

/// <summary>One loop: how many indexes, how many at a time, and how far each access moves with an index.</summary>
/// <param name="Extent">How many indexes.</param>
/// <param name="Step">How many at a time.</param>
/// <param name="Members">The kernel's extent that it runs along.</param>
internal sealed record LoopExtent(long Extent, long Step, int Members);

/// <summary>
/// The loops around a kernel's body: extents of one are gone, neighbours that every access walks through evenly are one. The last loop runs along
/// vectors; the others are around it, outermost first.
/// </summary>
internal sealed class LoopNest
{
    /// <summary>Elements of a column's row that are folded at a time, so that their sums stay in the first-level cache.</summary>
    public const int Tile = 2048;

    private readonly Kernel kernel;

    private LoopNest(Kernel kernel, NestKind kind, LoopExtent[] loops, LoopExtent vector, long reduced)
    {
        this.kernel = kernel;
        Kind = kind;
        Loops = loops;
        Vector = vector;
        Reduced = reduced;
    }

    /// <summary>How the body is walked through.</summary>
    public NestKind Kind { get; }

    /// <summary>The loops around the one along vectors.</summary>
    public LoopExtent[] Loops { get; }

    /// <summary>The loop along vectors.</summary>
    public LoopExtent Vector { get; }

    /// <summary>How many elements are folded into one.</summary>
    public long Reduced { get; }

    /// <summary>Of columns: the first of the loops along which is folded.</summary>
    public int FirstReduced { get; private init; }

    /// <summary>How often the body is evaluated.</summary>
    public long Total => Loops.Aggregate(Vector.Extent, (product, loop) => product * (loop.Step > 1 ? 1 : loop.Extent));

    /// <summary>Elements between neighbours along a loop.</summary>
    public static long Stride(LoopExtent loop, ImmutableArray<long> strides) => loop.Members < 0 ? 0 : strides[loop.Members];

    /// <summary>The loops of a kernel; null if its rows are more than one loop long, or nothing is to be done.</summary>
    public static LoopNest? TryCreate(Kernel kernel, IReadOnlyList<ImmutableArray<long>> accesses, bool folds)
    {
        var reduceEnd = kernel.ReduceFrom + kernel.ReduceCount;
        if (kernel.Extents.Contains(0))
            return null;
        var outer = Merge(kernel, accesses, 0, folds ? kernel.ReduceFrom : kernel.Extents.Length);
        if (!folds)
            return new LoopNest(kernel, NestKind.Elements, [.. outer.SkipLast(1)], outer.Count > 0 ? outer[^1] : new(1, 1, -1), 1);
        var reduced = Merge(kernel, accesses, kernel.ReduceFrom, reduceEnd);
        var lanes = Merge(kernel, accesses, reduceEnd, kernel.Extents.Length);
        var count = reduced.Aggregate(1L, (product, loop) => product * loop.Extent);
        if (lanes.Count == 0)
        {
            return reduced.Count > 1 ? null : new LoopNest(kernel, NestKind.Rows, [.. outer], reduced.Count > 0 ? reduced[0] : new(1, 1, -1), count);
        }

        var around = outer.Concat(lanes.SkipLast(1)).Append(lanes[^1] with { Step = Tile }).ToArray();
        return new LoopNest(kernel, NestKind.Columns, [.. around, .. reduced], lanes[^1], count) { FirstReduced = around.Length };
    }

    private static List<LoopExtent> Merge(Kernel kernel, IReadOnlyList<ImmutableArray<long>> accesses, int first, int end)
    {
        var loops = new List<LoopExtent>();
        for (var d = first; d < end; d++)
        {
            var extent = kernel.Extents[d];
            if (extent == 1)
                continue;
            if (loops.Count > 0 && accesses.All(strides => strides[loops[^1].Members] == strides[d] * extent))
                loops[^1] = new(loops[^1].Extent * extent, 1, d);
            else
                loops.Add(new(extent, 1, d));
        }

        return loops;
    }
}
