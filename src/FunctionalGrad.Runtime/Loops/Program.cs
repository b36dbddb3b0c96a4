using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using FunctionalGrad.Kernels;
using FunctionalGrad.Linear;
using FunctionalGrad.Linear.Contractions;

namespace FunctionalGrad.Loops;

/// <summary>
/// A list of steps over buffers, ready to run as often as one likes and from many threads at a time. Temporary buffers share one arena,
/// laid out when the program is made, in memory that the thread's programs borrow in turn.
/// </summary>
public sealed unsafe class Program
{
    private readonly ImmutableArray<Step> plain;
    private readonly int numbers;
    private readonly int[] firstPlain;
    private readonly int kernelCount;
    private readonly int[] overInput;
    private readonly bool[] isOverwritten;
    private readonly Lazy<BlockProgram?[]> kernels;
    private readonly Lazy<ContractionPlan?[]> contractions;
    private Runner? idle;
    private EmittedPiece[]? emitted;
    private int isEmitting;
    private long runs;
    private long ticks;

    /// <summary>Checks the steps and plans the memory.</summary>
    /// <param name="buffers">All buffers; steps name them by position.</param>
    /// <param name="numbers">How many numbers a run is given.</param>
    /// <param name="steps">What to do, in order.</param>
    /// <param name="given">Which inputs, by their numbers, callers give away: outputs may be written over them.</param>
    /// <exception cref="ArgumentException">A step reaches beyond a buffer, writes to an input, or does not fit its buffers' types.</exception>
    public Program(ImmutableArray<BufferInfo> buffers, int numbers, ImmutableArray<Step> steps, params ReadOnlySpan<int> given)
    {
        ProgramCheck.Check(buffers, numbers, steps);
        InputBuffers = Places(buffers, BufferKind.Input);
        var outputs = Places(buffers, BufferKind.Output);
        steps = [.. steps.Select(AxisOrder.ForVectors)];
        this.numbers = numbers;
        (buffers, steps) = Cut(buffers, steps);
        (buffers, steps, var home) = InPlace.Join(buffers, steps, [.. given.ToArray().Select(input => InputBuffers[input])]);
        OutputBuffers = [.. outputs.Select(buffer => home[buffer])];
        overInput = [.. OutputBuffers.Select(buffer => Array.IndexOf(InputBuffers, buffer))];
        isOverwritten = [.. InputBuffers.Select(OutputBuffers.Contains)];
        Steps = steps;
        (Buffers, var staged) = StageSplitter.Split(buffers, steps);
        plain = [.. staged.SelectMany(step => step is StagesStep k ? k.Stages : (IEnumerable<Step>)[step])];
        firstPlain = FirstPlain(staged);
        kernelCount = steps.Count(step => step is KernelStep);
        Plan = new MemoryPlan(Buffers, staged);
        if (Verification.IsOn)
            Verify(staged);
        kernels = new Lazy<BlockProgram?[]>(() => [.. plain.Select(step => step is KernelStep k ? KernelCompiler.Compile(k.Kernel) : null)]);
        contractions = new Lazy<ContractionPlan?[]>(
            () => [.. plain.Select(step => step is ContractionStep c ? ContractionPlan.Make(c, ContractionPlan.LanesOf(c.DType)) : null)]);
    }

    /// <summary>Bytes that the temporary buffers take together.</summary>
    public long ArenaBytes => Plan.Bytes;

    /// <summary>Where the temporary buffers lie. A buffer that a staged kernel names is its own throughout that kernel, however it is run.</summary>
    internal MemoryPlan Plan { get; }

    /// <summary>All buffers: those that were given, then those in which the interpreter keeps values of rows between the stages of a kernel.</summary>
    internal ImmutableArray<BufferInfo> Buffers { get; }

    /// <summary>What the program does, nearly as it was given: staged kernels are whole.</summary>
    internal ImmutableArray<Step> Steps { get; }

    /// <summary>The same with staged kernels in parts: what is done one after the other.</summary>
    internal ImmutableArray<Step> PlainSteps => plain;

    /// <summary>Which buffers are inputs, in order.</summary>
    internal int[] InputBuffers { get; }

    /// <summary>Whether an output is written over an input of a number: whoever runs the program gives it memory that nobody else reads.</summary>
    internal bool IsOverwritten(int input) => isOverwritten[input];

    /// <summary>Which buffers are outputs, in order.</summary>
    internal int[] OutputBuffers { get; }

    /// <summary>Bytes that each step may use as it likes.</summary>
    internal long ScratchBytes => kernels.Value.Length == 0 ? 0 : kernels.Value.Max(kernel => kernel?.ScratchBytes ?? 0);

