using System.Collections.Immutable;
using FunctionalGrad.Linear;
using FunctionalGrad.Linear.Contractions;

namespace FunctionalGrad.Loops;

/// <summary>
/// A list of steps over buffers, ready to run as often as one likes and from many threads at a time. Temporary buffers share one arena,
/// laid out when the program is made, in memory that the thread's programs borrow in turn.
/// </summary>
public sealed unsafe class Program
{
    private readonly ImmutableArray<BufferInfo> buffers;
    private readonly ImmutableArray<Step> plain;
    private readonly ImmutableArray<BufferInfo> inputs;
    private readonly ImmutableArray<BufferInfo> outputs;
    private readonly int numbers;
    private readonly MemoryPlan plan;
    private readonly Lazy<BlockProgram?[]> kernels;
    private readonly Lazy<ContractionPlan?[]> contractions;
    private Arena? idle;

    /// <summary>Checks the steps and plans the memory.</summary>
    /// <param name="buffers">All buffers; steps name them by position.</param>
    /// <param name="numbers">How many numbers a run is given.</param>
    /// <param name="steps">What to do, in order.</param>
    /// <exception cref="ArgumentException">A step reaches beyond a buffer, writes to an input, or does not fit its buffers' types.</exception>
    public Program(ImmutableArray<BufferInfo> buffers, int numbers, ImmutableArray<Step> steps)
    {
        ProgramCheck.Check(buffers, numbers, steps);
        this.numbers = numbers;
        Steps = steps;
        (this.buffers, var staged) = StageSplitter.Split(buffers, steps);
        plain = [.. staged.SelectMany(step => step is StagesStep k ? k.Stages : (IEnumerable<Step>)[step])];
        inputs = [.. buffers.Where(buffer => buffer.Kind == BufferKind.Input)];
        outputs = [.. buffers.Where(buffer => buffer.Kind == BufferKind.Output)];
        plan = new MemoryPlan(this.buffers, staged);
        kernels = new Lazy<BlockProgram?[]>(() => [.. plain.Select(step => step is KernelStep k ? KernelCompiler.Compile(k.Kernel) : null)]);
        contractions = new Lazy<ContractionPlan?[]>(
            () => [.. plain.Select(step => step is ContractionStep c ? ContractionPlan.Make(c, ContractionPlan.LanesOf(c.DType)) : null)]);
    }

    /// <summary>Bytes that the temporary buffers take together.</summary>
    public long ArenaBytes => plan.Bytes;

    /// <summary>What the program does, as it was given: staged kernels are whole.</summary>
    internal ImmutableArray<Step> Steps { get; }

    /// <summary>All buffers: those that were given, then those in which the interpreter keeps values of rows between the stages of a kernel.</summary>
    internal ImmutableArray<BufferInfo> Buffers => buffers;

    /// <summary>Where the temporary buffers lie. A buffer that a staged kernel names is its own throughout that kernel, however it is run.</summary>
    internal MemoryPlan Plan => plan;

    /// <summary>Runs all steps.</summary>
    /// <param name="inputs">One array for each input buffer, in order; read where it lies.</param>
    /// <param name="numbers">The numbers that <see cref="Opcode.Number"/> refers to.</param>
    /// <returns>One new array for each output buffer, in order.</returns>
    /// <exception cref="ArgumentException">The inputs or numbers are not those that the program takes.</exception>
    /// <exception cref="IndexException">A gather or a scatter met an index outside of its axis.</exception>
    public NDArray[] Run(ReadOnlySpan<NDArray> inputs, ReadOnlySpan<long> numbers)
    {
        CheckArguments(inputs, numbers);
        var compiled = kernels.Value;
        var arena = Interlocked.Exchange(ref idle, null) ?? new Arena(buffers, plain, plan, ScratchBytes(compiled));
        var results = new NDArray[outputs.Length];
        for (var i = 0; i < results.Length; i++)
            results[i] = NDArray.Allocate(outputs[i].Shape, outputs[i].DType);
        var memory = arena.Begin(inputs, results);
        try
        {
            fixed (long* given = numbers)
                RunSteps(arena, compiled, given);
        }
        finally
        {
            foreach (var input in inputs)
                input.KeepAlive();
            foreach (var result in results)
                result.KeepAlive();
            arena.End(memory);
            Volatile.Write(ref idle, arena);
        }

        return results;
    }

    private void RunSteps(Arena arena, BlockProgram?[] compiled, long* given)
    {
        var addresses = new ReadOnlySpan<nint>(arena.Addresses, buffers.Length);
        var calls = 0;
        for (var i = 0; i < plain.Length; i++)
        {
            switch (plain[i])
            {
                case KernelStep:
                    compiled[i]!.Run(arena.Addresses, given, arena.Scratch);
                    break;
                case MatrixProductStep product:
                    BatchedProduct.Run(product, addresses);
                    break;
                case ContractionStep:
                    Contraction.Run(contractions.Value[i]!, addresses);
                    break;
                case ScatterAddStep scatter:
                    ScatterAdd.Run(scatter, buffers, arena.Addresses);
                    break;
                default:
                    arena.Call(calls++).Run();
                    break;
            }
        }
    }

    private static long ScratchBytes(BlockProgram?[] compiled) => compiled.Length == 0 ? 0 : compiled.Max(kernel => kernel?.ScratchBytes ?? 0);

    private void CheckArguments(ReadOnlySpan<NDArray> given, ReadOnlySpan<long> givenNumbers)
    {
        if (given.Length != inputs.Length)
            throw new ArgumentException($"program: it takes {inputs.Length} inputs, but {given.Length} were given.", nameof(inputs));
        if (givenNumbers.Length != numbers)
            throw new ArgumentException($"program: it takes {numbers} numbers, but {givenNumbers.Length} were given.", nameof(numbers));
        for (var i = 0; i < given.Length; i++)
        {
            var (expected, array) = (inputs[i], given[i]);
            ArgumentNullException.ThrowIfNull(array, nameof(inputs));
            if (array.DType != expected.DType || !array.Shape.Equals(expected.Shape))
            {
                throw new ArgumentException(
                    $"program: input {i} is {expected.DType.Name()} {expected.Shape}, but {array.DType.Name()} {array.Shape} was given.", nameof(inputs));
            }
        }
    }
}
