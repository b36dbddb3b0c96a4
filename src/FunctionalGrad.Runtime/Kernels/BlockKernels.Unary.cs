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
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => code switch
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
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => code switch
        {
            Opcode.Exp => UnaryLoop.Of<ExpKernel, T>(width),
            Opcode.Expm1 => UnaryLoop.Of<Expm1Kernel, T>(width),
            Opcode.Log => UnaryLoop.Of<LogKernel, T>(width),
            Opcode.Log1p => UnaryLoop.Of<Log1pKernel, T>(width),
            Opcode.Tanh => UnaryLoop.Of<TanhKernel, T>(width),
            Opcode.Sigmoid => UnaryLoop.Of<SigmoidKernel, T>(width),
            Opcode.Softplus => UnaryLoop.Of<SoftplusKernel, T>(width),
            Opcode.Erf => UnaryLoop.Of<ErfKernel, T>(width),
            Opcode.Erfc => UnaryLoop.Of<ErfcKernel, T>(width),
            Opcode.Sin => UnaryLoop.OfPartial<SinKernel, T>(width),
            Opcode.Cos => UnaryLoop.OfPartial<CosKernel, T>(width),
            Opcode.Tan => UnaryLoop.OfPartial<TanKernel, T>(width),
            _ => OneByOne<T>(code, type),
        };

    private static delegate*<void*, void*, nint, void> OneByOne<T>(Opcode code, DType type)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => code switch
        {
            Opcode.Asin => &UnaryLoop.RunScalar<AsinFunction<T>, T>,
            Opcode.Acos => &UnaryLoop.RunScalar<AcosFunction<T>, T>,
            Opcode.Atan => &UnaryLoop.RunScalar<AtanFunction<T>, T>,
            Opcode.Log2 => &UnaryLoop.RunScalar<Log2Function<T>, T>,
            Opcode.Log10 => &UnaryLoop.RunScalar<Log10Function<T>, T>,
            Opcode.Cbrt => &UnaryLoop.RunScalar<CbrtFunction<T>, T>,
            Opcode.Erfinv => &UnaryLoop.RunScalar<ErfinvFunction<T>, T>,
            Opcode.Lgamma => &UnaryLoop.RunScalar<LgammaFunction<T>, T>,
            _ => throw Refuse(code, type),
        };
}
