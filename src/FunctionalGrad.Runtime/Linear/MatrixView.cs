namespace FunctionalGrad.Linear;

/// <summary>A matrix where it lies: element (row, column) at <c>Start + row·RowStride + column·ColumnStride</c>, counted in elements.</summary>
internal readonly unsafe struct MatrixView<T>(T* start, nint rowStride, nint columnStride)
    where T : unmanaged
{
    /// <summary>The element at row 0, column 0.</summary>
    public readonly T* Start = start;

    /// <summary>Elements between neighbours of one column; any number.</summary>
    public readonly nint RowStride = rowStride;

    /// <summary>Elements between neighbours of one row; any number.</summary>
    public readonly nint ColumnStride = columnStride;

    /// <summary>The same elements with rows and columns exchanged.</summary>
    public MatrixView<T> Transposed => new(Start, ColumnStride, RowStride);

    /// <summary>Where an element lies.</summary>
    public T* At(nint row, nint column) => Start + (row * RowStride) + (column * ColumnStride);

    /// <summary>The matrix that begins at an element of this one.</summary>
    public MatrixView<T> From(nint row, nint column) => new(At(row, column), RowStride, ColumnStride);
}
