using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

internal readonly struct NegKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Neg(x);
}

internal readonly struct NotKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Not(x);
}

/// <summary>Not of truth values 0 and 1.</summary>
internal readonly struct NotTruthKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Xor(x, a.Constant(1));
}

internal readonly struct AbsKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Abs(x);
}

/// <summary>−1, 0 or 1; zeros keep their sign and NaN stays.</summary>
internal readonly struct SignKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V>
    {
        var zero = a.Constant(0);
        return a.Select(a.Less(zero, x), a.Constant(1), a.Select(a.Less(x, zero), a.Constant(-1), x));
    }
}

internal readonly struct SqrtKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Sqrt(x);
}

internal readonly struct RsqrtKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Div(a.Constant(1), a.Sqrt(x));
}

internal readonly struct FloorKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Floor(x);
}

internal readonly struct CeilKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Ceil(x);
}

internal readonly struct RoundKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Round(x);
}

internal readonly struct TruncKernel : IUnaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x)
        where A : struct, IArithmetic<V> => a.Trunc(x);
}

internal readonly struct AddKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Add(x, y);
}

internal readonly struct SubKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Sub(x, y);
}

internal readonly struct MulKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Mul(x, y);
}

/// <summary>Quotient of floating-point numbers.</summary>
internal readonly struct DivKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Div(x, y);
}

internal readonly struct MaxKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Max(x, y);
}

internal readonly struct MinKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Min(x, y);
}

internal readonly struct AndKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.And(x, y);
}

internal readonly struct OrKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Or(x, y);
}

internal readonly struct XorKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Xor(x, y);
}

internal readonly struct LessKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Less(x, y);
}

internal readonly struct LessEqualKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.LessEqual(x, y);
}

internal readonly struct EqualKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Equal(x, y);
}

internal readonly struct NotEqualKernel : IBinaryKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<A, V>(A a, V x, V y)
        where A : struct, IArithmetic<V> => a.Not(a.Equal(x, y));
}
