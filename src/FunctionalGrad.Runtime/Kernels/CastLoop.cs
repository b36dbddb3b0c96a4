using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FunctionalGrad.Kernels;

/// <summary>Conversions between element types. Truth values are bytes here.</summary>
internal static unsafe class CastLoop
{
    /// <summary>The loop from one number type to another: fractions are cut off, floats saturate, NaN gives 0, integers wrap.</summary>
    public static delegate*<void*, void*, nint, void> Of<TFrom>(DType to, int width)
        where TFrom : unmanaged, INumber<TFrom> => to switch
        {
            DType.Float32 => Of<TFrom, float>(),
            DType.Float64 => Of<TFrom, double>(),
            DType.Int32 => Of<TFrom, int>(),
            DType.Int64 => Of<TFrom, long>(),
            _ => ToTruth<TFrom>(width),
        };

    /// <summary>The loop from truth values to a number type.</summary>
    public static delegate*<void*, void*, nint, void> FromTruth<T>(int width)
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &RunFromTruth<Lanes512<T>, Vector512<T>, T>,
            256 => &RunFromTruth<Lanes256<T>, Vector256<T>, T>,
            _ => &RunFromTruth<Lanes128<T>, Vector128<T>, T>,
        };

    private static delegate*<void*, void*, nint, void> ToTruth<T>(int width)
        where T : unmanaged, INumber<T> => width switch
        {
            512 => &RunToTruth<Lanes512<T>, Vector512<T>, T>,
            256 => &RunToTruth<Lanes256<T>, Vector256<T>, T>,
            _ => &RunToTruth<Lanes128<T>, Vector128<T>, T>,
        };

    private static delegate*<void*, void*, nint, void> Of<TFrom, TTo>()
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        if (typeof(TFrom) == typeof(float) && typeof(TTo) == typeof(double))
            return &Run<Widening, float, double>;
        if (typeof(TFrom) == typeof(double) && typeof(TTo) == typeof(float))
            return &Run<Narrowing, double, float>;
        if (typeof(TFrom) == typeof(int) && typeof(TTo) == typeof(float))
            return &Run<FromInt32, int, float>;
        if (typeof(TFrom) == typeof(float) && typeof(TTo) == typeof(int))
            return &Run<ToInt32, float, int>;
        return &Run<OneByOne<TFrom, TTo>, TFrom, TTo>;
    }

    /// <summary>How several elements are converted at once.</summary>
    private interface IConversion<TFrom, TTo>
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        /// <summary>How many at once.</summary>
        int Count { get; }

        /// <summary>Converts <see cref="Count"/> elements.</summary>
        void Convert(TFrom* source, TTo* target);
    }

    /// <summary>y[i] = x[i] as <typeparamref name="TTo"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TConversion, TFrom, TTo>(void* x, void* y, nint n)
        where TConversion : struct, IConversion<TFrom, TTo>
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        var one = default(OneByOne<TFrom, TTo>);
        var several = default(TConversion);
        var source = (TFrom*)x;
        var target = (TTo*)y;
        if (x == y && sizeof(TTo) > sizeof(TFrom))
        {
            // In place, and growing: from the end, so that nothing is overwritten before it is read.
            for (var k = n - 1; k >= 0; k--)
                one.Convert(source + k, target + k);
            return;
        }

        nint i = 0;
        for (; i <= n - several.Count; i += several.Count)
            several.Convert(source + i, target + i);
        for (; i < n; i++)
            one.Convert(source + i, target + i);
    }

    /// <summary>y[i] = x[i] ≠ 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunToTruth<L, V, T>(void* x, void* y, nint n)
        where L : struct, ILanes<V, T>
        where T : unmanaged, INumber<T>
    {
        var lanes = default(L);
        nint i = 0;
        for (; i <= n - lanes.Count; i += lanes.Count)
            TruthValues.Store((byte*)y + i, lanes.MaskBits(lanes.Not(lanes.Equal(lanes.Load((T*)x + i), lanes.Constant(0)))), lanes.Count);
        for (; i < n; i++)
            ((byte*)y)[i] = Unsafe.ReadUnaligned<T>((T*)x + i) != T.Zero ? (byte)1 : (byte)0;
    }

    /// <summary>y[i] = x[i] ? 1 : 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunFromTruth<L, V, T>(void* x, void* y, nint n)
        where L : struct, ILanes<V, T>
        where T : unmanaged, INumber<T>
    {
        var lanes = default(L);
        var source = (byte*)x;
        nint i = x == y ? n : 0;
        for (; i <= n - lanes.Count; i += lanes.Count)
            lanes.Store((T*)y + i, lanes.And(lanes.LoadMask(source + i), lanes.Constant(1)));

        // From the end: in place, where numbers take more room than truth values, nothing is overwritten before it is read.
        var done = x == y ? 0 : i;
        for (var k = n - 1; k >= done; k--)
            Unsafe.WriteUnaligned((T*)y + k, source[k] != 0 ? T.One : T.Zero);
    }

    /// <summary>A conversion that the processor has for single numbers only.</summary>
    private readonly struct OneByOne<TFrom, TTo> : IConversion<TFrom, TTo>
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        public int Count => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Convert(TFrom* source, TTo* target) => Unsafe.WriteUnaligned(target, TTo.CreateTruncating(Unsafe.ReadUnaligned<TFrom>(source)));
    }

    private readonly struct Widening : IConversion<float, double>
    {
        public int Count => 8;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Convert(float* source, double* target)
        {
            var (lower, upper) = Vector256.Widen(Vector256.Load(source));
            lower.Store(target);
            upper.Store(target + 4);
        }
    }

    private readonly struct Narrowing : IConversion<double, float>
    {
        public int Count => 8;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Convert(double* source, float* target) => Vector256.Narrow(Vector256.Load(source), Vector256.Load(source + 4)).Store(target);
    }

    private readonly struct FromInt32 : IConversion<int, float>
    {
        public int Count => 8;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Convert(int* source, float* target) => Vector256.ConvertToSingle(Vector256.Load(source)).Store(target);
    }

    private readonly struct ToInt32 : IConversion<float, int>
    {
        public int Count => 8;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Convert(float* source, int* target) => Vector256.ConvertToInt32(Vector256.Load(source)).Store(target);
    }
}
