using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace FunctionalGrad.Kernels;

/// <summary>Folds in adjacent pairs. Bytes, whose folds do not round, meet in any order.</summary>
internal static unsafe partial class FoldLoop
{
    /// <summary>The fold of 1 or more elements that do not fill the lanes of a row, in adjacent pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldFew<K, T>(T* x, nint length)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        // From the end: 13 elements are 8 and 4 and 1, and in adjacent pairs the one joins the four, and they the eight.
        var lanes = default(Lanes128<T>);
        var step = Vector128<T>.Count;
        var at = length & -step;
        var value = at == length ? default : FoldFewer<K, T>(x + at, length - at);
        if ((length & step) != 0)
            value = FoldBefore<K, T>(FoldLanes<K, T>(lanes.Load(x + (at -= step))), value, at + step < length);
        if ((length & (2 * step)) != 0)
        {
            var y = x + (at -= 2 * step);
            value = FoldBefore<K, T>(FoldLanes<K, T>(Pairs<K, T>(lanes.Load(y), lanes.Load(y + step))), value, at + (2 * step) < length);
        }

        if ((length & (4 * step)) != 0)
        {
            var left = Pairs<K, T>(lanes.Load(x), lanes.Load(x + step));
            var right = Pairs<K, T>(lanes.Load(x + (2 * step)), lanes.Load(x + (3 * step)));
            value = FoldBefore<K, T>(FoldLanes<K, T>(Pairs<K, T>(left, right)), value, 4 * step < length);
        }

        return value;
    }

    /// <summary>The fold of 1 or more elements that do not fill 128 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldFewer<K, T>(T* x, nint length)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        // With three of them, the third waits; bytes are as well off one by one.
        var value = x[0];
        for (nint i = 1; i < length; i++)
            value = default(K).Apply(default(Lanes1<T>), value, x[i]);
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldBefore<K, T>(T value, T rest, bool hasRest)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => hasRest ? default(K).Apply(default(Lanes1<T>), value, rest) : value;

    /// <summary>The fold of all lanes that were kept in memory.</summary>
    private static T FoldLanes<K, T>(T* x)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var lanes = default(Lanes128<T>);
        var step = Vector128<T>.Count;
        var y = x + (4 * step);
        return FoldLanes<K, T>(
            lanes.Load(x), lanes.Load(x + step), lanes.Load(x + (2 * step)), lanes.Load(x + (3 * step)),
            lanes.Load(y), lanes.Load(y + step), lanes.Load(y + (2 * step)), lanes.Load(y + (3 * step)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldLanes<K, T>(Vector256<T> a, Vector256<T> b, Vector256<T> c, Vector256<T> d)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        if (!Avx.IsSupported)
            return FoldLanes<K, T>(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper(), c.GetLower(), c.GetUpper(), d.GetLower(), d.GetUpper());
        var left = Pairs<K, T>(a, b);
        var right = Pairs<K, T>(c, d);
        if (sizeof(T) != 8)
            return FoldLanes<K, T>(FoldHalves<K, T>(Pairs<K, T>(left, right)));
        return FoldLanes<K, T>(Pairs<K, T>(FoldHalves<K, T>(left), FoldHalves<K, T>(right)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldLanes<K, T>(
        Vector128<T> a, Vector128<T> b, Vector128<T> c, Vector128<T> d, Vector128<T> e, Vector128<T> f, Vector128<T> g, Vector128<T> h)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var left = Pairs<K, T>(Pairs<K, T>(a, b), Pairs<K, T>(c, d));
        var right = Pairs<K, T>(Pairs<K, T>(e, f), Pairs<K, T>(g, h));
        return FoldLanes<K, T>(Pairs<K, T>(left, right));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FoldLanes<K, T>(Vector128<T> x)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var one = default(Lanes1<T>);
        var kernel = default(K);
        if (sizeof(T) == 8)
            return kernel.Apply(one, x.GetElement(0), x.GetElement(1));
        if (sizeof(T) == 4)
            return kernel.Apply(one, kernel.Apply(one, x.GetElement(0), x.GetElement(1)), kernel.Apply(one, x.GetElement(2), x.GetElement(3)));
        var result = x.GetElement(0);
        for (var i = 1; i < Vector128<T>.Count; i++)
            result = kernel.Apply(one, result, x.GetElement(i));
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> FoldHalves<K, T>(Vector256<T> x)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => default(K).Apply(default(Lanes128<T>), x.GetLower(), x.GetUpper());

    /// <summary>The folds of the neighbours in x, then of those in y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> Pairs<K, T>(Vector128<T> x, Vector128<T> y)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T> => default(K).Apply(default(Lanes128<T>), Even(x, y), Odd(x, y));

    /// <summary>The folds of the neighbours in the lower halves of x and y, then of those in the upper halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<T> Pairs<K, T>(Vector256<T> x, Vector256<T> y)
        where K : struct, IBinaryKernel
        where T : unmanaged, INumber<T>
    {
        var (even, odd) = (x, y);
        if (sizeof(T) == 8)
        {
            even = Avx.UnpackLow(x.As<T, double>(), y.As<T, double>()).As<double, T>();
            odd = Avx.UnpackHigh(x.As<T, double>(), y.As<T, double>()).As<double, T>();
        }
        else if (sizeof(T) == 4)
        {
            even = Avx.Shuffle(x.As<T, float>(), y.As<T, float>(), 0b10_00_10_00).As<float, T>();
            odd = Avx.Shuffle(x.As<T, float>(), y.As<T, float>(), 0b11_01_11_01).As<float, T>();
        }

        return default(K).Apply(default(Lanes256<T>), even, odd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> Even<T>(Vector128<T> x, Vector128<T> y)
        where T : unmanaged => sizeof(T) switch
        {
            8 when Sse2.IsSupported => Sse2.UnpackLow(x.As<T, double>(), y.As<T, double>()).As<double, T>(),
            8 => Vector128.Create(x.GetLower(), y.GetLower()),
            4 => Even(x.As<T, float>(), y.As<T, float>()).As<float, T>(),
            _ => x,
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> Odd<T>(Vector128<T> x, Vector128<T> y)
        where T : unmanaged => sizeof(T) switch
        {
            8 when Sse2.IsSupported => Sse2.UnpackHigh(x.As<T, double>(), y.As<T, double>()).As<double, T>(),
            8 => Vector128.Create(x.GetUpper(), y.GetUpper()),
            4 => Odd(x.As<T, float>(), y.As<T, float>()).As<float, T>(),
            _ => y,
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Even(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.Shuffle(x, y, 0b10_00_10_00)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.UnzipEven(x, y)
        : Vector128.Create(x.GetElement(0), x.GetElement(2), y.GetElement(0), y.GetElement(2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Odd(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.Shuffle(x, y, 0b11_01_11_01)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.UnzipOdd(x, y)
        : Vector128.Create(x.GetElement(1), x.GetElement(3), y.GetElement(1), y.GetElement(3));
}
