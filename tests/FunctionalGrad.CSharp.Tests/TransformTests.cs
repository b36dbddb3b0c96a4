namespace Consumer.Tests;

public class TransformTests
{
    private static readonly Tensor X = Tensor.From([1.0, 2.0]);

    [Fact]
    public void GradientOfASum() => Expect.Vector(Transform.Grad<Tensor>(x => (x * x).Sum())(X), 2, 4);

    [Fact]
    public void GradientsNest()
    {
        Func<Tensor, Tensor> cube = x => x * x * x;
        Expect.Scalar(Transform.Grad(Transform.Grad(Transform.Grad(cube)))(Tensor.From(5.0)), 6);
    }

    [Fact]
    public void ThereIsNoPerturbationConfusion()
    {
        // d/dx (x · d/dy (x + y)) = 1, which a confused implementation takes for 2
        Func<Tensor, Tensor> f = x => x * Transform.Diff(y => x + y)(Tensor.From(1.0));
        Expect.Scalar(Transform.Diff(f)(Tensor.From(1.0)), 1);
    }

    [Fact]
    public void GradientsOfSeveralArguments()
    {
        var (byX, byY) = Transform.Grad<Tensor, Tensor>((x, y) => (x * y).Sum())(X, Tensor.From([3.0, 4.0]));
        Expect.Vector(byX, 3, 4);
        Expect.Vector(byY, 1, 2);
        var three = Transform.Grad<Tensor, Tensor, Tensor>((x, y, z) => (x * y * z).Sum())(X, X, Tensor.From(2.0));
        Expect.Vector(three.First, 2, 4);
        Expect.Vector(three.Second, 2, 4);
        Expect.Scalar(three.Third, 5);
    }

    [Fact]
    public void ValueAndGradient()
    {
        var (value, gradient) = Transform.ValueAndGrad<Tensor>(x => x.Exp().Sum())(Tensor.From([0.0]));
        Expect.Scalar(value, 1);
        Expect.Vector(gradient, 1);
        var two = Transform.ValueAndGrad<Tensor, Tensor>((w, b) => (w * X + b).Sum())(X, Tensor.From(1.0));
        Expect.Scalar(two.Value, 7);
        Expect.Vector(two.Gradient.First, 1, 2);
        Expect.Scalar(two.Gradient.Second, 2);
        var three = Transform.ValueAndGrad<Tensor, Tensor, Tensor>((a, b, c) => a * b + c)(Tensor.From(2.0), Tensor.From(3.0), Tensor.From(4.0));
        Expect.Scalar(three.Value, 10);
        Expect.Scalar(three.Gradient.Third, 1);
    }

    [Fact]
    public void Pullbacks()
    {
        var result = Transform.Vjp(x => x.Sin(), Tensor.From([0.0]));
        Expect.Vector(result.Value, 0);
        Expect.Vector(result.Pullback(Tensor.From([3.0])), 3);
        var (_, pullback) = Transform.Vjp<Tensor, (Tensor, Tensor)>(x => (x * 2.0, x * x), X);
        Expect.Vector(pullback((Tensor.From([1.0, 1.0]), Tensor.From([1.0, 0.0]))), 4, 2);
    }

    [Fact]
    public void Pushforwards()
    {
        var result = Transform.Jvp(x => x * x, X, Tensor.From([1.0, 10.0]));
        Expect.Vector(result.Value, 1, 4);
        Expect.Vector(result.Tangent, 2, 40);
    }

    [Fact]
    public void MappingOverExamples()
    {
        var matrix = Tensor.From([[1.0, 2.0], [3.0, 4.0]]);
        Expect.Vector(Transform.Vmap<Tensor, Tensor>(row => (row * row).Sum())(matrix), 5, 25);
        Expect.Vector(Transform.Vmap<Tensor, Tensor, Tensor>(Tensor.Dot)(matrix, matrix), 5, 25);
        Expect.Vector(Transform.Vmap<Tensor, Tensor, Tensor, Tensor>((x, y, z) => Tensor.Dot(x, y) + z)(matrix, matrix, X), 6, 27);
        Expect.Tensor(Transform.Vmap(Transform.Grad<Tensor>(row => (row * row).Sum()))(matrix), [2, 2], 2, 4, 6, 8);
    }

