using static FunctionalGrad.Interop;

namespace FunctionalGrad;

/// <summary>Checks derivatives against numerical differentiation.</summary>
public static class GradCheck
{
    /// <summary>
    /// Raises when the derivatives of f at a point (float64) differ from central differences by more than a tolerance, relative to
    /// the largest.
    /// </summary>
    /// <exception cref="GradientException">They differ; the message says where and by how much.</exception>
    /// <exception cref="DTypeException">The argument holds float32, which is too coarse for differences.</exception>
    public static void Check<X, Y>(Func<X, Y> f, X at, double tolerance = 1e-6)
    {
        ArgumentNullException.ThrowIfNull(at);
        if (!(tolerance > 0))
            throw new ArgumentOutOfRangeException(nameof(tolerance), tolerance, "The tolerance must be positive.");
        GradCheckModule.checkWith(tolerance, Function(f), at);
    }

    /// <summary>How far the derivatives of f at a point are from central differences, and the two modes from each other.</summary>
    /// <exception cref="DTypeException">The argument holds float32, which is too coarse for differences.</exception>
    public static GradCheckReport Measure<X, Y>(Func<X, Y> f, X at)
    {
        ArgumentNullException.ThrowIfNull(at);
        return GradCheckModule.measure(Function(f), at);
    }
}
