namespace Consumer.Tests;

/// <summary>What a tensor must be.</summary>
internal static class Expect
{
    /// <summary>The shape, and the elements row by row, up to rounding of the element type.</summary>
    public static void Tensor(Tensor actual, int[] shape, params double[] elements)
    {
        Assert.Equal(Shape.Of(shape), actual.Shape);
        var tolerance = actual.DType == DType.Float32 ? 1e-6 : 1e-12;
        for (var i = 0; i < elements.Length; i++)
        {
            var found = actual.Value.GetDouble(i);
            var close = found.Equals(elements[i]) || Math.Abs(found - elements[i]) <= tolerance * Math.Max(1, Math.Abs(elements[i]));
            Assert.True(close, $"element {i} is {found}, not {elements[i]}");
        }

        Assert.Equal(elements.Length, actual.Count);
    }

    /// <summary>A vector's elements.</summary>
    public static void Vector(Tensor actual, params double[] elements) => Tensor(actual, [elements.Length], elements);

    /// <summary>A scalar.</summary>
    public static void Scalar(Tensor actual, double number) => Tensor(actual, [], number);

    /// <summary>A vector of truth values.</summary>
    public static void Truth(Tensor actual, params bool[] elements)
    {
        Assert.Equal(Shape.Of(elements.Length), actual.Shape);
        Assert.Equal(elements, actual.ToArray<bool>());
    }
}
