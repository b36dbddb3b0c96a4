using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FunctionalGrad.Kernels;

/// <summary>
/// The loops that folds run in. The order in which elements meet is fixed: it depends on how many there are and on nothing else, so that a sum
/// has the same bits at every width of the vectors and however the elements are cut into blocks.
/// <list type="bullet">
/// <item><em>Adjacent pairs</em> of a list: neighbours are folded, then neighbouring results, and so on; who has no neighbour waits for the next round.</item>
/// <item>A <em>row</em> is cut into chunks of <see cref="Chunk"/> elements. In a chunk, element i goes to lane i modulo
/// <see cref="GroupBytes"/> / (bytes of an element), as far as the elements fill all lanes, and the lanes meet in adjacent pairs; the elements left over
/// meet in adjacent pairs among themselves and come last. The chunks meet in adjacent pairs. What comes out joins the accumulator.</item>
/// <item>A <em>column</em> joins its accumulator one element after the other. Whoever folds long columns begins a new accumulator every
/// <see cref="Leaf"/> rows, and the accumulators meet in adjacent pairs.</item>
/// </list>
/// So the error of a sum of n numbers is at most about (64 + log₂ n) u Σ|x| along a row of float32, (128 + log₂ n) u Σ|x| otherwise; u is half a
/// unit in the last place of 1 (N. Higham, The accuracy of floating point summation, SIAM J. Sci. Comput. 14, 1993).
/// </summary>
internal static unsafe partial class FoldLoop
{
    /// <summary>Bytes of the lanes that a row is folded into side by side, whatever the width of the vectors.</summary>
    public const int GroupBytes = 128;

    /// <summary>Elements after which the lanes of a row are folded into one: it keeps a long sum accurate.</summary>
    public const int Chunk = 2048;

