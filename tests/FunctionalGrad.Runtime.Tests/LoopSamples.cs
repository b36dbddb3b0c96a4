using System.Collections.Immutable;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>A kernel with all that it needs to run.</summary>
internal sealed record LoopSample(Kernel Kernel, BufferInfo[] Buffers, NDArray?[] Arrays, long[] Numbers)
{
    public NDArray[] Inputs => [.. Arrays.Where(array => array is not null).Select(array => array!)];
}

/// <summary>Makes random kernels: extents of all sizes, permuted, reversed, repeated and padded accesses, all types, all folds.</summary>
internal sealed class LoopSampler(int seed)
{
    private static readonly DType[] Types = [DType.Float32, DType.Float64, DType.Int32, DType.Int64, DType.Bool];

    private readonly Random random = new(seed);
    private readonly List<BufferInfo> buffers = [];
    private readonly List<NDArray?> arrays = [];
    private readonly List<Instruction> body = [];
    private readonly List<DType> types = [];
    private readonly HashSet<int> inexact = [];
    private readonly List<long> numbers = [];
    private int[] extents = [];

    public LoopSample Next()
    {
        var (isWide, isCopy) = (random.Next(4) == 0, random.Next(20) == 0);
        extents = isWide ? WideExtents() : isCopy ? [random.Next(8, 40), random.Next(1, 5), random.Next(8, 40)] : Extents();
        var (from, count) = isWide ? (1, 1) : (0, 0);
        if (!isWide && random.Next(4) > 0)
        {
            from = random.Next(extents.Length + 1);
            count = random.Next(extents.Length - from + 1);
        }

        for (var i = isCopy ? 1 : random.Next(1, 4); i > 0; i--)
            AddLoad(Types[random.Next(Types.Length)]);
        for (var i = isCopy ? 0 : random.Next(10); i > 0; i--)
            AddInstruction();
        var reduces = !isCopy && random.Next(3) > 0;
        var reductions = Enumerable.Range(0, reduces ? random.Next(1, 4) : 0).Select(_ => AddReduction(from, count)).ToImmutableArray();
        for (var i = reduces ? random.Next(3) : random.Next(1, 3); i > 0; i--)
            AddStore();
        var kernel = new Kernel([.. extents], from, count, [.. body], reductions);
        return new(kernel, [.. buffers], [.. arrays], [.. numbers]);
    }

    /// <summary>A reduced extent before lanes that do not fit into one block, in one piece or in two.</summary>
    private int[] WideExtents() => random.Next(2) == 0
        ? [random.Next(1, 4), random.Next(2, 7), random.Next(300, 3000)]
        : [random.Next(1, 4), random.Next(2, 7), random.Next(2, 5), random.Next(200, 1000)];

    private int[] Extents()
    {
        int[] small = [1, 2, 3, 4, 5, 7, 10, 16, 17, 30];
        int[] large = [64, 100, 255, 256, 300, 513, 1000, 2100];
        var chosen = new int[random.Next(5)];
        long total = 1;
        for (var d = 0; d < chosen.Length; d++)
        {
            var candidate = random.Next(3) == 0 ? large[random.Next(large.Length)] : small[random.Next(small.Length)];
            chosen[d] = total * candidate > 60_000 ? 1 : candidate;
            total *= chosen[d];
        }

        if (chosen.Length > 0 && random.Next(20) == 0)
            chosen[random.Next(chosen.Length)] = 0;
        return chosen;
    }

    /// <summary>A random index map and how many elements its buffer must have.</summary>
    private (ImmutableArray<long> Strides, long Offset, int Size) Map(int[] sizes, bool repeats)
    {
        var order = Enumerable.Range(0, sizes.Length).ToArray();
        if (random.Next(3) == 0)
            random.Shuffle(order);
        var strides = new long[sizes.Length];
        long step = 1, offset = random.Next(3) == 0 ? random.Next(5) : 0;
        var padded = random.Next(4) == 0;
        foreach (var d in order.Reverse())
        {
            if (repeats && random.Next(4) == 0)
                continue;
            var reversed = random.Next(8) == 0;
            strides[d] = reversed ? -step : step;
            offset += reversed && sizes[d] > 0 ? step * (sizes[d] - 1) : 0;
            step *= Math.Max(sizes[d], 1) + (padded ? random.Next(2) : 0);
        }

        return ([.. strides], offset, (int)(offset + step));
    }

