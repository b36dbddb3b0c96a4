using System.Numerics;

namespace FunctionalGrad.Loops;

/// <summary>Carries out block operations.</summary>
internal static unsafe class KernelInterpreter
{
    /// <summary>Carries out operations, one after the other, for the block of <paramref name="n"/> indexes from <paramref name="start"/> on.</summary>
    public static void Execute(BlockProgram program, BlockOperation[] operations, in BlockFrame frame, long start, nint n)
    {
        var p = (void**)frame.Pointers;
        foreach (ref readonly var operation in operations.AsSpan())
        {
            switch (operation.Action)
            {
                case BlockAction.Unary:
                    ((delegate*<void*, void*, nint, void>)operation.Function)(p[operation.A], p[operation.Y], n);
                    break;
                case BlockAction.Binary:
                    ((delegate*<void*, void*, void*, nint, void>)operation.Function)(p[operation.A], p[operation.B], p[operation.Y], n);
                    break;
                case BlockAction.Select:
                    ((delegate*<void*, void*, void*, void*, nint, void>)operation.Function)(
                        p[operation.A], p[operation.B], p[operation.Detail], p[operation.Y], n);
                    break;
                default:
                    Move(program, operation, frame, start, n);
                    break;
            }
        }
    }

    private static void Move(BlockProgram program, in BlockOperation operation, in BlockFrame frame, long start, nint n)
    {
        var p = (byte**)frame.Pointers;
        switch (operation.Action)
        {
            case BlockAction.Read:
                var source = program.Accesses[operation.Detail];
                StridedCopy.Read(source, (byte*)frame.Buffers[source.Buffer], start, n, p[operation.Y]);
                break;
            case BlockAction.Write:
                var target = program.Accesses[operation.Detail];
                StridedCopy.Write(target, (byte*)frame.Buffers[target.Buffer], start, n, p[operation.A]);
                break;
            case BlockAction.Copy:
                var bytes = n * operation.Type.Size();
                Buffer.MemoryCopy(p[operation.A], p[operation.Y], bytes, bytes);
                break;
            case BlockAction.Gather:
                var gather = program.Gathers[operation.Detail];
                IndexedRead.Gather(gather, (byte*)frame.Buffers[gather.Access.Buffer], start, n, p[operation.A], p[operation.Y]);
                break;
            case BlockAction.Number:
                Spread(operation.Type, frame.Numbers[operation.Detail], p[operation.Y], (int)n);
                break;
            default:
                Positions(operation.Type, program.Accesses[operation.Detail], start, n, p[operation.Y]);
                break;
        }
    }

    private static void Spread(DType type, long bits, byte* y, int n)
    {
        switch (type)
        {
            case DType.Float32:
                new Span<float>(y, n).Fill((float)BitConverter.Int64BitsToDouble(bits));
                break;
            case DType.Float64:
                new Span<double>(y, n).Fill(BitConverter.Int64BitsToDouble(bits));
                break;
            case DType.Int32:
                new Span<int>(y, n).Fill((int)bits);
                break;
            case DType.Int64:
                new Span<long>(y, n).Fill(bits);
                break;
            default:
                new Span<bool>(y, n).Fill(bits != 0);
                break;
        }
    }

    private static void Positions(DType type, StridedAccess positions, long start, nint n, byte* y)
    {
        switch (type)
        {
            case DType.Float32:
                Positions(positions, start, n, (float*)y);
                break;
            case DType.Float64:
                Positions(positions, start, n, (double*)y);
                break;
            case DType.Int32:
                Positions(positions, start, n, (int*)y);
                break;
            case DType.Int64:
                Positions(positions, start, n, (long*)y);
                break;
            default:
                Truths(positions, start, n, (bool*)y);
                break;
        }
    }

    private static void Positions<T>(StridedAccess positions, long start, nint n, T* y)
        where T : unmanaged, INumber<T>
    {
        var boxes = new Boxes(positions, start, n, stackalloc long[positions.Extents.Length]);
        while (boxes.Next())
        {
            for (nint row = 0; row < boxes.Planes * boxes.Rows; row++, y += boxes.Length)
            {
                var first = boxes.Offset + (row / boxes.Rows * positions.PlaneStride) + (row % boxes.Rows * positions.RowStride);
                if (positions.RunStride == 0)
                {
                    new Span<T>(y, (int)boxes.Length).Fill(T.CreateTruncating(first));
                    continue;
                }

                for (nint i = 0; i < boxes.Length; i++)
                    y[i] = T.CreateTruncating(first + (i * positions.RunStride));
            }
        }
    }

    private static void Truths(StridedAccess positions, long start, nint n, bool* y)
    {
        var wide = stackalloc long[1];
        for (nint i = 0; i < n; i++)
        {
            Positions(positions, start + i, 1, wide);
            y[i] = *wide != 0;
        }
    }
}
