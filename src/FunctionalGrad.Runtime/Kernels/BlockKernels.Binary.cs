using System.Numerics;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Kernels;

internal static unsafe partial class BlockKernels
{
    /// <inheritdoc cref="Binary(Opcode, DType)"/>
    public static delegate*<void*, void*, void*, nint, void> Binary(Opcode code, DType type, int width) => type switch
    {
        DType.Float32 => BinaryFloat<float>(code, type, width),
        DType.Float64 => BinaryFloat<double>(code, type, width),
        DType.Int32 => BinaryInteger<int>(code, type, width),
        DType.Int64 => BinaryInteger<long>(code, type, width),
        _ => BinaryTruth(code, type, width),
    };

    private static delegate*<void*, void*, void*, nint, void> BinaryFloat<T>(Opcode code, DType type, int width)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => code switch
        {
            Opcode.Div => BinaryLoop.Of<DivKernel, T>(width),
            Opcode.Pow => BinaryLoop.Of<PowKernel, T>(width),
            Opcode.Atan2 => &BinaryLoop.RunScalar<Atan2Function<T>, T>,
            Opcode.Remainder => &BinaryLoop.RunScalar<RemainderFunction<T>, T>,
            Opcode.Hypot => &BinaryLoop.RunScalar<HypotFunction<T>, T>,
            Opcode.Polygamma => &BinaryLoop.RunScalar<PolygammaFunction<T>, T>,
            _ => BinaryNumber<T>(code, type, width),
        };

    private static delegate*<void*, void*, void*, nint, void> BinaryInteger<T>(Opcode code, DType type, int width)
        where T : unmanaged, IBinaryInteger<T> => code switch
        {
            Opcode.Div => &BinaryLoop.RunScalar<IntegerDivFunction<T>, T>,
            Opcode.Pow => &BinaryLoop.RunScalar<IntegerPowFunction<T>, T>,
            Opcode.Remainder => &BinaryLoop.RunScalar<IntegerRemainderFunction<T>, T>,
            Opcode.And => BinaryLoop.Of<AndKernel, T>(width),
            Opcode.Or => BinaryLoop.Of<OrKernel, T>(width),
            Opcode.Xor => BinaryLoop.Of<XorKernel, T>(width),
            _ => BinaryNumber<T>(code, type, width),
        };

    private static delegate*<void*, void*, void*, nint, void> BinaryNumber<T>(Opcode code, DType type, int width)
        where T : unmanaged, INumber<T> => code switch
        {
            Opcode.Add => BinaryLoop.Of<AddKernel, T>(width),
            Opcode.Sub => BinaryLoop.Of<SubKernel, T>(width),
            Opcode.Mul => BinaryLoop.Of<MulKernel, T>(width),
            Opcode.Max => BinaryLoop.Of<MaxKernel, T>(width),
            Opcode.Min => BinaryLoop.Of<MinKernel, T>(width),
            Opcode.Less => BinaryLoop.Compare<LessKernel, T>(width),
            Opcode.LessEqual => BinaryLoop.Compare<LessEqualKernel, T>(width),
            Opcode.Equal => BinaryLoop.Compare<EqualKernel, T>(width),
            Opcode.NotEqual => BinaryLoop.Compare<NotEqualKernel, T>(width),
            _ => throw Refuse(code, type),
        };

    private static delegate*<void*, void*, void*, nint, void> BinaryTruth(Opcode code, DType type, int width) => code switch
    {
        Opcode.And or Opcode.Min => BinaryLoop.Of<AndKernel, byte>(width),
        Opcode.Or or Opcode.Max => BinaryLoop.Of<OrKernel, byte>(width),
        Opcode.Xor or Opcode.NotEqual => BinaryLoop.Of<XorKernel, byte>(width),
        Opcode.Equal => BinaryLoop.Compare<EqualKernel, byte>(width),
        Opcode.Less => BinaryLoop.Compare<LessKernel, byte>(width),
        Opcode.LessEqual => BinaryLoop.Compare<LessEqualKernel, byte>(width),
        _ => throw Refuse(code, type),
    };
}
