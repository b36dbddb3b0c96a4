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

}
