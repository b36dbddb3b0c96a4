using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FunctionalGrad.Kernels;

/// <summary>What an instruction with one operand does to each lane.</summary>
internal interface IUnaryKernel
{
    /// <summary>The result for <paramref name="x"/>.</summary>
    V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V>;
}

/// <summary>An instruction with one operand that has no vector form.</summary>
internal interface IUnaryFunction<T>
{
    /// <summary>The result for <paramref name="x"/>.</summary>
    T Apply(T x);
}

/// <summary>The loops that instructions with one operand run in.</summary>
internal static unsafe class UnaryLoop
{
    /// <summary>The loop of kernel <typeparamref name="K"/> at a width.</summary>
    public static delegate*<void*, void*, nint, void> Of<K, T>(int width)
        where K : struct, IUnaryKernel
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &Run<K, Lanes512<T>, Vector512<T>, T>,
            256 => &Run<K, Lanes256<T>, Vector256<T>, T>,
            _ => &Run<K, Lanes128<T>, Vector128<T>, T>,
        };

    /// <summary>y[i] = kernel(x[i]).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<K, L, V, T>(void* x, void* y, nint n)
        where K : struct, IUnaryKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged
    {
        var lanes = default(L);
        var source = (T*)x;
        var target = (T*)y;
        nint i = 0;
        for (; i <= n - lanes.Count; i += lanes.Count)
            lanes.Store(target + i, default(K).Apply(lanes, lanes.Load(source + i)));
        if (i < n)
        {
            // The rest goes through the same instructions, so that a result does not depend on where in a block it stands.
            V rest = default;
            var bytes = (uint)((n - i) * sizeof(T));
            Unsafe.CopyBlockUnaligned(&rest, source + i, bytes);
            rest = default(K).Apply(lanes, rest);
            Unsafe.CopyBlockUnaligned(target + i, &rest, bytes);
        }
    }

    /// <summary>y[i] = function(x[i]), one by one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunScalar<F, T>(void* x, void* y, nint n)
        where F : struct, IUnaryFunction<T>
        where T : unmanaged
    {
        for (nint i = 0; i < n; i++)
            Unsafe.WriteUnaligned((T*)y + i, default(F).Apply(Unsafe.ReadUnaligned<T>((T*)x + i)));
    }

    /// <summary>y[i] = x[i] is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void IsNaN<T>(void* x, void* y, nint n)
        where T : unmanaged, INumber<T>
    {
        for (nint i = 0; i < n; i++)
            ((byte*)y)[i] = T.IsNaN(Unsafe.ReadUnaligned<T>((T*)x + i)) ? (byte)1 : (byte)0;
    }

    /// <summary>y[i] = x[i].</summary>
    public static void Copy<T>(void* x, void* y, nint n)
        where T : unmanaged => Buffer.MemoryCopy(x, y, n * sizeof(T), n * sizeof(T));
}
