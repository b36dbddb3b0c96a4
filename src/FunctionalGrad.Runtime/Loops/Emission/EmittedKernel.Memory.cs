using System.Reflection.Emit;

namespace FunctionalGrad.Loops;

/// <summary>Where an access points, loop by loop: a local variable for each loop that moves it, that of the loop around for the others.</summary>
internal sealed class Pointer(Access access, int elementSize, long[] strides, long vectorStride)
{
    public Access Access { get; } = access;

    public int ElementSize { get; } = elementSize;

    /// <summary>Elements between neighbours along each of the loops around.</summary>
    public long[] Strides { get; } = strides;

    /// <summary>Elements between neighbouring lanes.</summary>
    public long VectorStride { get; } = vectorStride;

    /// <summary>The address at index 0 of the vector loop, after so many loops.</summary>
    public LocalBuilder[] Locals { get; } = new LocalBuilder[strides.Length + 1];

    /// <summary>The innermost loop that moves it; 0 if none does.</summary>
    public int Level
    {
        get
        {
            var level = Strides.Length;
            while (level > 0 && Strides[level - 1] == 0)
                level--;
            return level;
        }
    }
}

/// <content>What instructions read and write.</content>
internal sealed unsafe partial class EmittedKernel
{
    private Pointer PointerOf(Access access, int elementSize)
    {
        if (!pointers.TryGetValue(access, out var pointer))
        {
            var strides = nest.Loops.Select(loop => LoopNest.Stride(loop, access.Strides)).ToArray();
            pointers[access] = pointer = new Pointer(access, elementSize, strides, LoopNest.Stride(nest.Vector, access.Strides));
        }

        return pointer;
    }

    /// <summary>How many lanes of a vector of a type hold elements in a region.</summary>
    private int ActiveLanes(Region region, DType type, int part)
    {
        var count = machine.Count(Element(type));
        return Array.IndexOf(tails, region) >= 0 ? Math.Clamp(TailCount - (part * count), 0, count) : count;
    }

    /// <summary>How many elements a region computes at a time.</summary>
    private int ActiveElements(Region region) => Array.IndexOf(tails, region) >= 0 ? TailCount : lanes;

    /// <summary>Elements of a row that do not fill a vector.</summary>
    private int TailCount => (int)(nest.Vector.Extent % lanes);

    /// <summary>Puts the address of lane 0 of a part on the stack.</summary>
    private void PushAddress(ILGenerator il, Pointer pointer, int level, long offset)
    {
        il.Emit(OpCodes.Ldloc, pointer.Locals[level]);
        PushMoved(il, pointer.VectorStride, pointer.ElementSize, offset);
    }

