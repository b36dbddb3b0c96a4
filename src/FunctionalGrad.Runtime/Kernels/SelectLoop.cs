using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FunctionalGrad.Kernels;

/// <summary>The loop of Select.</summary>
internal static unsafe class SelectLoop
{
    /// <summary>The loop for an element type at a width.</summary>
    public static delegate*<void*, void*, void*, void*, nint, void> Of<T>(int width)
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &Run<Lanes512<T>, Vector512<T>, T>,
            256 => &Run<Lanes256<T>, Vector256<T>, T>,
            _ => &Run<Lanes128<T>, Vector128<T>, T>,
        };

    /// <summary>y[i] = condition[i] ? a[i] : b[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<L, V, T>(void* condition, void* a, void* b, void* y, nint n)
        where L : struct, ILanes<V, T>
        where T : unmanaged
    {
        var lanes = default(L);
        var flags = (byte*)condition;
        nint i = 0;
        for (; i <= n - lanes.Count; i += lanes.Count)
            lanes.Store((T*)y + i, lanes.Select(lanes.LoadMask(flags + i), lanes.Load((T*)a + i), lanes.Load((T*)b + i)));
        for (; i < n; i++)
            Unsafe.WriteUnaligned((T*)y + i, Unsafe.ReadUnaligned<T>((flags[i] != 0 ? (T*)a : (T*)b) + i));
    }
}
