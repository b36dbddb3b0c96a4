namespace FunctionalGrad.Linear;

/// <summary>What a matrix product has to do: C = A·B, or C += A·B, where A is Rows × Inner, B Inner × Columns and C Rows × Columns.</summary>
internal readonly unsafe struct Product<T>(
    int rows, int columns, int inner, in MatrixView<T> a, in MatrixView<T> b, in MatrixView<T> c, bool accumulate)
    where T : unmanaged
{
    public readonly MatrixView<T> A = a;
    public readonly MatrixView<T> B = b;
    public readonly MatrixView<T> C = c;
    public readonly int Rows = rows;
    public readonly int Columns = columns;
    public readonly int Inner = inner;

    /// <summary>True where the product is added to what C holds.</summary>
    public readonly bool Accumulate = accumulate;

    /// <summary>Multiplications, weighed by the bytes of an element: vectors hold half as many of the double size.</summary>
    public long Work => (long)Rows * Columns * Inner * sizeof(T);

    /// <summary>The same work as Cᵀ = Bᵀ·Aᵀ.</summary>
    public Product<T> Transposed => new(Columns, Rows, Inner, B.Transposed, A.Transposed, C.Transposed, Accumulate);

    /// <summary>The part of the work that some rows of C are.</summary>
    public Product<T> OfRows(int first, int count) => new(count, Columns, Inner, A.From(first, 0), B, C.From(first, 0), Accumulate);

    /// <summary>The same work on matrices that begin so many elements further on.</summary>
    public Product<T> Moved(nint a, nint b, nint c) => new(
        Rows, Columns, Inner, new(A.Start + a, A.RowStride, A.ColumnStride), new(B.Start + b, B.RowStride, B.ColumnStride),
        new(C.Start + c, C.RowStride, C.ColumnStride), Accumulate);
}
