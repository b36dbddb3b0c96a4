using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Programs bound to memory: runs that allocate nothing, addresses that move, results that are parameters.</summary>
public unsafe class RunnerTests
{
    [Fact]
    public void RunsAllocateNothingWhateverTheSteps()
    {
        var runner = new Runner(LoopTestsProgram.MixedProgram());
        var x = NDArray.Create<float>(Shape.Of(2, 3), [1, 2, 3, 4, 5, 6]);
        var rows = NDArray.Create<int>(Shape.Of(2), [1, 1]);
        var (first, second) = (NDArray.Zeros(Shape.Of(9), DType.Float32), NDArray.Zeros(Shape.Of(3, 3), DType.Float32));
        runner.SetInput(0, x.Address);
        runner.SetInput(1, rows.Address);
        runner.SetOutput(0, first.Address);
        runner.SetOutput(1, second.Address);
        runner.Own();
        var ten = BitConverter.DoubleToInt64Bits(10);
        Assert.Contains(0, Enumerable.Range(0, 5).Select(_ => AllocatedBy(runner, ten)));
        Assert.Equal([450f, 360, 270, 360, 290, 220, 270, 220, 170], first.ToArray<float>());
        Assert.Equal([0f, 0, 0, 810, 650, 490, 0, 0, 0], second.ToArray<float>());
        x.KeepAlive();
        rows.KeepAlive();
    }

    [Fact]
    public void ResultsMayBeParametersOrOtherResults()
    {
        // Of three parameters the program reads the second and copies it; the last is a result as it is, the first is not read.
        BufferInfo[] buffers = [Vector(BufferKind.Input), Vector(BufferKind.Output), Vector(BufferKind.Input)];
        var program = new Program([.. buffers], 0, [LoopTestsProgram.Copy(0, 1, 4, DType.Float64)]);
        var bound = new BoundProgram(program, [], [-1, 0, 1], [0, -2, 0, -1]);
        double[][] values = [[9, 9, 9, 9], [1, 2, 3, 4], [5, 6, 7, 8]];
        NDArray[] parameters = [.. values.Select(value => NDArray.Create<double>(Shape.Of(4), value))];
        NDArray[] results = [.. Enumerable.Range(0, 4).Select(_ => NDArray.Zeros(Shape.Of(4), DType.Float64))];
        bound.Run(parameters, results);
        Assert.Equal([values[1], values[2], values[1], values[1]], results.Select(result => result.ToArray<double>()));
    }

    [Theory]
    [InlineData(32, 128, 512)]
    [InlineData(7, 300, 90)]
    [InlineData(200, 64, 33)]
    [InlineData(33, 20, 16)]
    [InlineData(1, 20, 30)]
    public void OperandsThatStayAreReadOnceUntilTheMemoryIsGivenBack(int rows, int inner, int columns)
    {
        BufferInfo Matrix(BufferKind kind, int height, int width) => new(kind, Shape.Of(height, width), DType.Float32);
        BufferInfo[] buffers = [Matrix(BufferKind.Input, rows, inner), Matrix(BufferKind.Input, columns, inner), Matrix(BufferKind.Output, rows, columns)];
        var step = new MatrixProductStep(DType.Float32, [], rows, columns, inner, new(0, 0, [], inner, 1), new(1, 0, [], 1, inner), new(2, 0, [], columns, 1));
        var program = new Program([.. buffers], 0, [step]);
        var kept = new BoundProgram(program, [], [0, 1], [0], 1..2);
        var random = new Random(1);
        NDArray Draw(int height, int width) => NDArray.Create<float>(Shape.Of(height, width), [.. Enumerable.Range(0, height * width).Select(_ => (float)random.NextDouble() - 0.5f)]);
        var result = NDArray.Zeros(Shape.Of(rows, columns), DType.Float32);
        kept.SetResult(0, result.Address);
        for (var trial = 0; trial < 2; trial++)
        {
            var right = Draw(columns, inner);
            kept.SetParameter(1, right.Address);
            kept.Borrow();
            for (var run = 0; run < 3; run++)
            {
                var left = Draw(rows, inner);
                kept.SetParameter(0, left.Address);
                kept.Run();
                Assert.Equal(program.Run([left, right], [])[0].ToArray<float>(), result.ToArray<float>());
                left.KeepAlive();
            }

            kept.GiveBack();
            right.KeepAlive();
        }

        result.KeepAlive();
    }

    [Fact]
    public void ProgramsInsideOfProgramsHaveMemoryOfTheirOwnEachTime()
    {
        var outer = WorkingMemory.Borrow(1000);
        var inner = WorkingMemory.Borrow(5000);
        Assert.True(inner.Start >= outer.Start + 1000 || outer.Start >= inner.Start + 5000);
        inner.Return();
        outer.Return();
        var (again, below) = (WorkingMemory.Borrow(900), WorkingMemory.Borrow(4000));
        Assert.Equal((outer.Identity, inner.Identity), (again.Identity, below.Identity));
        below.Return();
        again.Return();
        var larger = WorkingMemory.Borrow(1L << 30);
        Assert.NotEqual(outer.Identity, larger.Identity);
        larger.Return();
    }

    /// <summary>Bytes that many runs take; compiling the kernels, once, takes some.</summary>
    private static long AllocatedBy(Runner runner, long number)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            runner.Run(&number);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static BufferInfo Vector(BufferKind kind) => LoopTestsProgram.Buffer(kind, DType.Float64, 4);
}
