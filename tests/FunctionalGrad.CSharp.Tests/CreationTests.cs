namespace Consumer.Tests;

public class CreationTests
{
    [Fact]
    public void NumbersAreScalarsOfTheirOwnType()
    {
        Expect.Scalar(Tensor.From(1.5), 1.5);
        Assert.Equal(DType.Float64, Tensor.From(1.5).DType);
        Assert.Equal(DType.Float32, Tensor.From(1.5f).DType);
        Assert.Equal(DType.Int32, Tensor.From(2).DType);
        Assert.Equal(DType.Int64, Tensor.From(2L).DType);
        Assert.Equal(DType.Bool, Tensor.From(true).DType);
    }

    [Fact]
    public void CollectionExpressionsAreVectors()
    {
        Expect.Vector(Tensor.From([1.0, 2.0]), 1, 2);
        Assert.Equal(DType.Float64, Tensor.From([1.0, 2.0]).DType);
        Assert.Equal(DType.Float32, Tensor.From([1f, 2f]).DType);
        Assert.Equal(DType.Int32, Tensor.From([1, 2]).DType);
        Assert.Equal(DType.Int64, Tensor.From([1L, 2L]).DType);
        Assert.Equal(DType.Bool, Tensor.From([true, false]).DType);
    }

    [Fact]
    public void ArraysSpansAndSequencesAreVectors()
    {
        float[] array = [1, 2, 3];
        Expect.Vector(Tensor.From(array), 1, 2, 3);
        Expect.Vector(Tensor.From(array.AsSpan(1)), 2, 3);
        Expect.Vector(Tensor.From((ReadOnlySpan<float>)array), 1, 2, 3);
        Expect.Vector(Tensor.From(new List<double> { 4, 5 }), 4, 5);
        Expect.Vector(Tensor.From(Enumerable.Range(0, 3)), 0, 1, 2);
        Expect.Vector(Tensor.From(Array.Empty<double>()));
    }

    [Fact]
    public void RectangularAndJaggedArraysHaveMoreAxes()
    {
        Expect.Tensor(Tensor.From(new[,] { { 1.0, 2.0 }, { 3.0, 4.0 } }), [2, 2], 1, 2, 3, 4);
        Expect.Tensor(Tensor.From(new[, ,] { { { 1 }, { 2 } } }), [1, 2, 1], 1, 2);
        Expect.Tensor(Tensor.From([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), [3, 2], 1, 2, 3, 4, 5, 6);
        Expect.Tensor(Tensor.From([[[1f], [2f]]]), [1, 2, 1], 1, 2);
        Expect.Tensor(Tensor.From([1.0, 2.0, 3.0, 4.0], Shape.Of(2, 2)), [2, 2], 1, 2, 3, 4);
        Expect.Vector(Tensor.From(NDArray.Create<int>(Shape.Of(2), [7, 8])), 7, 8);
    }

    [Fact]
    public void RaggedRowsAreRefused() =>
        Assert.Contains("ragged", Assert.Throws<ShapeException>(() => Tensor.From([[1.0, 2.0], [3.0]])).Message);

    [Fact]
    public void BytesAreRefusedByName() =>
        Assert.Contains("Byte", Assert.Throws<DTypeException>(() => Tensor.From(new byte[] { 1 })).Message);

    [Fact]
    public void WhatIsCopiedDoesNotChange()
    {
        double[] source = [1, 2];
        var x = Tensor.From(source);
        source[0] = 9;
        Expect.Vector(x, 1, 2);
    }

    [Fact]
    public void FillsAndGrids()
    {
        Expect.Tensor(Tensor.Zeros(2, 1), [2, 1], 0, 0);
        Expect.Scalar(Tensor.Zeros(), 0);
        Assert.Equal(DType.Float64, Tensor.Zeros([2, 3], DType.Float64).DType);
        Expect.Tensor(Tensor.Ones(1, 2), [1, 2], 1, 1);
        Assert.Equal(DType.Int32, Tensor.Ones([2], DType.Int32).DType);
        Expect.Vector(Tensor.Full([2], 2.5), 2.5, 2.5);
        Expect.Vector(Tensor.Arange(3), 0, 1, 2);
        Expect.Vector(Tensor.Arange(1, 7, 2), 1, 3, 5);
        Assert.Equal(DType.Int64, Tensor.Arange(1, 7, 2).DType);
        Expect.Vector(Tensor.Arange(0.0, 1.0, 0.25), 0, 0.25, 0.5, 0.75);
        Expect.Vector(Tensor.Linspace(0, 1, 5, DType.Float64), 0, 0.25, 0.5, 0.75, 1);
        Expect.Tensor(Tensor.Eye(2), [2, 2], 1, 0, 0, 1);
        Expect.Tensor(Tensor.OneHot(Tensor.From([2, 0]), 3), [2, 3], 0, 0, 1, 1, 0, 0);
    }

    [Fact]
    public void AGridOfIntegersNeedsWholeSteps() =>
        Assert.Contains("whole", Assert.Throws<DTypeException>(() => Tensor.Arange(0, 2, 0.5, DType.Int64)).Message);

    [Fact]
    public void TheRandomOfSystemKeepsItsName()
    {
        var dice = new Random(1);
        Assert.Equal(Shape.Of(3), Tensor.From(Enumerable.Range(0, 3).Select(_ => dice.NextDouble())).Shape);
    }

    [Fact]
    public void LikeAnother()
    {
        var x = Tensor.From([[1.0, 2.0]]);
        Expect.Tensor(Tensor.ZerosLike(x), [1, 2], 0, 0);
        Expect.Tensor(Tensor.OnesLike(x), [1, 2], 1, 1);
        Assert.Equal(DType.Float64, Tensor.OnesLike(x).DType);
        Expect.Tensor(Tensor.Zeros(x.Shape), [1, 2], 0, 0);
    }

    [Fact]
    public void ValuesComeBackAsNumbersAndArrays()
    {
        var x = Tensor.From([[1f, 2f], [3f, 4f]]);
        Assert.Equal([1f, 2f, 3f, 4f], x.ToArray<float>());
        Assert.Equal(new[,] { { 1f, 2f }, { 3f, 4f } }, x.ToArray2D<float>());
        Assert.Equal([[1f, 2f], [3f, 4f]], x.ToJagged<float>());
        Assert.Equal(new[, ,] { { { 1f, 2f }, { 3f, 4f } } }, x.ExpandDims(0).ToArray3D<float>());
        Assert.Equal(2.5, Tensor.From(2.5).ToDouble());
        Assert.Equal(2.5, (double)Tensor.From(2.5));
        Assert.Equal(2.5f, (float)Tensor.From(2.5));
        Assert.Equal(3, (int)Tensor.From(3L));
        Assert.Equal(3L, (long)Tensor.From(3));
        Assert.True((bool)Tensor.From(true));
        Assert.Equal("tensor([1, 2])", Tensor.From([1, 2]).ToString());
    }

    [Fact]
    public void EvaluateComputesTogether()
    {
        var x = Tensor.From([1.0, 2.0]);
        var (y, z) = (x + 1, x * 2);
        Tensor.Evaluate(y, z);
        Expect.Vector(y, 2, 3);
        Expect.Vector(z, 2, 4);
    }
}
