using System.Collections.Concurrent;
using System.Reflection;
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
    private static readonly MethodInfo ElementAddress = typeof(IndexedAddress).GetMethod(nameof(IndexedAddress.Of))!;

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
        var count = machine.Count(type == DType.Bool ? narrow : type);
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
        var element = type == DType.Bool ? narrow : type;
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
        var element = type == DType.Bool ? narrow : type;
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

    private void StoreVectors(Value value, Region region, long stride, Action<ILGenerator, long> pushAddress)
    {
        var element = value.Type == DType.Bool ? narrow : value.Type;
        for (var p = 0; p < value.Parts.Length; p++)
        {
            var (offset, count) = ((long)p * machine.Count(element), ActiveLanes(region, value.Type, p));
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
        var element = value.Type == DType.Bool ? narrow : value.Type;
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

    private Value IndexValue(int i, Instruction instruction, Region region)
    {
        var strides = StridesOf(instruction);
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
        var element = instruction.Type == DType.Bool ? narrow : instruction.Type;
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

/// <summary>What emitted code calls to find elements by their index.</summary>
internal static unsafe class IndexedAddress
{
    private static readonly ConcurrentDictionary<string, int> Numbers = new();
    private static readonly ConcurrentDictionary<int, string> Names = new();

    /// <summary>A number for the name of an op, by which emitted code refers to it.</summary>
    public static int Number(string asker) => Numbers.GetOrAdd(asker, name =>
    {
        var number = Numbers.Count;
        while (!Names.TryAdd(number, name))
            number++;
        return number;
    });

    /// <summary>The address of the element at an index.</summary>
    /// <exception cref="IndexException">There is no such element.</exception>
    public static nint Of(long index, nint first, long strideBytes, long length, int asker)
    {
        if ((ulong)index >= (ulong)length)
            IndexedRead.Refuse(Names[asker], index, length);
        return first + (nint)(index * strideBytes);
    }

    /// <summary>y[i] = the element that index i chooses, from an address that moves from one to the next.</summary>
    /// <exception cref="IndexException">There is no such element.</exception>
    public static void Lanes<T, TIndex>(T* first, nint step, TIndex* indexes, int count, long stride, long length, int asker, T* y)
        where T : unmanaged
        where TIndex : unmanaged, System.Numerics.IBinaryInteger<TIndex>
    {
        for (var i = 0; i < count; i++, first += step)
        {
            var index = long.CreateTruncating(indexes[i]);
            if ((ulong)index >= (ulong)length)
                IndexedRead.Refuse(Names[asker], index, length);
            y[i] = first[(nint)(index * stride)];
        }
    }
}
