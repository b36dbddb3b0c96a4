using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FunctionalGrad.Kernels;

/// <summary>
/// The loops that folds run in. The order in which elements meet depends on the length alone, never on the width of the vectors,
/// so that a sum has the same bits on every machine.
/// </summary>
internal static unsafe class FoldLoop
{
    /// <summary>Rows up to this length are folded by single numbers: setting up vectors costs more.</summary>
    private const int ShortRow = 48;

    /// <summary>Bytes of the partial results that a long row is folded into, whatever the width.</summary>
    private const int PartialBytes = 256;

    /// <summary>Longer rows are folded in pieces of so many elements: it keeps a long sum accurate.</summary>
    private const int Piece = 4096;

    /// <summary>Rows that a column folds on its own before they join the accumulator: it keeps a long sum accurate.</summary>
    private const int RowsPerPartial = 128;

    /// <summary>The loop over rows at a width.</summary>
    public static delegate*<void*, void*, nint, nint, void> Rows<K, T>(int width)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &RunRows<K, Lanes512<T>, Vector512<T>, T>,
            256 => &RunRows<K, Lanes256<T>, Vector256<T>, T>,
            _ => &RunRows<K, Lanes128<T>, Vector128<T>, T>,
        };

    /// <summary>The loop over columns at a width.</summary>
    public static delegate*<void*, void*, nint, nint, void> Columns<K, T>(int width)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &RunColumns<K, Lanes512<T>, Vector512<T>, T>,
            256 => &RunColumns<K, Lanes256<T>, Vector256<T>, T>,
            _ => &RunColumns<K, Lanes128<T>, Vector128<T>, T>,
        };

    /// <summary>accumulators[r] = fold of accumulators[r] and row r.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunRows<K, L, V, T>(void* x, void* accumulators, nint rows, nint length)
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        if (length <= 0)
            return;
        var one = default(Lanes1<T>);
        var row = (T*)x;
        var target = (T*)accumulators;
        for (nint r = 0; r < rows; r++, row += length)
        {
            var value = length <= ShortRow ? FoldShort<K, T>(row, length) : FoldLong<K, L, V, T>(row, Math.Min(length, Piece));
            for (nint i = Piece; i < length; i += Piece)
                value = default(K).Apply(one, value, FoldLong<K, L, V, T>(row + i, Math.Min(length - i, Piece)));
            one.Store(target + r, default(K).Apply(one, one.Load(target + r), value));
        }
    }

    /// <summary>The fold of 1 to <see cref="ShortRow"/> elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldShort<K, T>(T* row, nint length)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var one = default(Lanes1<T>);
        var kernel = default(K);
        var a = one.Load(row);
        nint i = 1;
        if (length >= 8)
        {
            // Four chains, because one would wait for each addition.
            var b = one.Load(row + 1);
            var c = one.Load(row + 2);
            var d = one.Load(row + 3);
            for (i = 4; i <= length - 4; i += 4)
            {
                a = kernel.Apply(one, a, one.Load(row + i));
                b = kernel.Apply(one, b, one.Load(row + i + 1));
                c = kernel.Apply(one, c, one.Load(row + i + 2));
                d = kernel.Apply(one, d, one.Load(row + i + 3));
            }

            a = kernel.Apply(one, kernel.Apply(one, a, c), kernel.Apply(one, b, d));
        }

        for (; i < length; i++)
            a = kernel.Apply(one, a, one.Load(row + i));
        return a;
    }

    /// <summary>The fold of a row into <see cref="PartialBytes"/> of partial results, element i into partial i modulo their number, and of those in halves.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T FoldLong<K, L, V, T>(T* row, nint length)
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var partials = stackalloc T[PartialBytes / sizeof(T)];
        var count = (int)Math.Min(PartialBytes / sizeof(T), 1 << BitOperations.Log2((uint)length));
        Buffer.MemoryCopy(row, partials, count * sizeof(T), count * sizeof(T));
        var one = default(Lanes1<T>);
        var i = FoldWhole<K, L, V, T>(row, length, partials, count);
        FoldInto<K, L, V, T>(partials, row + i, length - i);
        for (var half = count / 2; half > 0; half /= 2)
            FoldInto<K, L, V, T>(partials, partials + half, half);
        return one.Load(partials);
    }

    /// <summary>Folds the whole groups of <paramref name="count"/> elements after the first one; gives where they end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static nint FoldWhole<K, L, V, T>(T* row, nint length, T* partials, int count)
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var lanes = default(L);
        var kernel = default(K);
        var step = lanes.Count;
        var end = length - (length % count);
        if (count < 4 * step)
        {
            for (nint i = count; i < end; i += count)
                FoldInto<K, L, V, T>(partials, row + i, count);
            return end;
        }

        for (var part = 0; part < count; part += 4 * step)
        {
            var into = partials + part;
            var a = lanes.Load(into);
            var b = lanes.Load(into + step);
            var c = lanes.Load(into + (2 * step));
            var d = lanes.Load(into + (3 * step));
            for (var from = row + part + count; from < row + end; from += count)
            {
                a = kernel.Apply(lanes, a, lanes.Load(from));
                b = kernel.Apply(lanes, b, lanes.Load(from + step));
                c = kernel.Apply(lanes, c, lanes.Load(from + (2 * step)));
                d = kernel.Apply(lanes, d, lanes.Load(from + (3 * step)));
            }

            lanes.Store(into, a);
            lanes.Store(into + step, b);
            lanes.Store(into + (2 * step), c);
            lanes.Store(into + (3 * step), d);
        }

        return end;
    }

    /// <summary>accumulators[j] = fold of accumulators[j] and column j.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunColumns<K, L, V, T>(void* x, void* accumulators, nint rows, nint length)
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var lanes = default(L);
        var kernel = default(K);
        for (nint r = 0; r < rows; r += RowsPerPartial)
        {
            var source = (T*)x + (r * length);
            var target = (T*)accumulators;
            var here = Math.Min(rows - r, RowsPerPartial);
            nint j = 0;
            for (; j <= length - (2 * lanes.Count); j += 2 * lanes.Count)
            {
                var column = source + j;
                var a = lanes.Load(column);
                var b = lanes.Load(column + lanes.Count);
                for (nint k = 1; k < here; k++)
                {
                    column += length;
                    a = kernel.Apply(lanes, a, lanes.Load(column));
                    b = kernel.Apply(lanes, b, lanes.Load(column + lanes.Count));
                }

                lanes.Store(target + j, kernel.Apply(lanes, lanes.Load(target + j), a));
                lanes.Store(target + j + lanes.Count, kernel.Apply(lanes, lanes.Load(target + j + lanes.Count), b));
            }

            FoldColumnsOneByOne<K, T>(source, target, here, length, j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FoldColumnsOneByOne<K, T>(T* source, T* target, nint rows, nint length, nint from)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var one = default(Lanes1<T>);
        var kernel = default(K);
        for (var j = from; j < length; j++)
        {
            var a = one.Load(source + j);
            for (nint k = 1; k < rows; k++)
                a = kernel.Apply(one, a, one.Load(source + (k * length) + j));
            one.Store(target + j, kernel.Apply(one, one.Load(target + j), a));
        }
    }

    /// <summary>y[i] = fold of y[i] and x[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FoldInto<K, L, V, T>(T* y, T* x, nint n)
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var lanes = default(L);
        var one = default(Lanes1<T>);
        nint i = 0;
        for (; i <= n - lanes.Count; i += lanes.Count)
            lanes.Store(y + i, default(K).Apply(lanes, lanes.Load(y + i), lanes.Load(x + i)));
        for (; i < n; i++)
            one.Store(y + i, default(K).Apply(one, one.Load(y + i), one.Load(x + i)));
    }
}
