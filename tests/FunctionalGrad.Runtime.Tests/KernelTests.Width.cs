using FunctionalGrad.Kernels;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Tests;

/// <summary>The choice of a width, and that one element alone gives the bits of a lane.</summary>
public sealed unsafe class KernelWidthTests
{
    [Fact]
    public void A_width_can_be_asked_for()
    {
        Assert.Null(VectorWidth.Parse(null));
        Assert.Null(VectorWidth.Parse(string.Empty));
        Assert.Equal(256, VectorWidth.Parse("256"));
        Assert.Throws<ArgumentException>(() => VectorWidth.Parse("64"));
        Assert.Contains(VectorWidth.Bits, KernelCalls.Widths);
    }

    [Fact]
    public void One_element_alone_gives_the_bits_of_a_lane()
    {
        Check<ExpKernel>(Opcode.Exp);
        Check<Expm1Kernel>(Opcode.Expm1);
        Check<LogKernel>(Opcode.Log);
        Check<Log1pKernel>(Opcode.Log1p);
        Check<TanhKernel>(Opcode.Tanh);
        Check<SigmoidKernel>(Opcode.Sigmoid);
        Check<SoftplusKernel>(Opcode.Softplus);
        Check<ErfKernel>(Opcode.Erf);
        Check<SignKernel>(Opcode.Sign);
        Check<RoundKernel>(Opcode.Round);
    }

    private static void Check<K>(Opcode code)
        where K : struct, IUnaryKernel
    {
        var x = Samples.Doubles(300, 21);
        var y = new double[x.Length];
        fixed (double* from = x)
        fixed (double* to = y)
            UnaryLoop.Run<K, Lanes1<double>, double, double>(from, to, x.Length);
        Assert.Equal(KernelCalls.Unary<double, double>(code, DType.Float64, x, 256), y);
        var narrow = Samples.Floats(300, 22);
        var z = new float[narrow.Length];
        fixed (float* from = narrow)
        fixed (float* to = z)
            UnaryLoop.Run<K, Lanes1<float>, float, float>(from, to, narrow.Length);
        Assert.Equal(KernelCalls.Unary<float, float>(code, DType.Float32, narrow, 256), z);
    }
}
