using System.Numerics;
using FunctionalGrad.Linear;

namespace FunctionalGrad.Tests;

/// <summary>How a test lays a matrix out in memory.</summary>
internal enum Layout
{
    RowMajor,
    ColumnMajor,
    PaddedRows,
    PaddedColumns,
    EverySecond,
    BackwardRows,
    BackwardColumns,
    OneRow,
    OneColumn,
    OneElement,
}

/// <summary>A matrix in pinned memory with canaries in every place that is not its own.</summary>
internal sealed unsafe class StridedMatrix<T>
    where T : unmanaged, INumberBase<T>, IBinaryFloatingPointIeee754<T>
{
    private const int Margin = 80;
    private readonly T[] storage;
    private readonly int start;
    private readonly int rows;
    private readonly int columns;

    public StridedMatrix(int rows, int columns, Layout layout, Random random)
    {
        (this.rows, this.columns) = (rows, columns);
        (RowStride, ColumnStride) = Strides(layout, rows, columns);
        nint below = Math.Min(0, (rows - 1) * RowStride) + Math.Min(0, (columns - 1) * ColumnStride);
        nint above = Math.Max(0, (rows - 1) * RowStride) + Math.Max(0, (columns - 1) * ColumnStride);
        storage = GC.AllocateArray<T>((int)(above - below) + 1 + (2 * Margin), pinned: true);
        start = Margin - (int)below;
        storage.AsSpan().Fill(T.NaN); // an operand's surroundings poison a result that reads them
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
                this[row, column] = T.CreateChecked((random.NextDouble() * 2) - 1);
    }

    public nint RowStride { get; }

    public nint ColumnStride { get; }

    public T* Pointer
    {
        get
        {
            fixed (T* first = storage)
                return first + start;
        }
    }

    public MatrixView<T> View => new(Pointer, RowStride, ColumnStride);

    public T this[int row, int column]
    {
        get => storage[Index(row, column)];
        set => storage[Index(row, column)] = value;
    }

    /// <summary>True when everything outside of the matrix is as it was.</summary>
    public bool CanariesLive()
    {
        var own = new HashSet<int>();
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
                own.Add(Index(row, column));
        for (var index = 0; index < storage.Length; index++)
            if (!own.Contains(index) && !T.IsNaN(storage[index]))
                return false;
        return true;
    }

    private static (nint Row, nint Column) Strides(Layout layout, int rows, int columns) => layout switch
    {
        Layout.RowMajor => (columns, 1),
        Layout.ColumnMajor => (1, rows),
        Layout.PaddedRows => (columns + 3, 1),
        Layout.PaddedColumns => (1, rows + 5),
        Layout.EverySecond => (2 * columns, 2),
        Layout.BackwardRows => (-columns, 1),
        Layout.BackwardColumns => (columns, -1),
        Layout.OneRow => (0, 1),
        Layout.OneColumn => (1, 0),
        _ => (0, 0),
    };

    private int Index(int row, int column) => start + (int)((row * RowStride) + (column * ColumnStride));
}
