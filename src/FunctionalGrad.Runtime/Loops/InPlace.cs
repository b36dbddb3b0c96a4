using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>
/// Gives a result of a kernel the place of an operand that nothing needs any more, index by index: a temporary takes the place of another, a temporary
/// lies from its beginning where an output will be, and an output goes where an input lies that the caller has given away.
/// </summary>
internal sealed class InPlace
{
    private readonly ImmutableArray<BufferInfo>.Builder buffers;
    private readonly ImmutableArray<Step>.Builder steps;
    private readonly bool[] given;
    private readonly int[] home;
    private readonly int[] first;
    private readonly int[] last;

    private InPlace(ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps, ReadOnlySpan<int> given)
    {
        this.buffers = buffers.ToBuilder();
        this.steps = steps.ToBuilder();
        this.given = new bool[buffers.Length];
        home = [.. Enumerable.Range(0, buffers.Length)];
        first = new int[buffers.Length];
        last = new int[buffers.Length];
        Array.Fill(first, int.MaxValue);
        Array.Fill(last, -1);
        foreach (var buffer in given)
            this.given[buffer] = true;
        for (var step = 0; step < steps.Length; step++)
        {
            foreach (var buffer in steps[step].Reads.Concat(steps[step].Writes))
            {
                first[buffer] = Math.Min(first[buffer], step);
                last[buffer] = buffers[buffer].Kind == BufferKind.Output ? int.MaxValue : step;
            }
        }
    }

    /// <summary>Joins buffers.</summary>
    /// <param name="buffers">All buffers.</param>
    /// <param name="steps">The steps.</param>
    /// <param name="given">Inputs, by their buffers, over which outputs may be written.</param>
    /// <returns>
    /// The buffers, those inputs being <see cref="BufferKind.Given"/> over which an output is written; the steps, in which one buffer stands for all that
    /// were joined with it; and that one for each buffer.
    /// </returns>
    public static (ImmutableArray<BufferInfo> Buffers, ImmutableArray<Step> Steps, int[] Home) Join(
        ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps, ReadOnlySpan<int> given)
    {
        var joining = new InPlace(buffers, steps, given);
        for (var step = 0; step < steps.Length; step++)
        {
            if (steps[step] is KernelStep kernel)
                joining.JoinOperands(step, kernel.Kernel);
        }

        if (given.Length > 0)
            joining.JoinGiven(given);
        joining.Rename();
        return (joining.buffers.ToImmutable(), joining.steps.ToImmutable(), joining.home);
    }

    /// <summary>The kernel with its stores behind all else, so that nobody reads a place after it has been written.</summary>
    private static Kernel StoresLast(Kernel kernel)
    {
        int[] order = [
            .. Enumerable.Range(0, kernel.Body.Length).Where(i => kernel.Body[i].Code != Opcode.Store),
            .. Enumerable.Range(0, kernel.Body.Length).Where(i => kernel.Body[i].Code == Opcode.Store)];
        var names = new int[order.Length];
        for (var place = 0; place < order.Length; place++)
            names[order[place]] = place;
        var body = order.Select(i => KernelValues.Renamed(kernel.Body[i], operand => names[operand]));
        return kernel with { Body = [.. body], Reductions = [.. kernel.Reductions.Select(r => r with { Value = names[r.Value] })] };
    }

    private void JoinOperands(int step, Kernel kernel)
    {
        if (KernelStages.IsStaged(kernel))
            return;
        Dictionary<int, Access?>? reads = null;
        var isJoined = false;
        foreach (var store in kernel.Body)
        {
            // A copy onto itself would serve nobody.
            if (store.Code != Opcode.Store || kernel.Body[store.A].Code == Opcode.Load || !IsNew(kernel, store.Access!, step))
                continue;
            reads ??= Reads(kernel);
            int? best = null;
            foreach (var (buffer, access) in reads)
            {
                if (access is null || !IsSamePlace(access, store.Access!) || !MayTake(store.Access!.Buffer, buffer, step))
                    continue;
                best = best is null || IsFree(Find(buffer)) ? buffer : best;
            }

            if (best is not { } operand)
                continue;
            Join(Find(operand), store.Access!.Buffer);
            isJoined = true;
        }

        if (isJoined)
            steps[step] = new KernelStep(StoresLast(kernel));
    }

    /// <summary>Whether a kernel's store is the first that is heard of its buffer, but not the last, reaches every place once, and is the only one.</summary>
    private bool IsNew(Kernel kernel, Access target, int step)
    {
        if (first[target.Buffer] != step || last[target.Buffer] == step || home[target.Buffer] != target.Buffer)
            return false;
        for (var d = 0; d < target.Strides.Length; d++)
        {
            if (target.Strides[d] == 0 && kernel.Extents[d] > 1)
                return false;
        }

        return kernel.Body.Count(i => i.Access?.Buffer == target.Buffer) == 1 && !kernel.Reductions.Any(r => r.Target.Buffer == target.Buffer);
    }

