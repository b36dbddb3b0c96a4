using Microsoft.FSharp.Core;
using static FunctionalGrad.Interop;

namespace FunctionalGrad;

/// <summary>
/// What a slice takes of one axis: a range (<c>1..3</c>, <c>..</c>), a range with a step, or one position (<c>2</c>, <c>^1</c>),
/// whose axis vanishes.
/// </summary>
public readonly record struct AxisSlice
{
    /// <summary>A range of positions; beyond the ends it is cut back.</summary>
    public AxisSlice(Range range, int step = 1)
    {
        Range = range;
        Step = step;
    }

    /// <summary>One position, whose axis vanishes.</summary>
    public AxisSlice(Index position)
    {
        Position = position;
        Step = 1;
    }

    /// <summary>The range; unused if there is a position.</summary>
    public Range Range { get; }

    /// <summary>The distance from one element to the next; negative from the range's end to its start.</summary>
    public int Step { get; }

    /// <summary>The one position, if it is one.</summary>
    public Index? Position { get; }

    /// <summary>Every position of a range.</summary>
    public static implicit operator AxisSlice(Range range) => new(range);

    /// <summary>One position.</summary>
    public static implicit operator AxisSlice(Index position) => new(position);

    /// <summary>One position; a negative one counts from the end.</summary>
    public static implicit operator AxisSlice(int position) => new(position < 0 ? Index.FromEnd(-position) : Index.FromStart(position));

    /// <summary>Start, stop and step as F# has them, for an axis of a size.</summary>
    internal Tuple<FSharpOption<int>, FSharpOption<int>, FSharpOption<int>> Triple(int size)
    {
        if (Position is not null)
            return new(null!, null!, null!);
        var start = Math.Clamp(Range.Start.GetOffset(size), 0, size);
        var stop = Math.Clamp(Range.End.GetOffset(size), start, size);
        // Backwards, the last element comes first; before the first of all there is no position to stop at but none.
        return Step >= 0
            ? new(start, stop, Step)
            : stop == start ? new(0, 0, 1) : new(stop - 1, start == 0 ? null! : start - 1, Step);
    }
}

/// <summary>Parts of tensors, and reading and writing at positions that are data themselves.</summary>
public static class TensorIndexing
{
    /// <param name="x">What is read.</param>
    extension(Tensor x)
    {
        /// <summary>
        /// Part of a tensor, one item for each of the first axes: <c>x.Slice(1..3, ..)</c>, <c>x.Slice(0)</c>, <c>x.Slice(.., ^1)</c>,
        /// <c>x.Slice(new AxisSlice(.., step: -1))</c>. Ranges beyond the ends are cut back, as in NumPy; the axis of a single position
        /// vanishes.
        /// </summary>
        /// <exception cref="ShapeException">There are more items than axes, or a step is 0.</exception>
        /// <exception cref="IndexException">There is no such position.</exception>
        public Tensor Slice(params AxisSlice[] parts)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(parts);
            var ranges = parts.Select((part, axis) => part.Triple(axis < x.Rank ? x.Shape[axis] : 0));
            var result = Shapes.slice(List(ranges), x);
            for (var axis = parts.Length - 1; axis >= 0; axis--)
            {
                if (parts[axis].Position is { } position)
                    result = result.Select(axis, position);
            }

            return result;
        }

        /// <summary>The part at one position of an axis, which vanishes.</summary>
        /// <exception cref="IndexException">There is no such position.</exception>
        public Tensor Select(int axis, Index position)
        {
            ArgumentNullException.ThrowIfNull(x);
            var fromStart = !position.IsFromEnd || position.Value == 0;
            return Shapes.select(axis, fromStart ? position.GetOffset(x.Shape[axis]) : -position.Value, x);
        }

        /// <summary>
        /// result[…, j, …] = x[…, index[…, j, …], …]: NumPy's take_along_axis. The index broadcasts over the other axes.
        /// </summary>
        /// <exception cref="IndexException">A position lies outside of the axis.</exception>
        /// <exception cref="ShapeException">Index and tensor differ in rank, or their shapes do not fit.</exception>
        public Tensor Gather(Tensor index, int axis) => Indexing.gather(axis, Given(index), Given(x));

        /// <summary>x with source[…, j, …] added at […, index[…, j, …], …]; repeated positions accumulate.</summary>
        /// <exception cref="IndexException">A position lies outside of the axis.</exception>
        /// <exception cref="ShapeException">The shapes do not fit.</exception>
        public Tensor ScatterAdd(Tensor index, Tensor source, int axis) =>
            Indexing.scatterAdd(axis, Given(index), Given(source), Given(x));

        /// <summary>
        /// The parts at the given positions along an axis, which is replaced by the index's axes: rows of a table, NumPy's take.
        /// </summary>
        /// <exception cref="IndexException">A position lies outside of the axis.</exception>
        public Tensor Take(Tensor index, int axis = 0) => Indexing.take(axis, Given(index), Given(x));
    }
}
