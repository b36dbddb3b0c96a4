namespace FunctionalGrad.Loops;

/// <summary>
/// Values that a loop carries from step to step. Each has two places, its home, where the last step leaves it, and a spare one, which
/// the steps write to in turn.
/// </summary>
internal readonly unsafe ref struct Carried
{
    private readonly ReadOnlySpan<long> bytes;
    private readonly nint* current;
    private readonly nint* home;
    private readonly nint* spare;

    /// <summary>Lays the spare places into free memory.</summary>
    /// <param name="bytes">The size of each value.</param>
    /// <param name="free">Where <see cref="MemoryFor"/> bytes are free; afterwards, where they end.</param>
    public Carried(ReadOnlySpan<long> bytes, ref nint free)
    {
        this.bytes = bytes;
        var count = bytes.Length;
        current = (nint*)Take(ref free, 3L * count * sizeof(nint));
        home = current + count;
        spare = home + count;
        for (var i = 0; i < count; i++)
            spare[i] = Take(ref free, bytes[i]);
    }

    /// <summary>How many values there are.</summary>
    public int Count => bytes.Length;

    /// <summary>Bytes of memory that the spare places take.</summary>
    public static long MemoryFor(ReadOnlySpan<long> bytes)
    {
        var sum = Rounded(3L * bytes.Length * sizeof(nint));
        foreach (var size in bytes)
            sum += Rounded(size);
        return sum;
    }

    /// <summary>The beginning of so much free memory, on a cache line.</summary>
    public static nint Take(ref nint free, long size)
    {
        var start = free;
        free += (nint)Rounded(size);
        return start;
    }

    /// <summary>Bytes up to the next cache line.</summary>
    public static long Rounded(long size) => (size + NDArray.Alignment - 1) & -NDArray.Alignment;

    /// <summary>Where a value lies before the first step, and where it shall lie after the last.</summary>
    public void Start(int i, nint start, nint end)
    {
        current[i] = start;
        home[i] = end;
    }

    /// <summary>Zero before the first step; where it shall lie after the last, and whether the first step writes there.</summary>
    public void StartAtZero(int i, nint end, bool toHome)
    {
        Start(i, toHome ? spare[i] : end, end);
        new Span<byte>((void*)current[i], checked((int)bytes[i])).Clear();
    }

    /// <summary>Where a value lies.</summary>
    public nint this[int i]
    {
        get => current[i];
        set => current[i] = value;
    }

    /// <summary>One of the two places.</summary>
    public nint Place(int i, bool isHome) => isHome ? home[i] : spare[i];

    /// <summary>Brings home what a step has left elsewhere.</summary>
    public void Finish()
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            if (current[i] != home[i])
                Buffer.MemoryCopy((void*)current[i], (void*)home[i], bytes[i], bytes[i]);
        }
    }
}
