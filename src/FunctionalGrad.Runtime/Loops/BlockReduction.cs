using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <summary>How far a reduction has come: complete leaves, partial results on the stack, and elements in the leaf at hand.</summary>
internal struct ReductionState
{
    public long Leaves;
    public int Depth;
    public long Pending;
}

/// <summary>
/// One reduction of a compiled kernel. Sums of floating-point numbers that run over several blocks are added up in pairs, like a tree,
/// so that their error grows with the logarithm of the number of blocks; the order depends on sizes only.
/// </summary>
internal sealed unsafe class BlockReduction
{
    /// <summary>A leaf of the tree is complete when so many rows have been added up.</summary>
    private const int LeafRows = 64;

    private readonly Fold fold;
    private readonly DType type;
    private readonly StridedAccess target;
    private readonly bool isArg;
    private readonly bool pairwise;
    private readonly int levels;
    private readonly delegate*<void*, void*, nint, nint, void> foldRows;
    private readonly delegate*<void*, void*, nint, nint, void> foldColumns;
    private readonly delegate*<void*, void*, long*, nint, nint, long, void> argRows;
    private readonly delegate*<void*, void*, long*, nint, nint, long, void> argColumns;
    private readonly delegate*<void*, void*, void*, nint, void> add;

    /// <summary>Prepares a reduction of the value at an entry of the pointer table.</summary>
    public BlockReduction(Kernel kernel, Reduction reduction, DType type, int pointer, IterationSpace space, Blocking? blocking)
    {
        (fold, this.type, Pointer) = (reduction.Fold, type, pointer);
        isArg = fold is Fold.ArgMax or Fold.ArgMin;
        pairwise = fold == Fold.Sum && type.IsFloat() && blocking is { Traversal: not Traversal.Whole };
        levels = pairwise ? 3 + (int)Math.Log2((space.Reduced / LeafRows) + 1) : 1;
        Width = blocking switch
        {
            null => BlockProgram.EmptyWidth,
            { Traversal: Traversal.Whole } => blocking.Capacity / space.Reduced,
            { Traversal: Traversal.Folded } => space.Lanes,
            _ => blocking.Capacity,
        };
        target = Target(kernel, reduction.Target, isArg ? sizeof(long) : type.Size());
        argRows = isArg ? BlockKernels.ArgRows(fold, type) : null;
        argColumns = isArg ? BlockKernels.ArgColumns(fold, type) : null;
        foldRows = isArg ? null : BlockKernels.FoldRows(fold, type);
        foldColumns = isArg ? null : BlockKernels.FoldColumns(fold, type);
        if (pairwise)
            add = BlockKernels.Binary(Opcode.Add, type);
    }

    /// <summary>The entry of the pointer table where the value lies.</summary>
    public int Pointer { get; }

    /// <summary>Bytes of one element of the value.</summary>
    public int ElementSize => type.Size();

    /// <summary>The most results that are under way at one time.</summary>
    public long Width { get; }

    /// <summary>Bytes of scratch memory for results under way.</summary>
    public long ScratchBytes => PositionOffset + (isArg ? Width * sizeof(long) : 0);

    /// <summary>Where that memory lies in the kernel's scratch memory.</summary>
    public long ScratchOffset { get; set; }

    private long LevelBytes => Width * type.Size();

    private long PositionOffset => ((LevelBytes * levels) + 7) & -8;

    /// <summary>Starts with nothing seen.</summary>
    public void Begin(byte* scratch, ref ReductionState state, nint width)
    {
        state = default;
        if (isArg)
            new Span<long>(Positions(scratch), (int)width).Fill(-1);
        else
            Clear(Level(scratch, 0), width);
    }

    /// <summary>Folds whole rows, each into a result of its own.</summary>
    public void FoldRows(byte* scratch, ref ReductionState state, byte* x, nint rows, nint length, long position)
    {
        var results = Level(scratch, state.Depth);
        if (isArg)
            argRows(x, results, Positions(scratch), rows, length, position);
        else
            foldRows(x, results, rows, length);
        if (pairwise)
            Count(scratch, ref state, length, rows);
    }

    /// <summary>Folds rows into each other, from result number <paramref name="first"/> on.</summary>
    public void FoldColumns(byte* scratch, ref ReductionState state, byte* x, nint rows, nint length, long position, nint first = 0)
    {
        var results = Level(scratch, state.Depth) + (first * type.Size());
        if (isArg)
            argColumns(x, results, Positions(scratch) + first, rows, length, position);
        else
            foldColumns(x, results, rows, length);
        if (pairwise)
            Count(scratch, ref state, rows, length);
    }

    /// <summary>Writes the results to linear index <paramref name="start"/> of the target and on.</summary>
    public void End(byte* scratch, ref ReductionState state, nint* buffers, long start, nint width)
    {
        if (state.Pending > 0 || state.Depth == 0)
            state.Depth++;
        while (state.Depth > 1)
            AddTop(scratch, ref state, width);
        var results = isArg ? (byte*)Positions(scratch) : Level(scratch, 0);
        StridedCopy.Write(target, (byte*)buffers[target.Buffer], start, width, results);
    }

    private static StridedAccess Target(Kernel kernel, Access access, int elementSize)
    {
        var extents = new List<int>();
        var strides = new List<long>();
        for (var d = 0; d < kernel.Extents.Length; d++)
        {
            if (d >= kernel.ReduceFrom && d < kernel.ReduceFrom + kernel.ReduceCount)
                continue;
            extents.Add(kernel.Extents[d]);
            strides.Add(access.Strides[d]);
        }

        return StridedAccess.Create(access.Buffer, access.Offset, elementSize, extents.ToArray(), strides.ToArray());
    }

    private void Count(byte* scratch, ref ReductionState state, nint rows, nint width)
    {
        state.Pending += rows;
        if (state.Pending < LeafRows)
            return;
        state.Pending = 0;
        state.Depth++;
        state.Leaves++;
        for (var leaves = state.Leaves; (leaves & 1) == 0; leaves >>= 1)
            AddTop(scratch, ref state, width);
        Clear(Level(scratch, state.Depth), width);
    }

    private void AddTop(byte* scratch, ref ReductionState state, nint width)
    {
        state.Depth--;
        var below = Level(scratch, state.Depth - 1);
        add(below, Level(scratch, state.Depth), below, width);
    }

    private void Clear(byte* results, nint width) => BlockKernels.Fill(type, fold, results, width);

    private byte* Level(byte* scratch, int level) => scratch + ScratchOffset + (level * LevelBytes);

    private long* Positions(byte* scratch) => (long*)(scratch + ScratchOffset + PositionOffset);
}
