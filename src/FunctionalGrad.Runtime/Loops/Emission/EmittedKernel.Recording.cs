using System.Reflection.Emit;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <content>The body written down, stage by stage.</content>
internal sealed unsafe partial class EmittedKernel
{
    /// <summary>Room behind a row, so that its last vector may be written whole.</summary>
    private const int Padding = 128;

    private bool InBlocks => nest.Kind == NestKind.Rows && nest.Vector.Extent > Block && folds.TrueForAll(fold => fold.Instruction < 0);

    private bool NeedsWhole => nest.Vector.Extent >= lanes;

    /// <summary>The last elements of a row are computed once more with their neighbours before them, unless that would change what is read.</summary>
    private bool Overlaps => NeedsWhole && !isInPlace && nest.Kind != NestKind.Columns && !InBlocks && !IsShortRow;

    /// <summary>What is folded at once after it was written should not wait for two writes that overlap.</summary>
    private bool IsShortRow => rowBuffers.Count > 0 && nest.Vector.Extent <= LongestInline;

    private bool NeedsTail => !NeedsWhole || (TailCount > 0 && !Overlaps);

    /// <summary>Writes down all stages, and says why not if there is something that only the interpreter does.</summary>
    private string Record()
    {
        if (kernel.Body.Any(i => i.Code == Opcode.Index && i.Type == DType.Float32) && nest.Total > 1 << 24)
            return "its positions are more than a float32 can count";
        if (nest.Kind == NestKind.Columns)
            PlanColumns();
        else
            PlanRows();
        for (var stage = 0; stage < bodies.Length; stage++)
        {
            if (NeedsWhole)
                RecordStage(stage, bodies[stage]);
            if (NeedsTail)
                RecordStage(stage, tails[stage]);
            RecordRow(stage);
        }

        return "";
    }

    private void PlanRows()
    {
        var length = nest.Vector.Extent;
        foreach (var fold in folds)
        {
            fold.Accumulator = TakeScratch(64);
            if (IsFoldedInPlace(fold))
            {
                PointerOf(kernel.Body[fold.Value].Access!, values.Type(fold.Value).Size());
                continue;
            }

            var size = values.Type(fold.Value).Size();
            if (rowBuffers.TryGetValue(fold.Value, out var shared))
                fold.Buffer = shared;
            else
                fold.Buffer = TakeScratch((Math.Min(length, InBlocks ? Block : length) * size) + Padding);
            rowBuffers[fold.Value] = fold.Buffer;
            if (InBlocks && !fold.IsPosition)
                fold.State = TakeScratch(sizeof(PartialRow));
        }

        foreach (var value in FindWorthKeeping())
            rowBuffers.TryAdd(value, TakeScratch((length * values.Type(value).Size()) + Padding));
    }

    /// <summary>A row that is only read is folded where it lies.</summary>
    private bool IsFoldedInPlace(FoldPlan fold) =>
        kernel.Body[fold.Value].Code == Opcode.Load && Stride(fold.Value) == 1 && !isInPlace && nest.Vector.Extent > 1;

    /// <summary>Functions that cost much, and that are read in their own stage and in later ones.</summary>
    private HashSet<int> FindWorthKeeping()
    {
        var found = new HashSet<int>();
        if (bodies.Length < 2)
            return found;
        var needed = new bool[kernel.Body.Length];
        foreach (var fold in folds)
            needed[fold.Value] = true;
        for (var i = kernel.Body.Length - 1; i >= 0; i--)
        {
            if (!values.IsLive(i) || (!needed[i] && kernel.Body[i].Code != Opcode.Store))
                continue;
            values.ForOperands(i, operand => needed[operand] |= stages[operand] == stages[i]);
        }

        for (var i = 0; i < kernel.Body.Length; i++)
        {
            if (!values.IsLive(i))
                continue;
            values.ForOperands(i, operand =>
            {
                if (stages[i] > stages[operand] && moves[operand] && needed[operand] && KernelCost.IsCostly(kernel.Body[operand].Code))
                    found.Add(operand);
            });
        }

        return found;
    }

    private void PlanColumns()
    {
        var width = Math.Min(nest.Vector.Extent, LoopNest.Tile);
        foreach (var fold in folds)
        {
            var type = values.Type(fold.Value);
            var inLeaves = fold.Kind is Fold.Sum or Fold.Prod && type.IsFloat() && nest.Reduced > FoldLoop.Leaf;
            var levels = inLeaves ? 2 + System.Numerics.BitOperations.Log2((ulong)(nest.Reduced / FoldLoop.Leaf)) : 1;
            fold.Buffer = ((width * type.Size()) + Padding + 63) & -64;
            fold.Accumulator = TakeScratch(fold.Buffer * levels);
            if (inLeaves)
                fold.State = TakeScratch(sizeof(ColumnLeaves));
        }
    }

