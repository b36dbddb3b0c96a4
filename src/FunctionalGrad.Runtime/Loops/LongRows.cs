using System.Collections.Immutable;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <summary>
/// Cuts kernels that fold everything into one number, so that threads share them: a kernel folds parts of the row, another what came of them. Parts
/// are of 2ᵏ chunks, and so few that they meet in adjacent pairs: the result has the bits of the whole row's.
/// </summary>
internal static class LongRows
{
    /// <summary>Shorter rows are done before another thread has begun.</summary>
    private const long Shortest = 128 * 1024;

    /// <summary>Fewer parts than a row of the widest numbers has lanes.</summary>
    private const long MostParts = (FoldLoop.GroupBytes / 8) - 1;

    /// <summary>The steps with their long rows cut, and the buffers with those that this takes.</summary>
    public static (ImmutableArray<BufferInfo> Buffers, ImmutableArray<Step> Steps) Cut(ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps) =>
        KernelSplitter.Replace(buffers, steps, IsLong, Parts);

    /// <summary>Whether it folds one row, which every access walks through evenly.</summary>
    private static bool IsLong(Kernel kernel) => !kernel.Reductions.IsEmpty && kernel.Elements >= Shortest
        && Enumerable.Range(0, kernel.Extents.Length).All(d => kernel.Extents[d] == 1 || IsReduced(kernel, d))
        && kernel.Reductions.All(reduction => reduction.Fold is Fold.Sum or Fold.Prod or Fold.Max or Fold.Min)
        && kernel.Body.All(instruction => instruction.Code is not (Opcode.Fold or Opcode.Gather or Opcode.Index))
        && kernel.Body.All(instruction => instruction.Access is not { } access || StrideOf(kernel, access) is not null);

    private static bool IsReduced(Kernel kernel, int d) => d >= kernel.ReduceFrom && d < kernel.ReduceFrom + kernel.ReduceCount;

    /// <summary>How far an access moves from one element of the row to the next; null if that is not the same for all.</summary>
    private static long? StrideOf(Kernel kernel, Access access)
    {
        long? stride = null;
        var inner = 1L;
        for (var d = kernel.Extents.Length - 1; d >= 0; d--)
        {
            if (kernel.Extents[d] == 1)
                continue;
            stride ??= access.Strides[d];
            if (access.Strides[d] != stride * inner)
                return null;
            inner *= kernel.Extents[d];
        }

        return stride;
    }

    private static IEnumerable<Step> Parts(Kernel kernel, ImmutableArray<BufferInfo>.Builder buffers)
    {
        var values = new KernelValues(kernel);
        var length = kernel.Elements;
        var part = (long)FoldLoop.Chunk;
        while ((length + part - 1) / part > MostParts)
            part *= 2;
        var (whole, rest) = (length / part, length % part);
        var count = (int)(whole + (rest > 0 ? 1 : 0));
        var folded = new List<int>();
        foreach (var reduction in kernel.Reductions)
        {
            folded.Add(buffers.Count);
            buffers.Add(new BufferInfo(BufferKind.Temporary, Shape.Of(count), values.Type(reduction.Value)));
        }

        if (whole > 0)
            yield return new KernelStep(Part(kernel, folded, 0, (int)whole, (int)part, part));
        if (rest > 0)
            yield return new KernelStep(Part(kernel, folded, whole, 1, (int)rest, part));
        yield return new KernelStep(Joined(kernel, values, folded, count));
    }

    /// <summary>The kernel over a number of parts from one on.</summary>
    private static Kernel Part(Kernel kernel, List<int> folded, long first, int count, int length, long part)
    {
        var body = kernel.Body.Select(instruction =>
        {
            if (instruction.Access is not { } access)
                return instruction;
            var stride = StrideOf(kernel, access)!.Value;
            return instruction with { Access = new Access(access.Buffer, access.Offset + (first * part * stride), [part * stride, stride]) };
        });
        var reductions = kernel.Reductions.Select((reduction, i) => reduction with { Target = new Access(folded[i], first, [1, 0]) });
        return new Kernel([count, length], 1, 1, [.. body], [.. reductions]);
    }

    /// <summary>What came of the parts, folded.</summary>
    private static Kernel Joined(Kernel kernel, KernelValues values, List<int> folded, int count)
    {
        var body = folded.Select((buffer, i) => new Instruction(Opcode.Load, values.Type(kernel.Reductions[i].Value), Access: new Access(buffer, 0, [1])));
        var reductions = kernel.Reductions.Select((reduction, i) => reduction with { Value = i, Target = reduction.Target with { Strides = [0] } });
        return new Kernel([count], 0, 1, [.. body], [.. reductions]);
    }
}
