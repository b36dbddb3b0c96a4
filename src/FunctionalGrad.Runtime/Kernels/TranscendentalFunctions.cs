using System.Numerics;

namespace FunctionalGrad.Kernels;

internal readonly struct ExpFunction<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Exp(x);
}

internal readonly struct Expm1Function<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => T.CreateTruncating(Scalars.Expm1(double.CreateTruncating(x)));
}

internal readonly struct LogFunction<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Log(x);
}

internal readonly struct Log1pFunction<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => T.CreateTruncating(Scalars.Log1p(double.CreateTruncating(x)));
}

internal readonly struct SinFunction<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Sin(x);
}

internal readonly struct CosFunction<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Cos(x);
}

internal readonly struct TanFunction<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Tan(x);
}

internal readonly struct TanhFunction<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Tanh(x);
}

internal readonly struct SigmoidFunction<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => T.CreateTruncating(Scalars.Sigmoid(double.CreateTruncating(x)));
}

internal readonly struct SoftplusFunction<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => T.CreateTruncating(Scalars.Softplus(double.CreateTruncating(x)));
}

internal readonly struct ErfFunction<T> : IUnaryFunction<T>
    where T : IFloatingPointIeee754<T>
{
    public T Apply(T x) => throw new NotSupportedException();
}

internal static class Scalars
{
    public static double Log1p(double x)
    {
        if (double.IsPositiveInfinity(x) || Math.Abs(x) < 1e-17)
            return x;
        var sum = 1 + x;
        return sum == 0 ? double.NegativeInfinity : Math.Log(sum) - (((sum - 1) - x) / sum);
    }

    public static double Expm1(double x)
    {
        if (Math.Abs(x) < 1e-17)
            return x;
        if (Math.Abs(x) > 0.5)
            return Math.Exp(x) - 1;
        var half = Math.Sinh(x / 2);
        return 2 * half * Math.Exp(x / 2);
    }

    public static double Sigmoid(double x)
    {
        var small = Math.Exp(-Math.Abs(x));
        return (x < 0 ? small : 1) / (1 + small);
    }

    public static double Softplus(double x) => Math.Max(x, 0) + Log1p(Math.Exp(-Math.Abs(x)));
}
