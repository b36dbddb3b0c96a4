using System.Reflection.Emit;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <content>Rows that are folded: in parts while they are computed, and at their end.</content>
internal sealed unsafe partial class EmittedKernel
{
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
}
