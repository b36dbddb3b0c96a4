using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>
/// One operand of a contraction. Rows and columns may each be several axes, so that an element lies at
/// <c>Offset + Σ batch[d]·BatchStrides[d] + Σ row[d]·RowStrides[d] + Σ column[d]·ColumnStrides[d]</c>: windows, permutations and slices are read where
/// they lie.
/// </summary>
public sealed record ContractionOperand(
    int Buffer, long Offset, ImmutableArray<long> BatchStrides, ImmutableArray<long> RowStrides, ImmutableArray<long> ColumnStrides);

/// <summary>
/// C = A·B for every batch index, where rows, columns and inner are each an index over several axes: A is Rows×Inner, B is Inner×Columns, C is
/// Rows×Columns; float32 or float64. An Inner with an empty axis gives zeros. With one axis each it is what <see cref="MatrixProductStep"/> does,
/// which is faster for large matrices.
/// </summary>
public sealed record ContractionStep(
    DType DType, ImmutableArray<int> Batch, ImmutableArray<int> Rows, ImmutableArray<int> Columns, ImmutableArray<int> Inner,
    ContractionOperand A, ContractionOperand B, ContractionOperand C) : Step
{
    /// <inheritdoc/>
    public override IEnumerable<int> Reads => [A.Buffer, B.Buffer];

    /// <inheritdoc/>
    public override IEnumerable<int> Writes => [C.Buffer];
}
