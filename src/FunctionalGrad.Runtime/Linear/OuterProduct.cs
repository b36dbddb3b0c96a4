using System.Numerics;
using System.Runtime.CompilerServices;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Linear;

/// <summary>The product of a column and a row, which writes every element once and so runs at the speed of memory.</summary>
internal static unsafe class OuterProduct<TLanes, TVector, T>
    where TLanes : struct, ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged, INumberBase<T>
{
    /// <summary>True where this is the fastest way: one term in each sum, and rows of C that are contiguous.</summary>
    public static bool Takes(in Product<T> product) =>
        product.Inner == 1 && product.C.ColumnStride == 1 && product.B.ColumnStride == 1 && product.Columns >= default(TLanes).Count;

    /// <summary>Multiplies what <see cref="Takes"/> says yes to.</summary>
    public static void Multiply(in Product<T> product) => ProductParts.ShareRows(product, 1, ProductParts.LeastSharedBytes, &MultiplyAlone);

    private static void MultiplyAlone(in Product<T> product)
    {
        for (var row = 0; row < product.Rows; row++)
        {
            var factor = *product.A.At(row, 0);
            if (product.Accumulate)
                Add(product.Columns, factor, product.B.Start, product.C.At(row, 0));
            else
                Write(product.Columns, factor, product.B.Start, product.C.At(row, 0));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write(nint count, T factor, T* x, T* y)
    {
        var lanes = default(TLanes);
        var factors = lanes.Broadcast(factor);
        nint i = 0;
        for (; i <= count - (4 * lanes.Count); i += 4 * lanes.Count)
        {
            lanes.Store(y + i, lanes.Mul(factors, lanes.Load(x + i)));
            lanes.Store(y + i + lanes.Count, lanes.Mul(factors, lanes.Load(x + i + lanes.Count)));
            lanes.Store(y + i + (2 * lanes.Count), lanes.Mul(factors, lanes.Load(x + i + (2 * lanes.Count))));
            lanes.Store(y + i + (3 * lanes.Count), lanes.Mul(factors, lanes.Load(x + i + (3 * lanes.Count))));
        }

        for (; i <= count - lanes.Count; i += lanes.Count)
            lanes.Store(y + i, lanes.Mul(factors, lanes.Load(x + i)));
        for (; i < count; i++)
            y[i] = factor * x[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(nint count, T factor, T* x, T* y)
    {
        var lanes = default(TLanes);
        var factors = lanes.Broadcast(factor);
        nint i = 0;
        for (; i <= count - lanes.Count; i += lanes.Count)
            lanes.Store(y + i, lanes.MultiplyAdd(factors, lanes.Load(x + i), lanes.Load(y + i)));
        for (; i < count; i++)
            y[i] = T.MultiplyAddEstimate(factor, x[i], y[i]);
    }
}
