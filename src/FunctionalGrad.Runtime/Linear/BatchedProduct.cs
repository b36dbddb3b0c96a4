using System.Numerics;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Linear;

/// <summary>Runs a program's matrix products.</summary>
internal static unsafe class BatchedProduct
{
    /// <summary>C = A·B for every batch index.</summary>
    /// <param name="step">Which buffers, sizes and strides.</param>
    /// <param name="buffers">Base address of every buffer of the program.</param>
    /// <exception cref="DTypeException">The elements are neither float32 nor float64.</exception>
    internal static void Run(MatrixProductStep step, ReadOnlySpan<nint> buffers)
    {
        if (step.DType == DType.Float32)
            Run<float>(step, buffers);
        else if (step.DType == DType.Float64)
            Run<double>(step, buffers);
        else
            throw new DTypeException($"matmul: the elements are {step.DType.Name()}; only float32 and float64 have a matrix product. Convert with cast first.");
    }

    private static void Run<T>(MatrixProductStep step, ReadOnlySpan<nint> buffers)
        where T : unmanaged, INumberBase<T> =>
        Run(step, 0, Start<T>(step.A, buffers), Start<T>(step.B, buffers), Start<T>(step.C, buffers));

    private static T* Start<T>(MatrixOperand operand, ReadOnlySpan<nint> buffers)
        where T : unmanaged => (T*)buffers[operand.Buffer] + operand.Offset;

    private static void Run<T>(MatrixProductStep step, int axis, T* a, T* b, T* c)
        where T : unmanaged, INumberBase<T>
    {
        if (axis == step.Batch.Length)
        {
            MatrixProduct.Multiply(
                step.Rows, step.Columns, step.Inner,
                a, (nint)step.A.RowStride, (nint)step.A.ColumnStride,
                b, (nint)step.B.RowStride, (nint)step.B.ColumnStride,
                c, (nint)step.C.RowStride, (nint)step.C.ColumnStride);
            return;
        }

        for (long index = 0; index < step.Batch[axis]; index++)
            Run(step, axis + 1, a + (index * step.A.BatchStrides[axis]), b + (index * step.B.BatchStrides[axis]), c + (index * step.C.BatchStrides[axis]));
    }
}
