using System.Reflection.Emit;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <content>What instructions compute.</content>
internal sealed unsafe partial class EmittedKernel
{
    /// <summary>A function that is called for a few elements in memory: one without a vector form, or one that would make the method too long.</summary>
    private const int CallArea = 4 * 64;

    /// <summary>Where a call finds its operands and leaves its result.</summary>
    private long callOffset = -1;

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

    private RecordedArithmetic On(DType type) => new(machine, type == DType.Bool ? narrow : type, Entry, frame.Constants);

    private Value NumberValue(Instruction instruction)
    {
        var type = instruction.Type;
        var offset = instruction.A * sizeof(long);
        var element = type == DType.Bool ? narrow : type;
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

    /// <summary>How many vectors a value takes.</summary>
    private int Parts(DType type) => lanes / machine.Count(type == DType.Bool ? narrow : type);

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

    /// <summary>The polynomial's value, or, if it does not reach some lane, what the function gives when it is called.</summary>
    private Code Patched(Opcode code, DType type, Code inline, Code x, int count)
    {
        var beyond = Polynomials.BeyondTrigonometric(On(type), x);
        var any = machine.Move("IsAnySet", type);
        var function = (nint)BlockKernels.Unary(code, type);
        var area = Area();
        var vector = machine.Vector(type);
        return inline.Region.Add(new Code(vector, inline.Region, [inline, x, beyond], il =>
        {
            var (y, given, isBeyond, done) = (locals!.Take(vector), locals.Take(vector), locals.Take(typeof(bool)), il.DefineLabel());
            il.Emit(OpCodes.Call, any);
            il.Emit(OpCodes.Stloc, isBeyond);
            il.Emit(OpCodes.Stloc, given);
            il.Emit(OpCodes.Stloc, y);
            il.Emit(OpCodes.Ldloc, isBeyond);
            il.Emit(OpCodes.Brfalse, done);
            il.Emit(OpCodes.Ldloc, given);
            EmitCall(il, function, area, [x], count);
            LoadScratch(il, area, vector);
            il.Emit(OpCodes.Stloc, y);
            il.MarkLabel(done);
            il.Emit(OpCodes.Ldloc, y);
            foreach (var local in (LocalBuilder[])[y, given, isBeyond])
                locals.Release(local);
        })
        { IsPinned = true });
    }

    /// <summary>The result of a function over elements in memory.</summary>
    private Code Called(nint function, DType type, Code[] operands, int count, DType? result = null)
    {
        var region = operands.MaxBy(operand => operand.Region.Number)!.Region;
        var area = Area();
        var vector = machine.Vector(result ?? type);
        return region.Add(new Code(vector, region, operands, il =>
        {
            EmitCall(il, function, area, operands, count);
            LoadScratch(il, area, vector);
        }));
    }

    private long Area()
    {
        if (callOffset < 0)
            callOffset = TakeScratch(CallArea);
        return callOffset;
    }

    /// <summary>Takes values from the stack into scratch memory, so many bytes apart.</summary>
    private void Spill(ILGenerator il, Code[] given, long area, int apart)
    {
        for (var k = given.Length - 1; k >= 0; k--)
        {
            var value = locals!.Take(given[k].Type);
            il.Emit(OpCodes.Stloc, value);
            PushScratch(il, area + (apart * k));
            il.Emit(OpCodes.Ldloc, value);
            il.Emit(OpCodes.Unaligned, (byte)1);
            il.Emit(OpCodes.Stobj, given[k].Type);
            locals.Release(value);
        }
    }

    /// <summary>Calls a function (operands…, result, count) of operands on the stack; the result lies where the first operand lay.</summary>
    private void EmitCall(ILGenerator il, nint function, long area, Code[] operands, int count)
    {
        Spill(il, operands, area, 64);
        var parameters = new List<Type>();
        for (var k = 0; k <= operands.Length; k++)
        {
            PushScratch(il, area + (k < operands.Length ? 64 * k : 0));
            parameters.Add(typeof(void*));
        }

        il.Emit(OpCodes.Ldc_I4, count);
        il.Emit(OpCodes.Conv_I);
        EmitCalli(il, function, [.. parameters, typeof(nint)]);
    }

    private static void EmitCalli(ILGenerator il, nint function, params Type[] parameters)
    {
        il.Emit(OpCodes.Ldc_I8, (long)function);
        il.Emit(OpCodes.Conv_I);
        il.EmitCalli(OpCodes.Calli, System.Reflection.CallingConventions.Standard, typeof(void), parameters, null);
    }

    private void PushScratch(ILGenerator il, long offset)
    {
        frame.Scratch.Load(il);
        il.Emit(OpCodes.Ldc_I4, (int)offset);
        il.Emit(OpCodes.Add);
    }

    private void LoadScratch(ILGenerator il, long offset, Type type)
    {
        PushScratch(il, offset);
        il.Emit(OpCodes.Unaligned, (byte)1);
        il.Emit(OpCodes.Ldobj, type);
    }

    private long TakeScratch(long bytes)
    {
        var offset = scratchBytes;
        scratchBytes += (bytes + 63) & -64;
        return offset;
    }

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

    /// <summary>A conversion that the interpreter's loop does: the parts lie side by side, and so do those of the result.</summary>
    private Value CastByCall(Value x, DType to, Region region)
    {
        var home = x.Parts.MaxBy(part => part.Region.Number)!.Region;
        var bytes = machine.Bits / 8;
        var from = TakeScratch(bytes * x.Parts.Length);
        var target = TakeScratch(bytes * Parts(to));
        var function = (nint)BlockKernels.Cast(x.Type, to);
        var count = ActiveElements(region);
        var parts = new Code[Parts(to)];
        parts[0] = home.Add(new Code(machine.Vector(to), home, x.Parts, il =>
        {
            Spill(il, x.Parts, from, bytes);
            PushScratch(il, from);
            PushScratch(il, target);
            il.Emit(OpCodes.Ldc_I4, count);
            il.Emit(OpCodes.Conv_I);
            EmitCalli(il, function, typeof(void*), typeof(void*), typeof(nint));
            LoadScratch(il, target, machine.Vector(to));
        })
        { IsPinned = true });
        for (var p = 1; p < parts.Length; p++)
        {
            // It waits for the first part, whose computation leaves it in memory.
            var place = target + (bytes * p);
            parts[p] = home.Add(new Code(machine.Vector(to), home, [parts[0]], il =>
            {
                il.Emit(OpCodes.Pop);
                LoadScratch(il, place, machine.Vector(to));
            })
            { IsPinned = true });
        }

        return new Value(to, parts);
    }
}
