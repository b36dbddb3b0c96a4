using System.Runtime.CompilerServices;

namespace FunctionalGrad.Loops;

/// <summary>
/// A kernel that only copies, and whose source and target run along different extents: a transpose. It goes tile by tile, and reads and writes
/// every cache line once and whole; block by block, long rows of a power of two would throw each other out of the cache.
/// </summary>
internal sealed unsafe class TransposedCopy
{
    private const int TileSize = 16;

    private readonly Access source;
    private readonly Access target;
    private readonly int elementSize;
    private readonly long[] extents;
    private readonly long[] sourceStrides;
    private readonly long[] targetStrides;
    private readonly int sourceExtent;
    private readonly int targetExtent;

    private TransposedCopy(Access source, Access target, int elementSize, IterationSpace space)
    {
        this.source = source;
        this.target = target;
        this.elementSize = elementSize;
        extents = (long[])space.Extents.Clone();
        sourceStrides = space.Project(source.Strides.AsSpan());
        targetStrides = space.Project(target.Strides.AsSpan());
        sourceExtent = Array.IndexOf(sourceStrides, 1);
        targetExtent = Array.IndexOf(targetStrides, 1);
    }

    private bool IsWorthwhile => sourceExtent >= 0 && targetExtent >= 0 && sourceExtent != targetExtent
        && extents[sourceExtent] >= 8 && extents[targetExtent] >= 8;

    /// <summary>The kernel as a transposing copy, or null if it is something else.</summary>
    public static TransposedCopy? TryCreate(Kernel kernel, KernelValues values, IterationSpace space)
    {
        if (!kernel.Reductions.IsEmpty || kernel.Body.Length > 8)
            return null;
        var live = Enumerable.Range(0, kernel.Body.Length).Where(i => values.IsLive(i) && values.Resolve(i) == i).Select(i => kernel.Body[i]).ToArray();
        if (live is not [{ Code: Opcode.Load } load, { Code: Opcode.Store } store])
            return null;
        var copy = new TransposedCopy(load.Access!, store.Access!, load.Type.Size(), space);
        return copy.IsWorthwhile ? copy : null;
    }

    /// <summary>Copies, given the address of every buffer.</summary>
    public void Run(nint* buffers)
    {
        var (from, to) = (buffers[source.Buffer], buffers[target.Buffer]);
        if (elementSize == 1)
            Run((byte*)from, (byte*)to);
        else if (elementSize == 4)
            Run((uint*)from, (uint*)to);
        else
            Run((ulong*)from, (ulong*)to);
    }

    private void Run<T>(T* from, T* to)
        where T : unmanaged
    {
        long planes = 1;
        for (var d = 0; d < extents.Length; d++)
            planes *= IsTiled(d) ? 1 : extents[d];
        for (long plane = 0; plane < planes; plane++)
        {
            var rest = plane;
            var x = from + source.Offset;
            var y = to + target.Offset;
            for (var d = extents.Length - 1; d >= 0; d--)
            {
                if (IsTiled(d))
                    continue;
                (rest, var digit) = Math.DivRem(rest, extents[d]);
                x += digit * sourceStrides[d];
                y += digit * targetStrides[d];
            }

            CopyPlane(x, y);
        }
    }

    private bool IsTiled(int d) => d == sourceExtent || d == targetExtent;

    private void CopyPlane<T>(T* from, T* to)
        where T : unmanaged
    {
        var (step, targetStep) = ((nint)sourceStrides[targetExtent], (nint)targetStrides[sourceExtent]);
        var (rows, columns) = ((nint)extents[sourceExtent], (nint)extents[targetExtent]);
        for (nint row = 0; row < rows; row += TileSize)
        {
            for (nint column = 0; column < columns; column += TileSize)
            {
                var x = from + row + (column * step);
                var y = to + column + (row * targetStep);
                if (rows - row >= TileSize && columns - column >= TileSize)
                    CopyTile(x, step, y, targetStep);
                else
                    CopyEdge(x, step, y, targetStep, Math.Min(TileSize, rows - row), Math.Min(TileSize, columns - column));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private static void CopyTile<T>(T* from, nint step, T* to, nint targetStep)
        where T : unmanaged
    {
        var tile = stackalloc T[TileSize * TileSize];
        for (var column = 0; column < TileSize; column++, from += step)
            Unsafe.CopyBlockUnaligned(tile + (column * TileSize), from, (uint)(TileSize * sizeof(T)));
        for (var row = 0; row < TileSize; row++, to += targetStep)
        {
            for (var column = 0; column < TileSize; column += 4)
            {
                var x = tile + (column * TileSize) + row;
                to[column] = x[0];
                to[column + 1] = x[TileSize];
                to[column + 2] = x[2 * TileSize];
                to[column + 3] = x[3 * TileSize];
            }
        }
    }

    private static void CopyEdge<T>(T* from, nint step, T* to, nint targetStep, nint rows, nint columns)
        where T : unmanaged
    {
        for (nint row = 0; row < rows; row++)
        {
            for (nint column = 0; column < columns; column++)
                to[(row * targetStep) + column] = from[row + (column * step)];
        }
    }
}
