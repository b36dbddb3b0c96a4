using System.Numerics;
using System.Runtime.CompilerServices;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Linear;

/// <summary>The product of a matrix and a vector, which reads every element of the matrix once and so runs at the speed of memory.</summary>
internal static unsafe class MatrixVector<TLanes, TVector, T>
    where TLanes : struct, ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged, INumberBase<T>
{
    /// <summary>Bytes of the result that stay in the first-level cache while columns stream by.</summary>
    private const int ChunkBytes = 8 * 1024;

    /// <summary>Bytes of the result that a thread takes at the least.</summary>
    private const int PartBytes = 4 * 1024;

    /// <summary>Bytes of a strided vector that are worth a copy, which the thread then keeps.</summary>
    private const int MostCopiedBytes = 1024 * 1024;

    /// <summary>True where this is the way: B is a vector, and A has contiguous rows and the vector is contiguous or soon made so, or A has contiguous columns.</summary>
    public static bool Takes(in Product<T> product) =>
        product.Columns == 1
        && (product.A.ColumnStride == 1
            ? product.B.RowStride == 1 || (long)product.Inner * sizeof(T) <= MostCopiedBytes
            : product.A.RowStride == 1);

    /// <summary>Multiplies what <see cref="Takes"/> says yes to.</summary>
    public static void Multiply(in Product<T> product)
    {
        if (product.A.ColumnStride != 1)
            ProductParts.ShareRows(product, PartBytes / sizeof(T), ProductParts.LeastSharedBytes, &AddUpColumns);
        else if (product.B.RowStride == 1)
            ProductParts.ShareRows(product, 4, ProductParts.LeastSharedBytes, &DotRows);
        else
            MultiplyPacked(product);
    }

    private static void MultiplyPacked(in Product<T> product)
    {
        var packed = PackingBuffers.Right<T>(product.Inner);
        Packing.Pack(product.B.Start, 1, product.B.RowStride, 1, product.Inner, packed, 1);
        var contiguous = new Product<T>(product.Rows, 1, product.Inner, product.A, new(packed, 1, 1), product.C, product.Accumulate);
        ProductParts.ShareRows(contiguous, 4, ProductParts.LeastSharedBytes, &DotRows);
    }

    private static void DotRows(in Product<T> product)
    {
        T* x = product.B.Start, y = product.C.Start;
        var yStride = product.C.RowStride;
        var row = 0;
        for (; row <= product.Rows - 4; row += 4)
            FourRows(product.Inner, product.A.At(row, 0), product.A.RowStride, x, y + (row * yStride), yStride, product.Accumulate);
        for (; row < product.Rows; row++)
        {
            var sum = OneRow(product.Inner, product.A.At(row, 0), x);
            y[row * yStride] = product.Accumulate ? y[row * yStride] + sum : sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(int inner, T* a, nint stride, T* x, T* y, nint yStride, bool accumulate)
    {
        var lanes = default(TLanes);
        T* a0 = a, a1 = a + stride, a2 = a1 + stride, a3 = a2 + stride;
        TVector even0 = default, even1 = default, even2 = default, even3 = default;
        TVector odd0 = default, odd1 = default, odd2 = default, odd3 = default;
        nint k = 0;
        for (; k <= inner - (2 * lanes.Count); k += 2 * lanes.Count)
        {
            TVector even = lanes.Load(x + k), odd = lanes.Load(x + k + lanes.Count);
            even0 = lanes.MultiplyAdd(lanes.Load(a0 + k), even, even0);
            odd0 = lanes.MultiplyAdd(lanes.Load(a0 + k + lanes.Count), odd, odd0);
            even1 = lanes.MultiplyAdd(lanes.Load(a1 + k), even, even1);
            odd1 = lanes.MultiplyAdd(lanes.Load(a1 + k + lanes.Count), odd, odd1);
            even2 = lanes.MultiplyAdd(lanes.Load(a2 + k), even, even2);
            odd2 = lanes.MultiplyAdd(lanes.Load(a2 + k + lanes.Count), odd, odd2);
            even3 = lanes.MultiplyAdd(lanes.Load(a3 + k), even, even3);
            odd3 = lanes.MultiplyAdd(lanes.Load(a3 + k + lanes.Count), odd, odd3);
        }

        T sum0 = lanes.Sum(lanes.Add(even0, odd0)), sum1 = lanes.Sum(lanes.Add(even1, odd1));
        T sum2 = lanes.Sum(lanes.Add(even2, odd2)), sum3 = lanes.Sum(lanes.Add(even3, odd3));
        for (; k < inner; k++)
        {
            sum0 = T.MultiplyAddEstimate(a0[k], x[k], sum0);
            sum1 = T.MultiplyAddEstimate(a1[k], x[k], sum1);
            sum2 = T.MultiplyAddEstimate(a2[k], x[k], sum2);
            sum3 = T.MultiplyAddEstimate(a3[k], x[k], sum3);
        }

        if (accumulate)
        {
            sum0 += y[0];
            sum1 += y[yStride];
            sum2 += y[2 * yStride];
            sum3 += y[3 * yStride];
        }

        y[0] = sum0;
        y[yStride] = sum1;
        y[2 * yStride] = sum2;
        y[3 * yStride] = sum3;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T OneRow(int inner, T* a, T* x)
    {
        var lanes = default(TLanes);
        TVector sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        nint k = 0;
        for (; k <= inner - (4 * lanes.Count); k += 4 * lanes.Count)
        {
            sum0 = lanes.MultiplyAdd(lanes.Load(a + k), lanes.Load(x + k), sum0);
            sum1 = lanes.MultiplyAdd(lanes.Load(a + k + lanes.Count), lanes.Load(x + k + lanes.Count), sum1);
            sum2 = lanes.MultiplyAdd(lanes.Load(a + k + (2 * lanes.Count)), lanes.Load(x + k + (2 * lanes.Count)), sum2);
            sum3 = lanes.MultiplyAdd(lanes.Load(a + k + (3 * lanes.Count)), lanes.Load(x + k + (3 * lanes.Count)), sum3);
        }

        for (; k <= inner - lanes.Count; k += lanes.Count)
            sum0 = lanes.MultiplyAdd(lanes.Load(a + k), lanes.Load(x + k), sum0);
        var sum = lanes.Sum(lanes.Add(lanes.Add(sum0, sum1), lanes.Add(sum2, sum3)));
        for (; k < inner; k++)
            sum = T.MultiplyAddEstimate(a[k], x[k], sum);
        return sum;
    }

    private static void AddUpColumns(in Product<T> product)
    {
        MatrixView<T> a = product.A, y = product.C;
        T* x = product.B.Start;
        var xStride = product.B.RowStride;
        var chunk = Math.Min(product.Rows, ChunkBytes / sizeof(T));
        var own = y.RowStride == 1 ? null : PackingBuffers.Left<T>(chunk);
        for (var row = 0; row < product.Rows; row += chunk)
        {
            var count = Math.Min(chunk, product.Rows - row);
            var sums = y.RowStride == 1 ? y.At(row, 0) : own;
            if (!product.Accumulate)
                new Span<T>(sums, count).Clear();
            else if (y.RowStride != 1)
                CopyStrided(count, y.At(row, 0), y.RowStride, sums, 1);
            var column = 0;
            for (; column <= product.Inner - 4; column += 4)
                AddFourColumns(count, a.At(row, column), a.ColumnStride, x + (column * xStride), xStride, sums);
            for (; column < product.Inner; column++)
                AddColumn(count, a.At(row, column), x[column * xStride], sums);
            if (y.RowStride != 1)
                CopyStrided(count, sums, 1, y.At(row, 0), y.RowStride);
        }
    }

    private static void CopyStrided(int count, T* source, nint sourceStride, T* target, nint targetStride)
    {
        for (var i = 0; i < count; i++)
            target[i * targetStride] = source[i * sourceStride];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFourColumns(int rows, T* a, nint stride, T* x, nint xStride, T* y)
    {
        var lanes = default(TLanes);
        T* a0 = a, a1 = a + stride, a2 = a1 + stride, a3 = a2 + stride;
        T x0 = x[0], x1 = x[xStride], x2 = x[2 * xStride], x3 = x[3 * xStride];
        TVector factor0 = lanes.Broadcast(x0), factor1 = lanes.Broadcast(x1), factor2 = lanes.Broadcast(x2), factor3 = lanes.Broadcast(x3);
        nint i = 0;
        for (; i <= rows - lanes.Count; i += lanes.Count)
        {
            var sum = lanes.MultiplyAdd(lanes.Load(a0 + i), factor0, lanes.Load(y + i));
            sum = lanes.MultiplyAdd(lanes.Load(a1 + i), factor1, sum);
            sum = lanes.MultiplyAdd(lanes.Load(a2 + i), factor2, sum);
            lanes.Store(y + i, lanes.MultiplyAdd(lanes.Load(a3 + i), factor3, sum));
        }

        for (; i < rows; i++)
        {
            var sum = T.MultiplyAddEstimate(a1[i], x1, T.MultiplyAddEstimate(a0[i], x0, y[i]));
            y[i] = T.MultiplyAddEstimate(a3[i], x3, T.MultiplyAddEstimate(a2[i], x2, sum));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddColumn(int rows, T* a, T x, T* y)
    {
        var lanes = default(TLanes);
        var factor = lanes.Broadcast(x);
        nint i = 0;
        for (; i <= rows - lanes.Count; i += lanes.Count)
            lanes.Store(y + i, lanes.MultiplyAdd(lanes.Load(a + i), factor, lanes.Load(y + i)));
        for (; i < rows; i++)
            y[i] = T.MultiplyAddEstimate(a[i], x, y[i]);
    }
}
