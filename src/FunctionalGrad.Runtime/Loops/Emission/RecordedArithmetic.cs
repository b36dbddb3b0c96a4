using System.Reflection;
using System.Reflection.Emit;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <summary>
/// The arithmetic of kernels and polynomials, written down instead of carried out: what a polynomial does with values becomes code that is
/// emitted into the loop around it.
/// </summary>
internal readonly struct RecordedArithmetic(VectorMachine machine, DType type, Region entry, LocalHolder constants) : IArithmetic<Code>
{
    private DType Integer => type.Size() == 8 ? DType.Int64 : DType.Int32;

    public bool IsWide => type.Size() == 8;

    public Code Constant(double value) => Number(value, (long)value);

    public Code Bits(long bits) => IsWide
        ? Number(BitConverter.Int64BitsToDouble(bits), bits)
        : Number(BitConverter.Int32BitsToSingle((int)bits), (int)bits, (int)bits);

    public Code Add(Code x, Code y) => Call("Add", x, y);

    public Code Sub(Code x, Code y) => Call("Subtract", x, y);

    public Code Mul(Code x, Code y) => Call("Multiply", x, y);

    public Code Div(Code x, Code y) => Call("Divide", x, y);

    public Code FusedMultiplyAdd(Code x, Code y, Code z) => Call("FusedMultiplyAdd", x, y, z);

    public Code Neg(Code x) => Call("Negate", x);

    // The vector class throws for the least integer where it falls back to software.
    public Code Abs(Code x) => type.IsFloat()
        ? Call("Abs", x.Origin == machine.Method("Negate", type) ? x.Operands[0] : x)
        : Select(Less(x, Constant(0)), Neg(x), x);

    public Code MinusAbs(Code x) => Or(x.Origin == machine.Method("Negate", type) ? x.Operands[0] : x, Bits(IsWide ? long.MinValue : int.MinValue));

    public Code Sqrt(Code x) => Call("Sqrt", x);

    public Code Min(Code x, Code y) => Call("Min", x, y);

    public Code Max(Code x, Code y) => Call("Max", x, y);

    public Code AtLeast(Code limit, Code x) => Call("MaxNative", limit, x);

    public Code AtMost(Code limit, Code x) => Call("MinNative", limit, x);

    public Code Floor(Code x) => type.IsFloat() ? Call("Floor", x) : x;

    public Code Ceil(Code x) => type.IsFloat() ? Call("Ceiling", x) : x;

    public Code Round(Code x) => type.IsFloat() ? Call("Round", x) : x;

    public Code Trunc(Code x) => type.IsFloat() ? Call("Truncate", x) : x;

    public Code And(Code x, Code y) => Call("BitwiseAnd", x, y);

    public Code Or(Code x, Code y) => Call("BitwiseOr", x, y);

    public Code Xor(Code x, Code y) => Call("Xor", x, y);

    public Code Not(Code x) => Call("OnesComplement", x);

    public Code Less(Code x, Code y) => Call("LessThan", x, y);

    public Code LessEqual(Code x, Code y) => Call("LessThanOrEqual", x, y);

    public Code Equal(Code x, Code y) => Call("Equals", x, y);

    public Code Select(Code mask, Code x, Code y) => Call("ConditionalSelect", mask, x, y);

    public Code AddBits(Code x, Code y) => OnBits("Add", x, y);

    public Code SubBits(Code x, Code y) => OnBits("Subtract", x, y);

    public Code ShiftLeft(Code x, int count) => Shift("ShiftLeft", x, count);

    public Code ShiftRight(Code x, int count) => Shift("ShiftRightLogical", x, count);

    /// <summary>A value read as one of another type, bit by bit.</summary>
    public static Code As(VectorMachine machine, Code x, DType from, DType to)
    {
        if (from == to)
            return x;
        var method = machine.As(from, to);
        return x.Region.GetOrAdd(
            new CodeKey(method, x), () => new Code(method.ReturnType, x.Region, [x], il => il.Emit(OpCodes.Call, method)) { IsConstant = x.IsConstant });
    }

    /// <summary>A call of the vector class.</summary>
    public Code Call(string name, params Code[] operands) => Recording.Call(machine.Method(name, type), operands);

    private Code OnBits(string name, Code x, Code y) =>
        As(machine, Recording.Call(machine.Method(name, Integer), As(machine, x, type, Integer), As(machine, y, type, Integer)), Integer, type);

    private Code Shift(string name, Code x, int count)
    {
        var method = machine.Method(name, Integer);
        var bits = As(machine, x, type, Integer);
        var shifted = bits.Region.GetOrAdd(new CodeKey(method, bits, Bits: count), () => new Code(method.ReturnType, bits.Region, [bits], il =>
        {
            il.Emit(OpCodes.Ldc_I4, count);
            il.Emit(OpCodes.Call, method);
        }));
        return As(machine, shifted, Integer, type);
    }

    // A NaN's bits would not survive the way through a double, so patterns of narrow lanes are integers.
    private Code Number(double value, long bits, int? narrow = null) => type == DType.Float32 && narrow is { } pattern
        ? As(machine, Recording.Constant(machine, DType.Int32, pattern, entry, constants), DType.Int32, DType.Float32)
        : Recording.Constant(machine, type, type.IsFloat() ? BitConverter.DoubleToInt64Bits(value) : bits, entry, constants);
}

/// <summary>Writes down calls and numbers.</summary>
internal static class Recording
{
    /// <summary>A method's result.</summary>
    public static Code Call(MethodInfo method, params Code[] operands)
    {
        var region = operands[0].Region;
        foreach (var operand in operands)
            region = operand.Region.Number > region.Number ? operand.Region : region;
        var key = new CodeKey(method, operands[0], operands.Length > 1 ? operands[1] : null, operands.Length > 2 ? operands[2] : null);
        return region.GetOrAdd(key, () => new Code(method.ReturnType, region, operands, il => il.Emit(OpCodes.Call, method)) { Origin = method });
    }

    /// <summary>A number in every lane; a floating-point one is given as the bits of a double.</summary>
    public static Code Constant(VectorMachine machine, DType type, long bits, Region entry, LocalHolder table) => entry.GetOrAdd(
        new CodeKey(type, Bits: bits),
        () => new Code(machine.Vector(type), entry, [], il => ConstantTable.EmitNumber(il, machine, type, bits, table)) { IsConstant = true });
}
