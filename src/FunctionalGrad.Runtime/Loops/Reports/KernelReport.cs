using System.Collections.Immutable;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <summary>What a kernel does, and what that takes.</summary>
internal static class KernelReport
{
    /// <summary>Reads a kernel.</summary>
    public static StepReport Of(Kernel kernel, ImmutableArray<BufferInfo> buffers)
    {
        var values = new KernelValues(kernel);
        var stages = KernelStages.IsStaged(kernel) ? new KernelStages(kernel) : null;
        var count = stages?.Count ?? 1;
        var title = $"kernel {Extents(kernel)}: {Counted(count, "stage")}, {Counted(kernel.Body.Length, "instruction")}"
            + (kernel.Reductions.IsEmpty ? "" : $", {Counted(kernel.Reductions.Length, "reduction")}");
        var report = new StepReport("kernel", title)
        {
            Stages = count,
            Instructions = kernel.Body.Length,
            Flops = Flops(kernel, values, stages),
            BytesRead = Bytes(kernel, values, buffers, isRead: true),
            BytesWritten = Bytes(kernel, values, buffers, isRead: false),
        };
        if (Tiers.WhyNever is { } reason)
            return report with { Interpreted = reason };
        return EmittedKernel.TryCreate(kernel, new MethodFrame(), VectorWidth.Bits, out var refusal) is { } emitted
            ? report with { Operations = emitted.Size, Parts = EmittedSteps.Parts(emitted) }
            : report with { Interpreted = refusal };
    }

    /// <summary>The extents, the reduced ones between bars.</summary>
    private static string Extents(Kernel kernel)
    {
        static string List(IEnumerable<int> extents) => string.Join(", ", extents);
        var end = kernel.ReduceFrom + kernel.ReduceCount;
        if (kernel.ReduceCount == 0)
            return $"[{List(kernel.Extents)}]";
        var behind = List(kernel.Extents[end..]);
        var folded = $"{List(kernel.Extents.Take(kernel.ReduceFrom))} | {List(kernel.Extents[kernel.ReduceFrom..end])}".TrimStart();
        return behind.Length == 0 ? $"[{folded}]" : $"[{folded} | {behind}]";
    }

    private static string Counted(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";

    private static long Flops(Kernel kernel, KernelValues values, KernelStages? stages)
    {
        var total = Count(kernel.Extents);
        var rows = Count([.. kernel.Extents.Take(kernel.ReduceFrom)]);
        long flops = 0;
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            var instruction = kernel.Body[i];
            if (!values.IsLive(i) || values.Resolve(i) != i)
                continue;
            if (instruction.Code == Opcode.Fold && values.Type(instruction.A).IsFloat())
                flops += total;
            else if (Calculates(instruction.Code) && instruction.Type.IsFloat())
                flops += stages is not null && stages.IsRow(i) ? rows : total;
        }

        return flops + (total * kernel.Reductions.Count(reduction => values.Type(values.Resolve(reduction.Value)).IsFloat()));
    }

    private static bool Calculates(Opcode code) => code is (>= Opcode.Neg and <= Opcode.Trunc) or (>= Opcode.Add and <= Opcode.Polygamma);

    /// <summary>Bytes that are read or written, in each buffer no more than it has.</summary>
    private static long Bytes(Kernel kernel, KernelValues values, ImmutableArray<BufferInfo> buffers, bool isRead)
    {
        var seen = new HashSet<(int, long, string)>();
        var places = new Dictionary<int, long>();
        void Touch(Access access, long count)
        {
            if (seen.Add((access.Buffer, access.Offset, string.Join(",", access.Strides))))
                places[access.Buffer] = places.GetValueOrDefault(access.Buffer) + count;
        }

        for (var i = 0; i < kernel.Body.Length; i++)
        {
            var instruction = kernel.Body[i];
            if (instruction.Access is not { } access || !values.IsLive(i) || (instruction.Code == Opcode.Store) == isRead)
                continue;
            Touch(access, instruction.Code == Opcode.Gather ? Count(kernel.Extents) : ProgramReport.Places(kernel.Extents, access.Strides));
        }

        foreach (var reduction in isRead ? [] : kernel.Reductions)
            Touch(reduction.Target, ProgramReport.Places(kernel.Extents, reduction.Target.Strides));
        return places.Sum(buffer => Math.Min(buffer.Value, buffers[buffer.Key].Shape.Count) * buffers[buffer.Key].DType.Size());
    }

    private static long Count(ImmutableArray<int> extents) => extents.Aggregate(1L, (product, extent) => product * extent);
}
