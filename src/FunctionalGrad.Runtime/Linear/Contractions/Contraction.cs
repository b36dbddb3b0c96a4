using System.Numerics;
using System.Runtime.Intrinsics;
using FunctionalGrad.Kernels;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Linear.Contractions;

/// <summary>
/// Runs contractions: a matrix product whose operands are read through tables of places, after Matthews, "High-performance tensor contraction without
/// transposition" (2018), and Chetlur et al., "cuDNN: efficient primitives for deep learning" (2014). A convolution never lays out its windows.
/// </summary>
internal static unsafe class Contraction
{
    /// <summary>C = A·B for every batch index.</summary>
    /// <param name="plan">What to do, and how.</param>
    /// <param name="buffers">Base address of every buffer of the program.</param>
    public static void Run(ContractionPlan plan, ReadOnlySpan<nint> buffers)
    {
        if (plan.Step.DType == DType.Float32)
            Run<float>(plan, buffers);
        else
            Run<double>(plan, buffers);
    }

    private static void Run<T>(ContractionPlan plan, ReadOnlySpan<nint> buffers)
        where T : unmanaged, INumberBase<T>
    {
        if (plan.LaneCount * sizeof(T) == 64)
            Run<Lanes512<T>, Vector512<T>, T>(plan, buffers);
        else if (plan.LaneCount * sizeof(T) == 32)
            Run<Lanes256<T>, Vector256<T>, T>(plan, buffers);
        else
            Run<Lanes128<T>, Vector128<T>, T>(plan, buffers);
    }

    private static void Run<TLanes, TVector, T>(ContractionPlan plan, ReadOnlySpan<nint> buffers)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, INumberBase<T>
    {
        if (plan.Rows.Total == 0 || plan.Columns.Total == 0)
            return;
        var step = plan.Step;
        RunBatch<TLanes, TVector, T>(plan, 0, Start<T>(step.A, buffers), Start<T>(step.B, buffers), Start<T>(step.C, buffers));
    }

    private static T* Start<T>(ContractionOperand operand, ReadOnlySpan<nint> buffers)
        where T : unmanaged => (T*)buffers[operand.Buffer] + operand.Offset;

    private static void RunBatch<TLanes, TVector, T>(ContractionPlan plan, int axis, T* a, T* b, T* c)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, INumberBase<T>
    {
        var step = plan.Step;
        if (axis < step.Batch.Length)
        {
            for (long index = 0; index < step.Batch[axis]; index++)
            {
                RunBatch<TLanes, TVector, T>(
                    plan, axis + 1, a + (index * step.A.BatchStrides[axis]), b + (index * step.B.BatchStrides[axis]), c + (index * step.C.BatchStrides[axis]));
            }
        }
        else if (plan.Inner.Total == 0)
        {
            Clear(plan, c);
        }
        else
        {
            T* rows = plan.IsTransposed ? b : a, vectors = plan.IsTransposed ? a : b;
            OffsetProduct<TLanes, TVector, T>.Multiply(plan, (byte*)rows, (byte*)vectors, (byte*)c);
        }
    }

    private static void Clear<T>(ContractionPlan plan, T* c)
        where T : unmanaged
    {
        for (long i = 0; i < plan.Rows.Blocks; i++)
            for (long j = 0; j < plan.Columns.Blocks; j++)
            {
                var (rows, columns) = (plan.Rows.Block(i), plan.Columns.Block(j));
                for (var row = 0; row < rows.Count; row++)
                    for (var column = 0; column < columns.Count; column++)
                        *(T*)((byte*)c + rows.Second + plan.Rows.Second[row] + columns.Second + plan.Columns.Second[column]) = default;
            }
    }
}