    /// <summary>How many steps one that the program was given has become.</summary>
    internal int StepsOf(Step given) => Cut(Buffers, [AxisOrder.ForVectors(given)]).Steps.Length;

    /// <summary>Refuses to run where the machine does not have the memory, before any of it is asked for.</summary>
    /// <param name="available">How many bytes there are.</param>
    /// <exception cref="ShapeException">Temporaries and results are more than there is memory.</exception>
    internal void DemandMemory(long available)
    {
        var results = OutputBuffers.Where((_, i) => overInput[i] < 0).Sum(i => (long)Buffers[i].Shape.Count * Buffers[i].DType.Size());
        if (Plan.Bytes + results > available)
        {
            throw new ShapeException(
                $"program: it needs {Plan.Bytes + results} bytes at a time, {Plan.Bytes} for what it computes on the way and {results} for results, but the machine has {available}. "
                + "Work in smaller batches, or use checkpoint.");
        }
    }

    /// <summary>Runs all steps.</summary>
    /// <param name="inputs">One array for each input buffer, in order; read where it lies, or written over.</param>
    /// <param name="numbers">The numbers that <see cref="Opcode.Number"/> refers to.</param>
    /// <returns>One new array for each output buffer, in order.</returns>
    /// <exception cref="ArgumentException">The inputs or numbers are not those that the program takes.</exception>
    /// <exception cref="IndexException">A gather or a scatter met an index outside of its axis.</exception>
    /// <exception cref="ShapeException">It needs more memory than the machine has; nothing has been done.</exception>
    /// <exception cref="DonationException">An input was given away while the program ran.</exception>
    public NDArray[] Run(ReadOnlySpan<NDArray> inputs, ReadOnlySpan<long> numbers)
    {
        CheckArguments(inputs, numbers);
        var runner = Interlocked.Exchange(ref idle, null) ?? new Runner(this);
        var results = new NDArray[OutputBuffers.Length];
        for (var i = 0; i < inputs.Length; i++)
            runner.SetInput(i, inputs[i].Address);
        for (var i = 0; i < results.Length; i++)
        {
            var buffer = Buffers[OutputBuffers[i]];
            results[i] = overInput[i] < 0 ? NDArray.Allocate(buffer.Shape, buffer.DType) : inputs[overInput[i]].Successor();
            runner.SetOutput(i, results[i].Address);
        }

        runner.Borrow();
        try
        {
            fixed (long* given = numbers)
                runner.Run(given);
        }
        finally
        {
            foreach (var input in inputs)
                input.KeepAlive();
            foreach (var result in results)
                result.KeepAlive();
            runner.GiveBack();
            Volatile.Write(ref idle, runner);
        }

        for (var i = 0; i < inputs.Length; i++)
        {
            if (!isOverwritten[i])
                inputs[i].RefuseDonated();
        }

        return results;
    }

    /// <summary>Runs all steps over a table of addresses.</summary>
    /// <param name="addresses">The address of every buffer.</param>
    /// <param name="given">The numbers of the run.</param>
    /// <param name="scratch"><see cref="ScratchBytes"/> bytes on a cache line.</param>
    /// <param name="calls">The arguments of the library calls, in their order.</param>
    /// <param name="kept">For each step, where its right operand is kept; empty if none is.</param>
    internal void Execute(nint* addresses, long* given, byte* scratch, CallArguments[] calls, KeptOperand[] kept)
    {
        var frame = new StepFrame(addresses, given, scratch, calls, kept);
        if (Volatile.Read(ref emitted) is { } pieces || TryEmit(out pieces))
        {
            RunPieces(pieces, ref frame);
            return;
        }

        // Where there is nothing to compile, nobody needs the time.
        var start = kernelCount == 0 ? 0 : Stopwatch.GetTimestamp();
        for (var i = 0; i < plain.Length; i++)
            RunStep(i, ref frame);
        if (kernelCount == 0)
            return;
        Interlocked.Increment(ref runs);
        Interlocked.Add(ref ticks, Stopwatch.GetTimestamp() - start);
    }

    private void RunPieces(EmittedPiece[] pieces, ref StepFrame frame)
    {
        var state = new EmittedState(frame.Addresses, frame.Numbers);
        foreach (ref readonly var piece in pieces.AsSpan())
        {
            if (piece.Work is not { } work)
            {
                for (var i = firstPlain[piece.Step]; i < firstPlain[piece.Step + 1]; i++)
                    RunStep(i, ref frame);
            }
            else if (piece.Parts == 1)
            {
                work(0, &state);
            }
            else
            {
                Parallelism.For(piece.Parts, work, &state);
            }
        }
    }

