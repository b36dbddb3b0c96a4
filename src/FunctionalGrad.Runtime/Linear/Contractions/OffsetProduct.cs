using System.Numerics;
using System.Runtime.CompilerServices;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Linear.Contractions;

/// <summary>The loops around <see cref="OffsetTile{TLanes, TVector, T}"/>, as <see cref="BlockedProduct{TLanes, TVector, T}"/> has them: vectors stay in the cache while rows pass by.</summary>
internal unsafe ref struct OffsetProduct<TLanes, TVector, T>
    where TLanes : struct, ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged, INumberBase<T>
{
    private readonly ContractionPlan plan;
    private readonly byte* a;
    private readonly byte* b;
    private readonly byte* c;
    private readonly int width;
    private byte* packed;
    private T* scratch;
    private nint* scratchRows;

    private OffsetProduct(ContractionPlan plan, byte* a, byte* b, byte* c)
    {
        this.plan = plan;
        this.a = a;
        this.b = b;
        this.c = c;
        width = plan.Vectors * default(TLanes).Count;
    }

    /// <summary>C = A·B, where A gives the rows and B the vectors.</summary>
    public static void Multiply(ContractionPlan plan, byte* a, byte* b, byte* c)
    {
        var most = OffsetTileSize.TallRows;
        var scratch = stackalloc T[most * 2 * default(TLanes).Count];
        var scratchRows = stackalloc nint[most];
        var product = new OffsetProduct<TLanes, TVector, T>(plan, a, b, c) { scratch = scratch, scratchRows = scratchRows };
        for (var row = 0; row < most; row++)
            scratchRows[row] = (nint)row * product.width * sizeof(T);
        product.Run();
    }

    private void Run()
    {
        var (columns, inner) = (plan.Columns, plan.Inner);
        if (plan.PacksRight)
        {
            var across = (columns.Count + width - 1) / width * width;
            packed = (byte*)PackingBuffers.Right<T>((nint)across * Math.Min(inner.Count, ContractionPlan.LargestDepth));
        }

        for (long i = 0; i < columns.Blocks; i++)
        {
            var columnBlock = columns.Block(i);
            for (long j = 0; j < inner.Blocks; j++)
            {
                var termBlock = inner.Block(j);
                var parts = (termBlock.Count + ContractionPlan.LargestDepth - 1) / ContractionPlan.LargestDepth;
                var depth = (termBlock.Count + parts - 1) / parts;
                for (var term = 0; term < termBlock.Count; term += depth)
                    MultiplyDepth(columnBlock, termBlock, term, Math.Min(depth, termBlock.Count - term), j > 0 || term > 0);
            }
        }
    }

    private readonly void MultiplyDepth(PositionBlock columns, PositionBlock terms, int term, int depth, bool accumulate)
    {
        var right = b + columns.First + terms.Second;
        if (plan.PacksRight)
        {
            OffsetPacking<T>.Pack(right, plan.Columns, columns.Count, plan.Inner, term, depth, (T*)packed, width);
            // The packed terms begin where the table has this one.
            right = packed - ((nint)term * width * sizeof(T));
        }

        for (long i = 0; i < plan.Rows.Blocks; i++)
        {
            var rows = plan.Rows.Block(i);
            MultiplyBlock(rows, a + rows.First + terms.First, columns.Count, right, c + rows.Second + columns.Second, term, depth, accumulate);
        }
    }

    private readonly void MultiplyBlock(PositionBlock rows, byte* left, int columns, byte* right, byte* target, int term, int depth, bool accumulate)
    {
        var lanes = default(TLanes).Count;
        var run = plan.PacksRight ? columns : Math.Min(plan.Columns.Run, columns);
        int perRun = (run + lanes - 1) / lanes, vectors = columns / run * perRun;
        for (var vector = 0; vector < vectors; vector += plan.Vectors)
        {
            var first = VectorAt(vector, run, perRun, right, depth);
            if (plan.Vectors == 2 && vector + 1 < vectors)
                MultiplyPair(rows.Count, left, first, VectorAt(vector + 1, run, perRun, right, depth), target, term, depth, accumulate);
            else
                MultiplySingle(rows.Count, left, first, target, term, depth, accumulate);
        }
    }

    private readonly Lane VectorAt(int vector, int run, int perRun, byte* right, int depth)
    {
        var lanes = default(TLanes).Count;
        int start = vector % perRun * lanes, origin = vector / perRun * run;
        if (plan.PacksRight)
        {
            var strip = vector / plan.Vectors;
            var place = right + ((((nint)strip * depth * plan.Vectors) + (vector % plan.Vectors)) * lanes * sizeof(T));
            return new Lane(place, start, 0, Math.Min(lanes, run - start), IsUnit(start, Math.Min(lanes, run - start)));
        }

        // The last vector of a run begins earlier, and computes some columns a second time.
        var from = Math.Min(start, run - lanes);
        return new Lane(right + plan.Columns.First[origin + from], origin + from, start - from, lanes, IsUnit(origin + from, lanes));
    }

    /// <summary>Whether a vector of columns is one in C.</summary>
    private readonly bool IsUnit(int column, int count)
    {
        var places = plan.Columns.Second + column;
        if (count < default(TLanes).Count)
            return false;
        for (var lane = 1; lane < count; lane++)
        {
            if (places[lane] - places[0] != lane * sizeof(T))
                return false;
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void MultiplyPair(int rows, byte* left, in Lane first, in Lane second, byte* target, int term, int depth, bool accumulate)
    {
        int tiles = (rows + OffsetTileSize.Rows - 1) / OffsetTileSize.Rows, height = (rows + tiles - 1) / tiles, lanes = default(TLanes).Count;
        var direct = first.IsWhole(accumulate) && second.IsWhole(accumulate);
        var places = plan.Columns.Second;
        for (var row = 0; row < rows; row += height)
        {
            var count = Math.Min(height, rows - row);
            var targets = direct ? plan.Rows.Second + row : scratchRows;
            var sums = new OffsetTerms(plan.Terms + (2 * term), depth, left, plan.Rows.First + row, targets);
            byte* c0 = direct ? target + places[first.Column] : (byte*)scratch, c1 = direct ? target + places[second.Column] : (byte*)(scratch + lanes);
            OffsetTile<TLanes, TVector, T>.Multiply(count, sums, first.Place, second.Place, c0, c1, direct && accumulate);
            if (direct)
                continue;
            CopyOut(scratch, first, row, count, target, accumulate);
            CopyOut(scratch + lanes, second, row, count, target, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void MultiplySingle(int rows, byte* left, in Lane vector, byte* target, int term, int depth, bool accumulate)
    {
        int tiles = (rows + OffsetTileSize.TallRows - 1) / OffsetTileSize.TallRows, height = (rows + tiles - 1) / tiles;
        var direct = vector.IsWhole(accumulate);
        for (var row = 0; row < rows; row += height)
        {
            var count = Math.Min(height, rows - row);
            var sums = new OffsetTerms(plan.Terms + (2 * term), depth, left, plan.Rows.First + row, direct ? plan.Rows.Second + row : scratchRows);
            OffsetTile<TLanes, TVector, T>.Multiply(
                count, sums, vector.Place, direct ? target + plan.Columns.Second[vector.Column] : (byte*)scratch, direct && accumulate);
            if (!direct)
                CopyOut(scratch, vector, row, count, target, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void CopyOut(T* source, in Lane vector, int row, int rows, byte* target, bool accumulate)
    {
        var rowPlaces = plan.Rows.Second + row;
        for (var lane = vector.First; lane < vector.Count; lane++)
        {
            var column = target + plan.Columns.Second[vector.Column + lane];
            for (var i = 0; i < rows; i++)
            {
                var place = (T*)(column + rowPlaces[i]);
                var value = source[(i * width) + lane];
                *place = accumulate ? *place + value : value;
            }
        }
    }

    /// <summary>A vector of columns: where its first term lies, its first column, and which of its lanes are to be kept.</summary>
    private readonly struct Lane(byte* place, int column, int first, int count, bool isUnit)
    {
        public readonly byte* Place = place;
        public readonly int Column = column;
        public readonly int First = first;
        public readonly int Count = count;
        private readonly bool isUnit = isUnit;

        /// <summary>Whether the vector may go to C as it is; lanes computed before may be written again, but not added again.</summary>
        public bool IsWhole(bool accumulate) => isUnit && (First == 0 || !accumulate);
    }
}
