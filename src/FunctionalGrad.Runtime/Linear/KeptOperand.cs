using System.Numerics;
using System.Runtime.Intrinsics;
using FunctionalGrad.Kernels;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Linear;

/// <summary>The right operand of a product that is the same for a while: the first time packs it, the others read what was packed.</summary>
internal struct KeptOperand
{
    /// <summary>How many bytes it takes; 0 if it is not kept.</summary>
    public long Bytes;

    /// <summary>Where it is packed; 0 if it is not kept.</summary>
    public nint Start;

    /// <summary>Whether it has been packed.</summary>
    public bool IsPacked;

    /// <summary>Bytes to keep the right operand of a product in; 0 if that would not serve.</summary>
    public static long BytesFor(MatrixProductStep step)
    {
        if (step.Batch.Length > 0 || step.Rows == 1 || step.Columns == 1 || step.Inner <= 1)
            return 0;
        return step.DType == DType.Float32 ? BytesFor<float>(step) : step.DType == DType.Float64 ? BytesFor<double>(step) : 0;
    }

    private static long BytesFor<T>(MatrixProductStep step)
        where T : unmanaged, INumberBase<T> => step.DType.Size() * VectorWidth.Bits switch
        {
            512 => BlockedProduct<Lanes512<T>, Vector512<T>, T>.ElementsToKeep(step.Inner, step.Columns),
            256 => BlockedProduct<Lanes256<T>, Vector256<T>, T>.ElementsToKeep(step.Inner, step.Columns),
            _ => BlockedProduct<Lanes128<T>, Vector128<T>, T>.ElementsToKeep(step.Inner, step.Columns),
        };
}
