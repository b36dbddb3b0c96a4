namespace Consumer.Tests;

public class LearningTests
{
    private sealed record Dense(Tensor W, Tensor B);

    private sealed record Network(Dense Hidden, Dense Output);

    private static Dense Init(Key key, int inputs, int outputs) =>
        new(RandomTensor.Normal(key, [inputs, outputs], DType.Float64), Tensor.Zeros([outputs], DType.Float64));

    private static Tensor Predict(Network network, Tensor x)
    {
        var hidden = (Tensor.MatMul(x, network.Hidden.W) + network.Hidden.B).Tanh();
        return (Tensor.MatMul(hidden, network.Output.W) + network.Output.B).Squeeze(1);
    }

    [Fact]
    public void TwoLayersLearnExclusiveOr()
    {
        var inputs = Tensor.From([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
        var target = Tensor.From([0.0, 1.0, 1.0, 0.0]);
        var (first, second) = Key.OfSeed(3).Split();
        var network = new Network(Init(first, 2, 8), Init(second, 8, 1));
        var step = Transform.ValueAndGrad<Network>(n =>
        {
            var logits = Predict(n, inputs);
            return (logits.Softplus() - target * logits).Mean();
        });
        var loss = double.NaN;
        for (var i = 0; i < 500; i++)
        {
            var (value, gradient) = step(network);
            network = Tree.Map(network, gradient, (p, g) => p - 0.5 * g);
            loss = value.ToDouble();
        }

        Assert.InRange(loss, 0, 0.05);
        Expect.Truth(Predict(network, inputs) > 0, false, true, true, false);
    }
}
