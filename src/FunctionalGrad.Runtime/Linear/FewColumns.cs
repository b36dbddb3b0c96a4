using System.Numerics;
using System.Runtime.CompilerServices;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Linear;

/// <summary>
/// The product with a matrix of few columns, as dot products along the inner extent: tiles would leave most of their columns empty
/// and transpose what lies in rows already.
/// </summary>
internal static unsafe class FewColumns<TLanes, TVector, T>
    where TLanes : struct, ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged, INumberBase<T>
{
    /// <summary>More columns fill a tile well enough.</summary>
    private const int MostColumns = 12;

    /// <summary>Bytes that all columns may take, so that they stay in the second-level cache.</summary>
    private const int MostBytes = 128 * 1024;

    /// <summary>True where this is the fastest way: A's rows are contiguous, long, and B has few columns.</summary>
    public static bool Takes(in Product<T> product) =>
        product.Columns is > 1 and <= MostColumns && product.Rows >= 4 && product.A.ColumnStride == 1
        && product.Inner >= 8 * default(TLanes).Count && (long)product.Inner * product.Columns * sizeof(T) <= MostBytes;

    /// <summary>Multiplies what <see cref="Takes"/> says yes to.</summary>
    public static void Multiply(in Product<T> product)
    {
        if (product.B.RowStride == 1)
        {
            ProductParts.ShareRows(product, 4, ProductParts.LeastShared, &MultiplyAlone);
            return;
        }

        var packed = PackingBuffers.Right<T>((nint)product.Inner * product.Columns);
        Packing.Pack(product.B.Start, product.B.RowStride, product.B.ColumnStride, product.Inner, product.Columns, packed, product.Inner);
        var columns = new MatrixView<T>(packed, 1, product.Inner);
        ProductParts.ShareRows<T>(
            new(product.Rows, product.Columns, product.Inner, product.A, columns, product.C, product.Accumulate), 4, ProductParts.LeastShared, &MultiplyAlone);
    }

    private static void MultiplyAlone(in Product<T> product)
    {
        for (var next = 0; next < product.Rows; next += 4)
        {
            var row = Math.Min(next, product.Rows - 4); // the last four may overlap the ones before, which are then left as they are
            var four = product.OfRows(row, 4);
            for (var column = 0; column < product.Columns;)
            {
                var left = product.Columns - column;
                if (left is 2 or 4)
                    Multiply<Count2>(four, column, next - row);
                else
                    Multiply<Count3>(four, column, next - row);
                column += left is 2 or 4 ? 2 : 3;
            }
        }
    }

    // One function of this length because accumulators stay in registers only as locals of one function.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TColumns>(in Product<T> product, int column, int done)
        where TColumns : struct, ICount
    {
        var lanes = default(TLanes);
        nint inner = product.Inner, aStride = product.A.RowStride, xStride = product.B.ColumnStride;
        T* a0 = product.A.Start, a1 = a0 + aStride, a2 = a1 + aStride, a3 = a2 + aStride;
        T* x0 = product.B.At(0, column), x1 = x0 + xStride, x2 = TColumns.Value > 2 ? x1 + xStride : x1;
        TVector sum00 = default, sum01 = default, sum02 = default;
        TVector sum10 = default, sum11 = default, sum12 = default;
        TVector sum20 = default, sum21 = default, sum22 = default;
        TVector sum30 = default, sum31 = default, sum32 = default;
        nint k = 0;
        for (; k <= inner - lanes.Count; k += lanes.Count)
        {
            TVector right0 = lanes.Load(x0 + k), right1 = lanes.Load(x1 + k), right2 = TColumns.Value > 2 ? lanes.Load(x2 + k) : right1;
            Step<TColumns>(lanes.Load(a0 + k), right0, right1, right2, ref sum00, ref sum01, ref sum02);
            Step<TColumns>(lanes.Load(a1 + k), right0, right1, right2, ref sum10, ref sum11, ref sum12);
            Step<TColumns>(lanes.Load(a2 + k), right0, right1, right2, ref sum20, ref sum21, ref sum22);
            Step<TColumns>(lanes.Load(a3 + k), right0, right1, right2, ref sum30, ref sum31, ref sum32);
        }

        var c = product.C.From(0, column);
        var accumulate = product.Accumulate;
        if (done < 1) Write<TColumns>(sum00, sum01, sum02, c.Start, c.ColumnStride, accumulate);
        if (done < 2) Write<TColumns>(sum10, sum11, sum12, c.At(1, 0), c.ColumnStride, accumulate);
        if (done < 3) Write<TColumns>(sum20, sum21, sum22, c.At(2, 0), c.ColumnStride, accumulate);
        Write<TColumns>(sum30, sum31, sum32, c.At(3, 0), c.ColumnStride, accumulate);
        if (k < inner)
            AddRest(inner - k, TColumns.Value, done, a0 + k, aStride, x0 + k, xStride, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TColumns>(TVector a, TVector x0, TVector x1, TVector x2, ref TVector sum0, ref TVector sum1, ref TVector sum2)
        where TColumns : struct, ICount
    {
        var lanes = default(TLanes);
        sum0 = lanes.MultiplyAdd(a, x0, sum0);
        sum1 = lanes.MultiplyAdd(a, x1, sum1);
        if (TColumns.Value > 2) sum2 = lanes.MultiplyAdd(a, x2, sum2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write<TColumns>(TVector sum0, TVector sum1, TVector sum2, T* c, nint cStride, bool accumulate)
        where TColumns : struct, ICount
    {
        Write(sum0, c, accumulate);
        Write(sum1, c + cStride, accumulate);
        if (TColumns.Value > 2) Write(sum2, c + (2 * cStride), accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(TVector sum, T* place, bool accumulate)
    {
        var value = default(TLanes).Sum(sum);
        *place = accumulate ? *place + value : value;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRest(nint terms, int columns, int firstRow, T* a, nint aStride, T* x, nint xStride, in MatrixView<T> c)
    {
        for (var row = firstRow; row < 4; row++)
            for (var column = 0; column < columns; column++)
            {
                T* left = a + (row * aStride), right = x + (column * xStride), place = c.At(row, column);
                var sum = *place;
                for (nint k = 0; k < terms; k++)
                    sum = T.MultiplyAddEstimate(left[k], right[k], sum);
                *place = sum;
            }
    }
}
