using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

internal readonly struct ExpKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Exp(a, x);
}

internal readonly struct Expm1Kernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Expm1(a, x);
}

internal readonly struct LogKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Log(a, x);
}

internal readonly struct Log1pKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Log1p(a, x);
}

internal readonly struct TanhKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Tanh(a, x);
}

internal readonly struct SigmoidKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Sigmoid(a, x);
}

internal readonly struct SoftplusKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Softplus(a, x);
}

internal readonly struct ErfKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Erf(a, x);
}

internal readonly struct ErfcKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Erfc(a, x);
}

internal readonly struct PowKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => Polynomials.Pow(a, x, y);
}

internal readonly struct SinKernel : IPartialKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Sin(a, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Beyond<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.BeyondTrigonometric(a, x);

    public double Other(double x) => Math.Sin(x);
}

internal readonly struct CosKernel : IPartialKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Cos(a, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Beyond<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.BeyondTrigonometric(a, x);

    public double Other(double x) => Math.Cos(x);
}

internal readonly struct TanKernel : IPartialKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.Tan(a, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Beyond<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => Polynomials.BeyondTrigonometric(a, x);

    public double Other(double x) => Math.Tan(x);
}