    /// <summary>From the address at index 0 to the one at the index of the vector loop plus an offset in elements.</summary>
    private void PushMoved(ILGenerator il, long stride, int elementSize, long offset)
    {
        if (stride == 0)
            return;
        index.Load(il);
        il.Emit(OpCodes.Ldc_I8, stride * elementSize);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Mul);
        il.Emit(OpCodes.Add);
        if (offset == 0)
            return;
        il.Emit(OpCodes.Ldc_I8, offset * stride * elementSize);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Add);
    }

    private Value LoadValue(int i, Instruction instruction, Region region)
    {
        var pointer = PointerOf(instruction.Access!, instruction.Type.Size());
        return moves[i]
            ? LoadVectors(instruction.Type, region, pointer.VectorStride, (il, offset) => PushAddress(il, pointer, nest.Loops.Length, offset))
            : Spread(instruction.Type, levels[pointer.Level], il => il.Emit(OpCodes.Ldloc, pointer.Locals[pointer.Level]));
    }

    /// <summary>The one element at an address, in every lane.</summary>
    private Value Spread(DType type, Region region, Action<ILGenerator> pushAddress, params Code[] operands)
    {
        var element = Element(type);
        var vector = machine.Vector(element);
        var method = type == DType.Bool ? machine.Move("SpreadMask", narrow) : machine.Method("Create", type);
        var code = region.Add(new Code(vector, region, operands, il =>
        {
            pushAddress(il);
            if (type != DType.Bool)
            {
                il.Emit(OpCodes.Unaligned, (byte)1);
                il.Emit(OpCodes.Ldobj, type.ClrType());
            }

            il.Emit(OpCodes.Call, method);
        })
        { IsPinned = isInPlace });
        return new Value(type, Repeat(code, type));
    }

    private Value LoadVectors(DType type, Region region, long stride, Action<ILGenerator, long> pushAddress, params Code[] operands)
    {
        var element = Element(type);
        var vector = machine.Vector(element);
        var parts = new Code[Parts(type)];
        for (var p = 0; p < parts.Length; p++)
        {
            var (offset, count) = ((long)p * machine.Count(element), ActiveLanes(region, type, p));
            parts[p] = region.Add(new Code(vector, region, operands, il =>
            {
                pushAddress(il, offset);
                EmitLoad(il, type, element, stride, count);
            })
            { IsPinned = isInPlace });
        }

        return new Value(type, parts);
    }

    private void EmitLoad(ILGenerator il, DType type, DType element, long stride, int count)
    {
        var isWhole = count == machine.Count(element);
        if (isWhole && stride == 1 && type != DType.Bool)
        {
            il.Emit(OpCodes.Unaligned, (byte)1);
            il.Emit(OpCodes.Ldobj, machine.Vector(type));
            return;
        }

        if (isWhole && stride == 1)
        {
            il.Emit(OpCodes.Call, machine.Move("LoadMask", narrow));
            return;
        }

        if (type == DType.Bool)
        {
            PushNative(il, stride);
            il.Emit(OpCodes.Ldc_I4, count);
            il.Emit(OpCodes.Call, machine.Move("LoadMaskStrided", narrow));
        }
        else if (stride == 1)
        {
            il.Emit(OpCodes.Ldc_I4, count);
            il.Emit(OpCodes.Call, machine.Move("LoadPartial", type));
        }
        else
        {
            PushNative(il, stride);
            if (!isWhole)
                il.Emit(OpCodes.Ldc_I4, count);
            il.Emit(OpCodes.Call, machine.Move(isWhole ? "LoadStrided" : "LoadStridedPartial", type));
        }
    }

    public static void PushNative(ILGenerator il, long value)
    {
        il.Emit(OpCodes.Ldc_I8, value);
        il.Emit(OpCodes.Conv_I);
    }

    /// <summary>Writes the lanes that hold elements.</summary>
    private void StoreVectors(Value value, Region region, long stride, Action<ILGenerator, long> pushAddress) =>
        StoreLanes(value, region, stride, part => ActiveLanes(region, value.Type, part), pushAddress);

    /// <summary>Writes whole vectors, side by side: there is room behind what they hold.</summary>
    private void StoreWhole(Value value, Region region, Action<ILGenerator, long> pushAddress) =>
        StoreLanes(value, region, 1, _ => machine.Count(Element(value.Type)), pushAddress);

    private void StoreLanes(Value value, Region region, long stride, Func<int, int> lanesOf, Action<ILGenerator, long> pushAddress)
    {
        var element = Element(value.Type);
        for (var p = 0; p < value.Parts.Length; p++)
        {
            var (offset, count) = ((long)p * machine.Count(element), lanesOf(p));
            if (count == 0)
                continue;
            region.Add(new Effect([value.Parts[p]], il =>
            {
                var vector = locals!.Take(machine.Vector(element));
                il.Emit(OpCodes.Stloc, vector);
                pushAddress(il, offset);
                il.Emit(OpCodes.Ldloc, vector);
                EmitStore(il, value.Type, element, stride, count);
                locals.Release(vector);
            }));
        }
    }

    private void EmitStore(ILGenerator il, DType type, DType element, long stride, int count)
    {
        var isWhole = count == machine.Count(element);
        if (isWhole && stride == 1)
        {
            if (type == DType.Bool)
            {
                il.Emit(OpCodes.Call, machine.Move("StoreMask", narrow));
                return;
            }

            il.Emit(OpCodes.Unaligned, (byte)1);
            il.Emit(OpCodes.Stobj, machine.Vector(type));
        }
        else if (type != DType.Bool && stride == 1)
        {
            il.Emit(OpCodes.Ldc_I4, count);
            il.Emit(OpCodes.Call, machine.Move("StorePartial", type));
        }
        else
        {
            PushNative(il, stride);
            il.Emit(OpCodes.Ldc_I4, count);
            il.Emit(OpCodes.Call, machine.Move(type == DType.Bool ? "StoreMaskStrided" : "StoreStrided", element));
        }
    }

    /// <summary>Writes lane 0.</summary>
    private void StoreOne(Value value, Region region, Action<ILGenerator> pushAddress) => region.Add(new Effect([value.Parts[0]], il =>
    {
        var element = Element(value.Type);
        var vector = locals!.Take(machine.Vector(element));
        il.Emit(OpCodes.Stloc, vector);
        pushAddress(il);
        il.Emit(OpCodes.Ldloc, vector);
        locals.Release(vector);
        if (value.Type == DType.Bool)
        {
            PushNative(il, 1);
            il.Emit(OpCodes.Ldc_I4_1);
            il.Emit(OpCodes.Call, machine.Move("StoreMaskStrided", narrow));
            return;
        }

        il.Emit(OpCodes.Call, machine.Method("ToScalar", element));
        il.Emit(OpCodes.Unaligned, (byte)1);
        il.Emit(OpCodes.Stobj, element.ClrType());
    }));

    /// <summary>The result of a fold of an earlier stage, in every lane.</summary>
    private Value FoldValue(int i)
    {
        var fold = folds.Find(fold => fold.Instruction == i)!;
        return Spread(kernel.Body[i].Type, rows[fold.Stage + 1], il => PushScratch(il, fold.Result));
    }

    private Value FromRowBuffer(int i, long buffer, Region region)
    {
        var type = values.Type(i);
        return LoadVectors(type, region, 1, (il, offset) => PushRowBuffer(il, buffer, type.Size(), offset));
    }

    private void PushRowBuffer(ILGenerator il, long buffer, int elementSize, long offset)
    {
        PushScratch(il, buffer);
        PushMoved(il, 1, elementSize, offset);
    }
}
