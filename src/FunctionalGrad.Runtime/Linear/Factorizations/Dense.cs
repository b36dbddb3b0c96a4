using FunctionalGrad.Loops;

namespace FunctionalGrad.Linear.Factorizations;

/// <summary>
/// One matrix in double precision, row by row: what factorizations work on. float32 goes through it too, so that its results are
/// those of double precision, rounded once.
/// </summary>
internal sealed class Dense(int rows, int columns, double epsilon)
{
    private readonly double[] elements = new double[rows * columns];

    public Dense(int rows, int columns)
        : this(rows, columns, Math.BitIncrement(1.0) - 1)
    {
    }

    public int Rows => rows;

    public int Columns => columns;

    /// <summary>The distance from 1 to the next number of the dtype that the elements came from.</summary>
    public double Epsilon => epsilon;

    public Span<double> Elements => elements;

    public ref double this[int row, int column] => ref elements[(row * columns) + column];

    public static Dense Identity(int size)
    {
        var result = new Dense(size, size);
        for (var i = 0; i < size; i++)
            result[i, i] = 1;
        return result;
    }

    public Span<double> Row(int row) => elements.AsSpan(row * columns, columns);

    /// <summary>The largest magnitude; NaN or ∞ if an element is not finite.</summary>
    public double Largest()
    {
        var largest = 0.0;
        foreach (var x in elements)
            largest = Math.Max(largest, Math.Abs(x));
        return largest;
    }

    public Dense Transposed()
    {
        var result = new Dense(columns, rows, epsilon);
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
                result[j, i] = this[i, j];
        }

        return result;
    }

    public Dense Copy()
    {
        var result = new Dense(rows, columns, epsilon);
        elements.CopyTo(result.Elements);
        return result;
    }
}

/// <summary>Fills the result (zeros until then) from the operands, which are copies and may be overwritten.</summary>
internal delegate void MatrixFunction(Dense[] operands, Dense result);

/// <summary>Rows and columns.</summary>
internal readonly record struct MatrixSize(int Rows, int Columns);

/// <summary>Functions of matrices over batches: neighbouring elements are one matrix, row by row.</summary>
internal static class Batches
{
    /// <summary>The function of whole arrays that treats matrix after matrix. It has no state, so that many threads may call it.</summary>
    public static LibraryFunction Each(MatrixFunction function, MatrixSize[] operands, MatrixSize result) =>
        (inputs, outputs) => Run(function, operands, result, inputs, outputs[0]);

    private static void Run(MatrixFunction function, MatrixSize[] sizes, MatrixSize size, ReadOnlySpan<NDArray> inputs, NDArray output)
    {
        if (output.Count == 0)
            return;
        var result = Matrix(size, output);
        var operands = new Dense[inputs.Length];
        for (var i = 0; i < operands.Length; i++)
            operands[i] = Matrix(sizes[i], inputs[i]);
        var count = output.Count / result.Elements.Length;
        for (var index = 0; index < count; index++)
        {
            for (var i = 0; i < operands.Length; i++)
                Read(inputs[i], index, operands[i].Elements);
            result.Elements.Clear();
            function(operands, result);
            Write(result.Elements, output, index);
        }
    }

    private static Dense Matrix(MatrixSize size, NDArray array)
    {
        var epsilon = array.DType == DType.Float32 ? MathF.BitIncrement(1) - 1 : Math.BitIncrement(1.0) - 1;
        return new(size.Rows, size.Columns, epsilon);
    }

    private static void Read(NDArray source, int index, Span<double> target)
    {
        if (source.DType == DType.Float64)
        {
            source.AsSpan<double>().Slice(index * target.Length, target.Length).CopyTo(target);
            return;
        }

        var elements = source.AsSpan<float>().Slice(index * target.Length, target.Length);
        for (var i = 0; i < target.Length; i++)
            target[i] = elements[i];
    }

    private static void Write(ReadOnlySpan<double> source, NDArray target, int index)
    {
        if (target.DType == DType.Float64)
        {
            source.CopyTo(target.Elements<double>().Slice(index * source.Length, source.Length));
            return;
        }

        var elements = target.Elements<float>().Slice(index * source.Length, source.Length);
        for (var i = 0; i < source.Length; i++)
            elements[i] = (float)source[i];
    }
}
