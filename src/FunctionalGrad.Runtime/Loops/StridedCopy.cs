using System.Runtime.CompilerServices;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <summary>Copies between a contiguous block and a strided range of a buffer, box by box.</summary>
internal static unsafe class StridedCopy
{
    /// <summary>Runs shorter than this are copied in line: a call would cost more than the copy.</summary>
    private const int ShortRun = 32;

    /// <summary>Rows that a transposing copy takes at a time, so that every cache line it touches is used whole.</summary>
    private const int TileRows = 16;

    private static readonly delegate*<void*, nint, void*, nint, void>[] GatherBySize = Gathers();
    private static readonly delegate*<void*, void*, nint, nint, void>[] ScatterBySize = Scatters();

    /// <summary>Fills <paramref name="block"/> with <paramref name="count"/> elements from linear index <paramref name="start"/> on.</summary>
    public static void Read(StridedAccess access, byte* buffer, long start, nint count, byte* block)
    {
        switch (access.ElementSize)
        {
            case 1:
                Read<byte>(access, buffer, start, count, block);
                break;
            case 4:
                Read<uint>(access, (uint*)buffer, start, count, (uint*)block);
                break;
            default:
                Read<ulong>(access, (ulong*)buffer, start, count, (ulong*)block);
                break;
        }
    }

    /// <summary>Writes <paramref name="count"/> elements of <paramref name="block"/> to linear index <paramref name="start"/> and on.</summary>
    public static void Write(StridedAccess access, byte* buffer, long start, nint count, byte* block)
    {
        switch (access.ElementSize)
        {
            case 1:
                Write<byte>(access, buffer, start, count, block);
                break;
            case 4:
                Write<uint>(access, (uint*)buffer, start, count, (uint*)block);
                break;
            default:
                Write<ulong>(access, (ulong*)buffer, start, count, (ulong*)block);
                break;
        }
    }

    private static void Read<T>(StridedAccess access, T* buffer, long start, nint count, T* block)
        where T : unmanaged
    {
        var boxes = new Boxes(access, start, count, stackalloc long[access.Extents.Length]);
        while (boxes.Next())
        {
            var plane = buffer + boxes.Offset;
            for (nint i = 0; i < boxes.Planes; i++, plane += access.PlaneStride, block += boxes.Rows * boxes.Length)
                ReadRectangle(plane, access.RowStride, access.RunStride, boxes.Rows, boxes.Length, block);
        }
    }

    private static void Write<T>(StridedAccess access, T* buffer, long start, nint count, T* block)
        where T : unmanaged
    {
        var boxes = new Boxes(access, start, count, stackalloc long[access.Extents.Length]);
        while (boxes.Next())
        {
            var plane = buffer + boxes.Offset;
            for (nint i = 0; i < boxes.Planes; i++, plane += access.PlaneStride, block += boxes.Rows * boxes.Length)
                WriteRectangle(plane, access.RowStride, access.RunStride, boxes.Rows, boxes.Length, block);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadRectangle<T>(T* source, nint rowStride, nint stride, nint rows, nint length, T* block)
        where T : unmanaged
    {
        if (stride == 1 && rowStride == 0)
            Repeat(source, rows, length, block);
        else if (stride == 0)
            Spread(source, rowStride, rows, length, block);
        else if (rowStride == 1 && rows >= TileRows)
            ReadTransposed(source, stride, rows, length, block);
        else if (length < ShortRun)
            ReadShort(source, rowStride, stride, rows, length, block);
        else
        {
            for (nint row = 0; row < rows; row++, source += rowStride, block += length)
                ReadRun(source, stride, length, block);
        }
    }

    private static void ReadRun<T>(T* source, nint stride, nint length, T* block)
        where T : unmanaged
    {
        if (stride == 1)
            Unsafe.CopyBlockUnaligned(block, source, (uint)(length * sizeof(T)));
        else
            GatherBySize[sizeof(T)](source, stride, block, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadShort<T>(T* source, nint rowStride, nint stride, nint rows, nint length, T* block)
        where T : unmanaged
    {
        for (nint row = 0; row < rows; row++, source += rowStride, block += length)
        {
            var from = source;
            for (nint i = 0; i < length; i++, from += stride)
                block[i] = *from;
        }
    }

    /// <summary>One row over and over: what has been written serves as the source, so that the pieces double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Repeat<T>(T* source, nint rows, nint length, T* block)
        where T : unmanaged
    {
        Unsafe.CopyBlockUnaligned(block, source, (uint)(length * sizeof(T)));
        var total = rows * length;
        for (var done = length; done < total;)
        {
            var piece = Math.Min(done, total - done);
            Unsafe.CopyBlockUnaligned(block + done, block, (uint)(piece * sizeof(T)));
            done += piece;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Spread<T>(T* source, nint rowStride, nint rows, nint length, T* block)
        where T : unmanaged
    {
        for (nint row = 0; row < rows; row++, source += rowStride, block += length)
        {
            if (length < ShortRun)
            {
                var value = *source;
                for (nint i = 0; i < length; i++)
                    block[i] = value;
            }
            else
            {
                new Span<T>(block, (int)length).Fill(*source);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadTransposed<T>(T* source, nint stride, nint rows, nint length, T* block)
        where T : unmanaged
    {
        for (nint first = 0; first < rows; first += TileRows)
        {
            var end = Math.Min(first + TileRows, rows);
            for (nint i = 0; i < length; i++)
            {
                for (var row = first; row < end; row++)
                    block[(row * length) + i] = source[row + (i * stride)];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteRectangle<T>(T* target, nint rowStride, nint stride, nint rows, nint length, T* block)
        where T : unmanaged
    {
        for (nint row = 0; row < rows; row++, target += rowStride, block += length)
        {
            if (length < ShortRun)
            {
                var to = target;
                for (nint i = 0; i < length; i++, to += stride)
                    *to = block[i];
            }
            else if (stride == 1)
            {
                Unsafe.CopyBlockUnaligned(target, block, (uint)(length * sizeof(T)));
            }
            else
            {
                ScatterBySize[sizeof(T)](block, target, stride, length);
            }
        }
    }

    private static delegate*<void*, nint, void*, nint, void>[] Gathers()
    {
        var gathers = new delegate*<void*, nint, void*, nint, void>[9];
        foreach (var size in (ReadOnlySpan<int>)[1, 4, 8])
            gathers[size] = BlockKernels.GatherStrided(size);
        return gathers;
    }

    private static delegate*<void*, void*, nint, nint, void>[] Scatters()
    {
        var scatters = new delegate*<void*, void*, nint, nint, void>[9];
        foreach (var size in (ReadOnlySpan<int>)[1, 4, 8])
            scatters[size] = BlockKernels.ScatterStrided(size);
        return scatters;
    }
}
