using System.Numerics;
using System.Runtime.CompilerServices;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Linear;

/// <summary>
/// The loops around the tile, after Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008): a strip of B stays in the
/// first-level cache, a block of A in the second, a block of B in the third. Operands that are small or well laid out are read where they lie.
/// Every element of C sums its terms in one order, whatever the tile or the part it falls into. Threads share a block of B and have
/// blocks of A of their own; where C is too low for that, they have columns of their own.
/// </summary>
internal unsafe struct BlockedProduct<TLanes, TVector, T>
    where TLanes : struct, ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged, INumberBase<T>
{
    /// <summary>Bytes that a strip of B may take in the first-level cache.</summary>
    private const int StripBytes = 20 * 1024;

    /// <summary>Bytes that a block of A may take in the second-level cache.</summary>
    private const int LeftBytes = 192 * 1024;

    /// <summary>Bytes that a block of B may take in the third-level cache.</summary>
    private const int RightBytes = 2 * 1024 * 1024;

    /// <summary>Bytes of an A without contiguous rows that are still read where they lie: each step along a row is another cache line.</summary>
    private const int LeftStridedBytes = 64 * 1024;

    /// <summary>Rows that share a strip of B in the first-level cache, so that fetching it is worth while.</summary>
    private const int RowsOfPart = 64;

    /// <summary>Strips of B that a thread packs at a time.</summary>
    private const int StripsInPack = 4;

    private readonly Product<T> product;
    private readonly bool packLeft;
    private readonly bool packRight;
    private readonly int depth;
    private readonly int width;
    private readonly int reach;
    private readonly int rowParts;
    private readonly bool shared;
    private readonly bool keepRight;
    private T* right;
    private int column;
    private int columns;
    private int term;
    private int terms;

    private BlockedProduct(in Product<T> product, bool shared)
    {
        this.product = product;
        this.shared = shared;
        packLeft = PacksLeft(product);
        packRight = PacksRight(product);
        depth = Part(product.Inner, StripBytes / (TileColumns * sizeof(T)), 1);
        width = Part(product.Columns, RightBytes / sizeof(T) / depth, TileColumns);
        reach = depth * Math.Max(RightBytes / sizeof(T) / depth / width, 1);
        rowParts = RowParts(product.Rows, LeftBytes / sizeof(T) / depth, shared);
        keepRight = packRight && product.Packed != null && width >= product.Columns && reach >= product.Inner;
    }

    private static int TileRows => Tile<TLanes, TVector, T>.Rows;

    private static int TileColumns => Tile<TLanes, TVector, T>.Columns;

    /// <summary>How many elements it takes to keep a right operand of these sizes; 0 if it is too large for that.</summary>
    public static long ElementsToKeep(int inner, int columns)
    {
        var elements = (long)inner * ((columns + TileColumns - 1) / TileColumns * TileColumns);
        return elements * sizeof(T) <= RightBytes / 2 ? elements : 0;
    }

    /// <summary>Multiplies, on several threads if that is worth while.</summary>
    public static void Multiply(in Product<T> product)
    {
        if (product.Work < ProductParts.LeastShared)
            MultiplyAlone(product);
        else if (product.Rows >= 2 * RowsOfPart)
            new BlockedProduct<TLanes, TVector, T>(product, shared: true).Run();
        else
            ProductParts.ShareColumns(product, TileColumns, ProductParts.LeastShared, &MultiplyAlone);
    }

    private static void MultiplyAlone(in Product<T> product) => new BlockedProduct<TLanes, TVector, T>(product, shared: false).Run();

    private static bool PacksLeft(in Product<T> product) =>
        product.Columns > 4 * TileColumns
        && (long)product.Rows * product.Inner * sizeof(T) > (product.A.ColumnStride == 1 ? LeftBytes : LeftStridedBytes);

    private static bool PacksRight(in Product<T> product) =>
        product.B.ColumnStride != 1 || (product.Rows > 4 * TileRows && (long)product.Columns * product.Inner * sizeof(T) > StripBytes);

    /// <summary>Cuts an extent into equal parts that are no larger than asked and a multiple of a step.</summary>
    private static int Part(int extent, int largest, int step)
    {
        largest = Math.Max(largest / step, 1) * step;
        var parts = (extent + largest - 1) / largest;
        return (((extent + parts - 1) / parts) + step - 1) / step * step;
    }

    /// <summary>How many parts the rows make, each small enough for its block of A. Shared ones make an even number, so that two threads get the same.</summary>
    private static int RowParts(int rows, int largest, bool shared)
    {
        var tiles = (rows + TileRows - 1) / TileRows;
        var largestTiles = Math.Max(largest / TileRows, 1);
        var parts = (tiles + largestTiles - 1) / largestTiles;
        if (!shared)
            return parts;
        var wanted = rows / RowsOfPart;
        return Math.Max(parts, wanted < 4 ? wanted / 2 * 2 : wanted / 4 * 4);
    }

    private static void PackPart(int part, void* state) => ((BlockedProduct<TLanes, TVector, T>*)state)->PackRight(part);

    [SkipLocalsInit]
    private static void MultiplyPart(int part, void* state)
    {
        var scratch = stackalloc T[TileRows * TileColumns];
        ((BlockedProduct<TLanes, TVector, T>*)state)->MultiplyRows(part, scratch);
    }

    /// <summary>Packs what one pass over C takes of B, then makes the pass.</summary>
    private void Run()
    {
        if (keepRight)
            right = product.Packed;
        else if (packRight || product.Columns % TileColumns != 0)
            right = PackingBuffers.Right<T>((nint)Math.Min(reach, product.Inner) * (packRight ? width : TileColumns));
        fixed (BlockedProduct<TLanes, TVector, T>* self = &this)
            for (column = 0; column < product.Columns; column += width)
                for (term = 0; term < product.Inner; term += reach)
                {
                    columns = Math.Min(width, product.Columns - column);
                    terms = Math.Min(reach, product.Inner - term);
                    if (!keepRight || !product.IsPacked)
                        Share(PacksInBlock * BlocksInPass, &PackPart, self);
                    Share(rowParts, &MultiplyPart, self);
                }
    }

    private readonly void Share(int parts, delegate*<int, void*, void> work, void* self)
    {
        if (shared)
            Parallelism.For(parts, work, self);
        else
            for (var part = 0; part < parts; part++)
                work(part, self);
    }

    /// <summary>The first column of the block that is packed: all are, or only those that fill no strip.</summary>
    private readonly int FirstPacked => packRight ? 0 : columns / TileColumns * TileColumns;

    private readonly int PacksInBlock => (columns - FirstPacked + (StripsInPack * TileColumns) - 1) / (StripsInPack * TileColumns);

    private readonly int BlocksInPass => (terms + depth - 1) / depth;

    /// <summary>Where a block of B that begins with some term of the pass is packed.</summary>
    private readonly T* PackedFrom(int first) => right + ((nint)first * (((columns - FirstPacked + TileColumns - 1) / TileColumns) * TileColumns));

    private readonly void PackRight(int part)
    {
        var block = part / PacksInBlock * depth;
        var first = part % PacksInBlock * StripsInPack * TileColumns;
        var count = Math.Min(StripsInPack * TileColumns, columns - FirstPacked - first);
        var length = Math.Min(depth, terms - block);
        Packing.Pack(
            product.B.At(term + block, column + FirstPacked + first), product.B.ColumnStride, product.B.RowStride, count, length,
            PackedFrom(block) + ((nint)first * length), TileColumns);
    }

    private readonly void MultiplyRows(int part, T* scratch)
    {
        var tiles = (product.Rows + TileRows - 1) / TileRows;
        var row = ProductParts.First(part, rowParts, tiles) * TileRows;
        var rows = Math.Min(ProductParts.First(part + 1, rowParts, tiles) * TileRows, product.Rows) - row;
        for (var block = 0; block < terms; block += depth)
            MultiplyBlock(row, rows, block, Math.Min(depth, terms - block), scratch);
    }

    private readonly void MultiplyBlock(int row, int rows, int block, int length, T* scratch)
    {
        var a = product.A.From(row, term + block);
        T* left = null;
        if (packLeft)
        {
            left = PackingBuffers.Left<T>((nint)length * (rows + TileRows));
            Packing.Pack(a.Start, a.RowStride, a.ColumnStride, rows, length, left, TileRows);
        }

        var accumulate = product.Accumulate || term + block > 0;
        for (var strip = 0; strip < columns; strip += TileColumns)
        {
            var count = Math.Min(TileColumns, columns - strip);
            var packed = packRight || count < TileColumns;
            var start = packed ? PackedFrom(block) + ((nint)(strip - FirstPacked) * length) : product.B.At(term + block, column + strip);
            MultiplyStrip(rows, count, length, a, left, start, packed ? TileColumns : product.B.RowStride, product.C.From(row, column + strip), accumulate, scratch);
        }
    }

    /// <summary>Rows of the next tile: the last two share what is left, because a tile of few rows waits for its sums.</summary>
    private static int HeightOf(int rows) => rows > TileRows && rows < TileRows + (TileRows / 2) + 1 ? (rows + 1) / 2 : Math.Min(rows, TileRows);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyStrip(
        int rows, int columns, int terms, in MatrixView<T> a, T* left, T* b, nint bStride, in MatrixView<T> c, bool accumulate, T* scratch)
    {
        var direct = columns == TileColumns && c.ColumnStride == 1;
        for (int strip = 0, count; strip < rows; strip += count)
        {
            count = left == null ? HeightOf(rows - strip) : Math.Min(TileRows, rows - strip);
            var tile = left != null ? new MatrixView<T>(left + ((nint)strip * terms), 1, TileRows) : a.From(strip, 0);
            var target = c.From(strip, 0);
            if (direct)
            {
                Tile<TLanes, TVector, T>.Multiply(count, terms, tile, b, bStride, target.Start, target.RowStride, accumulate);
                continue;
            }

            Tile<TLanes, TVector, T>.Multiply(count, terms, tile, b, bStride, scratch, TileColumns, false);
            CopyTile(count, columns, scratch, target, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyTile(int rows, int columns, T* scratch, in MatrixView<T> target, bool accumulate)
    {
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
            {
                var place = target.At(row, column);
                var value = scratch[(row * TileColumns) + column];
                *place = accumulate ? *place + value : value;
            }
    }
}