    private void RunStep(int i, ref StepFrame frame)
    {
        switch (plain[i])
        {
            case KernelStep:
                kernels.Value[i]!.Run(frame.Addresses, frame.Numbers, frame.Scratch);
                break;
            case MatrixProductStep product when frame.Kept.Length > 0:
                BatchedProduct.Run(product, new ReadOnlySpan<nint>(frame.Addresses, Buffers.Length), ref frame.Kept[i]);
                break;
            case MatrixProductStep product:
                BatchedProduct.Run(product, new ReadOnlySpan<nint>(frame.Addresses, Buffers.Length));
                break;
            case ContractionStep:
                Contraction.Run(contractions.Value[i]!, new ReadOnlySpan<nint>(frame.Addresses, Buffers.Length));
                break;
            case ScatterAddStep scatter:
                ScatterAdd.Run(scatter, Buffers, frame.Addresses);
                break;
            default:
                frame.Calls[frame.Called++].Run(frame.Addresses);
                break;
        }
    }

    /// <summary>Compiles the kernels if that is worth it; one thread does, others go on with the interpreter.</summary>
    private bool TryEmit([NotNullWhen(true)] out EmittedPiece[]? pieces)
    {
        pieces = null;
        if (!Tiers.IsWorthCompiling(Volatile.Read(ref runs), Volatile.Read(ref ticks), kernelCount) || Interlocked.Exchange(ref isEmitting, 1) != 0)
            return false;
        Emit(VectorWidth.Bits);
        pieces = emitted!;
        return true;
    }

    /// <summary>Compiles the kernels now; later runs are machine code.</summary>
    /// <param name="width">Bits of a vector.</param>
    /// <returns>How many methods there are.</returns>
    internal int Emit(int width)
    {
        var pieces = EmittedSteps.Compile(Steps, width);
        Volatile.Write(ref emitted, pieces);
        return pieces.Count(piece => piece.Work is not null);
    }

    /// <summary>What the passes after the first check have made is checked too.</summary>
    private void Verify(ImmutableArray<Step> staged)
    {
        ProgramCheck.Check(Buffers, numbers, Steps);
        ProgramCheck.Check(Buffers, numbers, plain);
        MemoryCheck.Check(Buffers, staged, Plan.Offsets, Plan.Bytes);
    }

    /// <summary>Kernels that are too long for one thread, or too large for one method, become several.</summary>
    private static (ImmutableArray<BufferInfo> Buffers, ImmutableArray<Step> Steps) Cut(ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps)
    {
        (buffers, steps) = LongRows.Cut(buffers, steps);
        return KernelSplitter.Split(buffers, steps);
    }

    private static int[] FirstPlain(ImmutableArray<Step> staged)
    {
        var first = new int[staged.Length + 1];
        for (var i = 0; i < staged.Length; i++)
            first[i + 1] = first[i] + (staged[i] is StagesStep stages ? stages.Stages.Length : 1);
        return first;
    }

    private static int[] Places(ImmutableArray<BufferInfo> buffers, BufferKind kind) =>
        [.. Enumerable.Range(0, buffers.Length).Where(i => buffers[i].Kind == kind)];

    private void CheckArguments(ReadOnlySpan<NDArray> inputs, ReadOnlySpan<long> given)
    {
        if (inputs.Length != InputBuffers.Length)
            throw new ArgumentException($"program: it takes {InputBuffers.Length} inputs, but {inputs.Length} were given.", nameof(inputs));
        if (given.Length != numbers)
            throw new ArgumentException($"program: it takes {numbers} numbers, but {given.Length} were given.", nameof(given));
        for (var i = 0; i < inputs.Length; i++)
        {
            var (expected, array) = (Buffers[InputBuffers[i]], inputs[i]);
            ArgumentNullException.ThrowIfNull(array, nameof(inputs));
            if (array.DType != expected.DType || !array.Shape.Equals(expected.Shape))
            {
                throw new ArgumentException(
                    $"program: input {i} is {expected.DType.Name()} {expected.Shape}, but {array.DType.Name()} {array.Shape} was given.", nameof(inputs));
            }
        }
    }
}

/// <summary>What the steps of a run work on.</summary>
internal unsafe ref struct StepFrame(nint* addresses, long* numbers, byte* scratch, CallArguments[] calls, KeptOperand[] kept)
{
    /// <summary>The address of every buffer.</summary>
    public readonly nint* Addresses = addresses;

    /// <summary>The numbers of the run.</summary>
    public readonly long* Numbers = numbers;

    /// <summary>Memory that each step may use as it likes.</summary>
    public readonly byte* Scratch = scratch;

    /// <summary>The arguments of the library calls, in their order.</summary>
    public readonly CallArguments[] Calls = calls;

    /// <summary>For each step, where its right operand is kept; empty if none is.</summary>
    public readonly KeptOperand[] Kept = kept;

    /// <summary>How many of them have been called.</summary>
    public int Called;
}
