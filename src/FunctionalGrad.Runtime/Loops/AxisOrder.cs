using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>
/// The order in which a kernel's loops nest, where it is free: nothing is folded and no position is asked for. A last axis of few elements that does not
/// join the one before it, as the elements of a small window, would leave vectors half empty; a longer axis nearby takes its place.
/// </summary>
internal static class AxisOrder
{
    /// <summary>As many elements fill a vector well enough.</summary>
    private const int Enough = 8;

    /// <summary>Elements between neighbours of an axis that still share a page and, taken together, most of their cache lines.</summary>
    private const int Near = 64;

    /// <summary>The step with its loops in another order, if that is better.</summary>
    public static Step ForVectors(Step step) =>
        step is KernelStep { Kernel: var kernel } && BetterLast(kernel) is { } axis ? new KernelStep(WithLast(kernel, axis)) : step;

    private static int? BetterLast(Kernel kernel)
    {
        if (kernel.ReduceCount > 0 || kernel.Reductions.Length > 0 || kernel.Extents.Contains(0))
            return null;
        if (kernel.Body.Any(instruction => instruction.Code is Opcode.Index or Opcode.Fold))
            return null;
        var accesses = kernel.Body.Where(instruction => instruction.Access is not null).Select(instruction => instruction.Access!.Strides).ToArray();
        var axis = kernel.Extents.Length - 1;
        var longest = 1L;
        var first = -1; // the first axis of the last run that all accesses walk through evenly
        for (; axis >= 0; axis--)
        {
            if (kernel.Extents[axis] == 1)
                continue;
            if (first >= 0 && !accesses.All(strides => strides[axis] == strides[first] * kernel.Extents[first]))
                break;
            longest *= kernel.Extents[axis];
            first = axis;
        }

        int? best = null;
        for (; axis >= 0 && longest < Enough; axis--)
        {
            if (accesses.Any(strides => Math.Abs(strides[axis]) > Near))
                break;
            if (kernel.Extents[axis] <= longest)
                continue;
            longest = kernel.Extents[axis];
            best = axis;
        }

        return best;
    }

    private static Kernel WithLast(Kernel kernel, int axis)
    {
        ImmutableArray<T> Moved<T>(ImmutableArray<T> items) => items.RemoveAt(axis).Add(items[axis]);
        return kernel with
        {
            Extents = Moved(kernel.Extents),
            ReduceFrom = kernel.Extents.Length,
            Body = [.. kernel.Body.Select(i => i.Access is null ? i : i with { Access = i.Access with { Strides = Moved(i.Access.Strides) } })],
        };
    }
}
