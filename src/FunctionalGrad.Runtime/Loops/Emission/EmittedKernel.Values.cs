using System.Reflection.Emit;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <content>What instructions compute.</content>
internal sealed unsafe partial class EmittedKernel
{
    private Region Entry => levels[0];

    /// <summary>The value of an instruction, as a region sees it.</summary>
    private Value ValueOf(int instruction, Region region, int stage)
    {
        instruction = values.Resolve(instruction);
        var home = moves[instruction] ? region : rows[0];
        if (known.TryGetValue((instruction, home), out var found))
            return found;
        if (moves[instruction] && rowBuffers.TryGetValue(instruction, out var buffer) && stages[instruction] < stage)
            found = FromRowBuffer(instruction, buffer, region);
        else
            found = Compute(instruction, region, stage);
        known[(instruction, home)] = found;
        return found;
    }

    private Value Compute(int i, Region region, int stage)
    {
        var instruction = kernel.Body[i];
        switch (instruction.Code)
        {
            case Opcode.Number:
                return NumberValue(instruction);
            case Opcode.Load:
                return LoadValue(i, instruction, region);
            case Opcode.Gather:
                return GatherValue(i, instruction, region, stage);
            case Opcode.Index:
                return IndexValue(i, instruction, region);
            case Opcode.Fold:
                return FoldValue(i);
        }

        var operands = new List<Value>(3);
        values.ForOperands(i, operand => operands.Add(ValueOf(operand, region, stage)));
        return instruction.Code switch
        {
            Opcode.Cast => Cast(operands[0], instruction.Type, region),
            Opcode.Select => Select(operands[0], operands[1], operands[2]),
            Opcode.Less or Opcode.LessEqual or Opcode.Equal or Opcode.NotEqual => Compare(instruction.Code, operands[0], operands[1]),
            Opcode.IsNaN => IsNaN(operands[0]),
            _ when values.Type(i) == DType.Bool => Truth(instruction.Code, operands[0], operands.Count > 1 ? operands[1] : null),
            _ => Arithmetic(instruction.Code, values.Type(i), operands, region),
        };
    }

    private RecordedArithmetic On(DType type) => new(machine, Element(type), Entry, frame.Constants);

    private Value NumberValue(Instruction instruction)
    {
        var type = instruction.Type;
        var offset = instruction.A * sizeof(long);
        var element = Element(type);
        var create = machine.Method("Create", element);
        var code = Entry.Add(new Code(create.ReturnType, Entry, [], il =>
        {
            frame.Numbers.Load(il);
            il.Emit(OpCodes.Ldc_I4, offset);
            il.Emit(OpCodes.Add);
            EmitNumber(il, type, element);
            il.Emit(OpCodes.Call, create);
        }));
        return new Value(type, Repeat(code, type));
    }

    /// <summary>From the address of a number's bits to the element.</summary>
    private static void EmitNumber(ILGenerator il, DType type, DType element)
    {
        if (type.IsFloat())
        {
            il.Emit(OpCodes.Ldind_R8);
            if (type == DType.Float32)
                il.Emit(OpCodes.Conv_R4);
            return;
        }

        il.Emit(OpCodes.Ldind_I8);
        if (type == DType.Bool)
            il.Emit(OpCodes.Neg);
        if (element == DType.Int32)
            il.Emit(OpCodes.Conv_I4);
    }

    /// <summary>The same vector for each of a value's parts.</summary>
    private Code[] Repeat(Code code, DType type)
    {
        var parts = new Code[Parts(type)];
        Array.Fill(parts, code);
        return parts;
    }

    /// <summary>The type of the lanes: truth values are masks of the narrowest elements.</summary>
    private DType Element(DType type) => type == DType.Bool ? narrow : type;

    /// <summary>How many vectors a value takes.</summary>
    private int Parts(DType type) => lanes / machine.Count(Element(type));

