using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>What a program is said to do, and to take.</summary>
public class ReportTests
{
    private const DType F = DType.Float32;

    /// <summary>softmax of the rows of a matrix, as one staged kernel.</summary>
    private static Program Softmax(int rows, int columns)
    {
        var row = new Access(0, 0, [columns, 1]);
        Instruction[] body =
        [
            new(Opcode.Load, F, Access: row),
            new(Opcode.Fold, F, 0, (int)Fold.Max),
            new(Opcode.Sub, F, 0, 1),
            new(Opcode.Exp, F, 2),
            new(Opcode.Fold, F, 3, (int)Fold.Sum),
            new(Opcode.Div, F, 3, 4),
            new(Opcode.Store, F, 5, Access: row with { Buffer = 1 }),
        ];
        var shape = Shape.Of(rows, columns);
        return new Program([new(BufferKind.Input, shape, F), new(BufferKind.Output, shape, F)], 0, [new KernelStep(new Kernel([rows, columns], 1, 1, [.. body], []))]);
    }

    [Fact]
    public void AStagedKernelIsOnePassOverMemory()
    {
        var step = Assert.Single(new ProgramReport(Softmax(4096, 1000)).Steps);
        Assert.Equal("kernel [4096 | 1000]: 3 stages, 7 instructions", step.Title);
        Assert.Equal((3, 7), (step.Stages, step.Instructions));
        Assert.Equal(5L * 4096 * 1000, step.Flops);
        Assert.Equal((4L * 4096 * 1000, 4L * 4096 * 1000), (step.BytesRead, step.BytesWritten));
        Assert.Equal("", step.Interpreted);
        Assert.True(step.Operations > 10);
        Assert.True(step.Parts > 10);
    }

    [Fact]
    public void ARowThatTheStackDoesNotHoldIsInterpreted()
    {
        var step = Assert.Single(new ProgramReport(Softmax(2, 1_000_000)).Steps);
        Assert.Contains("of the stack", step.Interpreted, StringComparison.Ordinal);
        Assert.Equal((0, 0), (step.Operations, step.Parts));
    }

    [Fact]
    public void EveryKernelIsEmittedOrSaysWhyNot()
    {
        foreach (var seed in Enumerable.Range(0, 500))
        {
            foreach (var sample in (LoopSample[])[new LoopSampler(seed).Next(), new StagedSampler(seed).Next()])
            {
                var step = Assert.Single(new ProgramReport(new Program([.. sample.Buffers], sample.Numbers.Length, [new KernelStep(sample.Kernel)])).Steps);
                Assert.Equal(step.Operations > 0, step.Interpreted.Length == 0);
                Assert.Equal(step.Parts > 0, step.Interpreted.Length == 0);
            }
        }
    }

    [Fact]
    public void ABroadcastIsReadOnce()
    {
        Instruction[] body =
        [
            new(Opcode.Load, F, Access: new(0, 0, [0, 1])),
            new(Opcode.Load, F, Access: new(1, 0, [10, 1])),
            new(Opcode.Add, F, 0, 1),
            new(Opcode.Store, F, 2, Access: new(2, 0, [10, 1])),
        ];
        BufferInfo[] buffers = [new(BufferKind.Input, Shape.Of(10), F), new(BufferKind.Input, Shape.Of(7, 10), F), new(BufferKind.Output, Shape.Of(7, 10), F)];
        var report = new ProgramReport(new Program([.. buffers], 0, [new KernelStep(new Kernel([7, 10], 0, 0, [.. body], []))]));
        var step = Assert.Single(report.Steps);
        Assert.Equal((70L, 320L, 280L), (step.Flops, step.BytesRead, step.BytesWritten));
        Assert.Equal((IEnumerable<int>)[0, 1], step.Reads);
        Assert.Equal(["input 0 float32 [10]", "input 1 float32 [7, 10]", "output 0 float32 [7, 10]"], Enumerable.Range(0, 3).Select(report.NameOf));
    }

    [Fact]
    public void AMatrixProductHasItsSizes()
    {
        var shape = Shape.Of(5, 3);
        BufferInfo[] buffers = [new(BufferKind.Input, Shape.Of(5, 4), F), new(BufferKind.Input, Shape.Of(4, 3), F), new(BufferKind.Output, shape, F)];
        var product = new MatrixProductStep(F, [], 5, 3, 4, new(0, 0, [], 4, 1), new(1, 0, [], 3, 1), new(2, 0, [], 3, 1));
        var step = Assert.Single(new ProgramReport(new Program([.. buffers], 0, [product])).Steps);
        Assert.Equal("matrix product 5×4×3 float32", step.Title);
        Assert.Equal((120L, 128L, 60L), (step.Flops, step.BytesRead, step.BytesWritten));
    }
}
