using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>
/// The index space of a kernel after neighbouring extents of one role have been merged wherever every access allows it;
/// extents of size one are gone. Its row-major order is that of the kernel's own extents.
/// </summary>
internal sealed class IterationSpace
{
    private readonly int[] innermost;

    /// <summary>Merges the extents of a kernel; accesses that are dead do not stand in the way.</summary>
    public IterationSpace(Kernel kernel, KernelValues values)
    {
        var reduceEnd = kernel.ReduceFrom + kernel.ReduceCount;
        Outer = Product(kernel, 0, kernel.ReduceFrom);
        Reduced = Product(kernel, kernel.ReduceFrom, reduceEnd);
        Lanes = Product(kernel, reduceEnd, kernel.Extents.Length);
        if (kernel.Reductions.IsEmpty || Reduced == 1)
            (Outer, Reduced, Lanes) = (Outer * Reduced * Lanes, 1, 1);
        var oneRole = Reduced == 1;
        var strides = StridesOf(kernel, values);
        var extents = new List<long>();
        var members = new List<int>();
        var roles = new List<int>();
        for (var d = 0; d < kernel.Extents.Length; d++)
        {
            var extent = kernel.Extents[d];
            if (extent == 1)
                continue;
            var role = oneRole || d < kernel.ReduceFrom ? 0 : d < reduceEnd ? 1 : 2;
            if (members.Count > 0 && roles[^1] == role && strides.TrueForAll(s => s[members[^1]] == s[d] * extent))
            {
                extents[^1] *= extent;
                members[^1] = d;
            }
            else
            {
                extents.Add(extent);
                members.Add(d);
                roles.Add(role);
            }
        }

        Extents = [.. extents];
        innermost = [.. members];
        FirstReduced = roles.Count(role => role == 0);
        FirstLane = roles.Count(role => role < 2);
    }

    /// <summary>The merged extents, outermost first.</summary>
    public long[] Extents { get; }

    /// <summary>The first merged extent that is reduced; the number of extents if none is.</summary>
    public int FirstReduced { get; }

    /// <summary>The first merged extent after the reduced ones.</summary>
    public int FirstLane { get; }

    /// <summary>Indexes before the reduced ones. A kernel that reduces nothing has only these.</summary>
    public long Outer { get; }

    /// <summary>Indexes that are folded into one.</summary>
    public long Reduced { get; }

    /// <summary>Indexes after the reduced ones.</summary>
    public long Lanes { get; }

    /// <summary>How many times the body is evaluated.</summary>
    public long Total => Outer * Reduced * Lanes;

    /// <summary>The strides of an access along the merged extents.</summary>
    public long[] Project(ReadOnlySpan<long> strides)
    {
        if (innermost.Length == 0)
            return [];
        var projected = new long[innermost.Length];
        for (var d = 0; d < projected.Length; d++)
            projected[d] = strides[innermost[d]];
        return projected;
    }

    /// <summary>Product of the merged extents from one on.</summary>
    public long ProductFrom(int first)
    {
        long product = 1;
        for (var d = first; d < Extents.Length; d++)
            product *= Extents[d];
        return product;
    }

    /// <summary>The strides of an access whose element is the position along one extent.</summary>
    public static long[] PositionStrides(int rank, int extent)
    {
        var strides = new long[rank];
        strides[extent] = 1;
        return strides;
    }

    private static List<long[]> StridesOf(Kernel kernel, KernelValues values)
    {
        var strides = new List<long[]>();
        var seen = new HashSet<ImmutableArray<long>>();
        for (var i = 0; i < kernel.Body.Length && kernel.Extents.Length > 0; i++)
        {
            var instruction = kernel.Body[i];
            if (!values.IsLive(i))
                continue;
            if (instruction.Code == Opcode.Index)
                strides.Add(PositionStrides(kernel.Extents.Length, instruction.A));
            else if (instruction.Access is { } access && seen.Add(access.Strides))
                strides.Add([.. access.Strides]);
        }

        foreach (var reduction in kernel.Reductions)
            strides.Add([.. reduction.Target.Strides]);
        return strides;
    }

    private static long Product(Kernel kernel, int first, int end)
    {
        long product = 1;
        for (var d = first; d < end; d++)
            product *= kernel.Extents[d];
        return product;
    }
}
