using System.Reflection;
using System.Reflection.Emit;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <content>Columns that are folded, side by side in the lanes of vectors.</content>
internal sealed unsafe partial class EmittedKernel
{
    private readonly LocalHolder rowsInLeaf = new();
    private readonly Dictionary<FoldPlan, LocalHolder> accumulators = [];

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

        var element = Element(x.Type);
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
