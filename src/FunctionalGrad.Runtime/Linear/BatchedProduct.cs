using System.Numerics;

namespace FunctionalGrad.Linear;

using FunctionalGrad.Loops;

/// <summary>Batched matrix products: three plain loops, until the packed ones stand.</summary>
internal static unsafe class BatchedProduct
{
    /// <summary>Runs the step over the buffers' addresses.</summary>
    internal static void Run(MatrixProductStep step, ReadOnlySpan<nint> buffers)
    {
        long count = 1;
        foreach (var extent in step.Batch)
            count *= extent;
        for (long batch = 0; batch < count; batch++)
        {
            if (step.DType == DType.Float32)
                Multiply((float*)buffers[step.A.Buffer], (float*)buffers[step.B.Buffer], (float*)buffers[step.C.Buffer], step, batch);
            else
                Multiply((double*)buffers[step.A.Buffer], (double*)buffers[step.B.Buffer], (double*)buffers[step.C.Buffer], step, batch);
        }
    }

    private static void Multiply<T>(T* a, T* b, T* c, MatrixProductStep step, long batch)
        where T : unmanaged, INumber<T>
    {
        a += Start(step.A, step, batch);
        b += Start(step.B, step, batch);
        c += Start(step.C, step, batch);
        for (long row = 0; row < step.Rows; row++)
        {
            for (long column = 0; column < step.Columns; column++)
            {
                var sum = T.Zero;
                for (long k = 0; k < step.Inner; k++)
                    sum += a[(row * step.A.RowStride) + (k * step.A.ColumnStride)] * b[(k * step.B.RowStride) + (column * step.B.ColumnStride)];
                c[(row * step.C.RowStride) + (column * step.C.ColumnStride)] = sum;
            }
        }
    }

    private static long Start(MatrixOperand operand, MatrixProductStep step, long batch)
    {
        var offset = operand.Offset;
        for (var d = step.Batch.Length - 1; d >= 0; d--)
        {
            offset += batch % step.Batch[d] * operand.BatchStrides[d];
            batch /= step.Batch[d];
        }

        return offset;
    }
}
