using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <summary>
/// Turns a kernel into block operations: chooses blocks, computes what is the same in all blocks ahead of them,
/// and gives every other value a slot, or the place in a buffer where it comes from or goes to.
/// </summary>
internal sealed unsafe class KernelCompiler
{
    private readonly Kernel kernel;
    private readonly KernelValues values;
    private readonly IterationSpace space;
    private readonly Blocking blocking;
    private readonly bool[] invariant;
    private readonly int[] storedBy;
    private readonly List<BlockOperation> setup = [];
    private readonly List<BlockOperation> body = [];
    private readonly List<StridedAccess> accesses = [];
    private readonly List<GatherPlan> gathers = [];
    private readonly List<DirectAccess> directs = [];
    private readonly SlotTable slots;
    private List<BlockOperation> current;

    private KernelCompiler(Kernel kernel, KernelValues values, IterationSpace space, Blocking blocking)
    {
        this.kernel = kernel;
        this.values = values;
        this.space = space;
        this.blocking = blocking;
        invariant = new bool[kernel.Body.Length];
        storedBy = new int[kernel.Body.Length];
        slots = new SlotTable(values, invariant);
        current = setup;
    }

    /// <summary>Compiles a kernel that has been checked.</summary>
    /// <param name="kernel">What to compile.</param>
    /// <param name="blockSize">About how many elements a block has; 0 chooses. Results do not depend on it.</param>
    public static BlockProgram Compile(Kernel kernel, long blockSize = 0)
    {
        var values = new KernelValues(kernel);
        var space = new IterationSpace(kernel, values);
        if (space.Total == 0)
            return BlockProgram.Empty(kernel, values, space);
        if (TransposedCopy.TryCreate(kernel, values, space) is { } copy)
            return new BlockProgram(space, null, null, 1) { Copy = copy };
        var size = blockSize > 0 ? blockSize : Blocking.BlockSize(values.MostAlive(), values.WidestElement());
        var blocking = Blocking.Choose(space, !kernel.Reductions.IsEmpty, size, Transposes(kernel, values, space));
        return new KernelCompiler(kernel, values, space, blocking).Compile();
    }

    private BlockProgram Compile()
    {
        FindInvariants();
        FindDirectStores();
        EmitAll(invariants: true);
        current = body;
        slots.InSetup = false;
        EmitAll(invariants: false);
        var reductions = new BlockReduction[kernel.Reductions.Length];
        for (var i = 0; i < reductions.Length; i++)
        {
            var reduction = kernel.Reductions[i];
            var value = values.Resolve(reduction.Value);
            reductions[i] = new BlockReduction(kernel, reduction, values.Type(value), slots.PointerOf(value), space, blocking);
        }

        return new BlockProgram(space, blocking, slots, values.WidestElement())
        {
            Setup = [.. setup],
            Body = [.. body],
            Accesses = [.. accesses],
            Gathers = [.. gathers],
            Directs = [.. directs],
            Reductions = reductions,
        };
    }

    /// <summary>True if long rows are read across their grain, so that neighbouring rows should be visited while their cache lines are there.</summary>
    private static bool Transposes(Kernel kernel, KernelValues values, IterationSpace space)
    {
        var last = space.Extents.Length - 1;
        if (last < 1 || space.Extents[last] <= 256 || space.Extents[last - 1] < 4)
            return false;
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            if (!values.IsLive(i) || kernel.Body[i].Access is not { } access)
                continue;
            var strides = space.Project(access.Strides.AsSpan());
            if (Math.Abs(strides[last]) > 8 && Math.Abs(strides[last - 1]) == 1)
                return true;
        }

