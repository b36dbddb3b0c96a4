using System.Numerics;

namespace FunctionalGrad.Kernels;

/// <summary>The angle of the point (y, x), one at a time.</summary>
internal readonly struct Atan2Function<T> : IBinaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T y, T x) => T.Atan2(y, x);
}

/// <summary>The distance of the point (x, y) from the origin, without overflow on the way.</summary>
internal readonly struct HypotFunction<T> : IBinaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T x, T y) => T.Hypot(x, y);
}

/// <summary>The derivative of an order of ln Γ′; order 0 is digamma. See <see cref="GammaFunctions.Polygamma"/>.</summary>
internal readonly struct PolygammaFunction<T> : IBinaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T order, T x) =>
        T.CreateTruncating(GammaFunctions.Polygamma(double.CreateTruncating(order), double.CreateTruncating(x)));
}

/// <summary>The remainder with the sign of the divisor, as in Python: x − ⌊x/y⌋·y.</summary>
internal readonly struct RemainderFunction<T> : IBinaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T x, T y)
    {
        var remainder = x % y;
        if (remainder == T.Zero)
            return T.CopySign(T.Zero, y);
        return remainder < T.Zero != y < T.Zero ? remainder + y : remainder;
    }
}

/// <summary>The angle whose sine is x.</summary>
internal readonly struct AsinFunction<T> : IUnaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Asin(x);
}

/// <summary>The angle whose cosine is x.</summary>
internal readonly struct AcosFunction<T> : IUnaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Acos(x);
}

/// <summary>The angle whose tangent is x.</summary>
internal readonly struct AtanFunction<T> : IUnaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Atan(x);
}

/// <summary>The logarithm to base 2, exact at powers of 2.</summary>
internal readonly struct Log2Function<T> : IUnaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T x) => Binary(x);

    // Two interfaces of the same type have a Log2.
    private static F Binary<F>(F x)
        where F : ILogarithmicFunctions<F> => F.Log2(x);
}

/// <summary>The logarithm to base 10, exact at powers of 10.</summary>
internal readonly struct Log10Function<T> : IUnaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Log10(x);
}

/// <summary>The real cube root.</summary>
internal readonly struct CbrtFunction<T> : IUnaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T x) => T.Cbrt(x);
}

/// <summary>The number whose error function is x, computed in double precision.</summary>
internal readonly struct ErfinvFunction<T> : IUnaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T x) => T.CreateTruncating(InverseErrorFunction.Of(double.CreateTruncating(x)));
}

/// <summary>ln |Γ(x)|, computed in double precision.</summary>
internal readonly struct LgammaFunction<T> : IUnaryFunction<T>
    where T : IBinaryFloatingPointIeee754<T>
{
    public T Apply(T x) => T.CreateTruncating(GammaFunctions.LogGamma(double.CreateTruncating(x)));
}

/// <summary>The refusal to divide integers by 0.</summary>
internal static class IntegerDivision
{
    public static DivisionByZeroException ByZero(string operation) =>
        new($"{operation}: an integer is divided by 0. Replace the zeros, or convert with cast: floats give NaN or ∞ there.");
}

/// <summary>Quotient of integers, cut off towards zero; the quotient that does not fit wraps.</summary>
/// <exception cref="DivisionByZeroException">The divisor is 0.</exception>
internal readonly struct IntegerDivFunction<T> : IBinaryFunction<T>
    where T : IBinaryInteger<T>
{
    // The processor traps on least / −1, which wraps to least.
    public T Apply(T x, T y)
    {
        if (T.IsZero(y))
            throw IntegerDivision.ByZero("div");
        return y == -T.One ? T.Zero - x : x / y;
    }
}

/// <summary>The remainder of integers with the sign of the divisor, as in Python.</summary>
/// <exception cref="DivisionByZeroException">The divisor is 0.</exception>
internal readonly struct IntegerRemainderFunction<T> : IBinaryFunction<T>
    where T : IBinaryInteger<T>
{
    public T Apply(T x, T y)
    {
        if (T.IsZero(y))
            throw IntegerDivision.ByZero("remainder");
        if (y == -T.One)
            return T.Zero;
        var remainder = x % y;
        return !T.IsZero(remainder) && T.IsNegative(remainder) != T.IsNegative(y) ? remainder + y : remainder;
    }
}

/// <summary>Power of integers, wrapping. A negative exponent gives the reciprocal cut off: 0, but for bases 1 and −1.</summary>
internal readonly struct IntegerPowFunction<T> : IBinaryFunction<T>
    where T : IBinaryInteger<T>
{
    public T Apply(T x, T y)
    {
        if (T.IsNegative(y))
            return x == T.One ? x : x == -T.One ? (T.IsOddInteger(y) ? x : T.One) : T.Zero;
        var result = T.One;
        for (; y > T.Zero; y >>= 1, x *= x)
        {
            if (T.IsOddInteger(y))
                result *= x;
        }

        return result;
    }
}
