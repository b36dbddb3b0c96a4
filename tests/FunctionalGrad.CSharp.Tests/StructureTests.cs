namespace Consumer.Tests;

/// <summary>Shapes, reductions, indexing and products.</summary>
public class StructureTests
{
    private static readonly Tensor X = Tensor.From([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);

    [Fact]
    public void Arrangements()
    {
        Expect.Tensor(X.Reshape(3, -1), [3, 2], 1, 2, 3, 4, 5, 6);
        Expect.Tensor(X.Reshape(Shape.Of(6)), [6], 1, 2, 3, 4, 5, 6);
        Expect.Vector(X.Flatten(), 1, 2, 3, 4, 5, 6);
        Expect.Tensor(X.Transpose(), [3, 2], 1, 4, 2, 5, 3, 6);
        Expect.Tensor(X.Transpose(1, 0), [3, 2], 1, 4, 2, 5, 3, 6);
        Expect.Tensor(X.ExpandDims(0).Transpose(2, 0, 1), [3, 1, 2], 1, 4, 2, 5, 3, 6);
        Expect.Tensor(X.SwapAxes(0, -1), [3, 2], 1, 4, 2, 5, 3, 6);
        Expect.Tensor(Tensor.From([1.0, 2.0]).BroadcastTo(2, 2), [2, 2], 1, 2, 1, 2);
        Expect.Tensor(Tensor.From([1.0, 2.0]).BroadcastTo(Shape.Of(2, 2)), [2, 2], 1, 2, 1, 2);
        Assert.Equal(Shape.Of(2, 3, 1), X.ExpandDims(-1).Shape);
        Assert.Equal(Shape.Of(2, 3), X.ExpandDims(0).ExpandDims(2).Squeeze().Shape);
        Assert.Equal(Shape.Of(2, 1, 3), X.ExpandDims(0).ExpandDims(2).Squeeze(0).Shape);
        Expect.Tensor(X.Flip(1), [2, 3], 3, 2, 1, 6, 5, 4);
        Expect.Tensor(X.Flip(0, 1), [2, 3], 6, 5, 4, 3, 2, 1);
        Expect.Vector(Tensor.From([1.0]).Pad([(1, 2)]), 0, 1, 0, 0);
        Expect.Vector(Tensor.From([1.0]).Pad([(1, 0)], value: 9), 9, 1);
    }

    [Fact]
    public void JoinsAndSplits()
    {
        Expect.Tensor(Tensor.Concat(0, X, X), [4, 3], 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6);
        Expect.Tensor(Tensor.Concat(1, new List<Tensor> { X.Slice(.., ..1), X.Slice(.., 2..) }), [2, 2], 1, 3, 4, 6);
        Expect.Tensor(Tensor.Stack(-1, Tensor.From([1.0, 2.0]), Tensor.From([3.0, 4.0])), [2, 2], 1, 3, 2, 4);
        var parts = X.Split(1, 1, 2);
        Expect.Tensor(parts[0], [2, 1], 1, 4);
        Expect.Tensor(parts[1], [2, 2], 2, 3, 5, 6);
    }

    [Fact]
    public void Reductions()
    {
        Expect.Scalar(X.Sum(), 21);
        Expect.Vector(X.Sum(0), 5, 7, 9);
        Expect.Tensor(X.Sum(1, keepDims: true), [2, 1], 6, 15);
        Expect.Tensor(X.Sum([0, 1], keepDims: true), [1, 1], 21);
        Expect.Vector(X.Sum([-1]), 6, 15);
        Expect.Scalar(X.Mean(), 3.5);
        Expect.Vector(X.Mean(0), 2.5, 3.5, 4.5);
        Expect.Scalar(X.Mean([0, 1]), 3.5);
        Expect.Scalar(X.Prod(), 720);
        Expect.Vector(X.Prod(1), 6, 120);
        Expect.Scalar(X.Prod([0, 1]), 720);
        Expect.Scalar(X.Max(), 6);
        Expect.Tensor(X.Max(1, keepDims: true), [2, 1], 3, 6);
        Expect.Scalar(X.Max([0, 1]), 6);
        Expect.Scalar(X.Min(), 1);
        Expect.Vector(X.Min(0), 1, 2, 3);
        Expect.Scalar(X.Min([1, 0]), 1);
        Expect.Scalar(X.ArgMax(), 5);
        Expect.Vector(X.ArgMax(1), 2, 2);
        Expect.Tensor(X.ArgMax(0, keepDims: true), [1, 3], 1, 1, 1);
        Expect.Scalar(X.ArgMin(), 0);
        Expect.Vector(X.ArgMin(0), 0, 0, 0);
        Expect.Scalar((X > 5).Any(), 1);
        Expect.Truth((X > 5).Any(1), false, true);
        Expect.Scalar((X > 5).All(), 0);
        Expect.Truth((X > 0).All(0), true, true, true);
        Assert.Equal(DType.Int64, Tensor.From([1, 2]).Sum().DType);
    }

    [Fact]
    public void SlicesByRangeAndIndex()
    {
        Expect.Tensor(X.Slice(1..2, ..), [1, 3], 4, 5, 6);
        Expect.Tensor(X.Slice(.., 1..3), [2, 2], 2, 3, 5, 6);
        Expect.Tensor(X.Slice(.., ..^1), [2, 2], 1, 2, 4, 5);
        Expect.Vector(X.Slice(0), 1, 2, 3);
        Expect.Vector(X.Slice(-1), 4, 5, 6);
        Expect.Vector(X.Slice(.., ^1), 3, 6);
        Expect.Scalar(X.Slice(1, 0), 4);
        Expect.Tensor(X.Slice(.., 1..99), [2, 2], 2, 3, 5, 6);
        Expect.Tensor(X.Slice(.., ^99..1), [2, 1], 1, 4);
        Expect.Tensor(X.Slice(.., 2..1), [2, 0]);
        Expect.Tensor(X.Slice(.., new AxisSlice(.., step: 2)), [2, 2], 1, 3, 4, 6);
        Expect.Tensor(X.Slice(.., new AxisSlice(.., step: -1)), [2, 3], 3, 2, 1, 6, 5, 4);
        Expect.Tensor(X.Slice(.., new AxisSlice(1.., step: -1)), [2, 2], 3, 2, 6, 5);
        Expect.Tensor(X.Slice(.., new AxisSlice(1..1, step: -1)), [2, 0]);
        Expect.Vector(X.Select(1, ^2), 2, 5);
        Expect.Vector(X.Select(0, 1), 4, 5, 6);
    }

    [Fact]
    public void PositionsBeyondTheEndsAreRefused()
    {
        Assert.Throws<IndexException>(() => X.Slice(2));
        Assert.Throws<IndexException>(() => X.Slice(-3));
        Assert.Throws<IndexException>(() => X.Slice(^0));
        Assert.Throws<IndexException>(() => X.Slice(^3));
        Assert.Throws<IndexException>(() => X.Select(1, ^0));
        Assert.Throws<ShapeException>(() => X.Slice(0, 0, 0));
        Assert.Throws<ShapeException>(() => X.Slice(new AxisSlice(.., step: 0)));
        Assert.Throws<IndexException>(() => X.Take(Tensor.From([2])));
    }

    [Fact]
    public void ReadingAndWritingAtPositions()
    {
        Expect.Tensor(X.Take(Tensor.From([1, 0, 1])), [3, 3], 4, 5, 6, 1, 2, 3, 4, 5, 6);
        Expect.Tensor(X.Take(Tensor.From([2]), axis: 1), [2, 1], 3, 6);
        Expect.Tensor(X.Gather(Tensor.From([[2], [0]]), axis: 1), [2, 1], 3, 4);
        var grown = Tensor.Zeros(3).ScatterAdd(Tensor.From([0, 2, 0]), Tensor.From([1f, 2f, 3f]), axis: 0);
        Expect.Vector(grown, 4, 0, 2);
    }

    [Fact]
    public void Products()
    {
        var v = Tensor.From([1.0, 0.0, -1.0]);
        Expect.Vector(Tensor.MatMul(X, v), -2, -2);
        Expect.Tensor(Tensor.MatMul(X, X.Transpose()), [2, 2], 14, 32, 32, 77);
        Expect.Scalar(Tensor.Dot(v, v), 2);
        Expect.Tensor(Tensor.Outer(Tensor.From([1.0, 2.0]), Tensor.From([3.0, 4.0])), [2, 2], 3, 4, 6, 8);
        Expect.Tensor(Tensor.Einsum("ij,kj->ik", X, X), [2, 2], 14, 32, 32, 77);
        Expect.Scalar(Tensor.Einsum("ii", Tensor.Eye(3)), 3);
        Expect.Tensor(Tensor.MatMul(Tensor.Ones([2, 1, 3], DType.Float64), X.Transpose()), [2, 1, 2], 6, 15, 6, 15);
    }

    [Fact]
    public void ShapesAreCheckedWhereTheUserCalls()
    {
        var error = Assert.Throws<ShapeException>(() => Tensor.MatMul(Tensor.Ones(32, 784), Tensor.Ones(785, 256)));
        Assert.Equal("matmul: the inner sizes differ, [32, 784] × [785, 256]: 784 ≠ 785.", error.Message);
        Assert.Contains("do not broadcast", Assert.Throws<ShapeException>(() => X + Tensor.Ones(2)).Message);
        Assert.Contains("out of range", Assert.Throws<ShapeException>(() => X.Sum(2)).Message);
        Assert.Contains("twice", Assert.Throws<ShapeException>(() => X.Sum([0, 0])).Message);
        Assert.Throws<ShapeException>(() => X.Reshape(4, 2));
        Assert.Throws<ShapeException>(() => Tensor.Zeros(2, -1));
        Assert.Throws<ShapeException>(() => Tensor.Einsum("ij,jk", X));
        Assert.Throws<ShapeException>(() => Tensor.Concat(0));
        Assert.Throws<ShapeException>(() => Tensor.Zeros(0).Max());
        Assert.Throws<DTypeException>(() => X.ToArray<float>());
    }
}
