using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>Where the memory of a buffer comes from.</summary>
public enum BufferKind : byte
{
    /// <summary>Given to the run, read where it lies.</summary>
    Input,

    /// <summary>Allocated by the run and handed back.</summary>
    Output,

    /// <summary>Lives in the program's arena while it is needed.</summary>
    Temporary,

    /// <summary>An input that the caller has given away: an output is written over it, and handed back in its memory.</summary>
    Given,
}

/// <summary>One buffer of a program: elements in a row.</summary>
/// <param name="Kind">Where its memory comes from. Inputs and outputs are numbered in the order in which they stand in the program.</param>
/// <param name="Shape">Its sizes when it is contiguous row-major; a kernel's accesses need not follow them.</param>
/// <param name="DType">The type of its elements.</param>
public sealed record BufferInfo(BufferKind Kind, Shape Shape, DType DType);

/// <summary>One thing a program does.</summary>
public abstract record Step
{
    /// <summary>Buffers that the step reads.</summary>
    public abstract IEnumerable<int> Reads { get; }

    /// <summary>Buffers that the step writes.</summary>
    public abstract IEnumerable<int> Writes { get; }
}

/// <summary>Runs a loop nest.</summary>
public sealed record KernelStep(Kernel Kernel) : Step
{
    /// <inheritdoc/>
    public override IEnumerable<int> Reads => Kernel.Body.Where(i => i.Code is Opcode.Load or Opcode.Gather).Select(i => i.Access!.Buffer).Distinct();

    /// <inheritdoc/>
    public override IEnumerable<int> Writes => Kernel.Body.Where(i => i.Code is Opcode.Store).Select(i => i.Access!.Buffer)
        .Concat(Kernel.Reductions.Select(r => r.Target.Buffer)).Distinct();
}

/// <summary>A staged kernel as plain ones: they run one after the other, and are one step to the memory plan, as the kernel is that they stand for.</summary>
internal sealed record StagesStep(ImmutableArray<KernelStep> Stages) : Step
{
    /// <inheritdoc/>
    public override IEnumerable<int> Reads => Stages.SelectMany(stage => stage.Reads).Distinct();

    /// <inheritdoc/>
    public override IEnumerable<int> Writes => Stages.SelectMany(stage => stage.Writes).Distinct();
}

/// <summary>One operand of a batched matrix product: element (batch, row, column) lies at <c>Offset + Σ batch[d]·BatchStrides[d] + row·RowStride + column·ColumnStride</c>.</summary>
public sealed record MatrixOperand(int Buffer, long Offset, ImmutableArray<long> BatchStrides, long RowStride, long ColumnStride);

/// <summary>C = A·B for every batch index: A is Rows×Inner, B is Inner×Columns, C is Rows×Columns; float32 or float64. An empty Inner gives zeros.</summary>
public sealed record MatrixProductStep(
    DType DType, ImmutableArray<int> Batch, int Rows, int Columns, int Inner, MatrixOperand A, MatrixOperand B, MatrixOperand C) : Step
{
    /// <inheritdoc/>
    public override IEnumerable<int> Reads => [A.Buffer, B.Buffer];

    /// <inheritdoc/>
    public override IEnumerable<int> Writes => [C.Buffer];
}

/// <summary>
/// For every index over <paramref name="Extents"/>, in order: adds the element at <paramref name="Source"/> to the element of the target at
/// <c>Target + (element at Index)·Stride</c>. The index (int32 or int64) must be in 0 … Length − 1, else the run raises <see cref="IndexException"/>
/// in the name of <paramref name="Asker"/>. The target has been filled by an earlier step.
/// </summary>
public sealed record ScatterAddStep(ImmutableArray<int> Extents, Access Index, Access Source, Access Target, long Stride, long Length, string Asker = "scatterAdd") : Step
{
    /// <inheritdoc/>
    public override IEnumerable<int> Reads => [Index.Buffer, Source.Buffer, Target.Buffer];

    /// <inheritdoc/>
    public override IEnumerable<int> Writes => [Target.Buffer];
}

/// <summary>A function of whole arrays: a factorization, random bits, a user's own. It fills the outputs, which are allocated already.</summary>
public delegate void LibraryFunction(ReadOnlySpan<NDArray> inputs, ReadOnlySpan<NDArray> outputs);

/// <summary>Calls a library function on whole, contiguous buffers.</summary>
public sealed record CallStep(string Name, LibraryFunction Function, ImmutableArray<int> Inputs, ImmutableArray<int> Outputs) : Step
{
    /// <inheritdoc/>
    public override IEnumerable<int> Reads => Inputs;

    /// <inheritdoc/>
    public override IEnumerable<int> Writes => Outputs;
}
