using System.Runtime.InteropServices;
using FunctionalGrad.Loops;

namespace FunctionalGrad;

/// <summary>A tensor among the numbers of a span.</summary>
/// <param name="Path">Where it stands in the structure, as <c>Layers[2].Weights</c>; empty if it is all there is.</param>
/// <param name="Start">The position of its first element.</param>
/// <param name="Shape">Its shape; its elements lie row by row.</param>
public sealed record SpanPart(string Path, int Start, Shape Shape);

/// <summary>
/// A function of tensors, compiled for fixed shapes and one float dtype, which reads its argument from a span and writes its result to another:
/// all tensors of the structure in order, one after the other. A call allocates nothing and costs little more than the arithmetic.
/// It may be called from many threads at a time; each uses working memory of its own, which stays with the function.
/// </summary>
public sealed unsafe class CompiledFunction
{
    private readonly int size;
    private readonly nint[] inputOffsets;
    private readonly nint[] outputOffsets;
    private readonly BindingPool pool;

    internal CompiledFunction(DType dtype, SpanPart[] inputs, SpanPart[] outputs, Func<BoundFunction> bind)
    {
        DType = dtype;
        size = dtype.Size();
        Inputs = inputs;
        Outputs = outputs;
        InputLength = inputs.Sum(part => part.Shape.Count);
        OutputLength = outputs.Sum(part => part.Shape.Count);
        inputOffsets = [.. inputs.Select(part => (nint)part.Start * size)];
        outputOffsets = [.. outputs.Select(part => (nint)part.Start * size)];
        pool = new BindingPool(bind);
    }

    /// <summary>The type of all elements, float32 or float64.</summary>
    public DType DType { get; }

    /// <summary>The tensors of the argument, in order.</summary>
    public IReadOnlyList<SpanPart> Inputs { get; }

    /// <summary>The tensors of the result, in order.</summary>
    public IReadOnlyList<SpanPart> Outputs { get; }

    /// <summary>How many numbers the argument has.</summary>
    public int InputLength { get; }

    /// <summary>How many numbers the result has.</summary>
    public int OutputLength { get; }

    /// <summary>Computes the result. The spans may overlap.</summary>
    /// <param name="input">The elements of the argument.</param>
    /// <param name="output">Where those of the result go.</param>
    /// <exception cref="ShapeException">A span has another length than the argument or the result.</exception>
    /// <exception cref="DTypeException">The function takes float32.</exception>
    /// <exception cref="IndexException">A position in the data lies outside of its axis.</exception>
    public void Invoke(ReadOnlySpan<double> input, Span<double> output) => Invoke<double>(input, output);

    /// <inheritdoc cref="Invoke(ReadOnlySpan{double}, Span{double})"/>
    /// <exception cref="DTypeException">The function takes float64.</exception>
    public void Invoke(ReadOnlySpan<float> input, Span<float> output) => Invoke<float>(input, output);

    private void Invoke<T>(ReadOnlySpan<T> input, Span<T> output)
        where T : unmanaged
    {
        if (sizeof(T) != size || input.Length != InputLength || output.Length != OutputLength)
            Refuse(DTypes.Of<T>(), input.Length, output.Length);
        if (input.Overlaps(output))
            InvokeOverlapping(input, output);
        else
            Run(input, output);
    }

    /// <summary>The result goes where the argument is still being read, so it waits elsewhere.</summary>
    private void InvokeOverlapping<T>(ReadOnlySpan<T> input, Span<T> output)
        where T : unmanaged
    {
        var memory = WorkingMemory.Borrow((long)output.Length * sizeof(T));
        try
        {
            var result = new Span<T>((void*)memory.Start, output.Length);
            Run(input, result);
            result.CopyTo(output);
        }
        finally
        {
            memory.Return();
        }
    }

    private void Run<T>(ReadOnlySpan<T> input, Span<T> output)
        where T : unmanaged
    {
        var binding = pool.Rent();
        try
        {
            fixed (T* x = &MemoryMarshal.GetReference(input), y = &MemoryMarshal.GetReference(output))
            {
                for (var i = 0; i < inputOffsets.Length; i++)
                    binding.SetParameter(i, (nint)x + inputOffsets[i]);
                for (var i = 0; i < outputOffsets.Length; i++)
                    binding.SetResult(i, (nint)y + outputOffsets[i]);
                binding.Run();
            }
        }
        finally
        {
            pool.Return(binding);
        }
    }

    private void Refuse(DType dtype, int input, int output)
    {
        if (dtype != DType)
            throw new DTypeException($"invoke: the function takes and gives {DType.Name()}, not {dtype.Name()}. Compile it for a sample of that dtype.");
        if (input != InputLength)
            throw new ShapeException($"invoke: the argument [{Listed(Inputs)}] has {InputLength} numbers, but the input span holds {input}.");
        throw new ShapeException($"invoke: the result [{Listed(Outputs)}] has {OutputLength} numbers, but the output span holds {output}.");
    }

    private static string Listed(IReadOnlyList<SpanPart> parts) =>
        string.Join(", ", parts.Select(part => part.Path.Length == 0 ? $"{part.Shape}" : $"{part.Path} : {part.Shape}"));
}
