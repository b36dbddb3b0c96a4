using System.Runtime.CompilerServices;

namespace FunctionalGrad.Loops;

/// <summary>
/// Memory that programs borrow while they run. Each thread keeps one piece for each depth at which programs run inside of programs, as large
/// as the largest has needed, so that any number of cached programs costs the memory of one, and what one program leaves in the cache of
/// the processor serves the next. What is borrowed last is given back first.
/// </summary>
internal sealed class WorkingMemory
{
    // Beyond this the garbage collector may take an idle piece back.
    private const long Large = 256L << 20;

    // Programs inside of programs that keep their memory; deeper ones are rare.
    private const int Depths = 8;

    [ThreadStatic]
    private static Level[]? levels;

    [ThreadStatic]
    private static int depth;

    private static long made;

    private readonly long bytes;

    private WorkingMemory(long bytes)
    {
        this.bytes = bytes;
        Identity = Interlocked.Increment(ref made);
        (Storage, Start) = Memory.Allocate(bytes);
    }

    /// <summary>Tells this piece from every other, without keeping it alive.</summary>
    public long Identity { get; }

    /// <summary>What keeps the memory alive.</summary>
    public object Storage { get; }

    /// <summary>The address of the first byte, on a cache line.</summary>
    public nint Start { get; }

    /// <summary>At least so many bytes; <see cref="Return"/> them after use, on the same thread.</summary>
    public static WorkingMemory Borrow(long bytes)
    {
        levels ??= new Level[Depths];
        var piece = depth < Depths ? levels[depth].Take() : null;
        if (piece is null || piece.bytes < bytes)
            piece = new WorkingMemory(bytes);
        depth++;
        return piece;
    }

    /// <summary>Memory that is its owner's alone.</summary>
    public static WorkingMemory Own(long bytes) => new(bytes);

    /// <summary>Gives the memory back.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Return()
    {
        depth--;
        if (depth < Depths)
            levels![depth].Keep(this);
    }

    /// <summary>The idle piece of a depth.</summary>
    private struct Level
    {
        private WorkingMemory? idle;
        private WeakReference<WorkingMemory>? idleLarge;

        public WorkingMemory? Take()
        {
            WorkingMemory? piece = null;
            if (idleLarge is not null && idleLarge.TryGetTarget(out piece))
                idleLarge.SetTarget(null!);
            piece ??= idle;
            idle = null;
            return piece;
        }

        public void Keep(WorkingMemory piece)
        {
            if (piece.bytes > Large)
                (idleLarge ??= new WeakReference<WorkingMemory>(piece)).SetTarget(piece);
            else
                idle = piece;
        }
    }
}
