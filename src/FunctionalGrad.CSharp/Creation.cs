using static FunctionalGrad.Interop;

namespace FunctionalGrad;

/// <summary>Making tensors, and reading them back as arrays.</summary>
public static class TensorCreation
{
    extension(Tensor)
    {
        /// <summary>A scalar, float64.</summary>
        public static Tensor From(double value) => Creation.tensor(value);

        /// <summary>A scalar, float32.</summary>
        public static Tensor From(float value) => Creation.tensor(value);

        /// <summary>A scalar, int32.</summary>
        public static Tensor From(int value) => Creation.tensor(value);

        /// <summary>A scalar, int64.</summary>
        public static Tensor From(long value) => Creation.tensor(value);

        /// <summary>A scalar, bool.</summary>
        public static Tensor From(bool value) => Creation.tensor(value);

        /// <summary>A vector of the elements, copied: <c>Tensor.From([1.0, 2.0])</c>.</summary>
        /// <exception cref="DTypeException">The elements are not float, double, int, long or bool.</exception>
        public static Tensor From<T>(ReadOnlySpan<T> elements)
            where T : unmanaged => Creation.tensor(NDArray.Create(Shape.Of(elements.Length), elements));

        /// <summary>A vector of the elements, copied.</summary>
        /// <exception cref="DTypeException">The elements are not float, double, int, long or bool.</exception>
        public static Tensor From<T>(T[] elements)
            where T : unmanaged => Tensor.From<T>(Given(elements).AsSpan());

        /// <summary>A vector of the elements, copied.</summary>
        /// <exception cref="DTypeException">The elements are not float, double, int, long or bool.</exception>
        public static Tensor From<T>(IEnumerable<T> elements)
            where T : unmanaged => Tensor.From<T>(Given(elements).ToArray());

        /// <summary>The elements, row by row, under a shape: <c>Tensor.From(pixels, Shape.Of(28, 28))</c>.</summary>
        /// <exception cref="ShapeException">The shape asks for another number of elements.</exception>
        /// <exception cref="DTypeException">The elements are not float, double, int, long or bool.</exception>
        public static Tensor From<T>(ReadOnlySpan<T> elements, Shape shape)
            where T : unmanaged => Creation.tensor(NDArray.Create(Given(shape), elements));

        /// <summary>A matrix.</summary>
        /// <exception cref="DTypeException">The elements are not float, double, int, long or bool.</exception>
        public static Tensor From<T>(T[,] rows)
            where T : unmanaged => Creation.tensor(Given(rows));

        /// <summary>A tensor of rank 3.</summary>
        /// <exception cref="DTypeException">The elements are not float, double, int, long or bool.</exception>
        public static Tensor From<T>(T[,,] blocks)
            where T : unmanaged => Creation.tensor(Given(blocks));

        /// <summary>A matrix from rows of one length: <c>Tensor.From([[1.0, 2.0], [3.0, 4.0]])</c>.</summary>
        /// <exception cref="ShapeException">Rows differ in length.</exception>
        /// <exception cref="DTypeException">The elements are not float, double, int, long or bool.</exception>
        public static Tensor From<T>(T[][] rows)
            where T : unmanaged => Creation.tensor(Given(rows));

        /// <summary>A tensor of rank 3 from rows of rows of one length.</summary>
        /// <exception cref="ShapeException">Rows differ in length.</exception>
        /// <exception cref="DTypeException">The elements are not float, double, int, long or bool.</exception>
        public static Tensor From<T>(T[][][] blocks)
            where T : unmanaged => Creation.tensor(Given(blocks));

        /// <summary>A tensor around an array; nothing is copied.</summary>
        public static Tensor From(NDArray array) => TensorModule.ofArray(Given(array));

        /// <summary>Zeros, float32: <c>Tensor.Zeros(2, 3)</c>.</summary>
        /// <exception cref="ShapeException">A size is negative.</exception>
        public static Tensor Zeros(params int[] sizes) => Creation.zeros(List(sizes));

        /// <summary>Zeros of a dtype.</summary>
        /// <exception cref="ShapeException">A size is negative.</exception>
        public static Tensor Zeros(IReadOnlyList<int> sizes, DType dtype = DType.Float32) => Creation.zerosWith(dtype, List(sizes));

