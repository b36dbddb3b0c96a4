using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Linear.Contractions;

/// <summary>
/// How a contraction is computed, decided once: which operand gives the rows of the tiles and which the vectors, whether the vectors are read where
/// they lie or packed, and the tables of places. The sums do not depend on it: every element of C adds its terms in the order of the inner axes, in
/// blocks of at most <see cref="LargestDepth"/>, each of which begins at zero.
/// </summary>
internal sealed unsafe class ContractionPlan
{
    /// <summary>Terms that are added up in registers: as many vectors of B stay in the first-level cache.</summary>
    public const int LargestDepth = 256;

    private const int LargestInner = 4 * LargestDepth;
    private const int LargestRows = 2048;
    private const int LargestColumns = 4096;
    private readonly nint[] terms;

    private ContractionPlan(ContractionStep step, Choice choice)
    {
        var size = step.DType.Size();
        Step = step;
        IsTransposed = choice.IsTransposed;
        PacksRight = choice.PacksRight;
        Vectors = choice.Vectors;
        LaneCount = choice.LaneCount;
        (Rows, Columns, Inner) = (choice.Rows, choice.Columns, choice.Inner);
        terms = GC.AllocateArray<nint>(2 * Math.Max(Inner.Count, 1), pinned: true);
        for (var i = 0; i < Inner.Count; i++)
            (terms[2 * i], terms[(2 * i) + 1]) = (Inner.First[i], PacksRight ? i * Vectors * LaneCount * size : Inner.Second[i]);
    }

    public ContractionStep Step { get; }

    /// <summary>Whether rows and columns have changed places: B, transposed, gives the rows.</summary>
    public bool IsTransposed { get; }

    /// <summary>Whether vectors come from a packed copy.</summary>
    public bool PacksRight { get; }

    /// <summary>Vectors across a tile, 1 or 2.</summary>
    public int Vectors { get; }

    /// <summary>Elements of a vector.</summary>
    public int LaneCount { get; }

    /// <summary>Where rows lie in the operand that gives them, and in C.</summary>
    public PositionTable Rows { get; }

    /// <summary>Where columns lie in the operand that gives the vectors, and in C.</summary>
    public PositionTable Columns { get; }

    /// <summary>Where terms lie in the operand that gives the rows, and in the other.</summary>
    public PositionTable Inner { get; }

    /// <summary>For each term of the inner table its place in the rows' operand, then that in the vectors'.</summary>
    public nint* Terms => (nint*)Marshal.UnsafeAddrOfPinnedArrayElement(terms, 0);

    /// <summary>Elements of a vector of this type on this processor.</summary>
    public static int LanesOf(DType dtype) =>
        (Vector512.IsHardwareAccelerated ? 64 : Vector256.IsHardwareAccelerated ? 32 : 16) / dtype.Size();

    /// <summary>The way that costs least, by an estimate.</summary>
    public static ContractionPlan Make(ContractionStep step, int laneCount)
    {
        var best = Choices(step, laneCount).MinBy(choice => choice.Cost())!;
        return new ContractionPlan(step, best);
    }

    /// <summary>Every way, for tests.</summary>
    internal static IEnumerable<ContractionPlan> All(ContractionStep step, int laneCount) =>
        Choices(step, laneCount).Select(choice => new ContractionPlan(step, choice));

    private static IEnumerable<Choice> Choices(ContractionStep step, int laneCount)
    {
        foreach (var isTransposed in new[] { false, true })
        {
            var choice = Tabulate(step, isTransposed, laneCount);
            var one = choice with { Vectors = 1, PacksRight = true };
            yield return one;
            if (choice.Columns.Total > laneCount)
                yield return choice with { Vectors = 2, PacksRight = true };
            if (choice.CanReadRight())
                yield return choice with { Vectors = 2, PacksRight = false };
        }
    }

    private static Choice Tabulate(ContractionStep step, bool isTransposed, int laneCount)
    {
        var size = step.DType.Size();
        var rows = Axes(step.Rows, step.A.RowStrides, step.C.RowStrides);
        var columns = Axes(step.Columns, step.B.ColumnStrides, step.C.ColumnStrides);
        var inner = isTransposed ? Axes(step.Inner, step.B.RowStrides, step.A.ColumnStrides) : Axes(step.Inner, step.A.ColumnStrides, step.B.RowStrides);
        if (isTransposed)
            (rows, columns) = (columns, rows);
        return new Choice(
            isTransposed, false, 0, laneCount, step.Batch.Aggregate(1.0, (n, extent) => n * extent),
            new PositionTable(ByTarget(rows), size, LargestRows), new PositionTable(ByTarget(columns), size, LargestColumns),
            new PositionTable(inner, size, LargestInner), size);
    }

    private static SharedAxis[] Axes(IReadOnlyList<int> extents, IReadOnlyList<long> first, IReadOnlyList<long> second) =>
        [.. extents.Select((extent, d) => new SharedAxis(extent, first[d], second[d]))];

    /// <summary>Axes in the order in which C lies, so that it is written in turn.</summary>
    private static IEnumerable<SharedAxis> ByTarget(SharedAxis[] axes) => axes.OrderByDescending(axis => Math.Abs(axis.Second));

    private sealed record Choice(
        bool IsTransposed, bool PacksRight, int Vectors, int LaneCount, double Batch, PositionTable Rows, PositionTable Columns, PositionTable Inner, int Size)
    {
        /// <summary>Whether vectors of columns are neighbours in memory wherever they begin.</summary>
        public bool CanReadRight() =>
            Columns.RunStrides.First == Size && Columns.Run >= LaneCount && Math.Min(Columns.Run, Columns.FewestInBlock) >= LaneCount;

        /// <summary>About how many cycles it takes, where two vectors are multiplied in one.</summary>
        public double Cost()
        {
            double columns = Columns.Total, rows = Rows.Total, inner = Inner.Total;
            var strips = PacksRight ? Math.Ceiling(columns / LaneCount) : columns / Columns.Run * Math.Ceiling((double)Columns.Run / LaneCount);
            var tall = Vectors == 2 ? OffsetTileSize.Rows : OffsetTileSize.TallRows;
            var tiles = Math.Ceiling(rows / tall);
            // A tile takes no less time than one multiplication needs for its result; one vector at a time loads as much as it multiplies.
            var perTile = Vectors == 2 ? Math.Max(rows / tiles, 4) / 2 : Math.Max(0.6 * rows / tiles, 4);
            var isUnit = Columns.RunStrides.Second == Size && (!PacksRight || Columns.Run >= 2 * LaneCount);
            var blocks = Math.Ceiling(inner / Math.Min(LargestDepth, Inner.Count));
            var write = rows * columns * blocks * (isUnit ? 0.25 : 2);
            var pack = PacksRight ? inner * columns * 1.5 : 0;
            return Batch * ((strips * tiles * perTile * inner) + write + pack);
        }
    }
}
