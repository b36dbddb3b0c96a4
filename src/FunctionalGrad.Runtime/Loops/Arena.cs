using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>
/// The memory of one run of a program: temporary buffers, scratch memory of the steps, and the table of all buffers' addresses.
/// It serves one run at a time.
/// </summary>
internal sealed unsafe class Arena
{
    private readonly byte[] storage;
    private readonly ImmutableArray<BufferInfo> buffers;
    private readonly int[] inputs;
    private readonly int[] outputs;
    private readonly CallArguments[] calls;

    /// <summary>Allocates the memory that a program needs.</summary>
    public Arena(ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps, MemoryPlan plan, long scratchBytes)
    {
        this.buffers = buffers;
        var tableStart = (plan.Bytes + NDArray.Alignment - 1) & -NDArray.Alignment;
        var scratchStart = (tableStart + ((long)buffers.Length * sizeof(nint)) + NDArray.Alignment - 1) & -NDArray.Alignment;
        (storage, var start) = Memory.Allocate(scratchStart + scratchBytes);
        Addresses = (nint*)(start + (nint)tableStart);
        Scratch = (byte*)start + scratchStart;
        for (var i = 0; i < buffers.Length; i++)
            Addresses[i] = buffers[i].Kind == BufferKind.Temporary ? start + (nint)plan.Offsets[i] : 0;
        inputs = [.. Enumerable.Range(0, buffers.Length).Where(i => buffers[i].Kind == BufferKind.Input)];
        outputs = [.. Enumerable.Range(0, buffers.Length).Where(i => buffers[i].Kind == BufferKind.Output)];
        calls = [.. steps.OfType<CallStep>().Select(call => new CallArguments(call, View))];
    }

    /// <summary>The address of every buffer.</summary>
    public nint* Addresses { get; }

    /// <summary>Memory that each step may use as it likes.</summary>
    public byte* Scratch { get; }

    /// <summary>The arguments of the library call that is the <paramref name="index"/>-th of the program.</summary>
    public CallArguments Call(int index) => calls[index];

    /// <summary>Enters the arrays of a run.</summary>
    public void Bind(ReadOnlySpan<NDArray> given, ReadOnlySpan<NDArray> results)
    {
        for (var i = 0; i < inputs.Length; i++)
            Addresses[inputs[i]] = given[i].Address;
        for (var i = 0; i < outputs.Length; i++)
            Addresses[outputs[i]] = results[i].Address;
        foreach (var call in calls)
        {
            call.Bind(inputs, given);
            call.Bind(outputs, results);
        }
    }

    /// <summary>Forgets the arrays of a run, so that the arena does not keep them alive.</summary>
    public void Unbind()
    {
        foreach (var call in calls)
            call.Unbind();
    }

    /// <summary>Keeps the memory where it is until here.</summary>
    public void KeepAlive() => GC.KeepAlive(storage);

    private NDArray? View(int buffer) => buffers[buffer].Kind == BufferKind.Temporary
        ? NDArray.View(buffers[buffer].Shape, buffers[buffer].DType, storage, Addresses[buffer])
        : null;
}

/// <summary>The arrays that a library call gets: views of temporaries are made once, the others change with every run.</summary>
internal sealed class CallArguments
{
    private readonly CallStep step;
    private readonly NDArray?[] inputs;
    private readonly NDArray?[] outputs;
    private readonly (NDArray?[] Arguments, int Position, int Buffer)[] open;

    /// <summary>Makes the views.</summary>
    public CallArguments(CallStep step, Func<int, NDArray?> view)
    {
        this.step = step;
        inputs = [.. step.Inputs.Select(view)];
        outputs = [.. step.Outputs.Select(view)];
        open = [.. Open(inputs, step.Inputs), .. Open(outputs, step.Outputs)];
    }

    /// <summary>Enters those arrays of a run that the call names.</summary>
    /// <param name="buffers">The buffers' numbers, ascending.</param>
    /// <param name="arrays">Their arrays.</param>
    public void Bind(int[] buffers, ReadOnlySpan<NDArray> arrays)
    {
        foreach (var (arguments, position, buffer) in open)
        {
            var found = Array.BinarySearch(buffers, buffer);
            if (found >= 0)
                arguments[position] = arrays[found];
        }
    }

    /// <summary>Forgets the arrays of a run.</summary>
    public void Unbind()
    {
        foreach (var (arguments, position, _) in open)
            arguments[position] = null;
    }

    /// <summary>Calls the function.</summary>
    public void Run() => step.Function(inputs!, outputs!);

    private static IEnumerable<(NDArray?[] Arguments, int Position, int Buffer)> Open(NDArray?[] arguments, ImmutableArray<int> buffers) =>
        Enumerable.Range(0, arguments.Length).Where(i => arguments[i] is null).Select(i => (arguments, i, buffers[i]));
}
