namespace Consumer.Tests;

public class JitTests
{
    private static readonly Tensor X = Tensor.From([1.0, 2.0]);

    private sealed record Layer(Tensor Weights, Tensor Bias, string Name, Func<Tensor, Tensor> Activation)
    {
        public double Rate { get; init; } = 0.1;
    }

    private readonly record struct Pair(Tensor First, int Count);

    [Fact]
    public void AFunctionIsTracedOncePerStructure()
    {
        var traces = 0;
        var f = Transform.Jit<Tensor, Tensor>(x =>
        {
            traces++;
            return x * x;
        });
        Expect.Vector(f(X), 1, 4);
        Expect.Vector(f(X * 2.0), 4, 16);
        Assert.Equal(1, traces);
        Expect.Vector(f(Tensor.From([3f])), 9);
        Expect.Scalar(f(Tensor.From(3.0)), 9);
        Expect.Vector(f(X), 1, 4);
        Assert.Equal(3, traces);
    }

    [Fact]
    public void SeveralArguments()
    {
        Expect.Vector(Transform.Jit<Tensor, Tensor, Tensor>((x, y) => x - y)(X, Tensor.From(1.0)), 0, 1);
        Expect.Vector(Transform.Jit<Tensor, Tensor, int, Tensor>((x, y, n) => x * y + n)(X, X, 3), 4, 7);
        var four = Transform.Jit<Tensor, (Tensor, Tensor), List<Tensor>, Key, (Tensor Sum, Tensor Draw)>(
            (x, pair, list, key) => (x + pair.Item1 * pair.Item2 + list[1], RandomTensor.Uniform(key, 2)));
        var (sum, draw) = four(X, (X, X), [X, Tensor.From(10.0)], Key.OfSeed(1));
        Expect.Vector(sum, 12, 16);
        Assert.Equal(RandomTensor.Uniform(Key.OfSeed(1), 2).ToArray<float>(), draw.ToArray<float>());
    }

    [Fact]
    public void ArgumentsAreDonated()
    {
        var step = Transform.Jit<Tensor, Tensor, (Tensor Next, Tensor Sum)>((p, g) => (p - 0.5 * g, g.Sum()), donate: [0]);
        var p = X * 2.0;
        var (next, sum) = step(p, X);
        Expect.Vector(next, 1.5, 3);
        Expect.Scalar(sum, 3);
        Assert.Contains("do not donate", Assert.Throws<DonationException>(() => p.ToArray<double>()).Message, StringComparison.Ordinal);
        Assert.StartsWith("exp: ", Assert.Throws<DonationException>(() => p.Exp()).Message, StringComparison.Ordinal);
        Expect.Vector(step(next, X).Next, 1, 2);
        Expect.Vector(X, 1, 2);
        Expect.Vector(Transform.Jit<Tensor, Tensor>(x => x + 1.0, donate: [0])(X * 1.0), 2, 3);
        Expect.Vector(Transform.Jit<Tensor, Tensor, Tensor, Tensor>((x, y, z) => x + y + z, donate: [0, 2])(X * 1.0, X, X * 3.0), 5, 10);
        Expect.Vector(
            Transform.Jit<Tensor, Tensor, Tensor, (Tensor, Tensor), Tensor>((x, y, z, w) => x + y + z + w.Item2, donate: [3])(X, X, X, (X * 2.0, X * 3.0)), 6, 12);
        Assert.Throws<ArgumentOutOfRangeException>(() => Transform.Jit<Tensor, Tensor>(x => x, donate: [1]));
    }

    [Fact]
    public void RecordsAreArgumentsAndResults()
    {
        var traces = 0;
        var step = Transform.Jit<Layer, Tensor, Layer>((layer, x) =>
        {
            traces++;
            var gradient = Transform.Grad<Layer>(l => (l.Activation(l.Weights * x + l.Bias) - 1.0).Square().Sum())(layer);
            return layer with { Weights = layer.Weights - layer.Rate * gradient.Weights, Bias = layer.Bias - layer.Rate * gradient.Bias };
        });
        Func<Tensor, Tensor> same = x => x;
        var first = new Layer(X, Tensor.From(0.0), "first", same);
        var next = step(first, X);
        Expect.Vector(next.Weights, 1, 0.8);
        Expect.Scalar(next.Bias, -0.6);
        Assert.Equal("first", next.Name);
        Assert.Same(same, next.Activation);
        step(next, X);
        Assert.Equal(1, traces);
        step(next with { Name = "second" }, X);
        step(next with { Rate = 0.5 }, X);
        step(next with { Activation = x => x.Tanh() }, X);
        Assert.Equal(4, traces);
        Assert.Equal("second", step(next with { Name = "second" }, X).Name);
        Assert.Equal(4, traces);
    }

    [Fact]
    public void DictionariesAndStructsAreTold()
    {
        var traces = 0;
        var f = Transform.Jit<Dictionary<string, Tensor>, Pair, Dictionary<string, Tensor>>((named, pair) =>
        {
            traces++;
            return named.ToDictionary(entry => entry.Key, entry => entry.Value * pair.First * pair.Count);
        });
        Expect.Vector(f(new() { ["a"] = X }, new Pair(X, 2))["a"], 2, 8);
        Expect.Vector(f(new() { ["a"] = X }, new Pair(X, 3))["a"], 3, 12);
        Expect.Vector(f(new() { ["b"] = X }, new Pair(X, 3))["b"], 3, 12);
        Expect.Vector(f(new() { ["a"] = X * 2.0 }, new Pair(X, 2))["a"], 4, 16);
        Assert.Equal(3, traces);
    }

    [Fact]
    public void TransformsNestBothWays()
    {
        Func<Tensor, Tensor> f = x => (x * x * x).Sum();
        Expect.Vector(Transform.Grad(Transform.Jit(f))(X), 3, 12);
        Expect.Vector(Transform.Jit(Transform.Grad(f))(X), 3, 12);
        Expect.Vector(Transform.Jit(Transform.Jit(Transform.Grad(f)))(X), 3, 12);
        Expect.Tensor(Transform.Hessian(Transform.Jit(f))(X), [2, 2], 6, 0, 0, 12);
        var rows = Tensor.From([[1.0, 2.0], [3.0, 0.0]]);
        Expect.Vector(Transform.Vmap(Transform.Jit(f))(rows), 9, 27);
        Expect.Vector(Transform.Jit(Transform.Vmap(f))(rows), 9, 27);
    }

    [Fact]
    public void WhatIsRefused()
    {
        Assert.Throws<ArgumentNullException>(() => Transform.Jit<Tensor, Tensor>(null!));
        Assert.Throws<ArgumentNullException>(() => Transform.Jit<Tensor, Tensor, Tensor, Tensor, Tensor>(null!));
        Assert.Throws<ArgumentNullException>(() => Transform.Jit<Tensor, Tensor>(x => x)(null!));
        var looks = Transform.Jit<Tensor, Tensor>(x => x.Sum().ToDouble() > 0 ? x : -x);
        var raised = Assert.Throws<TracingException>(() => looks(X));
        Assert.StartsWith("sum", raised.Message, StringComparison.Ordinal);
        Assert.Contains("whileLoop", raised.Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => Transform.Jit<Tensor, Random, Tensor>((x, _) => x)(X, new Random(1)));
    }
}