    private void AddLoad(DType type)
    {
        var (strides, offset, size) = Map(extents, repeats: true);
        Add(new Instruction(Opcode.Load, type, Access: new Access(AddInput(type, size, 5), offset, strides)), type);
    }

    private int AddInput(DType type, int size, int below)
    {
        buffers.Add(new BufferInfo(BufferKind.Input, Shape.Of(size), type));
        arrays.Add(RandomArray(type, size, below));
        return buffers.Count - 1;
    }

    private NDArray RandomArray(DType type, int size, int below) => type switch
    {
        DType.Float32 => NDArray.Create<float>(Shape.Of(size), Fill(size, () => random.Next(500) == 0 ? float.NaN : random.Next(-8, 9) / 4f)),
        DType.Float64 => NDArray.Create<double>(Shape.Of(size), Fill(size, () => random.Next(500) == 0 ? double.NaN : random.Next(-8, 9) / 4.0)),
        DType.Int32 => NDArray.Create<int>(Shape.Of(size), Fill(size, () => random.Next(below))),
        DType.Int64 => NDArray.Create<long>(Shape.Of(size), Fill(size, () => (long)random.Next(below))),
        _ => NDArray.Create<bool>(Shape.Of(size), Fill(size, () => random.Next(2) == 0)),
    };

    private static T[] Fill<T>(int size, Func<T> next)
    {
        var elements = new T[size];
        for (var i = 0; i < size; i++)
            elements[i] = next();
        return elements;
    }

    private void AddInstruction()
    {
        switch (random.Next(9))
        {
            case 0:
                AddLoad(Types[random.Next(Types.Length)]);
                break;
            case 1:
                AddNumber();
                break;
            case 2 when extents.Length > 0:
                var positionType = Types[random.Next(Types.Length)];
                Add(new Instruction(Opcode.Index, positionType, random.Next(extents.Length)), positionType);
                break;
            case 3:
                AddGather();
                break;
            case 4:
                var to = Types[random.Next(Types.Length)];
                AddUnary(Opcode.Cast, Value(exact: true), to, to);
                break;
            case 5:
                AddSelect();
                break;
            default:
                AddArithmetic();
                break;
        }
    }

    private void AddNumber()
    {
        var type = Types[random.Next(Types.Length)];
        numbers.Add(type.IsFloat() ? BitConverter.DoubleToInt64Bits(random.Next(-8, 9) / 4.0) : random.Next(5));
        Add(new Instruction(Opcode.Number, type, numbers.Count - 1), type);
    }

    private void AddGather()
    {
        const int Length = 7;
        var (indexMap, indexOffset, indexSize) = Map(extents, repeats: true);
        var indexType = random.Next(2) == 0 ? DType.Int32 : DType.Int64;
        var index = Add(new Instruction(Opcode.Load, indexType, Access: new Access(AddInput(indexType, indexSize, Length), indexOffset, indexMap)), indexType);
        var type = Types[random.Next(Types.Length)];
        var (strides, offset, size) = Map(extents, repeats: true);
        var stride = random.Next(3);
        var buffer = AddInput(type, size + (stride * (Length - 1)), 5);
        Add(new Instruction(Opcode.Gather, type, index, Access: new Access(buffer, offset, strides), Stride: stride, Length: Length), type);
    }

    private void AddSelect()
    {
        var condition = ValueOf(DType.Bool);
        var a = Value(exact: false);
        if (condition < 0)
            return;
        var same = Enumerable.Range(0, body.Count).Where(i => body[i].Code != Opcode.Store && types[i] == types[a]).ToArray();
        var b = same[random.Next(same.Length)];
        Taint(Add(new Instruction(Opcode.Select, types[a], condition, a, b), types[a]), a, b);
    }

