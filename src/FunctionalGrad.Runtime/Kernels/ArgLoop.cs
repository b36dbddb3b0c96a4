using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FunctionalGrad.Kernels;

/// <summary>The loops that find where the first largest or smallest element stands.</summary>
internal static unsafe class ArgLoop
{
    /// <summary>Rows this long are searched with vectors: first for the extreme, then for its place.</summary>
    private const int LongRow = 32;

    /// <summary>The loop over rows at a width; <typeparamref name="K"/> folds as <typeparamref name="TOrder"/> prefers.</summary>
    public static delegate*<void*, void*, long*, nint, nint, long, void> Rows<TOrder, K, T>(int width)
        where TOrder : struct, IOrder
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &RunRows<TOrder, K, Lanes512<T>, Vector512<T>, T>,
            256 => &RunRows<TOrder, K, Lanes256<T>, Vector256<T>, T>,
            _ => &RunRows<TOrder, K, Lanes128<T>, Vector128<T>, T>,
        };

    /// <summary>Folds each row's elements, at positions <paramref name="first"/>, <paramref name="first"/> + 1, …, into best and position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunRows<TOrder, K, L, V, T>(void* x, void* best, long* position, nint rows, nint length, long first)
        where TOrder : struct, IOrder
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var row = (T*)x;
        for (nint r = 0; r < rows; r++, row += length)
        {
            var champion = Unsafe.ReadUnaligned<T>((T*)best + r);
            if (length < LongRow)
                SearchShort<TOrder, T>(row, length, first, ref champion, ref position[r]);
            else
                SearchLong<TOrder, K, L, V, T>(row, length, first, ref champion, ref position[r]);
            Unsafe.WriteUnaligned((T*)best + r, champion);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SearchShort<TOrder, T>(T* row, nint length, long first, ref T champion, ref long position)
        where TOrder : struct, IOrder
        where T : unmanaged, INumber<T>
    {
        for (nint i = 0; i < length; i++)
        {
            var challenger = Unsafe.ReadUnaligned<T>(row + i);
            if (position >= 0 && !default(TOrder).Beats(challenger, champion))
                continue;
            champion = challenger;
            position = first + i;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SearchLong<TOrder, K, L, V, T>(T* row, nint length, long first, ref T champion, ref long position)
        where TOrder : struct, IOrder
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var extreme = Unsafe.ReadUnaligned<T>(row);
        FoldLoop.RunRows<K, L, V, T>(row, &extreme, 1, length);
        if (position >= 0 && !default(TOrder).Beats(extreme, champion))
            return;
        var lanes = default(L);
        var sought = lanes.Broadcast(extreme);
        var isNaN = T.IsNaN(extreme);
        nint i = 0;
        for (; i <= length - lanes.Count; i += lanes.Count)
        {
            var here = lanes.Load(row + i);
            var found = lanes.MaskBits(isNaN ? lanes.Not(lanes.Equal(here, here)) : lanes.Equal(here, sought));
            if (found == 0)
                continue;
            i += BitOperations.TrailingZeroCount(found);
            break;
        }

        while (Unsafe.ReadUnaligned<T>(row + i) is var candidate && candidate != extreme && !(isNaN && T.IsNaN(candidate)))
            i++;
        champion = Unsafe.ReadUnaligned<T>(row + i);
        position = first + i;
    }

    /// <summary>Folds each column; the elements of row r have position <paramref name="first"/> + r.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns<TOrder, T>(void* x, void* best, long* position, nint rows, nint length, long first)
        where TOrder : struct, IOrder
        where T : unmanaged, INumber<T>
    {
        var row = (T*)x;
        var champions = (T*)best;
        for (nint r = 0; r < rows; r++, row += length)
        {
            for (nint j = 0; j < length; j++)
            {
                var challenger = Unsafe.ReadUnaligned<T>(row + j);
                if (position[j] >= 0 && !default(TOrder).Beats(challenger, Unsafe.ReadUnaligned<T>(champions + j)))
                    continue;
                Unsafe.WriteUnaligned(champions + j, challenger);
                position[j] = first + r;
            }
        }
    }
}

/// <summary>Which element an extreme prefers.</summary>
internal interface IOrder
{
    /// <summary>True if the challenger takes the place of the champion that came before it.</summary>
    bool Beats<T>(T challenger, T champion)
        where T : unmanaged, INumber<T>;
}

/// <summary>The larger; NaN before all.</summary>
internal readonly struct Larger : IOrder
{
    public bool Beats<T>(T challenger, T champion)
        where T : unmanaged, INumber<T> => challenger > champion || (T.IsNaN(challenger) && !T.IsNaN(champion));
}

/// <summary>The smaller; NaN before all.</summary>
internal readonly struct Smaller : IOrder
{
    public bool Beats<T>(T challenger, T champion)
        where T : unmanaged, INumber<T> => challenger < champion || (T.IsNaN(challenger) && !T.IsNaN(champion));
}