    private void RecordStage(int stage, Region region)
    {
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            var instruction = kernel.Body[i];
            if (instruction.Code != Opcode.Store || stages[i] != stage || IsRowStore(i))
                continue;
            var value = ValueOf(instruction.A, region, stage);
            var pointer = PointerOf(instruction.Access!, value.Type.Size());
            StoreVectors(value, region, pointer.VectorStride, (il, offset) => PushAddress(il, pointer, nest.Loops.Length, offset));
        }

        foreach (var fold in folds)
        {
            if (fold.Stage == stage && nest.Kind == NestKind.Columns)
                RecordColumn(fold, region, stage);
        }

        foreach (var (value, buffer) in rowBuffers)
        {
            if (stages[value] + (kernel.Body[value].Code == Opcode.Fold ? 1 : 0) == stage)
                StoreRowBuffer(ValueOf(value, region, stage), buffer, region);
        }
    }

    private void StoreRowBuffer(Value value, long buffer, Region region)
    {
        var size = value.Type.Size();
        StoreWhole(value, region, (il, offset) =>
        {
            PushScratch(il, buffer);
            if (!InBlocks)
            {
                PushMoved(il, 1, size, offset);
                return;
            }

            index.Load(il);
            blockStart.Load(il);
            il.Emit(OpCodes.Sub);
            PushNative(il, size);
            il.Emit(OpCodes.Mul);
            il.Emit(OpCodes.Add);
            PushNative(il, offset * size);
            il.Emit(OpCodes.Add);
        });
    }

    /// <summary>What depends on no element of the row but through its folds.</summary>
    private void RecordRow(int stage)
    {
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            var instruction = kernel.Body[i];
            if (instruction.Code != Opcode.Store || stages[i] != stage || !IsRowStore(i))
                continue;
            var value = ValueOf(instruction.A, rows[stage], stage);
            var pointer = PointerOf(instruction.Access!, value.Type.Size());
            StoreOne(value, rows[stage], il => il.Emit(OpCodes.Ldloc, pointer.Locals[nest.Loops.Length]));
        }

        foreach (var fold in folds)
        {
            if (fold.Target is not null)
                PointerOf(fold.Target, ResultSize(fold));
        }
    }

    private bool IsRowStore(int i) => nest.Kind == NestKind.Rows && !moves[values.Resolve(kernel.Body[i].A)] && Stride(i) == 0;

    private int ResultSize(FoldPlan fold) => fold.IsPosition ? sizeof(long) : values.Type(fold.Value).Size();

    private void RecordColumn(FoldPlan fold, Region region, int stage)
    {
        var x = ValueOf(fold.Value, region, stage);
        var size = x.Type.Size();
        var accumulator = accumulators[fold] = accumulators.GetValueOrDefault(fold) ?? new LocalHolder();
        void Push(ILGenerator il, long offset)
        {
            accumulator.Load(il);
            PushMoved(il, 1, size, offset);
        }

        var element = x.Type == DType.Bool ? narrow : x.Type;
        var vector = machine.Vector(element);
        var parts = new Code[x.Parts.Length];
        for (var p = 0; p < parts.Length; p++)
        {
            var offset = (long)p * machine.Count(element);
            var sum = region.Add(new Code(vector, region, [], il =>
            {
                Push(il, offset);
                EmitLoad(il, x.Type, element, 1, machine.Count(element));
            }));
            parts[p] = Joined(fold.Kind, x.Type, sum, x.Parts[p]);
        }

        StoreWhole(new Value(x.Type, parts), region, Push);
    }

    private Code Joined(Fold kind, DType type, Code sum, Code x)
    {
        var a = On(type);
        if (type == DType.Bool)
            return kind == Fold.Max ? a.Or(sum, x) : a.And(sum, x);
        return kind switch
        {
            Fold.Sum => a.Add(sum, x),
            Fold.Prod => a.Mul(sum, x),
            Fold.Max => a.Max(sum, x),
            _ => a.Min(sum, x),
        };
    }

    private void StoreWhole(Value value, Region region, Action<ILGenerator, long> pushAddress)
    {
        var element = value.Type == DType.Bool ? narrow : value.Type;
        for (var p = 0; p < value.Parts.Length; p++)
        {
            var offset = (long)p * machine.Count(element);
            region.Add(new Effect([value.Parts[p]], il =>
            {
                var vector = locals!.Take(machine.Vector(element));
                il.Emit(OpCodes.Stloc, vector);
                pushAddress(il, offset);
                il.Emit(OpCodes.Ldloc, vector);
                EmitStore(il, value.Type, element, 1, machine.Count(element));
                locals.Release(vector);
            }));
        }
    }
}

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
