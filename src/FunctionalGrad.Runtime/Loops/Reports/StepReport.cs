using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>What a step of a program does, and what that takes.</summary>
/// <param name="Kind">Kernel, matrix product, contraction, scatterAdd or call.</param>
/// <param name="Title">The step in one line, with its sizes.</param>
internal sealed record StepReport(string Kind, string Title)
{
    /// <summary>Of a kernel: how many passes it makes over a row; 1 if it folds nothing in its body.</summary>
    public int Stages { get; init; }

    /// <summary>Of a kernel: how many instructions its body has.</summary>
    public int Instructions { get; init; }

    /// <summary>
    /// Floating-point operations: instructions that calculate with floats, one for each element or row that they are evaluated at, a function such as exp
    /// counting as one; elements that are folded; two for each product that is summed.
    /// </summary>
    public long Flops { get; init; }

    /// <summary>Bytes of memory that are read, each place once.</summary>
    public long BytesRead { get; init; }

    /// <summary>Bytes of memory that are written, each place once.</summary>
    public long BytesWritten { get; init; }

    /// <summary>The buffers that are read.</summary>
    public ImmutableArray<int> Reads { get; init; } = [];

    /// <summary>The buffers that are written.</summary>
    public ImmutableArray<int> Writes { get; init; } = [];

    /// <summary>Of a kernel: why it is not run as machine code; empty if it is, or will be as soon as that pays.</summary>
    public string Interpreted { get; init; } = "";

    /// <summary>Of a kernel that is emitted: how many operations its code has; else 0.</summary>
    public int Operations { get; init; }

    /// <summary>Of a kernel that is emitted: in how many parts threads may share it; else 0.</summary>
    public int Parts { get; init; }
}
