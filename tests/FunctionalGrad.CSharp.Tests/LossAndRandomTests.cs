namespace Consumer.Tests;

public class LossAndRandomTests
{
    [Fact]
    public void LossesOfClasses()
    {
        var logits = Tensor.From([[0.0, 0.0], [0.0, 1.0986122886681098]]);
        var classes = Tensor.From([0, 1]);
        const double expected = (0.6931471805599453 + 0.2876820724517809) / 2;
        Expect.Scalar(Loss.CrossEntropy(logits, classes), expected);
        Expect.Scalar(Loss.NegativeLogLikelihood(logits.LogSoftmax(), classes), expected);
        Expect.Scalar(Loss.CrossEntropySoft(logits, Tensor.Eye(2)), expected);
        Assert.Throws<IndexException>(() => Loss.CrossEntropy(logits, Tensor.From([0, 2])));
        Assert.Throws<ShapeException>(() => Loss.CrossEntropy(logits, Tensor.From([0])));
    }

    [Fact]
    public void LossesOfNumbers()
    {
        var x = Tensor.From([1.0, 2.0]);
        var target = Tensor.From([0.0, 4.0]);
        Expect.Scalar(Loss.MeanSquaredError(x, target), 2.5);
        Expect.Scalar(Loss.MeanAbsoluteError(x, target), 1.5);
        Expect.Scalar(Loss.Hinge(Tensor.From([0.5, 2.0]), Tensor.From([1.0, -1.0])), 1.75);
        Assert.Throws<ShapeException>(() => Loss.MeanSquaredError(x, Tensor.From(1.0)));
    }

    [Fact]
    public void AKeyAlwaysGivesTheSameNumbers()
    {
        var draw = RandomTensor.Uniform(Key.OfSeed(1), 5).ToArray<float>();
        Assert.Equal(draw, RandomTensor.Uniform(Key.OfSeed(1), 5).ToArray<float>());
        Assert.NotEqual(draw, RandomTensor.Uniform(Key.OfSeed(2), 5).ToArray<float>());
        Assert.All(draw, u => Assert.InRange(u, 0, 1));
    }

    [Fact]
    public void KeysSplit()
    {
        var (first, second) = Key.OfSeed(1).Split();
        Key[] many = Key.OfSeed(1).Split(3);
        Assert.Equal(3, many.Length);
        var draws = many.Append(second).Select(key => RandomTensor.Uniform(key, [1], DType.Float64).ToDouble());
        Assert.Equal(3, draws.Distinct().Count());
        Assert.Equal(RandomTensor.Normal(first, 2).ToArray<float>(), RandomTensor.Normal(many[0], 2).ToArray<float>());
    }

    [Fact]
    public void Distributions()
    {
        var key = Key.OfSeed(7);
        var normal = RandomTensor.Normal(key, [10_000], DType.Float64);
        Assert.InRange(normal.Mean().ToDouble(), -0.05, 0.05);
        Assert.InRange((normal * normal).Mean().ToDouble(), 0.95, 1.05);
        Assert.InRange(RandomTensor.Bernoulli(key, 0.3, 10_000).Cast(DType.Float64).Mean().ToDouble(), 0.27, 0.33);
        var dice = RandomTensor.RandInt(key, 1, 7, 1000);
        Assert.Equal((1L, 6L), (dice.Min().ToInt64(), dice.Max().ToInt64()));
        Assert.Equal([0L, 1L, 2L, 3L, 4L], RandomTensor.Permutation(key, 5).ToArray<long>().Order());
        Assert.Equal([1.0, 2.0, 3.0], RandomTensor.Shuffle(key, Tensor.From([1.0, 2.0, 3.0])).ToArray<double>().Order());
        Assert.Equal(DType.Float64, RandomTensor.Uniform(key, [2], DType.Float64).DType);
        Assert.Throws<ArgumentOutOfRangeException>(() => RandomTensor.Bernoulli(key, 1.5, 1));
        Assert.Throws<DTypeException>(() => RandomTensor.Normal(key, [1], DType.Int32));
    }
}
