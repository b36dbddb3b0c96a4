using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace FunctionalGrad.Linear;

/// <summary>
/// Copies a strip of a matrix into the order in which tiles read it: for each step along the strip, its elements across, side by side.
/// Strides and transposes end here.
/// </summary>
internal static unsafe class Packing
{
    /// <summary>
    /// Steps along that are packed for all strips before the next ones: neighbours across share cache lines, and rows far apart need a page each.
    /// </summary>
    private const int StepsAtOnce = 32;

    /// <summary>Packs a block, strip after strip.</summary>
    /// <param name="source">The block's first element.</param>
    /// <param name="across">Elements between neighbours across the strips.</param>
    /// <param name="along">Elements between neighbours along the strips.</param>
    /// <param name="count">Elements across the block.</param>
    /// <param name="length">Elements along the strips.</param>
    /// <param name="target">Where the packed strips go: each <paramref name="length"/> × <paramref name="width"/> elements.</param>
    /// <param name="width">Elements across a strip; places that the last strip leaves free become zero.</param>
    public static void Pack<T>(T* source, nint across, nint along, int count, int length, T* target, int width)
        where T : unmanaged
    {
        var steps = across == 1 ? StepsAtOnce : length;
        for (var step = 0; step < length; step += steps)
            for (var strip = 0; strip < count; strip += width)
                PackStrip(
                    source + (strip * across) + (step * along), across, along, Math.Min(width, count - strip), Math.Min(steps, length - step),
                    target + ((nint)strip * length) + ((nint)step * width), width);
    }

    private static void PackStrip<T>(T* source, nint across, nint along, int count, nint length, T* target, int width)
        where T : unmanaged
    {
        if (count < width)
            NativeMemory.Clear(target, (nuint)(length * width * sizeof(T)));
        if (across == 1 && count == 2 * Vector512<T>.Count)
            CopyVectors<T, Vector512<T>>(source, along, length, target, width);
        else if (across == 1 && count == 2 * Vector256<T>.Count)
            CopyVectors<T, Vector256<T>>(source, along, length, target, width);
        else if (across == 1 && count >= Vector128<T>.Count)
            Copy(source, along, count, length, target, width);
        else if (along == 1 && count >= Vector128<T>.Count)
            Transpose(source, across, count, length, target, width);
        else
            Gather(source, across, along, count, length, target, width);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyVectors<T, TVector>(T* source, nint along, nint length, T* target, int width)
        where T : unmanaged
        where TVector : unmanaged
    {
        for (; length > 0; length--)
        {
            var (left, right) = (((TVector*)source)[0], ((TVector*)source)[1]);
            ((TVector*)target)[0] = left;
            ((TVector*)target)[1] = right;
            source += along;
            target += width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy<T>(T* source, nint along, int count, nint length, T* target, int width)
        where T : unmanaged
    {
        var last = count - Vector128<T>.Count;
        for (; length > 0; length--)
        {
            for (var i = 0; i < last; i += Vector128<T>.Count)
                Vector128.Load(source + i).Store(target + i);
            Vector128.Load(source + last).Store(target + last);
            source += along;
            target += width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather<T>(T* source, nint across, nint along, int count, nint length, T* target, int width)
        where T : unmanaged
    {
        for (; length > 0; length--)
        {
            for (var i = 0; i < count; i++)
                target[i] = source[i * across];
            source += along;
            target += width;
        }
    }

    private static void Transpose<T>(T* source, nint across, int count, nint length, T* target, int width)
        where T : unmanaged
    {
        var step = Vector128<T>.Count;
        for (var done = 0; done < count; done += step)
        {
            var first = Math.Min(done, count - step); // the last group may overlap the one before it and write the same again
            if (sizeof(T) == sizeof(float))
                TransposeFour((float*)(source + (first * across)), across, length, (float*)(target + first), width);
            else
                TransposeTwo((double*)(source + (first * across)), across, length, (double*)(target + first), width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeFour(float* source, nint across, nint length, float* target, nint width)
    {
        for (; length >= 4; length -= 4)
        {
            var row0 = Vector128.Load(source);
            var row1 = Vector128.Load(source + across);
            var row2 = Vector128.Load(source + (2 * across));
            var row3 = Vector128.Load(source + (3 * across));
            Vector128<float> low02 = Low(row0, row2), low13 = Low(row1, row3), high02 = High(row0, row2), high13 = High(row1, row3);
            Low(low02, low13).Store(target);
            High(low02, low13).Store(target + width);
            Low(high02, high13).Store(target + (2 * width));
            High(high02, high13).Store(target + (3 * width));
            source += 4;
            target += 4 * width;
        }

        for (; length > 0; length--)
        {
            for (var i = 0; i < 4; i++)
                target[i] = source[i * across];
            source++;
            target += width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeTwo(double* source, nint across, nint length, double* target, nint width)
    {
        for (; length >= 2; length -= 2)
        {
            Vector128<double> row0 = Vector128.Load(source), row1 = Vector128.Load(source + across);
            Low(row0, row1).Store(target);
            High(row0, row1).Store(target + width);
            source += 2;
            target += 2 * width;
        }

        if (length > 0)
        {
            target[0] = source[0];
            target[1] = source[across];
        }
    }

    /// <summary>The lower halves, elements in turn: x0 y0 x1 y1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackLow(x, y)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(x, y)
        : Vector128.Create(x[0], y[0], x[1], y[1]);

    /// <summary>The upper halves, elements in turn: x2 y2 x3 y3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackHigh(x, y)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(x, y)
        : Vector128.Create(x[2], y[2], x[3], y[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> Low(Vector128<double> x, Vector128<double> y) =>
        Sse2.IsSupported ? Sse2.UnpackLow(x, y)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(x, y)
        : Vector128.Create(x[0], y[0]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> High(Vector128<double> x, Vector128<double> y) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(x, y)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(x, y)
        : Vector128.Create(x[1], y[1]);
}
