using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FunctionalGrad.Kernels;

/// <summary>What an instruction with two operands does to each pair of lanes.</summary>
internal interface IBinaryKernel
{
    /// <summary>The result for <paramref name="x"/> and <paramref name="y"/>; a mask if the kernel compares.</summary>
    V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V>;
}

/// <summary>An instruction with two operands that has no vector form.</summary>
internal interface IBinaryFunction<T>
{
    /// <summary>The result for <paramref name="x"/> and <paramref name="y"/>.</summary>
    T Apply(T x, T y);
}

/// <summary>The loops that instructions with two operands run in.</summary>
internal static unsafe class BinaryLoop
{
    /// <summary>The loop of kernel <typeparamref name="K"/> at a width.</summary>
    public static delegate*<void*, void*, void*, nint, void> Of<K, T>(int width)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &Run<K, Lanes512<T>, Vector512<T>, T>,
            256 => &Run<K, Lanes256<T>, Vector256<T>, T>,
            VectorWidth.One => &Run<K, Lanes1<T>, T, T>,
            _ => &Run<K, Lanes128<T>, Vector128<T>, T>,
        };

    /// <summary>The loop of comparison <typeparamref name="K"/> at a width.</summary>
    public static delegate*<void*, void*, void*, nint, void> Compare<K, T>(int width)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &RunCompare<K, Lanes512<T>, Vector512<T>, T>,
            256 => &RunCompare<K, Lanes256<T>, Vector256<T>, T>,
            VectorWidth.One => &RunCompare<K, Lanes1<T>, T, T>,
            _ => &RunCompare<K, Lanes128<T>, Vector128<T>, T>,
        };

    /// <summary>y[i] = kernel(a[i], b[i]).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<K, L, V, T>(void* a, void* b, void* y, nint n)
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged
    {
        var lanes = default(L);
        var left = (T*)a;
        var right = (T*)b;
        var target = (T*)y;
        nint i = 0;
        for (; i <= n - lanes.Count; i += lanes.Count)
            lanes.Store(target + i, default(K).Apply(lanes, lanes.Load(left + i), lanes.Load(right + i)));
        if (i < n)
        {
            V x = default, z = default;
            var bytes = (uint)((n - i) * sizeof(T));
            Unsafe.CopyBlockUnaligned(&x, left + i, bytes);
            Unsafe.CopyBlockUnaligned(&z, right + i, bytes);
            Run<K, L, V, T>(&x, &z, &x, lanes.Count);
            Unsafe.CopyBlockUnaligned(target + i, &x, bytes);
        }
    }

    /// <summary>y[i] = kernel(a[i], b[i]) as truth values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunCompare<K, L, V, T>(void* a, void* b, void* y, nint n)
        where K : struct, IBinaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged
    {
        var lanes = default(L);
        var left = (T*)a;
        var right = (T*)b;
        var target = (byte*)y;
        nint i = 0;
        for (; i <= n - lanes.Count; i += lanes.Count)
            TruthValues.Store(target + i, lanes.MaskBits(default(K).Apply(lanes, lanes.Load(left + i), lanes.Load(right + i))), lanes.Count);
        if (i < n)
        {
            V x = default, z = default;
            var bytes = (uint)((n - i) * sizeof(T));
            Unsafe.CopyBlockUnaligned(&x, left + i, bytes);
            Unsafe.CopyBlockUnaligned(&z, right + i, bytes);
            var bits = lanes.MaskBits(default(K).Apply(lanes, x, z));
            for (; i < n; i++, bits >>= 1)
                target[i] = (byte)(bits & 1);
        }
    }

    /// <summary>y[i] = function(a[i], b[i]), one by one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunScalar<F, T>(void* a, void* b, void* y, nint n)
        where F : struct, IBinaryFunction<T>
        where T : unmanaged
    {
        for (nint i = 0; i < n; i++)
        {
            var left = Unsafe.ReadUnaligned<T>((T*)a + i);
            Unsafe.WriteUnaligned((T*)y + i, default(F).Apply(left, Unsafe.ReadUnaligned<T>((T*)b + i)));
        }
    }
}
