namespace Consumer.Tests;

public class CompileTests
{
    private static readonly Tensor Zero = Tensor.From(0.0);

    [Fact]
    public void ValueAndGradientOverSpans()
    {
        var f = Transform.Compile(Transform.ValueAndGrad<Tensor, Tensor>((x, y) => x * y + x.Sin()), Zero, Zero);
        Span<double> output = stackalloc double[3];
        f.Invoke([0.5, 3.0], output);
        Assert.Equal((0.5 * 3) + Math.Sin(0.5), output[0], 1e-14);
        Assert.Equal(3 + Math.Cos(0.5), output[1], 1e-14);
        Assert.Equal(0.5, output[2], 1e-14);
    }

    [Fact]
    public void StructuresAndSeveralArguments()
    {
        var f = Transform.Compile((Tensor a, (Tensor B, Tensor C) rest, Tensor[] more) => new[] { a + more[0], rest.B * rest.C }, Zero, (Tensor.From([0.0, 0.0]), Zero), [Zero]);
        Assert.Equal(["Item1", "Item2.Item1", "Item2.Item2", "Item3[0]"], f.Inputs.Select(part => part.Path));
        Assert.Equal([(0, Shape.Of()), (1, Shape.Of(2))], f.Outputs.Select(part => (part.Start, part.Shape)));
        var output = new double[3];
        f.Invoke([1, 2, 3, 4, 5], output);
        Assert.Equal([6, 8, 12], output);
    }

    [Fact]
    public void ACallAllocatesNothing()
    {
        var f = Transform.Compile((Tensor x) => x.Exp().Sum(), Tensor.From(new float[16]));
        var (input, output) = (new float[16], new float[1]);
        // Machine code is made on the way, once.
        Assert.Contains(0, Enumerable.Range(0, 5).Select(_ => AllocatedBy(() => f.Invoke(input, output))));
        Assert.Equal(16f, output[0]);
    }

    [Fact]
    public void MistakesAreNamed()
    {
        var f = Transform.Compile((Tensor x) => x + 1.0, Tensor.From([0.0, 0.0]));
        Assert.Contains("2 numbers", Assert.Throws<ShapeException>(() => f.Invoke(new double[3], new double[2])).Message, StringComparison.Ordinal);
        Assert.Contains("output span holds 1", Assert.Throws<ShapeException>(() => f.Invoke(new double[2], new double[1])).Message, StringComparison.Ordinal);
        Assert.Throws<DTypeException>(() => f.Invoke(new float[2], new float[2]));
        Assert.Throws<DTypeException>(() => Transform.Compile((Tensor x) => x.Cast(DType.Int32), Zero));
        Assert.Throws<ArgumentNullException>(() => Transform.Compile<Tensor, Tensor>(null!, Zero));
        Assert.Throws<ArgumentNullException>(() => Transform.Compile((Tensor x) => x, null!));
    }

    private static long AllocatedBy(Action call)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            call();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    [Fact]
    public void AFunctionIsExplained()
    {
        var explanation = Transform.Explain((Tensor x) => x.Exp() * 2.0 + x, Tensor.From(new float[100]));
        var step = Assert.Single(explanation.Steps);
        Assert.Equal(("kernel", 3), (step.Kind, step.Nodes.Count));
        Assert.Equal((300L, 800L, 0L), (explanation.Flops, explanation.BytesMoved, explanation.ArenaBytes));
        Assert.Contains("it is an output", step.Stored.Select(entry => entry.Value));
        Assert.Contains("kernel [100]", explanation.ToString(), StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => Transform.Explain<Tensor, Tensor>(null!, Zero));
    }
}
