using System.Numerics;
using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

/// <summary>Conversions between element types. Truth values are bytes here.</summary>
internal static unsafe class CastLoop
{
    /// <summary>The loop from one number type to another: fractions are cut off, floats saturate, NaN gives 0, integers wrap.</summary>
    public static delegate*<void*, void*, nint, void> Of<TFrom>(DType to)
        where TFrom : unmanaged, INumber<TFrom> => to switch
        {
            DType.Float32 => &Run<TFrom, float>,
            DType.Float64 => &Run<TFrom, double>,
            DType.Int32 => &Run<TFrom, int>,
            DType.Int64 => &Run<TFrom, long>,
            _ => &RunTruth<TFrom>,
        };

    /// <summary>y[i] = x[i] as <typeparamref name="TTo"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TFrom, TTo>(void* x, void* y, nint n)
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        var source = (TFrom*)x;
        var target = (TTo*)y;
        if (x == y && sizeof(TTo) > sizeof(TFrom))
        {
            // In place, and growing: from the end, so that nothing is overwritten before it is read.
            for (var i = n - 1; i >= 0; i--)
                Unsafe.WriteUnaligned(target + i, Convert<TFrom, TTo>(Unsafe.ReadUnaligned<TFrom>(source + i)));
            return;
        }

        for (nint i = 0; i < n; i++)
            Unsafe.WriteUnaligned(target + i, Convert<TFrom, TTo>(Unsafe.ReadUnaligned<TFrom>(source + i)));
    }

    /// <summary>y[i] = x[i] ≠ 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunTruth<TFrom>(void* x, void* y, nint n)
        where TFrom : unmanaged, INumber<TFrom>
    {
        for (nint i = 0; i < n; i++)
            ((byte*)y)[i] = Unsafe.ReadUnaligned<TFrom>((TFrom*)x + i) != TFrom.Zero ? (byte)1 : (byte)0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TTo Convert<TFrom, TTo>(TFrom value)
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo> => TTo.CreateTruncating(value);
}
