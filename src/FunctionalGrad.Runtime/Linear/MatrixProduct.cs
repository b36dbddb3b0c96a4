using System.Numerics;
using System.Runtime.Intrinsics;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Linear;

/// <summary>The product of two matrices of float32 or float64.</summary>
internal static unsafe class MatrixProduct
{
    /// <summary>
    /// C = A·B, or C += A·B, where A is rows × inner, B inner × columns and C rows × columns. Strides are in elements and may be anything, 0 and negative
    /// included, as long as C's elements lie apart from each other and from A and B. An inner extent of 0 gives zeros.
    /// The result depends on sizes, strides and the vector width, and on nothing else: not on the number of threads.
    /// </summary>
    public static void Multiply<T>(
        int rows, int columns, int inner, T* a, nint aRowStride, nint aColumnStride, T* b, nint bRowStride, nint bColumnStride, T* c, nint cRowStride, nint cColumnStride,
        bool accumulate = false)
        where T : unmanaged, INumberBase<T>
    {
        var left = new MatrixView<T>(a, aRowStride, aColumnStride);
        var right = new MatrixView<T>(b, bRowStride, bColumnStride);
        var target = new MatrixView<T>(c, cRowStride, cColumnStride);
        Multiply(new Product<T>(rows, columns, inner, left, right, target, accumulate));
    }

    /// <summary>Multiplies at the width of the processor's vectors.</summary>
    public static void Multiply<T>(in Product<T> product)
        where T : unmanaged, INumberBase<T>
    {
        if (VectorWidth.Bits == 512)
            Multiply<Lanes512<T>, Vector512<T>, T>(product);
        else if (VectorWidth.Bits == 256)
            Multiply<Lanes256<T>, Vector256<T>, T>(product);
        else
            Multiply<Lanes128<T>, Vector128<T>, T>(product);
    }

    /// <summary>Multiplies at a vector width of the caller's choice.</summary>
    internal static void Multiply<TLanes, TVector, T>(in Product<T> product)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, INumberBase<T>
    {
        if (product.Rows <= 0 || product.Columns <= 0)
            return;
        if (product.Inner <= 0)
        {
            if (!product.Accumulate)
                Clear(product.Rows, product.Columns, product.C);
        }
        else if (SmallProduct<T>.Takes(product))
            SmallProduct<T>.Multiply(product);
        else if (!TryMultiplyNarrow<TLanes, TVector, T>(product) && !TryMultiplyNarrow<TLanes, TVector, T>(product.Transposed))
        {
            if (IsBetterTransposed<TLanes, TVector, T>(product))
                BlockedProduct<TLanes, TVector, T>.Multiply(product.Transposed);
            else
                BlockedProduct<TLanes, TVector, T>.Multiply(product);
        }
    }

    private static bool TryMultiplyNarrow<TLanes, TVector, T>(in Product<T> product)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, INumberBase<T>
    {
        if (MatrixVector<TLanes, TVector, T>.Takes(product))
            MatrixVector<TLanes, TVector, T>.Multiply(product);
        else if (OuterProduct<TLanes, TVector, T>.Takes(product))
            OuterProduct<TLanes, TVector, T>.Multiply(product);
        else if (FewColumns<TLanes, TVector, T>.Takes(product))
            FewColumns<TLanes, TVector, T>.Multiply(product);
        else
            return false;
        return true;
    }

    // Tiles write rows, so C's contiguous columns had better be rows; and they are wide, so a narrow C had better be a low one if that wastes less.
    private static bool IsBetterTransposed<TLanes, TVector, T>(in Product<T> product)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged =>
        (product.C.RowStride == 1 && product.C.ColumnStride != 1)
        || (product.A.RowStride == 1 && product.Columns < product.Rows
            && 5 * Covered<TLanes, TVector, T>(product.Rows, product.Columns) > 6 * Covered<TLanes, TVector, T>(product.Columns, product.Rows));

    /// <summary>How many elements the tiles cover that it takes for a matrix.</summary>
    private static long Covered<TLanes, TVector, T>(int rows, int columns)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged
    {
        int height = Tile<TLanes, TVector, T>.Rows, width = Tile<TLanes, TVector, T>.Columns;
        return (long)((rows + height - 1) / height * height) * ((columns + width - 1) / width * width);
    }

    private static void Clear<T>(int rows, int columns, in MatrixView<T> c)
        where T : unmanaged
    {
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
                *c.At(row, column) = default;
    }
}
