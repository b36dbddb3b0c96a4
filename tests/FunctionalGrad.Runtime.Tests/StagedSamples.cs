using System.Collections.Immutable;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Makes random staged kernels of instructions that round correctly, so that results can be compared bit for bit.</summary>
internal sealed class StagedSampler(int seed)
{
    private const int GatherLength = 6;

    private static readonly DType[] Types = [DType.Float32, DType.Float64, DType.Float32, DType.Float64, DType.Int32, DType.Int64, DType.Bool];

    private readonly Random random = new(seed);
    private readonly List<BufferInfo> buffers = [];
    private readonly List<NDArray?> arrays = [];
    private readonly List<Instruction> body = [];
    private readonly List<DType> types = [];
    private readonly List<bool> isRow = [];
    private int[] extents = [];
    private int reduceFrom;

    public LoopSample Next()
    {
        extents = Extents();
        var type = Types[random.Next(Types.Length)];
        AddLoad(type, moves: true);
        for (var stage = random.Next(1, 4); stage > 0; stage--)
        {
            for (var i = random.Next(5); i > 0; i--)
                AddInstruction(Types[random.Next(3) == 0 ? random.Next(Types.Length) : Array.IndexOf(Types, type)]);
            for (var i = random.Next(1, 3); i > 0; i--)
                AddFold();
            AddReader();
        }

        for (var i = random.Next(1, 7); i > 0; i--)
            AddInstruction(type);
        for (var i = random.Next(1, 4); i > 0; i--)
            AddStore();
        var reductions = Enumerable.Range(0, random.Next(3)).Select(_ => AddReduction()).ToImmutableArray();
        long[] numbers = [BitConverter.DoubleToInt64Bits(0.75), 3];
        return new(new Kernel([.. extents], reduceFrom, extents.Length - reduceFrom, [.. body], reductions), [.. buffers], [.. arrays], numbers);
    }

    private int[] Extents()
    {
        int[] sizes = [1, 2, 3, 5, 7, 13, 17, 31, 37, 64];
        int[] rows = [0, 1, 2, 3, 7, 15, 16, 17, 31, 33, 64, 101, 256, 509, 2048, 2053, 4099];
        reduceFrom = random.Next(3);
        var outer = Enumerable.Range(0, reduceFrom).Select(_ => sizes[random.Next(sizes.Length)]).ToArray();
        if (outer.Length > 0 && random.Next(25) == 0)
            outer[random.Next(outer.Length)] = 0;
        var row = rows[random.Next(rows.Length)];
        if (row > 300 && outer.Length > 0)
            outer = [.. outer.Select(e => Math.Min(e, 3))];
        return [.. outer, .. random.Next(3) switch { 0 when row < 100 => [row, sizes[random.Next(6)]], 1 => [1, row], _ => new[] { row } }];
    }

    private bool IsReduced(int d) => d >= reduceFrom;

    /// <summary>A random index map that moves along the row or does not, and the elements that its buffer must have.</summary>
    private (ImmutableArray<long> Strides, long Offset, int Size) Map(bool moves, bool repeats)
    {
        var order = Enumerable.Range(0, extents.Length).ToArray();
        if (random.Next(3) == 0)
            random.Shuffle(order);
        var strides = new long[extents.Length];
        long step = 1, offset = random.Next(3);
        foreach (var d in order.Reverse())
        {
            if (IsReduced(d) ? !moves : repeats && random.Next(4) == 0)
                continue;
            var reversed = random.Next(6) == 0;
            strides[d] = reversed ? -step : step;
            offset += reversed && extents[d] > 0 ? step * (extents[d] - 1) : 0;
            step *= Math.Max(extents[d], 1) + (random.Next(8) == 0 ? 1 : 0);
        }

        return ([.. strides], offset, (int)(offset + step));
    }

    private int AddLoad(DType type, bool moves, int below = 5)
    {
        var (strides, offset, size) = Map(moves, repeats: true);
        return Add(new Instruction(Opcode.Load, type, Access: new Access(AddInput(type, size, below), offset, strides)), type, !moves);
    }

    private int AddInput(DType type, int size, int below)
    {
        buffers.Add(new BufferInfo(BufferKind.Input, Shape.Of(size), type));
        arrays.Add(type switch
        {
            DType.Float32 => NDArray.Create<float>(Shape.Of(size), Fill(size, () => Real() is var x && random.Next(900) == 0 ? float.NaN : (float)x)),
            DType.Float64 => NDArray.Create<double>(Shape.Of(size), Fill(size, Real)),
            DType.Int32 => NDArray.Create<int>(Shape.Of(size), Fill(size, () => random.Next(below))),
            DType.Int64 => NDArray.Create<long>(Shape.Of(size), Fill(size, () => (long)random.Next(below))),
            _ => NDArray.Create<bool>(Shape.Of(size), Fill(size, () => random.Next(2) == 0)),
        });
        return buffers.Count - 1;
    }

    /// <summary>Far from round, so that another order of a sum gives other bits.</summary>
    private double Real() => (random.NextDouble() * 4) - 2;

    private static T[] Fill<T>(int size, Func<T> next) => [.. Enumerable.Range(0, size).Select(_ => next())];