    /// <summary>The loop over rows at a width.</summary>
    public static delegate*<void*, void*, nint, nint, void> Rows<K, T>(int width)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &RunRows<K, Lanes512<T>, Vector512<T>, T>,
            256 => &RunRows<K, Lanes256<T>, Vector256<T>, T>,
            _ => &RunRows<K, Lanes128<T>, Vector128<T>, T>,
        };

    /// <summary>accumulators[r] = fold of accumulators[r] and row r.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunRows<K, L, V, T>(void* x, void* accumulators, nint rows, nint length)
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var row = (T*)x;
        var target = (T*)accumulators;
        if (length == 1)
        {
            BinaryLoop.Run<K, L, V, T>(target, row, target, rows);
            return;
        }

        if (length <= 0)
            return;
        for (nint r = 0; r < rows; r++, row += length)
        {
            if (length > Chunk)
                FoldLong<K, V, T>(row, target + r, length);
            else
                Join<K, T>(target + r, length < GroupBytes / sizeof(T) ? FoldFew<K, T>(row, length) : FoldChunk<K, V, T>(row, length));
        }
    }

    /// <summary>The fold of one row of at most a chunk with <paramref name="first"/>: for emitted code, which knows the length, so that little is left of this.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ShortRow<K, V, T>(T* row, nint length, T first)
        where K : struct, IBinaryKernel
        where V : unmanaged
        where T : unmanaged, INumber<T> => default(K).Apply(
            default(Lanes1<T>), first, length < GroupBytes / sizeof(T) ? FoldFew<K, T>(row, length) : FoldChunk<K, V, T>(row, length));

    // Inlined, it would have every call of the loop clear the partial row.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FoldLong<K, V, T>(T* row, T* accumulator, nint length)
        where K : struct, IBinaryKernel
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var partial = default(PartialRow);
        RunPart<K, V, T>(row, &partial, length);
        RunEnd<K, T>(&partial, accumulator);
    }

    /// <summary>The fold of a row of one chunk, of at least <see cref="GroupBytes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldChunk<K, V, T>(T* row, nint length)
        where K : struct, IBinaryKernel
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var group = GroupBytes / sizeof(T);
        var whole = length & -group;
        var value = FoldGroups<K, V, T>(row, row + group, whole - group, null);
        return whole == length ? value : default(K).Apply(default(Lanes1<T>), value, FoldFew<K, T>(row + whole, length - whole));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join<K, T>(T* accumulator, T value)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => *accumulator = default(K).Apply(default(Lanes1<T>), *accumulator, value);

    /// <summary>
    /// Folds whole groups into lanes, which start as given. Writes the lanes to <paramref name="kept"/>, or, if that is null, gives their fold.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldGroups<K, V, T>(T* start, T* row, nint length, T* kept)
        where K : struct, IBinaryKernel
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        if (sizeof(V) == 64)
            return FoldGroups512<K, T>(start, row, length, kept);
        return sizeof(V) == 32 ? FoldGroups256<K, T>(start, row, length, kept) : FoldGroups128<K, T>(start, row, length, kept);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldGroups512<K, T>(T* start, T* row, nint length, T* kept)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var lanes = default(Lanes512<T>);
        var kernel = default(K);
        var step = Vector512<T>.Count;
        var a = lanes.Load(start);
        var b = lanes.Load(start + step);
        for (nint i = 0; i < length; i += 2 * step)
        {
            a = kernel.Apply(lanes, a, lanes.Load(row + i));
            b = kernel.Apply(lanes, b, lanes.Load(row + i + step));
        }

        if (kept == null)
            return FoldLanes<K, T>(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper());
        lanes.Store(kept, a);
        lanes.Store(kept + step, b);
        return default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldGroups256<K, T>(T* start, T* row, nint length, T* kept)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var lanes = default(Lanes256<T>);
        var kernel = default(K);
        var step = Vector256<T>.Count;
        var a = lanes.Load(start);
        var b = lanes.Load(start + step);
        var c = lanes.Load(start + (2 * step));
        var d = lanes.Load(start + (3 * step));
        for (nint i = 0; i < length; i += 4 * step)
        {
            a = kernel.Apply(lanes, a, lanes.Load(row + i));
            b = kernel.Apply(lanes, b, lanes.Load(row + i + step));
            c = kernel.Apply(lanes, c, lanes.Load(row + i + (2 * step)));
            d = kernel.Apply(lanes, d, lanes.Load(row + i + (3 * step)));
        }

        if (kept == null)
            return FoldLanes<K, T>(a, b, c, d);
        lanes.Store(kept, a);
        lanes.Store(kept + step, b);
        lanes.Store(kept + (2 * step), c);
        lanes.Store(kept + (3 * step), d);
        return default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldGroups128<K, T>(T* start, T* row, nint length, T* kept)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var lanes = default(Lanes128<T>);
        var kernel = default(K);
        var step = Vector128<T>.Count;
        var half = 4 * step;
        Vector128<T> a = lanes.Load(start), b = lanes.Load(start + step), c = lanes.Load(start + (2 * step)), d = lanes.Load(start + (3 * step));
        start += half;
        Vector128<T> e = lanes.Load(start), f = lanes.Load(start + step), g = lanes.Load(start + (2 * step)), h = lanes.Load(start + (3 * step));
        for (nint i = 0; i < length; i += 2 * half)
        {
            a = kernel.Apply(lanes, a, lanes.Load(row));
            b = kernel.Apply(lanes, b, lanes.Load(row + step));
            c = kernel.Apply(lanes, c, lanes.Load(row + (2 * step)));
            d = kernel.Apply(lanes, d, lanes.Load(row + (3 * step)));
            row += half;
            e = kernel.Apply(lanes, e, lanes.Load(row));
            f = kernel.Apply(lanes, f, lanes.Load(row + step));
            g = kernel.Apply(lanes, g, lanes.Load(row + (2 * step)));
            h = kernel.Apply(lanes, h, lanes.Load(row + (3 * step)));
            row += half;
        }

        if (kept == null)
            return FoldLanes<K, T>(a, b, c, d, e, f, g, h);
        lanes.Store(kept, a);
        lanes.Store(kept + step, b);
        lanes.Store(kept + (2 * step), c);
        lanes.Store(kept + (3 * step), d);
        kept += half;
        lanes.Store(kept, e);
        lanes.Store(kept + step, f);
        lanes.Store(kept + (2 * step), g);
        lanes.Store(kept + (3 * step), h);
        return default;
    }
}
