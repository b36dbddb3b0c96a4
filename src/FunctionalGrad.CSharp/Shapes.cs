using static FunctionalGrad.Interop;

namespace FunctionalGrad;

/// <summary>Functions of shapes. None of them copies when its reader can read through it.</summary>
public static class TensorShapes
{
    /// <param name="x">What is arranged anew.</param>
    extension(Tensor x)
    {
        /// <summary>The same elements, row by row, under another shape. One size may be −1: it follows from the others.</summary>
        /// <exception cref="ShapeException">The number of elements differs.</exception>
        public Tensor Reshape(params int[] sizes) => Shapes.reshape(List(sizes), Given(x));

        /// <summary>The same elements, row by row, under another shape.</summary>
        /// <exception cref="ShapeException">The number of elements differs.</exception>
        public Tensor Reshape(Shape shape) => Shapes.reshape(List(Given(shape).Sizes), Given(x));

        /// <summary>All elements along one axis, row by row.</summary>
        public Tensor Flatten() => Shapes.flatten(Given(x));

        /// <summary>All axes in reverse order; of a matrix, the transpose.</summary>
        public Tensor Transpose() => Shapes.transpose(Given(x));

        /// <summary>Axes in another order: result axis i is operand axis axes[i].</summary>
        /// <exception cref="ShapeException">The axes are not each named once.</exception>
        public Tensor Transpose(params int[] axes) => Shapes.permute(List(axes), Given(x));

        /// <summary>Exchanges two axes.</summary>
        /// <exception cref="ShapeException">An axis does not exist.</exception>
        public Tensor SwapAxes(int first, int second) => Shapes.swapaxes(first, second, Given(x));

        /// <summary>Repeats along axes of size 1 and along new axes in front, to the given sizes.</summary>
        /// <exception cref="ShapeException">A size differs and is not 1.</exception>
        public Tensor BroadcastTo(params int[] sizes) => Shapes.broadcastTo(List(sizes), Given(x));

        /// <summary>Repeats along axes of size 1 and along new axes in front, to the given shape.</summary>
        /// <exception cref="ShapeException">A size differs and is not 1.</exception>
        public Tensor BroadcastTo(Shape shape) => Shapes.broadcastTo(List(Given(shape).Sizes), Given(x));

        /// <summary>Inserts an axis of size 1 so that it stands at the given place of the result.</summary>
        /// <exception cref="ShapeException">There is no such place.</exception>
        public Tensor ExpandDims(int axis) => Shapes.expandDims(axis, Given(x));

        /// <summary>Drops every axis of size 1.</summary>
        public Tensor Squeeze() => Shapes.squeezeAll(Given(x));

        /// <summary>Drops the named axes, which have size 1.</summary>
        /// <exception cref="ShapeException">An axis has another size.</exception>
        public Tensor Squeeze(params int[] axes) => Shapes.squeeze(List(axes), Given(x));

        /// <summary>Reverses the order along axes.</summary>
        /// <exception cref="ShapeException">An axis does not exist or is named twice.</exception>
        public Tensor Flip(params int[] axes) => Shapes.flip(List(axes), Given(x));

        /// <summary>Surrounds with a number: (before, after) elements for each axis.</summary>
        /// <exception cref="ShapeException">There is not one pair for each axis, or one is negative.</exception>
        public Tensor Pad(IReadOnlyList<(int Before, int After)> widths, double value = 0) =>
            Shapes.padWith(value, List(Given(widths).Select(width => width.ToTuple())), Given(x));

        /// <summary>Pieces of the given sizes along an axis.</summary>
        /// <exception cref="ShapeException">The sizes do not add up to the axis.</exception>
        public Tensor[] Split(int axis, params int[] sizes) => [.. Shapes.split(axis, List(sizes), Given(x))];
    }

    extension(Tensor)
    {
        /// <summary>Tensors one after the other along an axis that they have.</summary>
        /// <exception cref="ShapeException">Other sizes differ, or there are no tensors.</exception>
        public static Tensor Concat(int axis, params IEnumerable<Tensor> tensors) => Shapes.concat(axis, Tensors(tensors));

        /// <summary>Tensors of one shape, one after the other along a new axis.</summary>
        /// <exception cref="ShapeException">Shapes differ, or there are no tensors.</exception>
        public static Tensor Stack(int axis, params IEnumerable<Tensor> tensors) => Shapes.stack(axis, Tensors(tensors));
    }
}
