using System.Reflection.Emit;

namespace FunctionalGrad.Loops;

/// <content>The loops around the body.</content>
internal sealed unsafe partial class EmittedKernel
{
    private readonly LocalHolder blockStart = new();
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

        // The last vectors begin so many lanes before the end, and end there.
        var done = il.DefineLabel();
        var again = WriteWholeVectors(il, stage, PushEnd);
        index.Load(il);
        PushEnd();
        il.Emit(OpCodes.Bge, done);
        PushLastStart(il, PushEnd);
        index.Store(il);
        il.Emit(OpCodes.Br, again);
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
        if (NeedsWhole)
        {
            WriteWholeVectors(il, stage, pushEnd);
        }
        else
        {
            blockStart.Load(il);
            index.Store(il);
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

    /// <summary>for (i = blockStart; i &lt;= end − lanes; i += lanes) body; gives the label of the body.</summary>
    private Label WriteWholeVectors(ILGenerator il, int stage, Action pushEnd)
    {
        var (top, test) = (il.DefineLabel(), il.DefineLabel());
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
        PushLastStart(il, pushEnd);
        il.Emit(OpCodes.Ble, top);
        return top;
    }

    /// <summary>Where the last whole vector before an end begins.</summary>
    private void PushLastStart(ILGenerator il, Action pushEnd)
    {
        pushEnd();
        PushNative(il, lanes);
        il.Emit(OpCodes.Sub);
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
}
