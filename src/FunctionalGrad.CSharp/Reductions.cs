using static FunctionalGrad.Interop;

namespace FunctionalGrad;

/// <summary>
/// Folding axes away. Axes may be negative: −1 is the last. Without axes everything is folded; with <c>keepDims</c> the axes stay,
/// with size 1.
/// </summary>
public static class TensorReductions
{
    /// <param name="x">What is folded.</param>
    extension(Tensor x)
    {
        /// <summary>The sum of all elements. Integers and bool add up to int64.</summary>
        public Tensor Sum() => Reductions.sumAll(Given(x));

        /// <summary>The sum along an axis. Integers and bool add up to int64.</summary>
        /// <exception cref="ShapeException">There is no such axis.</exception>
        public Tensor Sum(int axis, bool keepDims = false) => x.Sum([axis], keepDims);

        /// <summary>The sum along axes. Integers and bool add up to int64.</summary>
        /// <exception cref="ShapeException">An axis does not exist or is named twice.</exception>
        public Tensor Sum(IReadOnlyList<int> axes, bool keepDims = false) => keepDims
            ? Reductions.sumKeepDims(List(axes), Given(x))
            : Reductions.sum(List(axes), Given(x));

        /// <summary>The mean of all elements. Integers give float32; of no elements, NaN.</summary>
        public Tensor Mean() => Reductions.meanAll(Given(x));

        /// <summary>The mean along an axis. Integers give float32; of no elements, NaN.</summary>
        /// <exception cref="ShapeException">There is no such axis.</exception>
        public Tensor Mean(int axis, bool keepDims = false) => x.Mean([axis], keepDims);

        /// <summary>The mean along axes. Integers give float32; of no elements, NaN.</summary>
        /// <exception cref="ShapeException">An axis does not exist or is named twice.</exception>
        public Tensor Mean(IReadOnlyList<int> axes, bool keepDims = false) => keepDims
            ? Reductions.meanKeepDims(List(axes), Given(x))
            : Reductions.mean(List(axes), Given(x));

        /// <summary>The product of all elements. Of no elements, 1.</summary>
        public Tensor Prod() => Reductions.prodAll(Given(x));

        /// <summary>The product along an axis. Of no elements, 1.</summary>
        /// <exception cref="ShapeException">There is no such axis.</exception>
        public Tensor Prod(int axis, bool keepDims = false) => x.Prod([axis], keepDims);

        /// <summary>The product along axes. Of no elements, 1.</summary>
        /// <exception cref="ShapeException">An axis does not exist or is named twice.</exception>
        public Tensor Prod(IReadOnlyList<int> axes, bool keepDims = false) => keepDims
            ? Reductions.prodKeepDims(List(axes), Given(x))
            : Reductions.prod(List(axes), Given(x));

        /// <summary>The largest of all elements. NaN if any is. Ties share the derivative.</summary>
        /// <exception cref="ShapeException">There are no elements to choose from.</exception>
        public Tensor Max() => Reductions.amaxAll(Given(x));

        /// <summary>The largest along an axis. NaN if any is. Ties share the derivative.</summary>
        /// <exception cref="ShapeException">There is no such axis, or there are no elements to choose from.</exception>
        public Tensor Max(int axis, bool keepDims = false) => x.Max([axis], keepDims);

        /// <summary>The largest along axes. NaN if any is. Ties share the derivative.</summary>
        /// <exception cref="ShapeException">An axis does not exist or is named twice, or there are no elements to choose from.</exception>
        public Tensor Max(IReadOnlyList<int> axes, bool keepDims = false) => keepDims
            ? Reductions.amaxKeepDims(List(axes), Given(x))
            : Reductions.amax(List(axes), Given(x));

        /// <summary>The smallest of all elements. NaN if any is. Ties share the derivative.</summary>
        /// <exception cref="ShapeException">There are no elements to choose from.</exception>
        public Tensor Min() => Reductions.aminAll(Given(x));

        /// <summary>The smallest along an axis. NaN if any is. Ties share the derivative.</summary>
        /// <exception cref="ShapeException">There is no such axis, or there are no elements to choose from.</exception>
        public Tensor Min(int axis, bool keepDims = false) => x.Min([axis], keepDims);

        /// <summary>The smallest along axes. NaN if any is. Ties share the derivative.</summary>
        /// <exception cref="ShapeException">An axis does not exist or is named twice, or there are no elements to choose from.</exception>
        public Tensor Min(IReadOnlyList<int> axes, bool keepDims = false) => keepDims
            ? Reductions.aminKeepDims(List(axes), Given(x))
            : Reductions.amin(List(axes), Given(x));

        /// <summary>The position (int64) of the first largest of all elements, row by row; no derivative.</summary>
        /// <exception cref="ShapeException">There are no elements to choose from.</exception>
        public Tensor ArgMax() => Reductions.argmaxAll(Given(x));

        /// <summary>The position (int64) of the first largest element along an axis; no derivative.</summary>
        /// <exception cref="ShapeException">There is no such axis, or there are no elements to choose from.</exception>
        public Tensor ArgMax(int axis, bool keepDims = false) => keepDims
            ? Reductions.argmaxKeepDims(List([axis]), Given(x))
            : Reductions.argmax(List([axis]), Given(x));

        /// <summary>The position (int64) of the first largest element along axes, counted row by row over them; no derivative.</summary>
        /// <exception cref="ShapeException">An axis does not exist or is named twice, or there are no elements to choose from.</exception>
        public Tensor ArgMax(int[] axes, bool keepDims = false) => keepDims
            ? Reductions.argmaxKeepDims(List(axes), Given(x))
            : Reductions.argmax(List(axes), Given(x));

        /// <summary>The position (int64) of the first smallest of all elements, row by row; no derivative.</summary>
        /// <exception cref="ShapeException">There are no elements to choose from.</exception>
        public Tensor ArgMin() => Reductions.argminAll(Given(x));

        /// <summary>The position (int64) of the first smallest element along an axis; no derivative.</summary>
        /// <exception cref="ShapeException">There is no such axis, or there are no elements to choose from.</exception>
        public Tensor ArgMin(int axis, bool keepDims = false) => keepDims
            ? Reductions.argminKeepDims(List([axis]), Given(x))
            : Reductions.argmin(List([axis]), Given(x));

        /// <summary>The position (int64) of the first smallest element along axes, counted row by row over them; no derivative.</summary>
        /// <exception cref="ShapeException">An axis does not exist or is named twice, or there are no elements to choose from.</exception>
        public Tensor ArgMin(int[] axes, bool keepDims = false) => keepDims
            ? Reductions.argminKeepDims(List(axes), Given(x))
            : Reductions.argmin(List(axes), Given(x));

        /// <summary>Whether any element is true (or not 0).</summary>
        public Tensor Any() => Reductions.any(AllAxes(x), x);

        /// <summary>Whether any element along axes is true (or not 0).</summary>
        /// <exception cref="ShapeException">An axis does not exist or is named twice.</exception>
        public Tensor Any(params int[] axes) => Reductions.any(List(axes), Given(x));

        /// <summary>Whether every element is true (or not 0).</summary>
        public Tensor All() => Reductions.all(AllAxes(x), x);

        /// <summary>Whether every element along axes is true (or not 0).</summary>
        /// <exception cref="ShapeException">An axis does not exist or is named twice.</exception>
        public Tensor All(params int[] axes) => Reductions.all(List(axes), Given(x));
    }
}
