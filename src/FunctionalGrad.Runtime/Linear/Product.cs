namespace FunctionalGrad.Linear;

/// <summary>What a matrix product has to do: C = A·B, or C += A·B, where A is Rows × Inner, B Inner × Columns and C Rows × Columns.</summary>
internal readonly unsafe struct Product<T>(
    int rows, int columns, int inner, in MatrixView<T> a, in MatrixView<T> b, in MatrixView<T> c, bool accumulate, T* packed = null, bool isPacked = false)
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

    /// <summary>Where B may be kept as tiles read it, <see cref="Inner"/> elements for each column up to a full tile; or null.</summary>
    public readonly T* Packed = packed;

    /// <summary>True where B has been packed there before.</summary>
    public readonly bool IsPacked = isPacked;

    /// <summary>Multiplications, weighed by the bytes of an element: vectors hold half as many of the double size.</summary>
    public long Work => (long)Rows * Columns * Inner * sizeof(T);

    /// <summary>The same work as Cᵀ = Bᵀ·Aᵀ.</summary>
    public Product<T> Transposed => new(Columns, Rows, Inner, B.Transposed, A.Transposed, C.Transposed, Accumulate);

    /// <summary>The part of the work that some rows of C are.</summary>
    public Product<T> OfRows(int first, int count) => new(count, Columns, Inner, A.From(first, 0), B, C.From(first, 0), Accumulate, Packed, IsPacked);

    /// <summary>The part of the work that some columns of C are, whole tiles of them but for the last.</summary>
    public Product<T> OfColumns(int first, int count) => new(
        Rows, count, Inner, A, B.From(0, first), C.From(0, first), Accumulate, Packed == null ? null : Packed + ((nint)first * Inner), IsPacked);

    /// <summary>The same work, with B kept from one time to the next.</summary>
    public Product<T> Keeping(T* packed, bool isPacked) => new(Rows, Columns, Inner, A, B, C, Accumulate, packed, isPacked);

    /// <summary>The same work on matrices that begin so many elements further on.</summary>
    public Product<T> Moved(nint a, nint b, nint c) => new(
        Rows, Columns, Inner, new(A.Start + a, A.RowStride, A.ColumnStride), new(B.Start + b, B.RowStride, B.ColumnStride),
        new(C.Start + c, C.RowStride, C.ColumnStride), Accumulate);
}
