namespace FunctionalGrad.Loops;

/// <summary>What a loop carried into every so many of its steps.</summary>
internal abstract unsafe class LoopRecord
{
    /// <summary>Enters what is carried into the first step.</summary>
    public void Keep(LoopForm form, Carried carried)
    {
        for (var i = 0; i < carried.Count && form.Length != 0; i++)
            Buffer.MemoryCopy((void*)carried[i], (void*)Carry(i, 0), form.Carries[i], form.Carries[i]);
    }

    /// <summary>Where a carry of an entry lies.</summary>
    public abstract nint Carry(int carry, long entry);
}

/// <summary>A record in stacks, one for each carry.</summary>
internal sealed class StackedRecord : LoopRecord
{
    private readonly nint[] stacks;
    private readonly long[] bytes;

    /// <summary>A record in arrays that whoever holds it keeps alive.</summary>
    public StackedRecord(ReadOnlySpan<NDArray> stacks, long[] bytes)
    {
        this.bytes = bytes;
        this.stacks = new nint[stacks.Length];
        for (var i = 0; i < stacks.Length; i++)
            this.stacks[i] = stacks[i].Address;
    }

    /// <inheritdoc/>
    public override nint Carry(int carry, long entry) => stacks[carry] + (nint)(entry * bytes[carry]);
}

/// <summary>A record that grows with a loop whose end is not known.</summary>
internal sealed class GrowingRecord : LoopRecord
{
    private const long ChunkBytes = 1 << 20;
    private readonly List<(object Storage, nint Address)> chunks = [];
    private readonly long[] offsets;
    private readonly long entryBytes;
    private readonly long perChunk;

    /// <summary>An empty record of carries of the given sizes.</summary>
    public GrowingRecord(long[] bytes)
    {
        offsets = new long[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            offsets[i] = entryBytes;
            entryBytes += (bytes[i] + sizeof(long) - 1) & -sizeof(long);
        }

        perChunk = Math.Max(1, ChunkBytes / Math.Max(1, entryBytes));
    }

    /// <summary>Where a carry of an entry lies; makes room for a new one.</summary>
    public override nint Carry(int carry, long entry)
    {
        var chunk = (int)(entry / perChunk);
        if (chunk == chunks.Count)
            chunks.Add(Memory.Allocate(perChunk * entryBytes));
        return chunks[chunk].Address + (nint)((entry % perChunk * entryBytes) + offsets[carry]);
    }
}

/// <summary>
/// What a loop carried into each of its steps, as one asks from the last step to the first: recorded, or computed again from what is.
/// </summary>
internal ref struct LoopHistory
{
    private readonly LoopForm form;
    private readonly LoopSteps steps;
    private readonly LoopRecord record;
    private readonly GrowingRecord replayed;
    private long entry;
    private long place;

    /// <summary>The history of so many steps.</summary>
    public LoopHistory(LoopForm form, LoopSteps steps, LoopRecord record, long count)
    {
        this.form = form;
        this.steps = steps;
        this.record = record;
        replayed = new GrowingRecord(form.Carries);
        Count = count;
    }

    /// <summary>How many steps there were.</summary>
    public long Count { get; }

    /// <summary>Where a carry lies before the step that one has gone to.</summary>
    public readonly nint Carry(int carry) => CarryAt(carry, place);

    /// <summary>Goes to a step: the last one, or the one before that which one was at.</summary>
    public void GoTo(long step)
    {
        (entry, place) = form.Segment == 1 ? (step, 0) : Math.DivRem(step, form.Segment);
        if (place != form.Segment - 1 && step != Count - 1)
            return;
        for (long at = 0; at < place; at++)
        {
            steps.Enter(step - place + at);
            for (var i = 0; i < form.Carries.Length; i++)
            {
                steps.Function.SetParameter(1 + i, CarryAt(i, at));
                steps.Function.SetResult(i, CarryAt(i, at + 1));
            }

            steps.Function.Run();
        }
    }

    private readonly nint CarryAt(int carry, long at) => at == 0 ? record.Carry(carry, entry) : replayed.Carry(carry, at - 1);
}
