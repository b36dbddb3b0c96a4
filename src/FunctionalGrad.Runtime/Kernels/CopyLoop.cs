using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

/// <summary>Moving elements between a row and places a stride apart.</summary>
internal static unsafe class CopyLoop
{
    /// <summary>target[i] = source[i · stride].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gather<T>(void* source, nint stride, void* target, nint n)
        where T : unmanaged
    {
        var from = (T*)source;
        var to = (T*)target;
        if (stride == 1)
            Buffer.MemoryCopy(from, to, n * sizeof(T), n * sizeof(T));
        else if (stride == 0)
            Repeat(from, to, n);
        else
        {
            for (nint i = 0; i < n; i++, from += stride)
                Unsafe.WriteUnaligned(to + i, Unsafe.ReadUnaligned<T>(from));
        }
    }

    /// <summary>target[i · stride] = source[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scatter<T>(void* source, void* target, nint stride, nint n)
        where T : unmanaged
    {
        var from = (T*)source;
        var to = (T*)target;
        if (stride == 1)
        {
            Buffer.MemoryCopy(from, to, n * sizeof(T), n * sizeof(T));
            return;
        }

        for (nint i = 0; i < n; i++, to += stride)
            Unsafe.WriteUnaligned(to, Unsafe.ReadUnaligned<T>(from + i));
    }

    private static void Repeat<T>(T* from, T* to, nint n)
        where T : unmanaged
    {
        if (n == 0)
            return;
        var value = Unsafe.ReadUnaligned<T>(from);
        for (; n > int.MaxValue; n -= int.MaxValue, to += int.MaxValue)
            new Span<T>(to, int.MaxValue).Fill(value);
        new Span<T>(to, (int)n).Fill(value);
    }
}
