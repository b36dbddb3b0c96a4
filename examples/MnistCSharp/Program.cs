// Trains a network 784-128-64-10 to read digits: minibatch gradient descent with momentum on cross entropy.
// Without --data it draws its own digits; with it, DIR holds the four files of MNIST as they are published.
using System.Diagnostics;
using System.Globalization;
using FunctionalGrad;
using FunctionalGrad.Formats;

var options = new Dictionary<string, string>
{
    ["--data"] = "",
    ["--epochs"] = "5",
    ["--batch"] = "64",
    ["--seed"] = "1",
    ["--l2"] = "0.0001",
};
for (var i = 0; i < args.Length; i += 2)
{
    if (!options.ContainsKey(args[i]) || i + 1 == args.Length)
    {
        Console.Error.WriteLine($"'{args[i]}' is no option or lacks its value. Usage: MnistCSharp [{string.Join(" V] [", options.Keys)} V]");
        return 1;
    }

    options[args[i]] = args[i + 1];
}

double Option(string name) => double.Parse(options[name], CultureInfo.InvariantCulture);

const double rate = 0.02, momentum = 0.9;
var (epochs, batch, seed, l2) = ((int)Option("--epochs"), (int)Option("--batch"), (int)Option("--seed"), Option("--l2"));
var (train, test) = options["--data"] is { Length: > 0 } directory
    ? (Read(directory, "train"), Read(directory, "t10k"))
    : (Draw(seed, 12_000), Draw(seed + 1, 2_000));
var (mean, deviation) = (train.Images.Mean(), (train.Images - train.Images.Mean()).Square().Mean().Sqrt());
(train, test) = (Normalize(train), Normalize(test));

var keys = Key.OfSeed(seed).Split(3 + epochs);
var network = new Network(Initialize(keys[0], 784, 128), Initialize(keys[1], 128, 64), Initialize(keys[2], 64, 10));
var velocity = Tree.Map(network, Tensor.ZerosLike);
for (var epoch = 1; epoch <= epochs; epoch++)
{
    var clock = Stopwatch.StartNew();
    var order = RandomTensor.Permutation(keys[2 + epoch], train.Labels.Count);
    var (total, batches) = (0.0, Math.Max(1, train.Labels.Count / batch));
    for (var i = 0; i < batches; i++)
    {
        var chosen = order.Slice((i * batch)..((i + 1) * batch));
        var (images, labels) = (train.Images.Take(chosen), train.Labels.Take(chosen));
        var (loss, gradient) = Transform.ValueAndGrad<Network>(n => Loss.CrossEntropy(Predict(n, images), labels) + l2 * Weight(n))(network);
        velocity = Tree.Map(velocity, gradient, (v, g) => momentum * v + g);
        network = Tree.Map(network, velocity, (p, v) => p - rate * v);
        Tensor.Evaluate([.. Tree.Flatten(network), .. Tree.Flatten(velocity)]);
        total += loss.ToDouble();
    }

    Console.WriteLine($"epoch {epoch}: loss {total / batches:F4}, test accuracy {Accuracy(test):F4}, {clock.Elapsed.TotalSeconds:F1} s");
}

Console.WriteLine($"test accuracy: {Accuracy(test):F4}");
return 0;

// He's initialization, which keeps the variance through rectified layers (He et al. 2015, "Delving deep into rectifiers").
static Dense Initialize(Key key, int inputs, int outputs) =>
    new(RandomTensor.Normal(key, inputs, outputs) * Math.Sqrt(2.0 / inputs), Tensor.Zeros(outputs));

static Tensor Apply(Dense layer, Tensor x) => Tensor.MatMul(x, layer.W) + layer.B;

static Tensor Predict(Network n, Tensor x) => Apply(n.Third, Apply(n.Second, Apply(n.First, x).Relu()).Relu());

static Tensor Weight(Network n) => n.First.W.Square().Sum() + n.Second.W.Square().Sum() + n.Third.W.Square().Sum();

double Accuracy(Examples examples) =>
    Tensor.Equal(Predict(network, examples.Images).ArgMax(1), examples.Labels).Cast(DType.Float64).Mean().ToDouble();

Examples Normalize(Examples examples) => examples with { Images = (examples.Images - mean) / deviation };

static Examples Draw(int seed, int count)
{
    var (images, labels) = Digits.draw(seed, count);
    return ToExamples(images, labels);
}

static Examples Read(string directory, string name) => ToExamples(
    Idx.ReadBytes(Path.Combine(directory, $"{name}-images-idx3-ubyte.gz")).Bytes,
    Idx.ReadBytes(Path.Combine(directory, $"{name}-labels-idx1-ubyte.gz")).Bytes);

static Examples ToExamples(byte[] images, byte[] labels) => new(
    Tensor.From(Array.ConvertAll(images, pixel => pixel / 255f)).Reshape(-1, 784),
    Tensor.From(Array.ConvertAll(labels, label => (int)label)));

internal sealed record Dense(Tensor W, Tensor B);

internal sealed record Network(Dense First, Dense Second, Dense Third);

internal sealed record Examples(Tensor Images, Tensor Labels);
