using System.Runtime.InteropServices;

namespace FunctionalGrad;

/// <summary>
/// The memory of one large array. When nobody holds the array any more, the garbage collector gives its memory to the next one of about the same
/// size: pages that are there already, and perhaps in the cache, where fresh ones would be cleared by the system one by one.
/// </summary>
internal sealed class RecycledMemory
{
    /// <summary>Smaller arrays share pages, which are cheap as they are.</summary>
    public const int Smallest = 64 * 1024;

    private const int BytesBetweenCollections = 16 << 20;
    private const int CollectionsOfYoung = 8;
    private const long MillisecondsIdle = 3000;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<int, Stack<Piece>> Idle = [];
    private static long takenSinceCollection;
    private static int collections;
    private static long returns;

    private readonly byte[] memory;
    private bool isShown;

    private RecycledMemory(byte[] memory)
    {
        this.memory = memory;
        var start = Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0);
        Address = (start + NDArray.Alignment - 1) & -NDArray.Alignment;
    }

    /// <summary>Nobody holds it: the memory may serve again, unless a span of it may still be in somebody's hands.</summary>
    ~RecycledMemory()
    {
        if (!isShown)
            Return(memory);
    }

    private readonly record struct Piece(byte[] Memory, long Since);

    /// <summary>The first byte, on a cache line.</summary>
    public nint Address { get; }

    /// <summary>At least so many bytes, <see cref="Smallest"/> or more; valid as long as the result is referenced.</summary>
    public static RecycledMemory Take(long bytes)
    {
        var size = Rounded(bytes + NDArray.Alignment);
        var piece = TryTake(size);
        if (piece is null && Interlocked.Add(ref takenSinceCollection, size) > Math.Max(BytesBetweenCollections, 2L * size))
        {
            Collect(size);
            piece = TryTake(size);
        }

        return new RecycledMemory(piece ?? GC.AllocateUninitializedArray<byte>(size, pinned: true));
    }

    /// <summary>The elements are given away as a span, which outlives this: the memory will not serve again.</summary>
    public void Show() => isShown = true;

    /// <summary>A part of the memory, which it keeps alive.</summary>
    public ref byte At(nint address) =>
        ref memory[address - Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0)];

    /// <summary>Eight sizes between a power of two and the next, so that arrays of slightly different sizes serve each other.</summary>
    private static int Rounded(long bytes)
    {
        var step = Math.Max(4096, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)bytes) / 16);
        return (int)Math.Min((bytes + step - 1) / step * step, Array.MaxLength);
    }

    private static byte[]? TryTake(int size)
    {
        lock (Gate)
            return Idle.TryGetValue(size, out var pieces) && pieces.TryPop(out var piece) ? piece.Memory : null;
    }

    private static void Return(byte[] memory)
    {
        var now = Environment.TickCount64;
        lock (Gate)
        {
            returns++;
            if (!Idle.TryGetValue(memory.Length, out var pieces))
                Idle[memory.Length] = pieces = new Stack<Piece>();
            pieces.Push(new Piece(memory, now));
            Forget(now);
        }
    }

    /// <summary>Leaves to the collector what has not served for a while.</summary>
    private static void Forget(long now)
    {
        foreach (var (size, pieces) in Idle)
        {
            if (pieces.Count == 0 || now - pieces.Peek().Since <= MillisecondsIdle)
                continue;
            Idle.Remove(size);
            return;
        }
    }

    /// <summary>
    /// Has the collector look at young objects, among which the arrays that were dropped a moment ago are; that takes less time than the system
    /// takes to clear new pages. Finalizers run on a thread of their own: it is given a moment.
    /// </summary>
    private static void Collect(int size)
    {
        Interlocked.Exchange(ref takenSinceCollection, 0);
        var before = Volatile.Read(ref returns);
        GC.Collect(Interlocked.Increment(ref collections) % CollectionsOfYoung == 0 ? 1 : 0);
        var patience = Environment.TickCount64 + Math.Clamp(size >> 24, 1, 5);
        var spinner = default(SpinWait);
        while (Volatile.Read(ref returns) == before && Environment.TickCount64 < patience)
            spinner.SpinOnce();
    }
}
