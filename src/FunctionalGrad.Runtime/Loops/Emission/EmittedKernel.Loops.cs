using System.Reflection;
using System.Reflection.Emit;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <content>The loops around the body.</content>
internal sealed unsafe partial class EmittedKernel
{
    private readonly LocalHolder blockStart = new();
    private readonly LocalHolder rowsInLeaf = new();
    private readonly Dictionary<FoldPlan, LocalHolder> accumulators = [];
    private LocalPool? locals;

    /// <summary>Writes the kernel into the method of its frame.</summary>
    /// <param name="il">The method.</param>
    /// <param name="pool">Its local variables.</param>
    /// <param name="isRanged">Whether the outermost loop takes the range that the method is given, or all of its extent.</param>
    public void Write(ILGenerator il, LocalPool pool, bool isRanged)
    {
        locals = pool;
        foreach (var holder in indexes.Append(index).Append(blockStart).Append(rowsInLeaf).Concat(accumulators.Values))
            holder.Local = il.DeclareLocal(typeof(nint));
        foreach (var pointer in pointers.Values)
            WriteBase(il, pointer);
        levels[0].Write(il, pool);
        WriteLoop(il, 0, isRanged);
    }

    private void WriteBase(ILGenerator il, Pointer pointer)
    {
        pointer.Locals[0] = il.DeclareLocal(typeof(nint));
        frame.Buffers.Load(il);
        il.Emit(OpCodes.Ldc_I4, pointer.Access.Buffer * sizeof(nint));
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Ldind_I);
        PushNative(il, pointer.Access.Offset * pointer.ElementSize);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, pointer.Locals[0]);
        for (var level = 1; level < pointer.Locals.Length; level++)
            pointer.Locals[level] = pointer.Strides[level - 1] == 0 ? pointer.Locals[level - 1] : il.DeclareLocal(typeof(nint));
    }

    private void WriteLoop(ILGenerator il, int level, bool isRanged)
    {
        if (nest.Kind == NestKind.Columns && level == nest.FirstReduced)
        {
            WriteTile(il, level);
            return;
        }

        if (level == nest.Loops.Length)
        {
            WriteInnermost(il, isRanged && level == 0 && nest.Kind == NestKind.Elements);
            return;
        }

        var loop = nest.Loops[level];
        WriteFor(il, indexes[level].Local!, loop.Step, isRanged && level == 0, loop.Extent, () =>
        {
            MovePointers(il, level);
            levels[level + 1].Write(il, locals!);
            WriteLoop(il, level + 1, isRanged);
        });
    }

    /// <summary>for (i = from; i &lt; to; i += step), over the method's range or a whole extent.</summary>
    private void WriteFor(ILGenerator il, LocalBuilder i, long step, bool isRanged, long extent, Action body)
    {
        var (top, test) = (il.DefineLabel(), il.DefineLabel());
        if (isRanged)
            frame.From.Load(il);
        else
            PushNative(il, 0);
        il.Emit(OpCodes.Stloc, i);
        il.Emit(OpCodes.Br, test);
        il.MarkLabel(top);
        body();
        il.Emit(OpCodes.Ldloc, i);
        PushNative(il, step);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, i);
        il.MarkLabel(test);
        il.Emit(OpCodes.Ldloc, i);
        if (isRanged)
            frame.To.Load(il);
        else
            PushNative(il, extent);
        il.Emit(OpCodes.Blt, top);
    }

    private void MovePointers(ILGenerator il, int level)
    {
        foreach (var pointer in pointers.Values)
        {
            if (pointer.Strides[level] == 0)
                continue;
            il.Emit(OpCodes.Ldloc, pointer.Locals[level]);
            indexes[level].Load(il);
            PushNative(il, pointer.Strides[level] * pointer.ElementSize);
            il.Emit(OpCodes.Mul);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stloc, pointer.Locals[level + 1]);
        }
    }

    private void WriteInnermost(ILGenerator il, bool isRanged)
    {
        if (nest.Kind == NestKind.Columns)
        {
            WriteVectors(il, 0, () => PushTileWidth(il));
            WriteEndOfRow(il);
            return;
        }

        for (var stage = 0; stage < bodies.Length; stage++)
        {
            if (stage > 0)
                rows[stage].Write(il, locals!);
            if (InBlocks)
                WriteBlocks(il, stage);
            else if (bodies[stage].HasEffects || tails[stage].HasEffects)
                WriteWhole(il, stage, isRanged);
            foreach (var fold in folds)
            {
                if (fold.Stage == stage)
                    WriteFold(il, fold);
            }
        }
    }

    /// <summary>A whole row, or the method's range of it.</summary>
    private void WriteWhole(ILGenerator il, int stage, bool isRanged)
    {
        if (!NeedsWhole)
        {
            PushNative(il, 0);
            index.Store(il);
            tails[stage].Write(il, locals!);
            return;
        }

        if (!isRanged)
            StartAt(il, 0);
        else
        {
            frame.From.Load(il);
            blockStart.Store(il);
        }

        void PushEnd()
        {
            if (isRanged)
                frame.To.Load(il);
            else
                PushNative(il, nest.Vector.Extent);
        }

        if (!Overlaps || TailCount == 0)
        {
            WriteVectors(il, stage, PushEnd);
            return;
        }

        // i = start; do { body; i += lanes; if (i > end − lanes) { if (i ≥ end) break; i = end − lanes; } }
        var (top, test, done) = (il.DefineLabel(), il.DefineLabel(), il.DefineLabel());
        blockStart.Load(il);
        index.Store(il);
        il.Emit(OpCodes.Br, test);
        il.MarkLabel(top);
        bodies[stage].Write(il, locals!);
        index.Load(il);
        PushNative(il, lanes);
        il.Emit(OpCodes.Add);
        index.Store(il);
        il.MarkLabel(test);
        index.Load(il);
        PushEnd();
        PushNative(il, lanes);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Ble, top);
        index.Load(il);
        PushEnd();
        il.Emit(OpCodes.Bge, done);
        PushEnd();
        PushNative(il, lanes);
        il.Emit(OpCodes.Sub);
        index.Store(il);
        il.Emit(OpCodes.Br, top);
        il.MarkLabel(done);
    }

    private void StartAt(ILGenerator il, long position)
    {
        PushNative(il, position);
        blockStart.Store(il);
    }

    /// <summary>Whole vectors from <see cref="blockStart"/> to an end, then what is left.</summary>
    private void WriteVectors(ILGenerator il, int stage, Action pushEnd)
    {
        if (nest.Kind == NestKind.Columns)
            StartAt(il, 0);
        blockStart.Load(il);
        index.Store(il);
        if (NeedsWhole)
        {
            var (top, test) = (il.DefineLabel(), il.DefineLabel());
            il.Emit(OpCodes.Br, test);
            il.MarkLabel(top);
            bodies[stage].Write(il, locals!);
            index.Load(il);
            PushNative(il, lanes);
            il.Emit(OpCodes.Add);
            index.Store(il);
            il.MarkLabel(test);
            index.Load(il);
            pushEnd();
            PushNative(il, lanes);
            il.Emit(OpCodes.Sub);
            il.Emit(OpCodes.Ble, top);
        }

        if (!NeedsTail)
            return;
        var done = il.DefineLabel();
        index.Load(il);
        pushEnd();
        il.Emit(OpCodes.Bge, done);
        tails[stage].Write(il, locals!);
        il.MarkLabel(done);
    }

    /// <summary>A long row, block by block.</summary>
    private void WriteBlocks(ILGenerator il, int stage)
    {
        if (!bodies[stage].HasEffects && !tails[stage].HasEffects)
            return;
        var length = nest.Vector.Extent;
        var end = il.DeclareLocal(typeof(nint));
        foreach (var fold in folds)
        {
            if (fold.Buffer >= 0 && fold.Stage == stage)
                WriteBeginParts(il, fold);
        }

        WriteFor(il, blockStart.Local!, Block, false, length, () =>
        {
            blockStart.Load(il);
            PushNative(il, Block);
            il.Emit(OpCodes.Add);
            PushNative(il, length);
            il.Emit(OpCodes.Call, typeof(Math).GetMethod(nameof(Math.Min), [typeof(nint), typeof(nint)])!);
            il.Emit(OpCodes.Stloc, end);
            WriteVectors(il, stage, () => il.Emit(OpCodes.Ldloc, end));
            foreach (var fold in folds)
            {
                if (fold.Buffer >= 0 && fold.Stage == stage)
                    WriteFoldPart(il, fold, end);
            }
        });
    }

    private void WriteBeginParts(ILGenerator il, FoldPlan fold)
    {
        WriteIdentity(il, fold);
        if (fold.State < 0)
            return;
        PushScratch(il, fold.State + (long)System.Runtime.InteropServices.Marshal.OffsetOf<PartialRow>(nameof(PartialRow.Count)));
        PushNative(il, 0);
        il.Emit(OpCodes.Conv_I8);
        il.Emit(OpCodes.Stind_I8);
    }

    private void WriteFoldPart(ILGenerator il, FoldPlan fold, LocalBuilder end)
    {
        var type = values.Type(fold.Value);
        void PushCount()
        {
            il.Emit(OpCodes.Ldloc, end);
            blockStart.Load(il);
            il.Emit(OpCodes.Sub);
        }

        PushScratch(il, fold.Buffer);
        if (fold.State < 0)
        {
            PushScratch(il, fold.Accumulator);
            PushScratch(il, fold.Accumulator + 8);
            PushNative(il, 1);
            PushCount();
            blockStart.Load(il);
            il.Emit(OpCodes.Conv_I8);
            EmitCalli(il, (nint)BlockKernels.ArgRows(fold.Kind, type), typeof(void*), typeof(void*), typeof(long*), typeof(nint), typeof(nint), typeof(long));
            return;
        }

        PushScratch(il, fold.State);
        PushCount();
        EmitCalli(il, (nint)BlockKernels.FoldPart(fold.Kind, type), typeof(void*), typeof(PartialRow*), typeof(nint));
    }

    /// <summary>The end of a row: its elements are there, and are folded; the result goes to its target.</summary>
    private void WriteFold(ILGenerator il, FoldPlan fold)
    {
        var type = values.Type(fold.Value);
        if (InBlocks && fold.Buffer >= 0)
        {
            if (fold.State >= 0)
            {
                PushScratch(il, fold.State);
                PushScratch(il, fold.Accumulator);
                EmitCalli(il, (nint)BlockKernels.FoldEnd(fold.Kind, type), typeof(PartialRow*), typeof(void*));
            }
        }
        else if (type != DType.Bool && !fold.IsPosition && nest.Vector.Extent <= LongestInline)
        {
            WriteShortFold(il, fold, type);
        }
        else
        {
            WriteIdentity(il, fold);
            PushFolded(il, fold);
            PushScratch(il, fold.Accumulator);
            WriteFoldRow(il, fold.Kind, type);
        }

        if (fold.Target is not { } target)
            return;
        var element = fold.IsPosition ? typeof(long) : type.ClrType();
        il.Emit(OpCodes.Ldloc, pointers[target].Locals[^1]);
        PushScratch(il, fold.Result);
        il.Emit(OpCodes.Ldobj, element);
        il.Emit(OpCodes.Unaligned, (byte)1);
        il.Emit(OpCodes.Stobj, element);
    }

    /// <summary>A short row: folded by straight code for its very length.</summary>
    private void WriteShortFold(ILGenerator il, FoldPlan fold, DType type)
    {
        var kind = fold.Kind switch
        {
            Fold.Sum => typeof(AddKernel),
            Fold.Prod => typeof(MulKernel),
            Fold.Max => typeof(MaxKernel),
            _ => typeof(MinKernel),
        };
        long bits = 0;
        BlockKernels.Fill(type, fold.Kind, &bits, 1);
        PushScratch(il, fold.Accumulator);
        PushFolded(il, fold);
        PushNative(il, nest.Vector.Extent);
        il.Emit(OpCodes.Ldc_I8, bits);
        EmitBits(il, type);
        il.Emit(OpCodes.Call, typeof(FoldLoop).GetMethod(nameof(FoldLoop.ShortRow))!.MakeGenericMethod(kind, VectorMachine.Of(machine.Bits).Vector(type), type.ClrType()));
        il.Emit(OpCodes.Stobj, type.ClrType());
    }

    /// <summary>Reads the low bits of a long as an element.</summary>
    private static void EmitBits(ILGenerator il, DType type)
    {
        if (type.Size() == 4)
            il.Emit(OpCodes.Conv_I4);
        if (type == DType.Float32)
            il.Emit(OpCodes.Call, typeof(BitConverter).GetMethod(nameof(BitConverter.Int32BitsToSingle))!);
        if (type == DType.Float64)
            il.Emit(OpCodes.Call, typeof(BitConverter).GetMethod(nameof(BitConverter.Int64BitsToDouble))!);
    }

    /// <summary>Puts the address of what is folded on the stack.</summary>
    private void PushFolded(ILGenerator il, FoldPlan fold)
    {
        if (fold.Buffer >= 0)
            PushScratch(il, fold.Buffer);
        else
            il.Emit(OpCodes.Ldloc, pointers[kernel.Body[fold.Value].Access!].Locals[^1]);
    }

    private void WriteFoldRow(ILGenerator il, Fold kind, DType type)
    {
        if (kind is Fold.ArgMax or Fold.ArgMin)
        {
            il.Emit(OpCodes.Dup);
            PushNative(il, 8);
            il.Emit(OpCodes.Add);
            PushNative(il, 1);
            PushNative(il, nest.Vector.Extent);
            il.Emit(OpCodes.Ldc_I8, 0L);
            EmitCalli(il, (nint)BlockKernels.ArgRows(kind, type), typeof(void*), typeof(void*), typeof(long*), typeof(nint), typeof(nint), typeof(long));
            return;
        }

        PushNative(il, 1);
        PushNative(il, nest.Vector.Extent);
        EmitCalli(il, (nint)BlockKernels.FoldRows(kind, type), typeof(void*), typeof(void*), typeof(nint), typeof(nint));
    }

    /// <summary>Nothing is folded yet.</summary>
    private void WriteIdentity(ILGenerator il, FoldPlan fold)
    {
        var type = values.Type(fold.Value);
        if (fold.IsPosition)
        {
            PushScratch(il, fold.Accumulator + 8);
            il.Emit(OpCodes.Ldc_I8, -1L);
            il.Emit(OpCodes.Stind_I8);
            return;
        }

        long bits = 0;
        BlockKernels.Fill(type, fold.Kind, &bits, 1);
        PushScratch(il, fold.Accumulator);
        il.Emit(OpCodes.Ldc_I8, bits);
        il.Emit(OpCodes.Stind_I8);
    }

    /// <summary>So many columns, side by side: their sums are kept together while the reduced loops run.</summary>
    private void WriteTile(ILGenerator il, int level)
    {
        foreach (var (fold, accumulator) in accumulators)
            WriteBeginColumns(il, fold, accumulator);
        PushNative(il, 0);
        rowsInLeaf.Store(il);
        WriteReduced(il, level);
        foreach (var (fold, accumulator) in accumulators)
            WriteEndColumns(il, fold, accumulator, level);
    }

    private void WriteReduced(ILGenerator il, int level)
    {
        if (level == nest.Loops.Length)
        {
            WriteInnermost(il, false);
            return;
        }

        WriteFor(il, indexes[level].Local!, 1, false, nest.Loops[level].Extent, () =>
        {
            MovePointers(il, level);
            levels[level + 1].Write(il, locals!);
            WriteReduced(il, level + 1);
        });
    }

    /// <summary>min(tile, what is left of the row)</summary>
    private void PushTileWidth(ILGenerator il)
    {
        if (nest.Vector.Extent <= LoopNest.Tile)
        {
            PushNative(il, nest.Vector.Extent);
            return;
        }

        PushNative(il, LoopNest.Tile);
        PushNative(il, nest.Vector.Extent);
        indexes[nest.FirstReduced - 1].Load(il);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Call, typeof(Math).GetMethod(nameof(Math.Min), [typeof(nint), typeof(nint)])!);
    }

    private void WriteBeginColumns(ILGenerator il, FoldPlan fold, LocalHolder accumulator)
    {
        var type = values.Type(fold.Value);
        if (fold.State >= 0)
        {
            PushScratch(il, fold.State);
            PushScratch(il, fold.Accumulator);
            PushNative(il, fold.Buffer);
            PushTileWidth(il);
            il.Emit(OpCodes.Ldc_I4, (int)fold.Kind);
            il.Emit(OpCodes.Ldc_I4, (int)type);
            il.Emit(OpCodes.Call, Leaves(nameof(ColumnLeaves.Begin)));
            accumulator.Store(il);
            return;
        }

        il.Emit(OpCodes.Ldc_I4, (int)type);
        il.Emit(OpCodes.Ldc_I4, (int)fold.Kind);
        PushScratch(il, fold.Accumulator);
        PushTileWidth(il);
        il.Emit(OpCodes.Call, typeof(BlockKernels).GetMethod(nameof(BlockKernels.Fill), [typeof(DType), typeof(Fold), typeof(void*), typeof(nint)])!);
        PushScratch(il, fold.Accumulator);
        accumulator.Store(il);
    }

    /// <summary>After each row of the columns: so many rows are a leaf.</summary>
    private void WriteEndOfRow(ILGenerator il)
    {
        if (!folds.Exists(fold => fold.State >= 0))
            return;
        var going = il.DefineLabel();
        rowsInLeaf.Load(il);
        PushNative(il, 1);
        il.Emit(OpCodes.Add);
        rowsInLeaf.Store(il);
        rowsInLeaf.Load(il);
        PushNative(il, FoldLoop.Leaf);
        il.Emit(OpCodes.Blt, going);
        PushNative(il, 0);
        rowsInLeaf.Store(il);
        foreach (var (fold, accumulator) in accumulators)
        {
            if (fold.State < 0)
                continue;
            PushScratch(il, fold.State);
            il.Emit(OpCodes.Call, Leaves(nameof(ColumnLeaves.Next)));
            accumulator.Store(il);
        }

        il.MarkLabel(going);
    }

    private void WriteEndColumns(ILGenerator il, FoldPlan fold, LocalHolder accumulator, int level)
    {
        if (fold.State >= 0)
        {
            PushScratch(il, fold.State);
            rowsInLeaf.Load(il);
            il.Emit(OpCodes.Call, Leaves(nameof(ColumnLeaves.End)));
            accumulator.Store(il);
        }

        var target = pointers[fold.Target!];
        accumulator.Load(il);
        il.Emit(OpCodes.Ldloc, target.Locals[level]);
        PushNative(il, target.VectorStride);
        PushTileWidth(il);
        EmitCalli(il, (nint)BlockKernels.ScatterStrided(target.ElementSize), typeof(void*), typeof(void*), typeof(nint), typeof(nint));
    }

    private static MethodInfo Leaves(string name) => typeof(ColumnLeaves).GetMethod(name)!;
}