    private Value Arithmetic(Opcode code, DType type, List<Value> operands, Region region)
    {
        var count = operands[0].Parts.Length;
        var parts = new Code[count];
        for (var p = 0; p < count; p++)
            parts[p] = Arithmetic(code, type, [.. operands.Select(operand => operand.Parts[p])], ActiveLanes(region, type, p));
        return new Value(type, parts);
    }

    private Code Arithmetic(Opcode code, DType type, Code[] x, int count)
    {
        var a = On(type);
        if (type.IsFloat() || code is not (Opcode.Div or Opcode.Pow or Opcode.Remainder))
        {
            switch (code)
            {
                case Opcode.Neg: return a.Neg(x[0]);
                case Opcode.Abs: return a.Abs(x[0]);
                case Opcode.Sign: return default(SignKernel).Apply(a, x[0]);
                case Opcode.Sqrt: return a.Sqrt(x[0]);
                case Opcode.Rsqrt: return default(RsqrtKernel).Apply(a, x[0]);
                case Opcode.Floor: return a.Floor(x[0]);
                case Opcode.Ceil: return a.Ceil(x[0]);
                case Opcode.Round: return a.Round(x[0]);
                case Opcode.Trunc: return a.Trunc(x[0]);
                case Opcode.Not: return a.Not(x[0]);
                case Opcode.Add: return a.Add(x[0], x[1]);
                case Opcode.Sub: return a.Sub(x[0], x[1]);
                case Opcode.Mul: return a.Mul(x[0], x[1]);
                case Opcode.Div: return a.Div(x[0], x[1]);
                case Opcode.Max: return a.Max(x[0], x[1]);
                case Opcode.Min: return a.Min(x[0], x[1]);
                case Opcode.And: return a.And(x[0], x[1]);
                case Opcode.Or: return a.Or(x[0], x[1]);
                case Opcode.Xor: return a.Xor(x[0], x[1]);
            }
        }

        if (type.IsFloat() && !outOfLine && Transcendental(a, code, x) is { } inline)
            return Partial(code) is { } ? Patched(code, type, inline, x[0], count) : inline;
        var width = count == 1 ? VectorWidth.One : VectorWidth.Bits;
        return x.Length == 1
            ? Called((nint)BlockKernels.Unary(code, type, width), type, x, count)
            : Called((nint)BlockKernels.Binary(code, type, width), type, x, count);
    }

    private static Code? Transcendental(RecordedArithmetic a, Opcode code, Code[] x) => code switch
    {
        Opcode.Exp => Polynomials.Exp(a, x[0]),
        Opcode.Expm1 => Polynomials.Expm1(a, x[0]),
        Opcode.Log => Polynomials.Log(a, x[0]),
        Opcode.Log1p => Polynomials.Log1p(a, x[0]),
        Opcode.Tanh => Polynomials.Tanh(a, x[0]),
        Opcode.Sigmoid => Polynomials.Sigmoid(a, x[0]),
        Opcode.Softplus => Polynomials.Softplus(a, x[0]),
        Opcode.Erf => Polynomials.Erf(a, x[0]),
        Opcode.Erfc => Polynomials.Erfc(a, x[0]),
        Opcode.Pow => Polynomials.Pow(a, x[0], x[1]),
        Opcode.Sin => Polynomials.Sin(a, x[0]),
        Opcode.Cos => Polynomials.Cos(a, x[0]),
        Opcode.Tan => Polynomials.Tan(a, x[0]),
        _ => null,
    };

    private static Opcode? Partial(Opcode code) => code is Opcode.Sin or Opcode.Cos or Opcode.Tan ? code : null;

    private Value Select(Value condition, Value x, Value y)
    {
        var masks = x.Type == DType.Bool ? condition.Parts : Widened(condition, x.Type);
        var a = On(x.Type);
        return new Value(x.Type, [.. masks.Select((mask, p) => a.Select(mask, x.Parts[p], y.Parts[p]))]);
    }

