using System.Collections;
using System.Collections.Immutable;

namespace FunctionalGrad;

/// <summary>The sizes of a tensor's axes, outermost first. A scalar has none: <c>[]</c>.</summary>
public sealed class Shape : IEquatable<Shape>, IReadOnlyList<int>
{
    private readonly int hash;

    /// <summary>The shape of a scalar.</summary>
    public static Shape Scalar { get; } = new(ImmutableArray<int>.Empty);

    /// <summary>A shape of the given sizes.</summary>
    /// <exception cref="ShapeException">A size is negative, or there are more elements than an int can count.</exception>
    public Shape(IEnumerable<int> sizes)
        : this(sizes?.ToImmutableArray() ?? throw new ArgumentNullException(nameof(sizes)))
    {
    }

    private Shape(ImmutableArray<int> sizes)
    {
        Sizes = sizes;
        long count = 1;
        var code = new HashCode();
        foreach (var size in sizes)
        {
            if (size < 0)
                throw new ShapeException($"a shape has no negative size, but [{string.Join(", ", sizes)}] has {size}.");
            count = count == 0 ? 0 : Math.Min(count * size, (long)int.MaxValue + 1);
            code.Add(size);
        }

        if (count > int.MaxValue)
            throw new ShapeException($"[{string.Join(", ", sizes)}] holds more than {int.MaxValue} elements, the most one tensor can have. Split it.");
        Count = (int)count;
        hash = code.ToHashCode();
    }

    /// <summary>A shape of the given sizes: <c>Shape.Of(2, 3)</c>.</summary>
    /// <exception cref="ShapeException">A size is negative, or there are more elements than an int can count.</exception>
    public static Shape Of(params int[] sizes) => new((IEnumerable<int>)sizes);

    /// <summary>The sizes, outermost first.</summary>
    public ImmutableArray<int> Sizes { get; }

    /// <summary>How many axes there are.</summary>
    public int Rank => Sizes.Length;

    /// <summary>How many elements there are: the product of the sizes, 1 for a scalar.</summary>
    public int Count { get; }

    /// <summary>The size of an axis; a negative axis counts from the last.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public int this[int axis] => Sizes[Axis("shape", axis)];

    /// <summary>The axis counted from the front, for an axis that may count from the back (−1 is the last).</summary>
    /// <param name="op">Who asks; the refusal begins with it.</param>
    /// <param name="axis">The axis, from −Rank to Rank − 1.</param>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public int Axis(string op, int axis)
    {
        if (axis < -Rank || axis >= Rank)
            throw new ShapeException(Rank == 0
                ? $"{op}: axis {axis} is out of range, a scalar has no axes."
                : $"{op}: axis {axis} is out of range for shape {this}; it may be from {-Rank} to {Rank - 1}.");
        return axis < 0 ? axis + Rank : axis;
    }

    /// <summary>Elements between neighbours along each axis when elements lie row by row (row-major).</summary>
    public int[] Strides()
    {
        var strides = new int[Rank];
        var step = 1;
        for (var axis = Rank - 1; axis >= 0; axis--)
        {
            strides[axis] = step;
            // A shape without elements may have sizes whose product overflows; its strides are never used.
            step = unchecked(step * Sizes[axis]);
        }

        return strides;
    }

    /// <inheritdoc/>
    public bool Equals(Shape? other) =>
        ReferenceEquals(this, other) || (other is not null && hash == other.hash && Sizes.AsSpan().SequenceEqual(other.Sizes.AsSpan()));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Shape);

    /// <inheritdoc/>
    public override int GetHashCode() => hash;

    /// <summary>The sizes as NumPy's users read them: <c>[32, 784]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Sizes)}]";

    int IReadOnlyCollection<int>.Count => Rank;

    IEnumerator<int> IEnumerable<int>.GetEnumerator() => ((IEnumerable<int>)Sizes).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<int>)Sizes).GetEnumerator();
}
