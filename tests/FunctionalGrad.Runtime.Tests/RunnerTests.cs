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
