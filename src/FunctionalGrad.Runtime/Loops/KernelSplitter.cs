using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>
/// Cuts kernels without folds that are too large for one method into several: values that cross a cut are kept in temporary buffers, what is
/// only loaded is loaded again.
/// </summary>
internal static class KernelSplitter
{
    /// <summary>The steps with their large kernels cut, and the buffers with those that this takes.</summary>
    public static (ImmutableArray<BufferInfo> Buffers, ImmutableArray<Step> Steps) Split(ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps) =>
        Replace(buffers, steps, IsLarge, Cut);

    /// <summary>The steps with some of their kernels cut into others, and the buffers with those that this takes.</summary>
    /// <param name="buffers">All buffers.</param>
    /// <param name="steps">The steps.</param>
    /// <param name="mustCut">Which kernels are cut.</param>
    /// <param name="cut">What becomes of a kernel; it adds the buffers that it needs.</param>
    public static (ImmutableArray<BufferInfo> Buffers, ImmutableArray<Step> Steps) Replace(
        ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps, Func<Kernel, bool> mustCut, Func<Kernel, ImmutableArray<BufferInfo>.Builder, IEnumerable<Step>> cut)
    {
        if (!steps.Any(step => step is KernelStep { Kernel: var kernel } && mustCut(kernel)))
            return (buffers, steps);
        var allBuffers = buffers.ToBuilder();
        var allSteps = ImmutableArray.CreateBuilder<Step>();
        foreach (var step in steps)
        {
            if (step is KernelStep { Kernel: var kernel } && mustCut(kernel))
                allSteps.AddRange(cut(kernel, allBuffers));
            else
                allSteps.Add(step);
        }

        return (allBuffers.ToImmutable(), allSteps.ToImmutable());
    }

    private static bool IsLarge(Kernel kernel) => kernel.Reductions.IsEmpty && kernel.Body.Length > 16 && IsCostly(kernel)
        && !kernel.Body.Any(instruction => instruction.Code == Opcode.Fold) && !new KernelValues(kernel).WritesWhatItReads;

    private static bool IsCostly(Kernel kernel)
    {
        var elements = kernel.Elements;
        return kernel.Body.Sum(instruction => KernelCost.Of(instruction.Code, elements)) > KernelCost.MostIn(elements);
    }

    private static IEnumerable<Step> Cut(Kernel kernel, ImmutableArray<BufferInfo>.Builder buffers)
    {
        var values = new KernelValues(kernel);
        var part = Parts(kernel);
        var shape = new Shape(kernel.Extents);
        var strides = shape.Strides().Select(stride => (long)stride).ToImmutableArray();
        var kept = new Dictionary<int, Access>();
        for (var i = 0; i < part.Length; i++)
        {
            values.ForOperands(i, operand =>
            {
                if (!values.IsLive(i) || part[operand] == part[i] || IsRepeated(kernel.Body[operand].Code) || kept.ContainsKey(operand))
                    return;
                kept[operand] = new Access(buffers.Count, 0, strides);
                buffers.Add(new BufferInfo(BufferKind.Temporary, shape, values.Type(operand)));
            });
        }

        for (var p = 0; p <= part[^1]; p++)
            yield return new KernelStep(kernel with { Body = Body(kernel, values, part, p, kept) });
    }

    /// <summary>What is computed anew rather than kept.</summary>
    private static bool IsRepeated(Opcode code) => code is Opcode.Number or Opcode.Load or Opcode.Index;

    private static int[] Parts(Kernel kernel)
    {
        var part = new int[kernel.Body.Length];
        var elements = kernel.Elements;
        var (number, weight) = (0, 0);
        for (var i = 0; i < part.Length; i++)
        {
            var more = KernelCost.Of(kernel.Body[i].Code, elements);
            if (weight + more > KernelCost.MostIn(elements))
                (number, weight) = (number + 1, 0);
            weight += more;
            part[i] = number;
        }

        return part;
    }

    private static ImmutableArray<Instruction> Body(Kernel kernel, KernelValues values, int[] part, int p, Dictionary<int, Access> kept)
    {
        var body = ImmutableArray.CreateBuilder<Instruction>();
        var places = new Dictionary<int, int>();
        for (var i = 0; i < part.Length; i++)
        {
            if (part[i] != p || !values.IsLive(i) || values.Resolve(i) != i)
                continue;
            places[i] = Add(KernelValues.Renamed(kernel.Body[i], Place));
            if (kept.TryGetValue(i, out var access))
                Add(new Instruction(Opcode.Store, values.Type(i), places[i], Access: access));
        }

        return body.ToImmutable();

        int Place(int operand)
        {
            operand = values.Resolve(operand);
            if (!places.TryGetValue(operand, out var place))
            {
                place = Add(kept.TryGetValue(operand, out var access)
                    ? new Instruction(Opcode.Load, values.Type(operand), Access: access)
                    : kernel.Body[operand]);
                places[operand] = place;
            }

            return place;
        }

        int Add(Instruction instruction)
        {
            body.Add(instruction);
            return body.Count - 1;
        }
    }
}
