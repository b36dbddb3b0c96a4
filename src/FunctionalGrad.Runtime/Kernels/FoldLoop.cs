using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FunctionalGrad.Kernels;

/// <summary>
/// The loops that folds run in. The order in which elements meet depends on the length alone, never on the width of the vectors,
/// so that a sum has the same bits on every machine.
/// </summary>
internal static unsafe partial class FoldLoop
{
    /// <summary>Bytes of the partial results that a row is folded into side by side, whatever the width.</summary>
    private const int GroupBytes = 128;

    /// <summary>Longer rows are folded in pieces of so many elements: it keeps a long sum accurate.</summary>
    private const int Piece = 4096;

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
        var one = default(Lanes1<T>);
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
            var value = length < GroupBytes / sizeof(T) ? FoldShort<K, T>(row, length) : FoldPieces<K, L, V, T>(row, length);
            one.Store(target + r, default(K).Apply(one, one.Load(target + r), value));
        }
    }

    /// <summary>The fold of a row of at least <see cref="GroupBytes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T FoldPieces<K, L, V, T>(T* row, nint length)
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var one = default(Lanes1<T>);
        var group = GroupBytes / sizeof(T);
        var whole = length - (length % group);
        var value = FoldGroups<K, L, V, T>(row, Math.Min(whole, Piece));
        for (nint i = Piece; i < whole; i += Piece)
            value = default(K).Apply(one, value, FoldGroups<K, L, V, T>(row + i, Math.Min(whole - i, Piece)));
        return whole == length ? value : default(K).Apply(one, value, FoldShort<K, T>(row + whole, length - whole));
    }

    /// <summary>The fold of whole groups: element i goes into partial result i modulo the group, and those are folded in halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldGroups<K, L, V, T>(T* row, nint length)
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        if (sizeof(V) == 64)
            return Halve<K, T>(FoldGroups512<K, T>(row, length));
        return sizeof(V) == 32 ? Halve<K, T>(FoldGroups256<K, T>(row, length)) : Halve<K, T>(FoldGroups128<K, T>(row, length));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> FoldGroups512<K, T>(T* row, nint length)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var lanes = default(Lanes512<T>);
        var kernel = default(K);
        var step = Vector512<T>.Count;
        var a = lanes.Load(row);
        var b = lanes.Load(row + step);
        for (nint i = 2 * step; i < length; i += 2 * step)
        {
            a = kernel.Apply(lanes, a, lanes.Load(row + i));
            b = kernel.Apply(lanes, b, lanes.Load(row + i + step));
        }

        return kernel.Apply(lanes, a, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<T> FoldGroups256<K, T>(T* row, nint length)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var lanes = default(Lanes256<T>);
        var kernel = default(K);
        var step = Vector256<T>.Count;
        var a = lanes.Load(row);
        var b = lanes.Load(row + step);
        var c = lanes.Load(row + (2 * step));
        var d = lanes.Load(row + (3 * step));
        for (nint i = 4 * step; i < length; i += 4 * step)
        {
            a = kernel.Apply(lanes, a, lanes.Load(row + i));
            b = kernel.Apply(lanes, b, lanes.Load(row + i + step));
            c = kernel.Apply(lanes, c, lanes.Load(row + i + (2 * step)));
            d = kernel.Apply(lanes, d, lanes.Load(row + i + (3 * step)));
        }

        return kernel.Apply(lanes, kernel.Apply(lanes, a, c), kernel.Apply(lanes, b, d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> FoldGroups128<K, T>(T* row, nint length)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var lanes = default(Lanes128<T>);
        var kernel = default(K);
        var step = Vector128<T>.Count;
        Vector128<T> a = lanes.Load(row), b = lanes.Load(row + step), c = lanes.Load(row + (2 * step)), d = lanes.Load(row + (3 * step));
        row += 4 * step;
        Vector128<T> e = lanes.Load(row), f = lanes.Load(row + step), g = lanes.Load(row + (2 * step)), h = lanes.Load(row + (3 * step));
        for (nint i = 8 * step; i < length; i += 8 * step)
        {
            row += 4 * step;
            a = kernel.Apply(lanes, a, lanes.Load(row));
            b = kernel.Apply(lanes, b, lanes.Load(row + step));
            c = kernel.Apply(lanes, c, lanes.Load(row + (2 * step)));
            d = kernel.Apply(lanes, d, lanes.Load(row + (3 * step)));
            row += 4 * step;
            e = kernel.Apply(lanes, e, lanes.Load(row));
            f = kernel.Apply(lanes, f, lanes.Load(row + step));
            g = kernel.Apply(lanes, g, lanes.Load(row + (2 * step)));
            h = kernel.Apply(lanes, h, lanes.Load(row + (3 * step)));
        }

        a = kernel.Apply(lanes, kernel.Apply(lanes, a, e), kernel.Apply(lanes, c, g));
        b = kernel.Apply(lanes, kernel.Apply(lanes, b, f), kernel.Apply(lanes, d, h));
        return kernel.Apply(lanes, a, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Halve<K, T>(Vector512<T> x)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => Halve<K, T>(default(K).Apply(default(Lanes256<T>), x.GetLower(), x.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Halve<K, T>(Vector256<T> x)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => Halve<K, T>(default(K).Apply(default(Lanes128<T>), x.GetLower(), x.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Halve<K, T>(Vector128<T> x)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var one = default(Lanes1<T>);
        var kernel = default(K);
        if (sizeof(T) == 8)
            return kernel.Apply(one, x.GetElement(0), x.GetElement(1));
        if (sizeof(T) == 4)
            return kernel.Apply(one, kernel.Apply(one, x.GetElement(0), x.GetElement(2)), kernel.Apply(one, x.GetElement(1), x.GetElement(3)));
        var result = x.GetElement(0);
        for (var i = 1; i < Vector128<T>.Count; i++)
            result = kernel.Apply(one, result, x.GetElement(i));
        return result;
    }

    /// <summary>The fold of a row shorter than <see cref="GroupBytes"/>, in vectors of 128 bits and single numbers whatever the width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldShort<K, T>(T* row, nint length)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var one = default(Lanes1<T>);
        var lanes = default(Lanes128<T>);
        var kernel = default(K);
        var value = one.Load(row);
        nint i = 1;
        if (length >= 2 * lanes.Count)
        {
            var a = lanes.Load(row);
            var b = lanes.Load(row + lanes.Count);
            for (i = 2 * lanes.Count; i <= length - (2 * lanes.Count); i += 2 * lanes.Count)
            {
                a = kernel.Apply(lanes, a, lanes.Load(row + i));
                b = kernel.Apply(lanes, b, lanes.Load(row + i + lanes.Count));
            }

            if (i <= length - lanes.Count)
            {
                a = kernel.Apply(lanes, a, lanes.Load(row + i));
                i += lanes.Count;
            }

            value = Halve<K, T>(kernel.Apply(lanes, a, b));
        }

        for (; i < length; i++)
            value = kernel.Apply(one, value, one.Load(row + i));
        return value;
    }
}
