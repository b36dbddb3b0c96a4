using System.Numerics;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Kernels;

internal static unsafe partial class BlockKernels
{
    /// <inheritdoc cref="Unary(Opcode, DType)"/>
    public static delegate*<void*, void*, nint, void> Unary(Opcode code, DType type, int width) => type switch
    {
        DType.Float32 => UnaryFloat<float>(code, type, width),
        DType.Float64 => UnaryFloat<double>(code, type, width),
        DType.Int32 => UnaryInteger<int>(code, type, width),
        DType.Int64 => UnaryInteger<long>(code, type, width),
        _ when code is Opcode.Not => UnaryLoop.Of<NotTruthKernel, byte>(width),
        _ => throw Refuse(code, type),
    };

    private static delegate*<void*, void*, nint, void> UnaryFloat<T>(Opcode code, DType type, int width)
        where T : unmanaged, IFloatingPointIeee754<T> => code switch
        {
            Opcode.Neg => UnaryLoop.Of<NegKernel, T>(width),
            Opcode.Abs => UnaryLoop.Of<AbsKernel, T>(width),
            Opcode.Sign => UnaryLoop.Of<SignKernel, T>(width),
            Opcode.Sqrt => UnaryLoop.Of<SqrtKernel, T>(width),
            Opcode.Rsqrt => UnaryLoop.Of<RsqrtKernel, T>(width),
            Opcode.Floor => UnaryLoop.Of<FloorKernel, T>(width),
            Opcode.Ceil => UnaryLoop.Of<CeilKernel, T>(width),
            Opcode.Round => UnaryLoop.Of<RoundKernel, T>(width),
            Opcode.Trunc => UnaryLoop.Of<TruncKernel, T>(width),
            Opcode.IsNaN => &UnaryLoop.IsNaN<T>,
            _ => Transcendental<T>(code, type, width),
        };

    private static delegate*<void*, void*, nint, void> UnaryInteger<T>(Opcode code, DType type, int width)
        where T : unmanaged, INumber<T> => code switch
        {
            Opcode.Neg => UnaryLoop.Of<NegKernel, T>(width),
            Opcode.Abs => UnaryLoop.Of<AbsKernel, T>(width),
            Opcode.Sign => UnaryLoop.Of<SignKernel, T>(width),
            Opcode.Not => UnaryLoop.Of<NotKernel, T>(width),
            Opcode.Floor or Opcode.Ceil or Opcode.Round or Opcode.Trunc => &UnaryLoop.Copy<T>,
            Opcode.IsNaN => &UnaryLoop.IsNaN<T>,
            _ => throw Refuse(code, type),
        };

    private static delegate*<void*, void*, nint, void> Transcendental<T>(Opcode code, DType type, int width)
        where T : unmanaged, IFloatingPointIeee754<T> => code switch
        {
            Opcode.Exp => &UnaryLoop.RunScalar<ExpFunction<T>, T>,
            Opcode.Expm1 => &UnaryLoop.RunScalar<Expm1Function<T>, T>,
            Opcode.Log => &UnaryLoop.RunScalar<LogFunction<T>, T>,
            Opcode.Log1p => &UnaryLoop.RunScalar<Log1pFunction<T>, T>,
            Opcode.Sin => &UnaryLoop.RunScalar<SinFunction<T>, T>,
            Opcode.Cos => &UnaryLoop.RunScalar<CosFunction<T>, T>,
            Opcode.Tan => &UnaryLoop.RunScalar<TanFunction<T>, T>,
            Opcode.Tanh => &UnaryLoop.RunScalar<TanhFunction<T>, T>,
            Opcode.Sigmoid => &UnaryLoop.RunScalar<SigmoidFunction<T>, T>,
            Opcode.Softplus => &UnaryLoop.RunScalar<SoftplusFunction<T>, T>,
            Opcode.Erf => &UnaryLoop.RunScalar<ErfFunction<T>, T>,
            _ => throw Refuse(code, type),
        };
}