    /// <summary>The buffers that a kernel reads, with the place if each index reads only one, and only computes with it: what is stored or folded as it is may be read last of all.</summary>
    private static Dictionary<int, Access?> Reads(Kernel kernel)
    {
        var values = new KernelValues(kernel);
        var kept = kernel.Body.Where(i => i.Code == Opcode.Store).Select(i => i.A).Concat(kernel.Reductions.Select(r => r.Value)).Select(values.Resolve).ToHashSet();
        var reads = new Dictionary<int, Access?>();
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            if (kernel.Body[i].Code is not (Opcode.Load or Opcode.Gather))
                continue;
            var access = kernel.Body[i].Access!;
            var isPlain = kernel.Body[i].Code == Opcode.Load && !kept.Contains(i);
            if (reads.TryGetValue(access.Buffer, out var other))
                isPlain &= other is not null && IsSamePlace(access, other);
            reads[access.Buffer] = isPlain ? access : null;
        }

        return reads;
    }

    private static bool IsSamePlace(Access x, Access y) => x.Offset == y.Offset && x.Strides.AsSpan().SequenceEqual(y.Strides.AsSpan());

    private bool MayTake(int result, int operand, int step)
    {
        operand = Find(operand);
        var (from, to) = (buffers[operand], buffers[result]);
        return last[operand] == step && from.DType == to.DType && from.Shape.Equals(to.Shape)
            && ((from.Kind == BufferKind.Temporary && !IsRagged(from.Shape.Count)) || (IsFree(operand) && to.Kind == BufferKind.Output));
    }

    /// <summary>Few elements that do not fill vectors: code that may not visit one twice has a tail of its own, and there is hardly any memory to save.</summary>
    private static bool IsRagged(int count) => count < 512 && count % 16 != 0;

    /// <summary>An input that has been given away, and that no output has taken yet.</summary>
    private bool IsFree(int buffer) => given[buffer] && buffers[buffer].Kind == BufferKind.Input;

    private void Join(int operand, int result)
    {
        if (IsFree(operand))
        {
            buffers[operand] = buffers[operand] with { Kind = BufferKind.Given };
            (home[result], last[operand]) = (operand, int.MaxValue);
        }
        else if (buffers[result].Kind == BufferKind.Output)
        {
            (home[operand], first[result]) = (result, first[operand]);
        }
        else
        {
            (home[result], last[operand]) = (operand, last[result]);
        }
    }

    /// <summary>Outputs that are left go where inputs lie that were read for the last time before.</summary>
    private void JoinGiven(ReadOnlySpan<int> inputs)
    {
        for (var output = 0; output < home.Length; output++)
        {
            if (buffers[output].Kind != BufferKind.Output || home[output] != output)
                continue;
            foreach (var input in inputs)
            {
                if (!IsFree(input) || last[input] >= first[output] || buffers[input].DType != buffers[output].DType || !buffers[input].Shape.Equals(buffers[output].Shape))
                    continue;
                Join(input, output);
                break;
            }
        }
    }

    private int Find(int buffer)
    {
        while (home[buffer] != buffer)
            buffer = home[buffer] = home[home[buffer]];
        return buffer;
    }

    private void Rename()
    {
        var isAnyJoined = false;
        for (var buffer = 0; buffer < home.Length; buffer++)
        {
            home[buffer] = Find(buffer);
            isAnyJoined |= home[buffer] != buffer;
        }

        for (var step = 0; isAnyJoined && step < steps.Count; step++)
        {
            if (steps[step].Reads.Concat(steps[step].Writes).Any(buffer => home[buffer] != buffer))
                steps[step] = Renamed(steps[step]);
        }
    }

    private Step Renamed(Step step) => step switch
    {
        KernelStep { Kernel: var kernel } => new KernelStep(kernel with
        {
            Body = [.. kernel.Body.Select(i => i.Access is { } access ? i with { Access = Renamed(access) } : i)],
            Reductions = [.. kernel.Reductions.Select(r => r with { Target = Renamed(r.Target) })],
        }),
        MatrixProductStep product => product with { A = Renamed(product.A), B = Renamed(product.B), C = Renamed(product.C) },
        ContractionStep contraction => contraction with { A = Renamed(contraction.A), B = Renamed(contraction.B), C = Renamed(contraction.C) },
        ScatterAddStep scatter => scatter with { Index = Renamed(scatter.Index), Source = Renamed(scatter.Source), Target = Renamed(scatter.Target) },
        CallStep call => call with { Inputs = [.. call.Inputs.Select(i => home[i])], Outputs = [.. call.Outputs.Select(i => home[i])] },
        _ => throw new InvalidOperationException($"{step.GetType().Name} names buffers that are not known here."),
    };

    private Access Renamed(Access access) => access with { Buffer = home[access.Buffer] };

    private MatrixOperand Renamed(MatrixOperand operand) => operand with { Buffer = home[operand.Buffer] };

    private ContractionOperand Renamed(ContractionOperand operand) => operand with { Buffer = home[operand.Buffer] };
}