        /// <summary>Zeros of the shape and dtype of another tensor.</summary>
        public static Tensor ZerosLike(Tensor x) => Creation.zerosLike(Given(x));

        /// <summary>Ones, float32: <c>Tensor.Ones(2, 3)</c>.</summary>
        /// <exception cref="ShapeException">A size is negative.</exception>
        public static Tensor Ones(params int[] sizes) => Creation.ones(List(sizes));

        /// <summary>Ones of a dtype.</summary>
        /// <exception cref="ShapeException">A size is negative.</exception>
        public static Tensor Ones(IReadOnlyList<int> sizes, DType dtype = DType.Float32) => Creation.onesWith(dtype, List(sizes));

        /// <summary>Ones of the shape and dtype of another tensor.</summary>
        public static Tensor OnesLike(Tensor x) => Creation.onesLike(Given(x));

        /// <summary>One number everywhere.</summary>
        /// <exception cref="ShapeException">A size is negative.</exception>
        public static Tensor Full(IReadOnlyList<int> sizes, double value, DType dtype = DType.Float32) =>
            Creation.fullWith(dtype, List(sizes), value);

        /// <summary>0, 1, …, count − 1 as int64.</summary>
        public static Tensor Arange(int count) => Creation.arange(count);

        /// <summary>start, start + step, … up to but without stop, as int64.</summary>
        /// <exception cref="ShapeException">The step is 0.</exception>
        public static Tensor Arange(int start, int stop, int step = 1) => Creation.arangeWith(DType.Int64, start, stop, step);

        /// <summary>start, start + step, … up to but without stop.</summary>
        /// <exception cref="ShapeException">The step is 0 or not finite.</exception>
        public static Tensor Arange(double start, double stop, double step = 1, DType dtype = DType.Float32) =>
            Creation.arangeWith(dtype, start, stop, step);

        /// <summary>Evenly spaced numbers from start to stop, both included.</summary>
        /// <exception cref="ShapeException">The count is negative.</exception>
        public static Tensor Linspace(double start, double stop, int count, DType dtype = DType.Float32) =>
            Creation.linspaceWith(dtype, start, stop, count);

        /// <summary>The identity matrix.</summary>
        /// <exception cref="ShapeException">The size is negative.</exception>
        public static Tensor Eye(int size, DType dtype = DType.Float32) => Creation.eyeWith(dtype, size);

        /// <summary>1 at the given classes, 0 elsewhere, along a new last axis.</summary>
        /// <exception cref="IndexException">A class is not in 0 … classes − 1.</exception>
        public static Tensor OneHot(Tensor index, int classes, DType dtype = DType.Float32) =>
            Indexing.oneHotWith(dtype, classes, Given(index));

        /// <summary>Computes the values of several tensors together, which shares what they have in common.</summary>
        public static void Evaluate(params IEnumerable<Tensor> tensors) => TensorModule.evaluate(Tensors(tensors));
    }

    /// <param name="x">What is read.</param>
    extension(Tensor x)
    {
        /// <summary>The elements of a matrix as a rectangular array.</summary>
        /// <exception cref="ShapeException">The rank is not 2.</exception>
        /// <exception cref="DTypeException">The elements are of another type.</exception>
        public T[,] ToArray2D<T>()
            where T : unmanaged => Creation.toArray2D<T>(Given(x));

        /// <summary>The elements of a tensor of rank 3 as a rectangular array.</summary>
        /// <exception cref="ShapeException">The rank is not 3.</exception>
        /// <exception cref="DTypeException">The elements are of another type.</exception>
        public T[,,] ToArray3D<T>()
            where T : unmanaged => Creation.toArray3D<T>(Given(x));

        /// <summary>The elements of a matrix as an array of rows.</summary>
        /// <exception cref="ShapeException">The rank is not 2.</exception>
        /// <exception cref="DTypeException">The elements are of another type.</exception>
        public T[][] ToJagged<T>()
            where T : unmanaged => Creation.toJagged<T>(Given(x));
    }
}
