using System.Numerics;
using System.Runtime.CompilerServices;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Linear;

/// <summary>Runs a program's matrix products. Many small ones are shared among threads by batch, large ones each by itself.</summary>
internal static unsafe class BatchedProduct
{
    /// <summary>The work that a product's call is worth, however small the product.</summary>
    private const long LeastWork = 10_000;

    /// <summary>Products of more work than this share better each by itself.</summary>
    private const long MostWork = 16 * ProductParts.LeastShared;

    /// <summary>C = A·B for every batch index.</summary>
    /// <param name="step">Which buffers, sizes and strides.</param>
    /// <param name="buffers">Base address of every buffer of the program.</param>
    /// <param name="kept">Where the right operand is kept from one run to the next.</param>
    /// <exception cref="DTypeException">The elements are neither float32 nor float64.</exception>
    internal static void Run(MatrixProductStep step, ReadOnlySpan<nint> buffers, ref KeptOperand kept)
    {
        if (step.DType == DType.Float32)
            Run<float>(step, buffers, ref kept);
        else if (step.DType == DType.Float64)
            Run<double>(step, buffers, ref kept);
        else
            throw new DTypeException($"matmul: the elements are {step.DType.Name()}; only float32 and float64 have a matrix product. Convert with cast first.");
    }

    /// <summary>C = A·B for every batch index, once.</summary>
    internal static void Run(MatrixProductStep step, ReadOnlySpan<nint> buffers)
    {
        var kept = default(KeptOperand);
        Run(step, buffers, ref kept);
    }

    private static void Run<T>(MatrixProductStep step, ReadOnlySpan<nint> buffers, ref KeptOperand kept)
        where T : unmanaged, INumberBase<T>
    {
        var product = new Product<T>(
            step.Rows, step.Columns, step.Inner, View<T>(step.A, buffers), View<T>(step.B, buffers), View<T>(step.C, buffers), accumulate: false);
        if (kept.Start != 0)
        {
            MatrixProduct.Multiply(product.Keeping((T*)kept.Start, kept.IsPacked));
            kept.IsPacked = true;
            return;
        }

        var axes = step.Batch.Length;
        while (axes > 0 && TryMerge(step, axes - 1, ref product))
            axes--;
        var count = 1;
        for (var axis = 0; axis < axes; axis++)
            count = checked(count * step.Batch[axis]);
        var batch = new Batch<T>(step, axes, count, product);
        if (axes == 0)
            MatrixProduct.Multiply(product);
        else if (batch.Parts <= 1)
            batch.Run(0, count);
        else
            Parallelism.For(batch.Parts, &Batch<T>.RunPart, Unsafe.AsPointer(ref batch)); // the frame outlives the parts
    }

    private static MatrixView<T> View<T>(MatrixOperand operand, ReadOnlySpan<nint> buffers)
        where T : unmanaged => new((T*)buffers[operand.Buffer] + operand.Offset, (nint)operand.RowStride, (nint)operand.ColumnStride);

    /// <summary>Makes one product of those along a batch axis if they share B and their rows follow each other, or share A and their columns do.</summary>
    private static bool TryMerge<T>(MatrixProductStep step, int axis, ref Product<T> product)
        where T : unmanaged
    {
        int count = step.Batch[axis];
        nint a = (nint)step.A.BatchStrides[axis], b = (nint)step.B.BatchStrides[axis], c = (nint)step.C.BatchStrides[axis];
        if (b == 0 && TryStack(count, product, a, c, out var stacked))
            product = stacked;
        else if (a == 0 && TryStack(count, product.Transposed, b, c, out stacked))
            product = stacked.Transposed;
        else
            return count == 1;
        return true;
    }

    private static bool TryStack<T>(int count, in Product<T> product, nint a, nint c, out Product<T> stacked)
        where T : unmanaged
    {
        var rows = (long)count * product.Rows;
        nint aRow = product.Rows == 1 ? a : product.A.RowStride, cRow = product.Rows == 1 ? c : product.C.RowStride;
        stacked = new(
            (int)rows, product.Columns, product.Inner, new(product.A.Start, aRow, product.A.ColumnStride), product.B, new(product.C.Start, cRow, product.C.ColumnStride),
            product.Accumulate);
        return rows is > 0 and <= int.MaxValue && a == product.Rows * aRow && c == product.Rows * cRow;
    }

    private readonly struct Batch<T>
        where T : unmanaged, INumberBase<T>
    {
        private readonly MatrixProductStep step;
        private readonly int axes;
        private readonly int count;
        private readonly Product<T> product;

        public Batch(MatrixProductStep step, int axes, int count, in Product<T> product)
        {
            this.step = step;
            this.axes = axes;
            this.count = count;
            this.product = product;
            var least = product.Rows == 1 || product.Columns == 1 || product.Inner == 1 ? ProductParts.LeastSharedBytes : ProductParts.LeastShared;
            Parts = product.Work > MostWork ? 1 : ProductParts.Count(count * Math.Max(product.Work, LeastWork), least, count);
        }

        public int Parts { get; }

        public static void RunPart(int part, void* state)
        {
            ref var batch = ref Unsafe.AsRef<Batch<T>>(state);
            batch.Run(ProductParts.First(part, batch.Parts, batch.count), ProductParts.First(part + 1, batch.Parts, batch.count));
        }

        public void Run(int first, int end)
        {
            for (var index = first; index < end; index++)
                MatrixProduct.Multiply(At(index));
        }

        private Product<T> At(int index)
        {
            nint a = 0, b = 0, c = 0;
            for (var axis = axes - 1; axis >= 0; axis--)
            {
                index = Math.DivRem(index, step.Batch[axis], out var place);
                a += place * (nint)step.A.BatchStrides[axis];
                b += place * (nint)step.B.BatchStrides[axis];
                c += place * (nint)step.C.BatchStrides[axis];
            }

            return product.Moved(a, b, c);
        }
    }
}