        return false;
    }

    private void FindInvariants()
    {
        if (blocking.IsSingle)
            return;
        var depends = new ulong[kernel.Body.Length];
        for (var i = 0; i < depends.Length; i++)
        {
            if (!values.IsLive(i))
                continue;
            var instruction = kernel.Body[i];
            var on = StridesOf(instruction) is { } strides ? Moving(space.Project(strides)) : 0;
            values.ForOperands(i, operand => on |= depends[operand]);
            depends[i] = on;
            invariant[i] = instruction.Code != Opcode.Store && blocking.IsInvariant(on);
        }
    }

    private long[]? StridesOf(Instruction instruction) => instruction.Code == Opcode.Index
        ? IterationSpace.PositionStrides(kernel.Extents.Length, instruction.A)
        : instruction.Access is { } access ? [.. access.Strides] : null;

    private static ulong Moving(long[] strides)
    {
        ulong extents = 0;
        for (var d = 0; d < strides.Length; d++)
            extents |= strides[d] != 0 ? 1UL << d : 0;
        return extents;
    }

    /// <summary>A value that is stored in a row is computed where it goes; the first such store of a value needs no operation.</summary>
    private void FindDirectStores()
    {
        Array.Fill(storedBy, -1);
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            var instruction = kernel.Body[i];
            if (instruction.Code != Opcode.Store)
                continue;
            var value = values.Resolve(instruction.A);
            var source = kernel.Body[value];
            var isInPlace = source.Code == Opcode.Load && IsDirect(source);
            if (!invariant[value] && !isInPlace && storedBy[value] < 0 && IsDirect(instruction) && !IsReadBehind(instruction.Access!.Buffer, value))
                storedBy[value] = i;
        }
    }

    /// <summary>Whether elements of a buffer are needed after a value has been computed, or while it is.</summary>
    private bool IsReadBehind(int buffer, int value)
    {
        var isRead = false;
        bool IsOf(int operand) => kernel.Body[operand].Code == Opcode.Load && kernel.Body[operand].Access!.Buffer == buffer;
        for (var i = kernel.Body[value].Code == Opcode.Gather ? value : value + 1; i < kernel.Body.Length && !isRead; i++)
        {
            if (values.IsLive(i))
                values.ForOperands(i, operand => isRead |= IsOf(operand));
        }

        return isRead;
    }

    private bool IsDirect(Instruction instruction) => blocking.IsDirect(space, space.Project(instruction.Access!.Strides.AsSpan()));

    private void EmitAll(bool invariants)
    {
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            if (values.IsLive(i) && values.Resolve(i) == i && invariant[i] == invariants)
                Emit(i, kernel.Body[i]);
        }
    }

    private void Emit(int value, Instruction instruction)
    {
        switch (instruction.Code)
        {
            case Opcode.Number:
                current.Add(new(BlockAction.Number, instruction.Type, Target(value), detail: instruction.A));
                break;
            case Opcode.Load:
                EmitLoad(value, instruction);
                break;
            case Opcode.Gather:
                EmitGather(value, instruction);
                break;
            case Opcode.Index:
                var positions = StridedAccess.Create(-1, 0, 8, kernel.Extents.AsSpan(), StridesOf(instruction));
                current.Add(new(BlockAction.Index, instruction.Type, Target(value), detail: Add(accesses, positions)));
                break;
            case Opcode.Store:
                EmitStore(value, instruction);
                break;
            default:
                EmitArithmetic(value, instruction);
                break;
        }
    }

    private void EmitLoad(int value, Instruction instruction)
    {
        if (IsDirect(instruction))
            slots.Assign(value, Direct(instruction.Access!, instruction.Type.Size()));
        else
            current.Add(new(BlockAction.Read, instruction.Type, Target(value), detail: Add(accesses, Strided(instruction))));
    }

    private void EmitGather(int value, Instruction instruction)
    {
        var index = values.Resolve(instruction.A);
        var plan = new GatherPlan(Strided(instruction), values.Type(index), instruction.Stride, instruction.Length, instruction.Asker);
        var y = Target(value);
        current.Add(new(BlockAction.Gather, instruction.Type, y, slots.PointerOf(index), detail: Add(gathers, plan)));
        slots.Release(index);
    }

    private void EmitStore(int store, Instruction instruction)
    {
        var value = values.Resolve(instruction.A);
        if (storedBy[value] == store)
            return;
        var (type, from) = (values.Type(value), slots.PointerOf(value));
        if (IsDirect(instruction))
            current.Add(new(BlockAction.Copy, type, Direct(instruction.Access!, type.Size()), from));
        else
            current.Add(new(BlockAction.Write, type, -1, from, detail: Add(accesses, Strided(instruction))));
        slots.Release(value);
    }

    private void EmitArithmetic(int value, Instruction instruction)
    {
        var type = values.Type(value);
        var operands = KernelValues.Operands(instruction.Code);
        var a = values.Resolve(instruction.A);
        var b = operands > 1 ? values.Resolve(instruction.B) : a;
        var c = operands > 2 ? values.Resolve(instruction.C) : a;
        var (pa, pb, pc) = (slots.PointerOf(a), slots.PointerOf(b), slots.PointerOf(c));

        // Kernels may work in place, element for element; that is safe only where elements have one size.
        values.ForOperands(value, operand => slots.ReleaseIf(operand, values.Type(operand).Size() == type.Size()));
        var y = Target(value);
        values.ForOperands(value, operand => slots.ReleaseIf(operand, values.Type(operand).Size() != type.Size()));
        current.Add(operands switch
        {
            1 => new(BlockAction.Unary, type, y, pa, function: UnaryFunction(instruction, values.Type(a))),
            2 => new(BlockAction.Binary, type, y, pa, pb, function: BinaryFunction(instruction.Code, values.Type(a))),
            _ => new(BlockAction.Select, type, y, pa, pb, pc, (nint)BlockKernels.Select(type)),
        });
    }

    private nint UnaryFunction(Instruction instruction, DType operand) =>
        instruction.Code == Opcode.Cast ? (nint)BlockKernels.Cast(operand, instruction.Type)
        : blocking.Capacity == 1 ? (nint)ScalarKernels.Unary(instruction.Code, operand)
        : (nint)BlockKernels.Unary(instruction.Code, operand);

    private nint BinaryFunction(Opcode code, DType operand) => blocking.Capacity == 1
        ? (nint)ScalarKernels.Binary(code, operand)
        : (nint)BlockKernels.Binary(code, operand);

    private int Target(int value) => storedBy[value] >= 0
        ? slots.Assign(value, Direct(kernel.Body[storedBy[value]].Access!, values.Type(value).Size()))
        : slots.Take(value);

    private int Direct(Access access, int elementSize)
    {
        var strides = space.Project(access.Strides.AsSpan());
        long expected = elementSize;
        var contiguous = true;
        for (var d = strides.Length - 1; d >= 0; d--)
        {
            strides[d] *= elementSize;
            contiguous &= strides[d] == expected;
            expected *= space.Extents[d];
        }

        var pointer = slots.NewPointer();
        directs.Add(new DirectAccess(pointer, access.Buffer, access.Offset * elementSize, contiguous ? elementSize : 0, strides));
        return pointer;
    }

    private StridedAccess Strided(Instruction instruction)
    {
        var access = instruction.Access!;
        var type = instruction.Code == Opcode.Store ? values.Type(values.Resolve(instruction.A)) : instruction.Type;
        return StridedAccess.Create(access.Buffer, access.Offset, type.Size(), kernel.Extents.AsSpan(), access.Strides.AsSpan());
    }

    private static int Add<T>(List<T> list, T item)
    {
        list.Add(item);
        return list.Count - 1;
    }
}