    private void AddArithmetic()
    {
        var a = Value(exact: false);
        var type = types[a];
        var b = ValueOf(type);
        Opcode[] codes = type == DType.Bool
            ? [Opcode.And, Opcode.Or, Opcode.Not]
            : [Opcode.Add, Opcode.Sub, Opcode.Mul, Opcode.Max, Opcode.Min, Opcode.Neg, Opcode.Abs, Opcode.Less, Opcode.Equal];
        if (type.IsFloat())
            codes = [.. codes, Opcode.Tanh, Opcode.IsNaN];
        var code = codes[random.Next(codes.Length)];
        if (code is Opcode.Less or Opcode.Equal && (inexact.Contains(a) || inexact.Contains(b)))
            return;
        if (code is Opcode.Neg or Opcode.Abs or Opcode.Tanh or Opcode.Not or Opcode.IsNaN)
            AddUnary(code, a, type, code == Opcode.IsNaN ? DType.Bool : type);
        else
            Taint(Add(new Instruction(code, type, a, b), code is Opcode.Less or Opcode.Equal ? DType.Bool : type), a, b);
        if (code == Opcode.Tanh)
            inexact.Add(body.Count - 1);
    }

    private void AddUnary(Opcode code, int a, DType type, DType result)
    {
        if (code == Opcode.IsNaN)
            Add(new Instruction(code, type, a), result);
        else
            Taint(Add(new Instruction(code, type, a), result), a, a);
    }

    private Reduction AddReduction(int from, int count)
    {
        var reduced = extents.Skip(from).Take(count).Aggregate(1L, (product, e) => product * e);
        Fold[] folds = reduced <= 8 ? Enum.GetValues<Fold>() : [Fold.Sum, Fold.Max, Fold.Min, Fold.ArgMax, Fold.ArgMin];
        var fold = folds[random.Next(folds.Length)];
        var value = Value(exact: fold is Fold.ArgMax or Fold.ArgMin);
        if (types[value] == DType.Bool && fold is Fold.Sum or Fold.Prod)
            fold = Fold.Max;
        var sizes = extents.Select((e, d) => d >= from && d < from + count ? 1 : e).ToArray();
        var (map, offset, size) = Map(sizes, repeats: false);
        var strides = map.Select((s, d) => d >= from && d < from + count ? 0 : s).ToImmutableArray();
        var type = fold is Fold.ArgMax or Fold.ArgMin ? DType.Int64 : types[value];
        return new Reduction(fold, value, new Access(AddOutput(type, size), offset, strides));
    }

    private void AddStore()
    {
        var value = Value(exact: false);
        var (strides, offset, size) = Map(extents, repeats: false);
        Add(new Instruction(Opcode.Store, types[value], value, Access: new Access(AddOutput(types[value], size), offset, strides)), types[value]);
    }

    private int AddOutput(DType type, int size)
    {
        buffers.Add(new BufferInfo(BufferKind.Output, Shape.Of(size), type));
        arrays.Add(null);
        return buffers.Count - 1;
    }

    private int Add(Instruction instruction, DType type)
    {
        body.Add(instruction);
        types.Add(type);
        return body.Count - 1;
    }

    private void Taint(int value, int a, int b)
    {
        if (inexact.Contains(a) || inexact.Contains(b))
            inexact.Add(value);
    }

    private int Value(bool exact)
    {
        var known = Enumerable.Range(0, body.Count).Where(i => body[i].Code != Opcode.Store && (!exact || !inexact.Contains(i))).ToArray();
        return known[random.Next(known.Length)];
    }

    private int ValueOf(DType type)
    {
        var known = Enumerable.Range(0, body.Count).Where(i => body[i].Code != Opcode.Store && types[i] == type).ToArray();
        return known.Length == 0 ? -1 : known[random.Next(known.Length)];
    }
}
