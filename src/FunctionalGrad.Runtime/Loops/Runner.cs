using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FunctionalGrad.Linear;

namespace FunctionalGrad.Loops;

/// <summary>
/// A program bound to memory: the table of all buffers' addresses, which whoever holds the runner moves about, and memory for temporary
/// buffers and scratch. Runs allocate nothing on the managed heap. It serves one thread at a time, and its holder keeps the arrays alive.
/// </summary>
internal sealed unsafe class Runner
{
    private readonly Program program;
    private readonly nint[] table;
    private readonly CallArguments[] calls;
    private readonly KeptOperand[] kept;
    private readonly long scratchStart;
    private readonly long keptStart;
    private readonly long bytes;
    private WorkingMemory? memory;
    private long placedIn = -1;
    private byte* scratch;

    /// <summary>Makes the table; before a run, <see cref="Borrow"/> or <see cref="Own"/> memory.</summary>
    /// <exception cref="ShapeException">The program needs more memory than the machine has.</exception>
    /// <param name="program">What to run.</param>
    /// <param name="spare">How many more addresses than those of buffers the table holds, for whoever holds the runner.</param>
    /// <param name="still">Buffers that stay as they are from <see cref="Borrow"/> to <see cref="GiveBack"/>.</param>
    public Runner(Program program, int spare = 0, params ReadOnlySpan<int> still)
    {
        this.program = program;
        program.DemandMemory(Memory.Available);
        scratchStart = (program.Plan.Bytes + NDArray.Alignment - 1) & -NDArray.Alignment;
        keptStart = (scratchStart + program.ScratchBytes + NDArray.Alignment - 1) & -NDArray.Alignment;
        (kept, var keptBytes) = Keep(program, still);
        bytes = keptStart + keptBytes;
        table = GC.AllocateArray<nint>(program.Buffers.Length + spare + 1, pinned: true);
        Addresses = (nint*)Marshal.UnsafeAddrOfPinnedArrayElement(table, 0);
        calls = [.. program.Steps.OfType<CallStep>().Select(call => new CallArguments(call, program.Buffers))];
    }

    /// <summary>The address of every buffer, then the spare ones.</summary>
    public nint* Addresses { get; }

    /// <summary>Where an input of the coming runs lies.</summary>
    public void SetInput(int index, nint address) => Addresses[program.InputBuffers[index]] = address;

    /// <summary>Where an output of the coming runs goes.</summary>
    public void SetOutput(int index, nint address) => Addresses[program.OutputBuffers[index]] = address;

    /// <summary>Takes memory of the thread's for the coming runs; <see cref="GiveBack"/> it afterwards, on the same thread.</summary>
    public void Borrow() => Place(WorkingMemory.Borrow(bytes));

    /// <summary>Gives the memory back.</summary>
    public void GiveBack()
    {
        memory?.Return();
        memory = null;
    }

    /// <summary>Takes memory that stays the runner's.</summary>
    public void Own() => Place(WorkingMemory.Own(bytes));

    /// <summary>Runs all steps.</summary>
    /// <param name="numbers">As many as the program takes.</param>
    /// <exception cref="IndexException">A gather or a scatter met an index outside of its axis.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(long* numbers)
    {
        program.Execute(Addresses, numbers, scratch, calls, kept);
        GC.KeepAlive(this);
    }

    /// <summary>Which right operands of products are kept, and how many bytes they take.</summary>
    private static (KeptOperand[] Kept, long Bytes) Keep(Program program, ReadOnlySpan<int> still)
    {
        var kept = new KeptOperand[program.PlainSteps.Length];
        long bytes = 0;
        for (var i = 0; i < kept.Length; i++)
        {
            var size = program.PlainSteps[i] is MatrixProductStep product && still.Contains(product.B.Buffer) ? KeptOperand.BytesFor(product) : 0;
            kept[i].Bytes = size;
            bytes += Carried.Rounded(size);
        }

        return bytes == 0 ? ([], 0) : (kept, bytes);
    }

    private void PlaceKept(nint free)
    {
        foreach (ref var operand in kept.AsSpan())
            operand.Start = operand.Bytes == 0 ? 0 : Carried.Take(ref free, operand.Bytes);
    }

    private void Place(WorkingMemory piece)
    {
        memory = piece;
        foreach (ref var operand in kept.AsSpan())
            operand.IsPacked = false;
        if (piece.Identity == placedIn)
            return;
        placedIn = piece.Identity;
        scratch = (byte*)piece.Start + scratchStart;
        PlaceKept(piece.Start + (nint)keptStart);
        for (var i = 0; i < program.Buffers.Length; i++)
        {
            if (program.Buffers[i].Kind == BufferKind.Temporary)
                Addresses[i] = piece.Start + (nint)program.Plan.Offsets[i];
        }
    }
}

/// <summary>What a library call of a program gets: views that move to where the buffers lie.</summary>
internal sealed unsafe class CallArguments(CallStep step, ImmutableArray<BufferInfo> buffers)
{
    private readonly NDArray[] inputs = Views(step.Inputs, buffers);
    private readonly NDArray[] outputs = Views(step.Outputs, buffers);

    /// <summary>Calls the function.</summary>
    public void Run(nint* addresses)
    {
        Move(inputs, step.Inputs, addresses);
        Move(outputs, step.Outputs, addresses);
        step.Function(inputs, outputs);
    }

    private static NDArray[] Views(ImmutableArray<int> places, ImmutableArray<BufferInfo> buffers) =>
        [.. places.Select(buffer => NDArray.View(buffers[buffer].Shape, buffers[buffer].DType))];

    private static void Move(NDArray[] views, ImmutableArray<int> places, nint* addresses)
    {
        for (var i = 0; i < views.Length; i++)
            views[i].MoveTo(addresses[places[i]]);
    }
}
