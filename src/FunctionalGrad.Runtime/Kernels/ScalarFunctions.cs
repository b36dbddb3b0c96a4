using System.Numerics;

namespace FunctionalGrad.Kernels;

/// <summary>The angle of the point (y, x), one at a time.</summary>
internal readonly struct Atan2Function : IBinaryFunction<float>, IBinaryFunction<double>
{
    public float Apply(float y, float x) => MathF.Atan2(y, x);

    public double Apply(double y, double x) => Math.Atan2(y, x);
}

/// <summary>The remainder with the sign of the divisor, as in Python: x − ⌊x/y⌋·y.</summary>
internal readonly struct RemainderFunction : IBinaryFunction<float>, IBinaryFunction<double>
{
    public float Apply(float x, float y)
    {
        var remainder = x % y;
        if (remainder == 0)
            return MathF.CopySign(0, y);
        return remainder < 0 != y < 0 ? remainder + y : remainder;
    }

    public double Apply(double x, double y)
    {
        var remainder = x % y;
        if (remainder == 0)
            return Math.CopySign(0, y);
        return remainder < 0 != y < 0 ? remainder + y : remainder;
    }
}

/// <summary>Quotient of integers, cut off towards zero; the quotient that does not fit wraps.</summary>
/// <exception cref="DivideByZeroException">The divisor is 0.</exception>
internal readonly struct IntegerDivFunction<T> : IBinaryFunction<T>
    where T : IBinaryInteger<T>
{
    // The processor traps on least / −1, which wraps to least.
    public T Apply(T x, T y) => y == -T.One ? T.Zero - x : x / y;
}

/// <summary>The remainder of integers with the sign of the divisor, as in Python.</summary>
/// <exception cref="DivideByZeroException">The divisor is 0.</exception>
internal readonly struct IntegerRemainderFunction<T> : IBinaryFunction<T>
    where T : IBinaryInteger<T>
{
    public T Apply(T x, T y)
    {
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
