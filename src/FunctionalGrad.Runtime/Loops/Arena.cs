using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace FunctionalGrad.Loops;

/// <summary>
/// What one run of a program works in: the table of all buffers' addresses, and memory for temporary buffers and scratch, which it
/// borrows while it runs. It serves one run at a time.
/// </summary>
internal sealed unsafe class Arena
{
    private readonly ImmutableArray<BufferInfo> buffers;
    private readonly MemoryPlan plan;
    private readonly long scratchStart;
    private readonly long bytes;
    private readonly nint[] table;
    private readonly int[] inputs;
    private readonly int[] outputs;
    private readonly CallArguments[] calls;
    private long placedIn = -1;

    /// <summary>Lays out what a program needs.</summary>
    public Arena(ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps, MemoryPlan plan, long scratchBytes)
    {
        this.buffers = buffers;
        this.plan = plan;
        scratchStart = (plan.Bytes + NDArray.Alignment - 1) & -NDArray.Alignment;
        bytes = scratchStart + scratchBytes;
        table = GC.AllocateArray<nint>(buffers.Length + 1, pinned: true);
        Addresses = (nint*)Marshal.UnsafeAddrOfPinnedArrayElement(table, 0);
        inputs = [.. Enumerable.Range(0, buffers.Length).Where(i => buffers[i].Kind == BufferKind.Input)];
        outputs = [.. Enumerable.Range(0, buffers.Length).Where(i => buffers[i].Kind == BufferKind.Output)];
        calls = [.. steps.OfType<CallStep>().Select(call => new CallArguments(call))];
    }

    /// <summary>The address of every buffer.</summary>
    public nint* Addresses { get; }

    /// <summary>Memory that each step may use as it likes.</summary>
    public byte* Scratch { get; private set; }

    /// <summary>The arguments of the library call that is the <paramref name="index"/>-th of the program.</summary>
    public CallArguments Call(int index) => calls[index];

    /// <summary>Borrows memory and enters the arrays of a run.</summary>
    public WorkingMemory Begin(ReadOnlySpan<NDArray> given, ReadOnlySpan<NDArray> results)
    {
        var memory = WorkingMemory.Borrow(bytes);
        if (memory.Identity != placedIn)
            MoveTo(memory);
        foreach (var call in calls)
            call.Place(buffer => View(buffer, memory));
        Bind(given, results);
        return memory;
    }

    /// <summary>Gives the memory back and forgets the arrays of the run, so that nothing keeps them alive.</summary>
    public void End(WorkingMemory memory)
    {
        foreach (var call in calls)
            call.Unbind();
        GC.KeepAlive(table);
        memory.Return();
    }

    private void MoveTo(WorkingMemory memory)
    {
        placedIn = memory.Identity;
        Scratch = (byte*)memory.Start + scratchStart;
        for (var i = 0; i < buffers.Length; i++)
            Addresses[i] = buffers[i].Kind == BufferKind.Temporary ? memory.Start + (nint)plan.Offsets[i] : 0;
    }

    private NDArray? View(int buffer, WorkingMemory memory) => buffers[buffer].Kind == BufferKind.Temporary
        ? NDArray.View(buffers[buffer].Shape, buffers[buffer].DType, memory.Storage, Addresses[buffer])
        : null;

    private void Bind(ReadOnlySpan<NDArray> given, ReadOnlySpan<NDArray> results)
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
}

/// <summary>The arrays that a library call gets: views of temporaries, and what the run was given.</summary>
internal sealed class CallArguments
{
    private readonly CallStep step;
    private NDArray?[] inputs = [];
    private NDArray?[] outputs = [];
    private (NDArray?[] Arguments, int Position, int Buffer)[] open = [];

    /// <summary>The arguments of one call.</summary>
    public CallArguments(CallStep step) => this.step = step;

    /// <summary>Makes the views of temporaries, where they lie now.</summary>
    public void Place(Func<int, NDArray?> view)
    {
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
        inputs = [];
        outputs = [];
        open = [];
    }

    /// <summary>Calls the function.</summary>
    public void Run() => step.Function(inputs!, outputs!);

    private static IEnumerable<(NDArray?[] Arguments, int Position, int Buffer)> Open(NDArray?[] arguments, ImmutableArray<int> buffers) =>
        Enumerable.Range(0, arguments.Length).Where(i => arguments[i] is null).Select(i => (arguments, i, buffers[i]));
}
