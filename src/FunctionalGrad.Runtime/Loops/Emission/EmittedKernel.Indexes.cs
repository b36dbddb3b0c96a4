using System.Reflection;
using System.Reflection.Emit;

namespace FunctionalGrad.Loops;

/// <content>Positions, and reads at positions.</content>
internal sealed unsafe partial class EmittedKernel
{
    private static readonly MethodInfo ElementAddress = typeof(IndexedAddress).GetMethod(nameof(IndexedAddress.Of))!;

    private Value IndexValue(int i, Instruction instruction, Region region)
    {
        var strides = StridesOf(kernel, instruction);
        var step = LoopNest.Stride(nest.Vector, strides);
        var along = nest.Loops.Select(loop => LoopNest.Stride(loop, strides)).ToArray();
        var level = Array.FindLastIndex(along, stride => stride != 0) + 1;
        var home = moves[i] ? region : levels[level];
        var type = instruction.Type == DType.Bool ? DType.Int64 : instruction.Type;
        var a = On(type);
        var parts = new Code[Parts(type)];
        for (var p = 0; p < parts.Length; p++)
        {
            var offset = p * machine.Count(type) * step;
            parts[p] = home.Add(new Code(machine.Vector(type), home, [], il => EmitPosition(il, type, along, step, offset)));
            if (step != 0)
                parts[p] = a.Add(parts[p], a.Mul(Lanes(type), a.Constant(step)));
        }

        return instruction.Type == DType.Bool ? Cast(new Value(type, parts), DType.Bool, region) : new Value(type, parts);
    }

    private void EmitPosition(ILGenerator il, DType type, long[] along, long step, long offset)
    {
        il.Emit(OpCodes.Ldc_I8, offset);
        for (var loop = 0; loop < along.Length; loop++)
        {
            if (along[loop] != 0)
                EmitProduct(il, indexes[loop], along[loop]);
        }

        if (step != 0)
            EmitProduct(il, index, step);
        il.Emit(type switch
        {
            DType.Float32 => OpCodes.Conv_R4,
            DType.Float64 => OpCodes.Conv_R8,
            DType.Int32 => OpCodes.Conv_I4,
            _ => OpCodes.Nop,
        });
        il.Emit(OpCodes.Call, machine.Method("Create", type));
    }

    private static void EmitProduct(ILGenerator il, LocalHolder factor, long stride)
    {
        factor.Load(il);
        il.Emit(OpCodes.Conv_I8);
        il.Emit(OpCodes.Ldc_I8, stride);
        il.Emit(OpCodes.Mul);
        il.Emit(OpCodes.Add);
    }

    /// <summary>0, 1, 2, …</summary>
    private Code Lanes(DType type)
    {
        var vector = machine.Vector(type);
        return Entry.Add(new Code(vector, Entry, [], il => il.Emit(OpCodes.Call, vector.GetProperty("Indices")!.GetMethod!)));
    }

    private Value GatherValue(int i, Instruction instruction, Region region, int stage)
    {
        var position = ValueOf(instruction.A, region, stage);
        var pointer = PointerOf(instruction.Access!, instruction.Type.Size());
        return moves[values.Resolve(instruction.A)]
            ? GatherLanes(instruction, position, pointer, region)
            : GatherAt(instruction, position, pointer, region, moves[i]);
    }

    /// <summary>One index for all lanes: it moves the pointer.</summary>
    private Value GatherAt(Instruction instruction, Value position, Pointer pointer, Region region, bool moves)
    {
        var scalar = Recording.Call(machine.Method("ToScalar", position.Type), position.Parts[0]);
        var level = levels[pointer.Level];
        var home = scalar.Region.Number > level.Number ? scalar.Region : level;
        var size = instruction.Type.Size();
        var address = home.Add(new Code(typeof(nint), home, [scalar], il =>
        {
            il.Emit(OpCodes.Conv_I8);
            il.Emit(OpCodes.Ldloc, pointer.Locals[pointer.Level]);
            il.Emit(OpCodes.Ldc_I8, instruction.Stride * size);
            il.Emit(OpCodes.Ldc_I8, instruction.Length);
            il.Emit(OpCodes.Ldc_I4, IndexedAddress.Number(instruction.Asker));
            il.Emit(OpCodes.Call, ElementAddress);
        })
        { IsPinned = true });
        return moves
            ? LoadVectors(instruction.Type, region, pointer.VectorStride, (il, offset) => PushMoved(il, pointer.VectorStride, size, offset), address)
            : Spread(instruction.Type, home, _ => { }, address);
    }

    /// <summary>An index for each lane.</summary>
    private Value GatherLanes(Instruction instruction, Value position, Pointer pointer, Region region)
    {
        var bytes = machine.Bits / 8;
        var (indexArea, resultArea) = (TakeScratch(bytes * position.Parts.Length), TakeScratch(bytes * Parts(instruction.Type)));
        var element = Element(instruction.Type);
        var method = typeof(IndexedAddress).GetMethod(nameof(IndexedAddress.Lanes))!.MakeGenericMethod(instruction.Type.ClrType(), position.Type.ClrType());
        var count = ActiveElements(region);
        var parts = new Code[Parts(instruction.Type)];
        for (var p = 0; p < parts.Length; p++)
        {
            var offset = (long)p * machine.Count(element) * instruction.Type.Size();
            var isFirst = p == 0;
            parts[p] = region.Add(new Code(machine.Vector(element), region, isFirst ? position.Parts : [parts[0]], il =>
            {
                if (isFirst)
                    EmitGather(il, instruction, pointer, position.Parts, indexArea, resultArea, count, method);
                else
                    il.Emit(OpCodes.Pop);
                PushScratch(il, resultArea + offset);
                EmitLoad(il, instruction.Type, element, 1, machine.Count(element));
            })
            { IsPinned = true });
        }

        return new Value(instruction.Type, parts);
    }

    private void EmitGather(
        ILGenerator il, Instruction instruction, Pointer pointer, Code[] position, long indexArea, long resultArea, int count, MethodInfo method)
    {
        Spill(il, position, indexArea, machine.Bits / 8);
        PushAddress(il, pointer, nest.Loops.Length, 0);
        PushNative(il, pointer.VectorStride);
        PushScratch(il, indexArea);
        il.Emit(OpCodes.Ldc_I4, count);
        il.Emit(OpCodes.Ldc_I8, instruction.Stride);
        il.Emit(OpCodes.Ldc_I8, instruction.Length);
        il.Emit(OpCodes.Ldc_I4, IndexedAddress.Number(instruction.Asker));
        PushScratch(il, resultArea);
        il.Emit(OpCodes.Call, method);
    }
}
