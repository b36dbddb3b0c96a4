using System.Numerics;
using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

/// <summary>Sums of all elements so far, along the middle of three axes of a contiguous array.</summary>
internal static class RunningSum
{
    /// <summary>Fills y, of the shape of x, read as [outer, count, inner]; backwards, the sums begin at the last element.</summary>
    public static void Run(NDArray x, NDArray y, int count, int inner, bool backwards)
    {
        switch (x.DType)
        {
            case DType.Float32: Run(x.Elements<float>(), y.Elements<float>(), count, inner, backwards); break;
            case DType.Float64: Run(x.Elements<double>(), y.Elements<double>(), count, inner, backwards); break;
            case DType.Int64: Run(x.Elements<long>(), y.Elements<long>(), count, inner, backwards); break;
            default: throw new DTypeException($"cumsum: sums float32, float64 or int64, not {x.DType}.");
        }
    }

    private static void Run<T>(ReadOnlySpan<T> x, Span<T> y, int count, int inner, bool backwards)
        where T : struct, INumber<T>
    {
        var block = count * inner;
        for (var start = 0; start < x.Length; start += block)
        {
            if (inner == 1)
                Line(x.Slice(start, block), y.Slice(start, block), backwards);
            else
                Rows(x.Slice(start, block), y.Slice(start, block), inner, backwards);
        }
    }

    // A program runs it once or twice, before the runtime would optimize it; unoptimized it took eight times as long.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Line<T>(ReadOnlySpan<T> x, Span<T> y, bool backwards)
        where T : struct, INumber<T>
    {
        var sum = T.Zero;
        if (backwards)
        {
            for (var i = x.Length - 1; i >= 0; i--)
                y[i] = sum += x[i];
        }
        else
        {
            for (var i = 0; i < x.Length; i++)
                y[i] = sum += x[i];
        }
    }

    /// <summary>Whole rows at a time, so that memory is read in its order and the lanes are columns.</summary>
    private static void Rows<T>(ReadOnlySpan<T> x, Span<T> y, int inner, bool backwards)
        where T : struct, INumber<T>
    {
        var last = x.Length - inner;
        var first = backwards ? last : 0;
        var step = backwards ? -inner : inner;
        x.Slice(first, inner).CopyTo(y[first..]);
        for (var row = first + step; row >= 0 && row <= last; row += step)
        {
            var sums = y.Slice(row - step, inner);
            var added = x.Slice(row, inner);
            var target = y.Slice(row, inner);
            var i = 0;
            for (; i <= inner - Vector<T>.Count; i += Vector<T>.Count)
                (new Vector<T>(sums[i..]) + new Vector<T>(added[i..])).CopyTo(target[i..]);
            for (; i < inner; i++)
                target[i] = sums[i] + added[i];
        }
    }
}
