using System.Numerics;
using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

/// <summary>The loops that find where the first largest or smallest element stands.</summary>
internal static unsafe class ArgLoop
{
    /// <summary>Folds each row's elements, at positions <paramref name="first"/>, <paramref name="first"/> + 1, …, into best and position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows<TOrder, T>(void* x, void* best, long* position, nint rows, nint length, long first)
        where TOrder : struct, IOrder
        where T : unmanaged, INumber<T>
    {
        var row = (T*)x;
        for (nint r = 0; r < rows; r++, row += length)
        {
            var champion = Unsafe.ReadUnaligned<T>((T*)best + r);
            var where = position[r];
            for (nint i = 0; i < length; i++)
            {
                var challenger = Unsafe.ReadUnaligned<T>(row + i);
                if (where >= 0 && !default(TOrder).Beats(challenger, champion))
                    continue;
                champion = challenger;
                where = first + i;
            }

            Unsafe.WriteUnaligned((T*)best + r, champion);
            position[r] = where;
        }
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