    [Fact]
    public void Jacobians()
    {
        Func<Tensor, Tensor> f = x => Tensor.Stack(0, x.Prod(), x.Sum(), x.Slice(0).Sin());
        double[] expected = [2, 1, 1, 1, 0.5403023058681398, 0];
        Expect.Tensor(Transform.Jacobian(f)(X), [3, 2], expected);
        Expect.Tensor(Transform.JacobianForward(f)(X), [3, 2], expected);
        Expect.Tensor(Transform.JacobianReverse(f)(X), [3, 2], expected);
    }

    [Fact]
    public void HessianOfRosenbrock()
    {
        Func<Tensor, Tensor> rosenbrock = v =>
        {
            var (x, y) = (v.Slice(0), v.Slice(1));
            return (1 - x).Square() + 100 * (y - x.Square()).Square();
        };
        Expect.Tensor(Transform.Hessian(rosenbrock)(Tensor.From([1.0, 1.0])), [2, 2], 802, -400, -400, 200);
        Expect.Vector(Transform.Grad(rosenbrock)(Tensor.From([-1.0, 2.0])), 396, 200);
    }

    [Fact]
    public void SlopesOfOneNumber()
    {
        Func<Tensor, Tensor> f = x => x.Sin();
        Expect.Scalar(Transform.Diff(f)(Tensor.From(0.0)), 1);
        Expect.Scalar(Transform.Diff(Transform.Diff(f))(Tensor.From(0.5)), -0.479425538604203);
    }

    [Fact]
    public void OrdinaryControlFlowOnValues()
    {
        // while b < 1000: b ← a·b; with a = 2, b = 1 the result is 2¹⁰, its derivative 10·2⁹
        static Tensor Grow(Tensor a)
        {
            var b = Tensor.From(1.0);
            while ((bool)(b < 1000.0))
                b *= a;
            return b;
        }

        Expect.Scalar(Transform.Diff(Grow)(Tensor.From(2.0)), 5120);
    }

    [Fact]
    public void StoppedGradients()
    {
        Expect.Vector(Transform.Grad<Tensor>(x => (x * Transform.StopGradient(x)).Sum())(X), 1, 2);
        var (a, b) = Transform.StopGradient((X, X));
        Assert.Equal(a.ToArray<double>(), b.ToArray<double>());
    }

    [Fact]
    public void LogisticRegression()
    {
        // the gradient is Xᵀ(σ(Xw) − t)/n
        var data = Tensor.From([[1.0, 2.0], [3.0, -1.0]]);
        var target = Tensor.From([1.0, 0.0]);
        Func<Tensor, Tensor> loss = w =>
        {
            var z = Tensor.MatMul(data, w);
            return (z.Softplus() - target * z).Mean();
        };
        Expect.Vector(Transform.Grad(loss)(Tensor.Zeros([2], DType.Float64)), 0.5, -0.75);
    }

    [Fact]
    public void NewtonFindsTheMinimum()
    {
        Func<Tensor, Tensor> f = x => x.Exp() - 2 * x;
        var x = Tensor.From(0.0);
        for (var step = 0; step < 8; step++)
            x -= Transform.Diff(f)(x) / Transform.Diff(Transform.Diff(f))(x);
        Expect.Scalar(x, 0.6931471805599453);
    }

    [Fact]
    public void TheCheckerAgreesAndFindsLies()
    {
        GradCheck.Check<Tensor, Tensor>(x => x.Sin() * x, X);
        var report = GradCheck.Measure<(Tensor, Tensor), Tensor>(p => p.Item1 * p.Item2, (X, X));
        Assert.InRange(report.Reverse, 0, 1e-6);
        Assert.Throws<GradientException>(() => GradCheck.Check<Tensor, Tensor>(x => x * Transform.StopGradient(x), X));
        Assert.Throws<DTypeException>(() => GradCheck.Check<Tensor, Tensor>(x => x, Tensor.Ones(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => GradCheck.Check<Tensor, Tensor>(x => x, X, double.NaN));
    }
}
