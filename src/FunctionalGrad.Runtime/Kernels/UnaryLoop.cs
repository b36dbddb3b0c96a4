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

/// <summary>An instruction whose vector form does not cover every operand.</summary>
internal interface IPartialKernel : IUnaryKernel
{
    /// <summary>Where <see cref="IUnaryKernel.Apply"/> is not to be trusted.</summary>
    V Beyond<A, V>(A a, V x)
        where A : struct, IArithmetic<V>;

    /// <summary>The result there.</summary>
    double Other(double x);
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
            VectorWidth.One => &Run<K, Lanes1<T>, T, T>,
            _ => &Run<K, Lanes128<T>, Vector128<T>, T>,
        };

    /// <summary>y[i] = kernel(x[i]).</summary>
    /// <remarks>One vector at a time: iterations do not depend on each other, so the processor overlaps them by itself; two or four at a time measured no faster.</remarks>
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
            // The rest goes through the same instructions, so that a result does not depend on where in a block it stands;
            // by a call, because the compiler's budget for inlining does not last for a long kernel twice.
            V rest = default;
            var bytes = (uint)((n - i) * sizeof(T));
            Unsafe.CopyBlockUnaligned(&rest, source + i, bytes);
            Run<K, L, V, T>(&rest, &rest, lanes.Count);
            Unsafe.CopyBlockUnaligned(target + i, &rest, bytes);
        }
    }

    /// <summary>The loop of partial kernel <typeparamref name="K"/> at a width.</summary>
    public static delegate*<void*, void*, nint, void> OfPartial<K, T>(int width)
        where K : struct, IPartialKernel
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &RunPartial<K, Lanes512<T>, Vector512<T>, T>,
            256 => &RunPartial<K, Lanes256<T>, Vector256<T>, T>,
            VectorWidth.One => &RunPartial<K, Lanes1<T>, T, T>,
            _ => &RunPartial<K, Lanes128<T>, Vector128<T>, T>,
        };

    /// <summary>y[i] = kernel(x[i]), lane by lane where the vector form does not reach.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunPartial<K, L, V, T>(void* x, void* y, nint n)
        where K : struct, IPartialKernel
        where L : struct, ILanes<V, T>
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        var lanes = default(L);
        var source = (T*)x;
        var target = (T*)y;
        V value = default;
        for (nint i = 0; i < n; i += lanes.Count)
        {
            var bytes = (uint)(Math.Min(n - i, lanes.Count) * sizeof(T));
            if (bytes == sizeof(V))
                value = lanes.Load(source + i);
            else
                Unsafe.CopyBlockUnaligned(&value, source + i, bytes);
            var result = default(K).Apply(lanes, value);
            var beyond = lanes.MaskBits(default(K).Beyond(lanes, value));
            if (beyond != 0)
                result = Patch<K, V, T>(value, result, beyond);
            if (bytes == sizeof(V))
                lanes.Store(target + i, result);
            else
                Unsafe.CopyBlockUnaligned(target + i, &result, bytes);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V Patch<K, V, T>(V x, V y, ulong lanes)
        where K : struct, IPartialKernel
        where V : unmanaged
        where T : unmanaged, INumber<T>
    {
        for (; lanes != 0; lanes &= lanes - 1)
        {
            var lane = BitOperations.TrailingZeroCount(lanes);
            ((T*)&y)[lane] = T.CreateTruncating(default(K).Other(double.CreateTruncating(((T*)&x)[lane])));
        }

        return y;
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
