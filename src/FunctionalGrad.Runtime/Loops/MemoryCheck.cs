using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>Refuses a plan by which a step would overwrite what it, or a later one, still needs.</summary>
internal static class MemoryCheck
{
    /// <summary>Checks a plan against the steps it was made for, without regard to how it was made.</summary>
    /// <param name="buffers">All buffers.</param>
    /// <param name="steps">The steps; one that stands for several counts as one.</param>
    /// <param name="offsets">Where each temporary buffer begins.</param>
    /// <param name="bytes">How large the arena is.</param>
    /// <exception cref="InvalidOperationException">Two buffers that are needed at one step overlap, or one does not lie in the arena.</exception>
    public static void Check(ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps, ReadOnlySpan<long> offsets, long bytes)
    {
        var (starts, ends) = Lives(buffers, steps);
        var alive = new SortedSet<Place>();
        for (var step = 0; step < steps.Length; step++)
        {
            foreach (var buffer in starts[step])
            {
                var place = PlaceOf(buffers, offsets, buffer);
                if (place.From < 0 || place.From % NDArray.Alignment != 0 || place.End > bytes)
                    throw new InvalidOperationException($"memory plan: buffer {buffer}, bytes {place.From} to {place.End}, does not lie in the arena of {bytes}.");
                if (Neighbour(alive, place) is { } other)
                    throw new InvalidOperationException($"memory plan: step {step} needs buffers {other.Buffer} and {buffer}, which overlap.");
                alive.Add(place);
            }

            foreach (var buffer in ends[step])
                alive.Remove(PlaceOf(buffers, offsets, buffer));
        }
    }

    /// <summary>The temporary buffers that each step names first, and those that it names last.</summary>
    private static (List<int>[] Starts, List<int>[] Ends) Lives(ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps)
    {
        List<int>[] starts = [.. steps.Select(_ => new List<int>())];
        List<int>[] ends = [.. steps.Select(_ => new List<int>())];
        var last = new int[buffers.Length];
        Array.Fill(last, -1);
        for (var step = 0; step < steps.Length; step++)
        {
            foreach (var buffer in steps[step].Reads.Concat(steps[step].Writes).Where(i => buffers[i].Kind == BufferKind.Temporary && buffers[i].Shape.Count > 0))
            {
                if (last[buffer] < 0)
                    starts[step].Add(buffer);
                last[buffer] = step;
            }
        }

        for (var buffer = 0; buffer < last.Length; buffer++)
        {
            if (last[buffer] >= 0)
                ends[last[buffer]].Add(buffer);
        }

        return (starts, ends);
    }

    /// <summary>One of the places that overlap a place; those that are given do not overlap each other.</summary>
    private static Place? Neighbour(SortedSet<Place> alive, Place place)
    {
        var before = alive.GetViewBetween(new(long.MinValue, 0, 0), place).Max;
        var behind = alive.GetViewBetween(place, new(long.MaxValue, 0, 0)).Min;
        return before.End > place.From ? before : behind.End > 0 && behind.From < place.End ? behind : null;
    }

    private static Place PlaceOf(ImmutableArray<BufferInfo> buffers, ReadOnlySpan<long> offsets, int buffer) =>
        new(offsets[buffer], offsets[buffer] + ((long)buffers[buffer].Shape.Count * buffers[buffer].DType.Size()), buffer);

    /// <summary>Bytes of the arena; without a place, all is 0.</summary>
    private readonly record struct Place(long From, long End, int Buffer) : IComparable<Place>
    {
        public int CompareTo(Place other) => From != other.From ? From.CompareTo(other.From) : Buffer.CompareTo(other.Buffer);
    }
}
