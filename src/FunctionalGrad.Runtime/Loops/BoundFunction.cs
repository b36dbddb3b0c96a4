using System.Runtime.InteropServices;

namespace FunctionalGrad.Loops;

/// <summary>
/// A function of several parameters that gives several results, bound to where they lie. Whoever holds it moves them about between runs
/// and keeps the memory alive. It serves one thread at a time.
/// </summary>
internal abstract unsafe class BoundFunction
{
    /// <summary>The table of addresses.</summary>
    protected nint* Addresses { get; init; }

    /// <summary>Where in the table the address of each parameter stands.</summary>
    protected int[] Parameters { get; init; } = [];

    /// <summary>Where in the table the address of each result stands.</summary>
    protected int[] Results { get; init; } = [];

    /// <summary>Results that are parameters, or results once more: copied after a run, from one place of the table to another.</summary>
    protected (int From, int To, long Bytes)[] Copies { get; init; } = [];

    /// <summary>Where a parameter of the coming runs lies.</summary>
    public void SetParameter(int index, nint address) => Addresses[Parameters[index]] = address;

    /// <summary>Where a result of the coming runs goes; it overlaps no parameter.</summary>
    public void SetResult(int index, nint address) => Addresses[Results[index]] = address;

    /// <summary>Runs the function.</summary>
    public void Run()
    {
        Execute();
        foreach (var (from, to, bytes) in Copies)
            Buffer.MemoryCopy((void*)Addresses[from], (void*)Addresses[to], bytes, bytes);
    }

    /// <summary>Runs the function once, on arrays and into arrays.</summary>
    public void Run(ReadOnlySpan<NDArray> parameters, ReadOnlySpan<NDArray> results)
    {
        for (var i = 0; i < parameters.Length; i++)
            SetParameter(i, parameters[i].Address);
        for (var i = 0; i < results.Length; i++)
            SetResult(i, results[i].Address);
        Borrow();
        try
        {
            Run();
        }
        finally
        {
            GiveBack();
            foreach (var parameter in parameters)
                parameter.KeepAlive();
            foreach (var result in results)
                result.KeepAlive();
        }
    }

    /// <summary>Takes memory of the thread's for the coming runs; <see cref="GiveBack"/> it afterwards, on the same thread.</summary>
    public abstract void Borrow();

    /// <summary>Gives the memory back.</summary>
    public abstract void GiveBack();

    /// <summary>Computes all results that are no copies.</summary>
    protected abstract void Execute();
}

/// <summary>A program as a function of parameters, which it may not all read, and of which some may be results.</summary>
internal sealed unsafe class BoundProgram : BoundFunction
{
    private readonly Runner runner;
    private readonly long[] numbers;
    private NDArray[] kept = [];

    /// <summary>Binds a program.</summary>
    /// <param name="program">What computes the results.</param>
    /// <param name="numbers">The program's numbers, the same in every run.</param>
    /// <param name="inputs">For each parameter its place among the program's inputs, or −1 if it is not read.</param>
    /// <param name="outputs">For each result its place among the program's outputs, or −1 − the place of the input that it is.</param>
    /// <param name="still">Parameters that stay as they are from <see cref="Borrow"/> to <see cref="GiveBack"/>.</param>
    public BoundProgram(Program program, ReadOnlySpan<long> numbers, ReadOnlySpan<int> inputs, ReadOnlySpan<int> outputs, Range still = default)
    {
        // Beyond the buffers: one place for what is not read, then one for every result that is copied.
        var unread = program.Buffers.Length;
        this.numbers = GC.AllocateUninitializedArray<long>(numbers.Length, pinned: true);
        numbers.CopyTo(this.numbers);
        var parameters = new int[inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
            parameters[i] = inputs[i] < 0 ? unread : program.InputBuffers[inputs[i]];
        runner = new Runner(program, 1 + outputs.Length, parameters.AsSpan(still));
        var results = new int[outputs.Length];
        var copies = new List<(int From, int To, long Bytes)>();
        for (var i = 0; i < outputs.Length; i++)
        {
            var buffer = outputs[i] < 0 ? program.InputBuffers[-1 - outputs[i]] : program.OutputBuffers[outputs[i]];
            var isCopy = outputs[i] < 0 || results.AsSpan(0, i).Contains(buffer);
            results[i] = isCopy ? unread + 1 + i : buffer;
            if (isCopy)
                copies.Add((buffer, results[i], (long)program.Buffers[buffer].Shape.Count * program.Buffers[buffer].DType.Size()));
        }

        Addresses = runner.Addresses;
        Parameters = parameters;
        Results = results;
        Copies = [.. copies];
    }

    /// <inheritdoc/>
    public override void Borrow() => runner.Borrow();

    /// <inheritdoc/>
    public override void GiveBack() => runner.GiveBack();

    /// <summary>Takes memory that stays the function's, and arrays that are the parameters from some position on in all runs.</summary>
    public void Keep(int first, NDArray[] arrays)
    {
        runner.Own();
        kept = arrays;
        for (var i = 0; i < arrays.Length; i++)
            SetParameter(first + i, arrays[i].Address);
    }

    /// <inheritdoc/>
    protected override void Execute()
    {
        runner.Run((long*)Marshal.UnsafeAddrOfPinnedArrayElement(numbers, 0));
        GC.KeepAlive(numbers);
        GC.KeepAlive(kept);
    }
}

/// <summary>A function of arrays, such as an evaluator that is no program.</summary>
internal sealed unsafe class BoundDelegate : BoundFunction
{
    private readonly Func<NDArray[], NDArray[]> function;
    private readonly nint[] table;
    private readonly NDArray[] parameters;

    /// <summary>Binds a function of arrays of the given shapes and types.</summary>
    public BoundDelegate(Func<NDArray[], NDArray[]> function, ReadOnlySpan<(Shape Shape, DType DType)> parameters, int results)
    {
        this.function = function;
        this.parameters = new NDArray[parameters.Length];
        for (var i = 0; i < parameters.Length; i++)
            this.parameters[i] = NDArray.View(parameters[i].Shape, parameters[i].DType);
        table = GC.AllocateArray<nint>(parameters.Length + results + 1, pinned: true);
        Addresses = (nint*)Marshal.UnsafeAddrOfPinnedArrayElement(table, 0);
        Parameters = [.. Enumerable.Range(0, parameters.Length)];
        Results = [.. Enumerable.Range(parameters.Length, results)];
    }

    /// <inheritdoc/>
    public override void Borrow()
    {
    }

    /// <inheritdoc/>
    public override void GiveBack()
    {
    }

    /// <inheritdoc/>
    protected override void Execute()
    {
        for (var i = 0; i < parameters.Length; i++)
            parameters[i].MoveTo(Addresses[i]);
        var results = function(parameters);
        for (var i = 0; i < results.Length; i++)
        {
            Buffer.MemoryCopy(results[i].Pointer, (void*)Addresses[Results[i]], results[i].ByteLength, results[i].ByteLength);
            results[i].KeepAlive();
        }

        GC.KeepAlive(table);
    }
}