    private void AddInstruction(DType type)
    {
        switch (random.Next(8))
        {
            case 0:
                AddLoad(type, moves: random.Next(2) == 0);
                break;
            case 1:
                Add(new Instruction(Opcode.Number, type, type.IsFloat() ? 0 : 1), type, true);
                break;
            case 2:
                var d = random.Next(extents.Length);
                Add(new Instruction(Opcode.Index, type, d), type, !IsReduced(d));
                break;
            case 3:
                AddGather(type);
                break;
            case 4:
                var (condition, chosen) = (Value(v => types[v] == DType.Bool), Value(_ => true));
                if (condition >= 0)
                    AddOperation(Opcode.Select, types[chosen], types[chosen], condition, chosen, Value(v => types[v] == types[chosen]));
                break;
            case 5:
                var integer = Value(v => !types[v].IsFloat() || type.IsFloat());
                if (integer >= 0)
                    AddOperation(Opcode.Cast, type, type, integer);
                break;
            default:
                AddArithmetic();
                break;
        }
    }

    private void AddGather(DType type)
    {
        var index = AddLoad(random.Next(2) == 0 ? DType.Int32 : DType.Int64, moves: random.Next(2) == 0, GatherLength);
        var moves = random.Next(2) == 0;
        var (strides, offset, size) = Map(moves, repeats: true);
        var stride = random.Next(3);
        var buffer = AddInput(type, size + (stride * (GatherLength - 1)), 5);
        Add(new Instruction(Opcode.Gather, type, index, Access: new Access(buffer, offset, strides), Stride: stride, Length: GatherLength), type, !moves && isRow[index]);
    }

    private void AddArithmetic()
    {
        var a = Value(_ => true);
        var type = types[a];
        var b = Value(v => types[v] == type);
        Opcode[] codes = type == DType.Bool ? [Opcode.And, Opcode.Or] : [Opcode.Add, Opcode.Sub, Opcode.Mul, Opcode.Max, Opcode.Min, Opcode.Less];
        var code = codes[random.Next(codes.Length)];
        var result = code == Opcode.Less ? DType.Bool : type;
        if (random.Next(4) > 0)
            AddOperation(code, type, result, a, b);
        else
            AddOperation(type == DType.Bool ? Opcode.Not : Opcode.Neg, type, type, a);
    }

    private void AddOperation(Opcode code, DType type, DType result, int a, int b = -1, int c = -1) =>
        Add(new Instruction(code, type, a, b, c), result, isRow[a] && (b < 0 || isRow[b]) && (c < 0 || isRow[c]));

    private void AddFold()
    {
        var value = Value(v => !isRow[v]);
        var fold = AnyFold(types[value]);
        var type = fold is Fold.ArgMax or Fold.ArgMin ? DType.Int64 : types[value];
        Add(new Instruction(Opcode.Fold, type, value, (int)fold), type, true);
    }

    /// <summary>An element that reads the last fold, so that another fold may come after it.</summary>
    private void AddReader()
    {
        var fold = body.Count - 1;
        if (Value(v => !isRow[v] && types[v] == types[fold]) is >= 0 and var element)
            AddOperation(types[fold] == DType.Bool ? Opcode.Or : Opcode.Sub, types[fold], types[fold], element, fold);
    }

    private Fold AnyFold(DType type) => type == DType.Bool
        ? (Fold)random.Next(2, 6)
        : random.Next(2) == 0 ? Fold.Sum : (Fold)random.Next(6);

    private Reduction AddReduction()
    {
        var value = Value(v => !isRow[v]);
        var fold = types[value].IsFloat() ? (Fold)random.Next(2, 6) : AnyFold(types[value]);
        var (strides, offset, size) = Map(moves: false, repeats: false);
        return new Reduction(fold, value, new Access(AddOutput(fold is Fold.ArgMax or Fold.ArgMin ? DType.Int64 : types[value], size), offset, strides));
    }

    private void AddStore()
    {
        var value = random.Next(3) == 0 ? Value(_ => true) : body.Count - 1;
        while (body[value].Code == Opcode.Store)
            value--;
        var (strides, offset, size) = Map(!isRow[value], repeats: false);
        Add(new Instruction(Opcode.Store, types[value], value, Access: new Access(AddOutput(types[value], size), offset, strides)), types[value], isRow[value]);
    }

    private int AddOutput(DType type, int size)
    {
        buffers.Add(new BufferInfo(BufferKind.Output, Shape.Of(size), type));
        arrays.Add(null);
        return buffers.Count - 1;
    }

    private int Add(Instruction instruction, DType type, bool row)
    {
        body.Add(instruction);
        types.Add(type);
        isRow.Add(row);
        return body.Count - 1;
    }

    /// <summary>One of the values so far that fit, late ones more often; −1 if none does.</summary>
    private int Value(Func<int, bool> fits)
    {
        var known = Enumerable.Range(0, body.Count).Where(i => body[i].Code != Opcode.Store && fits(i)).ToArray();
        return known.Length == 0 ? -1 : known[Math.Max(random.Next(known.Length), random.Next(known.Length))];
    }
}
