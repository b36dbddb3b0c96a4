namespace FunctionalGrad.Loops;

/// <summary>In which order the blocks of a kernel are visited.</summary>
internal enum Traversal
{
    /// <summary>From end to end; a block holds all indexes that are folded into one, or nothing is folded.</summary>
    Whole,

    /// <summary>One outer index after the other, several blocks for each: its results are carried from block to block.</summary>
    Folded,

    /// <summary>A block is a part of the lanes; for each, all reduced indexes are visited in turn.</summary>
    Tiled,
}

/// <summary>
/// How the index space is cut into blocks, each a contiguous range of linear indexes. A block is either <c>Capacity / Inner</c> times the extents
/// from <paramref name="InnerFrom"/> on, or, if <paramref name="InRow"/>, a piece of a row of the last extent.
/// </summary>
/// <param name="Traversal">The order of the blocks.</param>
/// <param name="SpanFrom">Blocks are cut from ranges made of the extents from this one on.</param>
/// <param name="InnerFrom">The extents from this one on are held whole by every block.</param>
/// <param name="Capacity">The largest number of elements in a block.</param>
/// <param name="InRow">True if the last extent alone is longer than a block.</param>
/// <param name="Span">How many indexes one range has.</param>
/// <param name="Limit">Blocks do not cross multiples of this within a range.</param>
/// <param name="Outer">Ranges, or in a tiled traversal groups of ranges, in the index space.</param>
/// <param name="Repeats">In a tiled traversal, how many ranges a group has.</param>
internal sealed record Blocking(
    Traversal Traversal, int SpanFrom, int InnerFrom, long Capacity, bool InRow, long Span, long Limit, long Outer, long Repeats)
{
    /// <summary>From this length on a row is a block of its own, so that rows are read where they lie.</summary>
    private const int LongRow = 256;

    /// <summary>Bytes of all values of one block together; they should stay in the first-level cache.</summary>
    private const int CacheBudget = 24 * 1024;

    /// <summary>How many elements a block should have for so many values at a time.</summary>
    public static long BlockSize(int values, int elementSize) =>
        Math.Clamp(CacheBudget / (Math.Max(values, 1) * elementSize), 256, 2048) & -64;

    /// <summary>Cuts a non-empty space into blocks of about <paramref name="size"/> elements.</summary>
    public static Blocking Choose(IterationSpace space, bool reduces, long size, bool transposes)
    {
        if (!reduces && transposes)
            return Tiles(space, space.Extents.Length - 1, space.Extents[^2], Math.Min(size, LongRow));
        if (!reduces || space.Reduced * space.Lanes <= size)
            return Cut(space, Traversal.Whole, 0, reduces ? space.FirstReduced : space.Extents.Length, size, 1, 1);
        return space.Lanes <= size
            ? Cut(space, Traversal.Folded, space.FirstReduced, space.FirstLane, size, space.Outer, 1)
            : Tiles(space, space.FirstLane, space.Reduced, size);
    }

    /// <summary>True if a block of the access is a contiguous range of its buffer.</summary>
    public bool IsDirect(IterationSpace space, ReadOnlySpan<long> strides)
    {
        long expected = 1;
        var last = space.Extents.Length - 1;
        for (var d = last; d >= DirectFrom(last); d--)
        {
            if (strides[d] != expected)
                return false;
            expected *= space.Extents[d];
        }

        return true;
    }

    /// <summary>True if a value that depends on the given extents (bits) is the same in every block.</summary>
    public bool IsInvariant(ulong extents) => InRow ? extents == 0 : (extents & ((1UL << InnerFrom) - 1)) == 0;

    /// <summary>True if one block is all there is.</summary>
    public bool IsSingle => Outer * Repeats == 1 && Span <= Capacity;

    /// <summary>How many elements the block has that begins at a position of a range.</summary>
    public nint LengthAt(long position) => (nint)Math.Min(Capacity, InRow ? Limit - (position % Limit) : Limit - position);

    private int DirectFrom(int last) => InRow ? last : HoldsOneInner ? InnerFrom : SpanFrom;

    private bool HoldsOneInner { get; init; }

    private static Blocking Tiles(IterationSpace space, int from, long repeats, long size)
    {
        var outer = space.Total / (space.ProductFrom(from) * repeats);
        return Cut(space, Traversal.Tiled, from, space.Extents.Length, size, outer, repeats);
    }

    /// <param name="space">What to cut.</param>
    /// <param name="traversal">In which order.</param>
    /// <param name="from">The first extent of a range.</param>
    /// <param name="wholeFrom">A block has to hold the extents from this one on.</param>
    /// <param name="size">The length to aim at.</param>
    /// <param name="outer">How many (groups of) ranges there are.</param>
    /// <param name="repeats">How many ranges a group has.</param>
    private static Blocking Cut(IterationSpace space, Traversal traversal, int from, int wholeFrom, long size, long outer, long repeats)
    {
        var extents = space.Extents;
        var last = extents.Length - 1;
        var span = space.ProductFrom(from);
        if (last >= from && extents[last] > size)
        {
            var pieces = (extents[last] + size - 1) / size;
            var capacity = Math.Min((((extents[last] + pieces - 1) / pieces) + 63) & -64, extents[last]);
            return new Blocking(traversal, from, extents.Length, capacity, true, span, extents[last], outer, repeats);
        }

        if (last >= from && extents[last] >= LongRow && last <= wholeFrom)
            return new Blocking(traversal, from, last, extents[last], false, span, span, outer, repeats) { HoldsOneInner = true };
        var inner = 1L;
        var innerFrom = extents.Length;
        while (innerFrom > from && inner * extents[innerFrom - 1] <= size)
            inner *= extents[--innerFrom];
        var times = Math.Clamp(size / inner, 1, span / inner);
        return new Blocking(traversal, from, innerFrom, times * inner, false, span, span, outer, repeats) { HoldsOneInner = times == 1 };
    }
}
