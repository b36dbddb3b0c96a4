using System.Text;

namespace FunctionalGrad;

/// <summary>How arrays are printed. An immutable value: change a copy, <c>options with { Precision = 8 }</c>.</summary>
/// <param name="Precision">Digits after the point at most, 0 to 17; trailing zeros that no element needs are left out.</param>
/// <param name="Threshold">Elements beyond which an array is summarized with <c>...</c>.</param>
/// <param name="EdgeItems">Elements shown at each end of an axis of a summarized array, at least 1.</param>
/// <param name="LineWidth">Columns after which a row is continued on the next line, at least 1.</param>
/// <exception cref="ArgumentOutOfRangeException">A number is outside of its range.</exception>
public sealed record PrintOptions(int Precision = 4, int Threshold = 1000, int EdgeItems = 3, int LineWidth = 100)
{
    /// <summary>Digits after the point at most, 0 to 17.</summary>
    public int Precision { get; init => field = Within(value, 0, 17, nameof(Precision)); } = Within(Precision, 0, 17, nameof(Precision));

    /// <summary>Elements beyond which an array is summarized.</summary>
    public int Threshold { get; init => field = Within(value, 0, int.MaxValue, nameof(Threshold)); } = Within(Threshold, 0, int.MaxValue, nameof(Threshold));

    /// <summary>Elements shown at each end of an axis of a summarized array.</summary>
    public int EdgeItems { get; init => field = Within(value, 1, int.MaxValue / 2, nameof(EdgeItems)); } = Within(EdgeItems, 1, int.MaxValue / 2, nameof(EdgeItems));

    /// <summary>Columns after which a row is continued on the next line.</summary>
    public int LineWidth { get; init => field = Within(value, 1, int.MaxValue, nameof(LineWidth)); } = Within(LineWidth, 1, int.MaxValue, nameof(LineWidth));

    private static int Within(int value, int least, int most, string name) => value >= least && value <= most
        ? value
        : throw new ArgumentOutOfRangeException(name, value, $"{name} is from {least} to {most}.");
}

/// <summary>Arrays as text: nested brackets and aligned columns, the same in every culture.</summary>
public static class Printing
{
    private static PrintOptions options = new();

    /// <summary>What is used where no options are given. It may be set at any time from any thread.</summary>
    public static PrintOptions Options
    {
        get => Volatile.Read(ref options);
        set => Volatile.Write(ref options, value ?? throw new ArgumentNullException(nameof(value)));
    }

    /// <summary>
    /// The elements within brackets, rows under each other, a scalar without brackets. An empty array is <c>[]</c>, followed
    /// by its shape if it has more than one axis: <c>[], shape=[2, 0]</c>.
    /// </summary>
    /// <param name="array">What to print.</param>
    /// <param name="indent">Columns that the caller has written before, by which the following lines are indented.</param>
    /// <param name="options">How; <see cref="Options"/> if left out.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="indent"/> is negative.</exception>
    public static string Format(NDArray array, int indent = 0, PrintOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(array);
        ArgumentOutOfRangeException.ThrowIfNegative(indent);
        if (array.Count == 0)
            return array.Shape.Rank == 1 ? "[]" : $"[], shape={array.Shape}";
        return new Layout(array, indent, options ?? Options).ToString();
    }

    /// <summary>Where the brackets, the elements and the line breaks of one array go.</summary>
    private sealed class Layout
    {
        private const string Omitted = "...";

        private readonly Shape shape;
        private readonly int[] strides;
        private readonly int indent;
        private readonly PrintOptions options;
        private readonly bool summarized;
        private readonly string[] texts;
        private readonly StringBuilder builder = new();
        private int written;
        private int lineStart;

        public Layout(NDArray array, int indent, PrintOptions options)
        {
            (shape, this.indent, this.options) = (array.Shape, indent, options);
            strides = shape.Strides();
            summarized = array.Count > options.Threshold;
            lineStart = -indent;
            var shown = new List<int>();
            Collect(0, 0, shown);
            texts = ElementText.Of(array, shown, options.Precision);
        }

        public override string ToString()
        {
            if (shape.Rank == 0)
                return texts[0];
            WriteAxis(0);
            return builder.ToString();
        }

        /// <summary>The positions along an axis that are shown; −1 stands for those left out.</summary>
        private IEnumerable<int> Positions(int axis)
        {
            var (size, edge) = (shape[axis], options.EdgeItems);
            if (!summarized || size <= 2 * edge)
                return Enumerable.Range(0, size);
            return Enumerable.Range(0, edge).Append(-1).Concat(Enumerable.Range(size - edge, edge));
        }

        private void Collect(int axis, int offset, List<int> shown)
        {
            if (axis == shape.Rank)
            {
                shown.Add(offset);
                return;
            }

            foreach (var position in Positions(axis).Where(position => position >= 0))
                Collect(axis + 1, offset + position * strides[axis], shown);
        }

        private void WriteAxis(int axis)
        {
            builder.Append('[');
            if (axis == shape.Rank - 1)
                WriteRow();
            else
                WriteRows(axis);
            builder.Append(']');
        }

        private void WriteRows(int axis)
        {
            var first = true;
            foreach (var position in Positions(axis))
            {
                if (!first)
                {
                    builder.Append(',').Append('\n', shape.Rank - 1 - axis);
                    Indent(axis + 1);
                }

                first = false;
                if (position < 0)
                    builder.Append(Omitted);
                else
                    WriteAxis(axis + 1);
            }
        }

        private void WriteRow()
        {
            var first = true;
            foreach (var position in Positions(shape.Rank - 1))
            {
                var text = position < 0 ? Omitted : texts[written++];
                if (!first)
                    Separate(text);
                first = false;
                builder.Append(text);
            }
        }

        private void Separate(string next)
        {
            builder.Append(',');
            // all brackets may close behind the last element
            if (builder.Length - lineStart + 1 + next.Length + shape.Rank <= options.LineWidth)
            {
                builder.Append(' ');
                return;
            }

            builder.Append('\n');
            Indent(shape.Rank);
        }

        private void Indent(int depth)
        {
            lineStart = builder.Length;
            builder.Append(' ', indent + depth);
        }
    }
}
