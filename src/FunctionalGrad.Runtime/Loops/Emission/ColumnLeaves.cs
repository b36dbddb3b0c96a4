using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <summary>The leaves of columns while they are folded, as <see cref="FoldLoop"/> orders them: each level waits for its neighbour.</summary>
internal unsafe struct ColumnLeaves
{
    private byte* levels;
    private nint levelBytes;
    private nint width;
    private long leaves;
    private Fold fold;
    private DType type;

    /// <summary>Begins the first leaf, and gives the address of its sums.</summary>
    public static byte* Begin(ColumnLeaves* state, byte* levels, nint levelBytes, nint width, Fold fold, DType type)
    {
        *state = new ColumnLeaves { levels = levels, levelBytes = levelBytes, width = width, fold = fold, type = type };
        BlockKernels.Fill(type, fold, levels, width);
        return levels;
    }

    /// <summary>Ends a leaf and begins the next one.</summary>
    public static byte* Next(ColumnLeaves* state)
    {
        var depth = Depth(state);
        for (var count = ++state->leaves; (count & 1) == 0; count >>= 1)
            Join(state, depth--);
        var level = state->levels + (Depth(state) * state->levelBytes);
        BlockKernels.Fill(state->type, state->fold, level, state->width);
        return level;
    }

    /// <summary>Joins all leaves, the last of which may be without rows, and gives the address of the sums.</summary>
    public static byte* End(ColumnLeaves* state, nint rows)
    {
        for (var depth = rows > 0 ? Depth(state) : Depth(state) - 1; depth > 0; depth--)
            Join(state, depth);
        return state->levels;
    }

    private static int Depth(ColumnLeaves* state) => System.Numerics.BitOperations.PopCount((ulong)state->leaves);

    private static void Join(ColumnLeaves* state, int level)
    {
        var below = state->levels + ((level - 1) * state->levelBytes);
        var join = BlockKernels.Binary(state->fold == Fold.Sum ? Opcode.Add : Opcode.Mul, state->type);
        join(below, below + state->levelBytes, below, state->width);
    }
}
