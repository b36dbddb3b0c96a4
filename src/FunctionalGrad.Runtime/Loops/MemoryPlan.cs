using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>
/// Where each temporary buffer of a program lies in its arena: no two that are needed at one step overlap (<see cref="MemoryCheck"/>). A buffer's memory is its own from the first step that names it to the last,
/// and then serves others: the smallest free range that fits is taken, and free neighbours are joined.
/// </summary>
internal sealed class MemoryPlan
{
    private readonly SortedSet<(long Size, long Offset)> bySize = [];
    private readonly Dictionary<long, long> sizeByStart = [];
    private readonly Dictionary<long, long> sizeByEnd = [];

    /// <summary>Plans a program's memory in time n·log n.</summary>
    public MemoryPlan(ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps)
    {
        Offsets = new long[buffers.Length];
        var named = steps.Select(step => step.Reads.Concat(step.Writes).Distinct().ToArray()).ToArray();
        var last = new int[buffers.Length];
        for (var step = 0; step < named.Length; step++)
        {
            foreach (var buffer in named[step])
                last[buffer] = step;
        }

        var placed = new bool[buffers.Length];
        long alive = 0;
        for (var step = 0; step < named.Length; step++)
        {
            foreach (var buffer in named[step])
            {
                if (buffers[buffer].Kind != BufferKind.Temporary || placed[buffer])
                    continue;
                placed[buffer] = true;
                Offsets[buffer] = Take(RoundedBytes(buffers[buffer]));
                alive += RoundedBytes(buffers[buffer]);
                Total += RoundedBytes(buffers[buffer]);
            }

            Least = Math.Max(Least, alive);

            foreach (var buffer in named[step])
            {
                if (!placed[buffer] || last[buffer] != step)
                    continue;
                Free(Offsets[buffer], RoundedBytes(buffers[buffer]));
                alive -= RoundedBytes(buffers[buffer]);
            }
        }
    }

    /// <summary>Bytes from the start of the arena, for each temporary buffer; 0 for the others.</summary>
    public long[] Offsets { get; }

    /// <summary>How large the arena is.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes of all temporary buffers, as if none made room for another.</summary>
    public long Total { get; }

    /// <summary>The most bytes of temporary buffers, each in whole cache lines, that are needed at one step: no plan does with less.</summary>
    public long Least { get; }

    private static long BytesOf(BufferInfo buffer) => (long)buffer.Shape.Count * buffer.DType.Size();

    private static long RoundedBytes(BufferInfo buffer) => (BytesOf(buffer) + NDArray.Alignment - 1) & -NDArray.Alignment;

    private long Take(long size)
    {
        if (size == 0)
            return 0;
        foreach (var (found, offset) in bySize.GetViewBetween((size, 0), (long.MaxValue, long.MaxValue)))
        {
            Remove(offset, found);
            if (found > size)
                Add(offset + size, found - size);
            return offset;
        }

        return Grow(size);
    }

    /// <summary>Makes the arena larger, by no more than what a free range at its end leaves over.</summary>
    private long Grow(long size)
    {
        var start = Bytes;
        if (sizeByEnd.TryGetValue(Bytes, out var free))
        {
            start -= free;
            Remove(start, free);
        }

        Bytes = start + size;
        return start;
    }

    private void Free(long offset, long size)
    {
        if (size == 0)
            return;
        if (sizeByEnd.TryGetValue(offset, out var before))
        {
            Remove(offset - before, before);
            offset -= before;
            size += before;
        }

        if (sizeByStart.TryGetValue(offset + size, out var after))
        {
            Remove(offset + size, after);
            size += after;
        }

        Add(offset, size);
    }

    private void Add(long offset, long size)
    {
        bySize.Add((size, offset));
        sizeByStart[offset] = size;
        sizeByEnd[offset + size] = size;
    }

    private void Remove(long offset, long size)
    {
        bySize.Remove((size, offset));
        sizeByStart.Remove(offset);
        sizeByEnd.Remove(offset + size);
    }
}