    private Value Compare(Opcode code, Value x, Value y)
    {
        if (x.Type == DType.Bool)
            return Truth(code, x, y);
        var a = On(x.Type);
        var masks = x.Parts.Select((part, p) => code switch
        {
            Opcode.Less => a.Less(part, y.Parts[p]),
            Opcode.LessEqual => a.LessEqual(part, y.Parts[p]),
            Opcode.Equal => a.Equal(part, y.Parts[p]),
            _ => a.Not(a.Equal(part, y.Parts[p])),
        });
        return Narrowed([.. masks], x.Type);
    }

    private Value IsNaN(Value x)
    {
        var a = On(x.Type);
        return Narrowed([.. x.Parts.Select(part => a.Not(a.Equal(part, part)))], x.Type);
    }

    private Value Truth(Opcode code, Value x, Value? y) => new(DType.Bool, [.. x.Parts.Select((part, p) => Truth(code, part, y?.Parts[p]))]);

    private Code Truth(Opcode code, Code x, Code? y)
    {
        var a = On(narrow);
        return code switch
        {
            Opcode.Not => a.Not(x),
            Opcode.And or Opcode.Min => a.And(x, y!),
            Opcode.Or or Opcode.Max => a.Or(x, y!),
            Opcode.Xor or Opcode.NotEqual => a.Xor(x, y!),
            Opcode.Equal => a.Not(a.Xor(x, y!)),
            Opcode.Less => a.And(a.Not(x), y!),
            Opcode.LessEqual => a.Or(a.Not(x), y!),
            _ => throw new InvalidOperationException($"{code} is not defined for truth values."),
        };
    }

    /// <summary>A mask for each vector of a value of a type.</summary>
    private Code[] Widened(Value mask, DType type)
    {
        if (Parts(type) == mask.Parts.Length)
            return [.. mask.Parts.Select(part => RecordedArithmetic.As(machine, part, narrow, type))];
        return [.. Halves(mask.Parts, narrow).Select(part => RecordedArithmetic.As(machine, part, DType.Int64, type))];
    }

    private Value Narrowed(Code[] masks, DType type)
    {
        if (masks.Length == Parts(DType.Bool))
            return new Value(DType.Bool, [.. masks.Select(part => RecordedArithmetic.As(machine, part, type, narrow))]);
        return new Value(DType.Bool, Joined([.. masks.Select(part => RecordedArithmetic.As(machine, part, type, DType.Int64))], DType.Int64));
    }

    /// <summary>Two vectors of wider elements for each of narrow ones.</summary>
    private Code[] Halves(Code[] parts, DType type) =>
        [.. parts.SelectMany(part => (Code[])[Recording.Call(machine.Method("WidenLower", type), part), Recording.Call(machine.Method("WidenUpper", type), part)])];

    /// <summary>One vector of narrower elements for each two of wide ones.</summary>
    private Code[] Joined(Code[] parts, DType type) =>
        [.. parts.Chunk(2).Select(pair => Recording.Call(machine.Method("Narrow", type), pair[0], pair[1]))];

    private Value Cast(Value x, DType to, Region region)
    {
        if (x.Type == to)
            return x;
        if (x.Type == DType.Bool)
        {
            var a = On(to);
            return new Value(to, [.. Widened(x, to).Select(mask => a.And(mask, a.Constant(1)))]);
        }

        if (to == DType.Bool)
        {
            var a = On(x.Type);
            return Narrowed([.. x.Parts.Select(part => a.Not(a.Equal(part, a.Constant(0))))], x.Type);
        }

        return (x.Type, to) switch
        {
            (DType.Float32, DType.Float64) or (DType.Int32, DType.Int64) => new Value(to, Halves(x.Parts, x.Type)),
            (DType.Float64, DType.Float32) or (DType.Int64, DType.Int32) => new Value(to, Joined(x.Parts, x.Type)),
            (DType.Int32, DType.Float32) => Converted("ConvertToSingle", x, to),
            (DType.Float32, DType.Int32) => Converted("ConvertToInt32", x, to),
            _ => CastByCall(x, to, region),
        };
    }

    private Value Converted(string name, Value x, DType to) =>
        new(to, [.. x.Parts.Select(part => Recording.Call(machine.Method(name, x.Type), part))]);
}
