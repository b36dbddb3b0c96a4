using System.Collections.Immutable;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Programs of several steps: arguments, memory, library calls, threads, refusals.</summary>
public class LoopTestsProgram
{
    private static readonly ImmutableArray<long> Dense = [1];

    [Fact]
    public void StepsOfAllKindsWorkTogether()
    {
        var program = MixedProgram();
        var x = NDArray.Create<float>(Shape.Of(2, 3), [1, 2, 3, 4, 5, 6]);
        var rows = NDArray.Create<int>(Shape.Of(2), [1, 1]);
        var result = program.Run([x, rows], [BitConverter.DoubleToInt64Bits(10)]);
        // xᵀ·x times ten, reversed by the call, and its first two rows added onto row 1 of three rows of zeros.
        Assert.Equal([450f, 360, 270, 360, 290, 220, 270, 220, 170], result[0].ToArray<float>());
        Assert.Equal([0f, 0, 0, 810, 650, 490, 0, 0, 0], result[1].ToArray<float>());
    }

    [Fact]
    public void RunsFromManyThreadsDoNotDisturbEachOther()
    {
        var program = MixedProgram();
        var rows = NDArray.Create<int>(Shape.Of(2), [0, 2]);
        Parallel.For(0, 2000, i =>
        {
            var x = NDArray.Create<float>(Shape.Of(2, 3), [i, 0, 0, 0, 0, 1]);
            var result = program.Run([x, rows], [BitConverter.DoubleToInt64Bits(2)]);
            Assert.Equal([2f, 0, 0, 0, 0, 0, 0, 0, 2f * i * i], result[0].ToArray<float>());
            Assert.Equal([2f, 0, 0, 0, 0, 0, 0, 0, 0], result[1].ToArray<float>());
        });
    }

    [Fact]
    public void AProgramCanBeRunInsideItsOwnLibraryCall()
    {
        Program? program = null;
        var depth = 0;
        void Inner(ReadOnlySpan<NDArray> inputs, ReadOnlySpan<NDArray> outputs)
        {
            var value = inputs[0].GetDouble(0);
            outputs[0].Elements<double>()[0] = depth++ < 3 ? program!.Run([inputs[0].WithShape(Shape.Of(1))], [])[0].GetDouble(0) + value : value;
        }

        BufferInfo[] buffers = [Buffer(BufferKind.Input, DType.Float64, 1), Buffer(BufferKind.Temporary, DType.Float64, 1), Buffer(BufferKind.Output, DType.Float64, 1)];
        program = new Program([.. buffers], 0, [Copy(0, 1, 1, DType.Float64), new CallStep("inner", Inner, [1], [2])]);
        Assert.Equal(20, program.Run([NDArray.Create<double>(Shape.Of(1), [5])], [])[0].GetDouble(0));
    }

    [Fact]
    public void ArgumentsThatDoNotFitAreRefused()
    {
        var program = MixedProgram();
        var x = NDArray.Zeros(Shape.Of(2, 3), DType.Float32);
        var rows = NDArray.Zeros(Shape.Of(2), DType.Int32);
        Assert.Throws<ArgumentException>(() => program.Run([x], [0]));
        Assert.Throws<ArgumentException>(() => program.Run([x, rows], []));
        Assert.Throws<ArgumentException>(() => program.Run([rows, x], [0]));
        Assert.Throws<ArgumentException>(() => program.Run([x, NDArray.Zeros(Shape.Of(3), DType.Int32)], [0]));
        Assert.Throws<ArgumentNullException>(() => program.Run([x, null!], [0]));
    }

    [Theory]
    [InlineData(5000, 1)]
    [InlineData(5000, 3)]
    [InlineData(7, 2)]
    public void AKernelMayAddToTheVeryPlacesThatItReads(int count, int stride)
    {
        BufferInfo[] buffers = [Buffer(BufferKind.Input, DType.Float64, count), Buffer(BufferKind.Output, DType.Float64, count * stride)];
        var target = new Access(1, 0, [stride]);
        var program = new Program([.. buffers], 1, [Fill(1, count * stride), Add(target, target, count), Add(target, target, count)]);
        var x = Enumerable.Range(0, count).Select(i => (double)i).ToArray();
        var result = program.Run([NDArray.Create<double>(Shape.Of(count), x)], [0])[0].ToArray<double>();
        Assert.Equal(Enumerable.Range(0, count * stride).Select(i => i % stride == 0 ? 2.0 * i / stride : 0), result);
    }

    [Fact]
    public void ReadingWhatAnotherIndexWritesIsRefused()
    {
        BufferInfo[] buffers = [Buffer(BufferKind.Input, DType.Float64, 4), Buffer(BufferKind.Output, DType.Float64, 5)];
        void Refused(Access load, Access store) =>
            Assert.Throws<ArgumentException>(() => new Program([.. buffers], 1, [Fill(1, 5), Add(load, store, 4)]));
        Refused(new Access(1, 1, [1]), new Access(1, 0, [1]));
        Refused(new Access(1, 4, [-1]), new Access(1, 0, [1]));
        Refused(new Access(1, 0, [0]), new Access(1, 0, [0]));
        var sum = new Reduction(Fold.Sum, 0, new Access(1, 0, [0]));
        var load = new Instruction(Opcode.Load, DType.Float64, Access: new Access(1, 0, [1]));
        Assert.Throws<ArgumentException>(() => new Program([.. buffers], 1, [Fill(1, 5), new KernelStep(new Kernel([4], 0, 1, [load], [sum]))]));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void IndexesOutOfRangeAreRefused(int index)
    {
        BufferInfo[] buffers = [Buffer(BufferKind.Input, DType.Float32, 10), Buffer(BufferKind.Input, DType.Int32, 3), Buffer(BufferKind.Output, DType.Float32, 3)];
        var body = ImmutableArray.Create(
            new Instruction(Opcode.Load, DType.Int32, Access: new Access(1, 0, Dense)),
            new Instruction(Opcode.Gather, DType.Float32, 0, Access: new Access(0, 0, [0]), Stride: 1, Length: 10),
            new Instruction(Opcode.Store, DType.Float32, 1, Access: new Access(2, 0, Dense)));
        var program = new Program([.. buffers], 0, [new KernelStep(new Kernel([3], 0, 0, body, []))]);
        var x = NDArray.Create<float>(Shape.Of(10), Enumerable.Range(0, 10).Select(i => (float)i).ToArray());
        var error = Assert.Throws<IndexException>(() => program.Run([x, NDArray.Create<int>(Shape.Of(3), [0, index, 3])], []));
        Assert.Equal($"gather: index {index} is out of range for an axis of size 10.", error.Message);
        Assert.Equal([9f, 0, 3], program.Run([x, NDArray.Create<int>(Shape.Of(3), [9, 0, 3])], [])[0].ToArray<float>());
    }

    [Fact]
    public void ScatterRefusesIndexesOutOfRange()
    {
        var x = NDArray.Zeros(Shape.Of(2, 3), DType.Float32);
        var error = Assert.Throws<IndexException>(() => MixedProgram().Run([x, NDArray.Create<int>(Shape.Of(2), [0, 3])], [0]));
        Assert.Equal("scatterAdd: index 3 is out of range for an axis of size 3.", error.Message);
    }

    [Fact]
    public void StepsThatReachOutsideOfTheirBuffersAreRefused()
    {
        ImmutableArray<BufferInfo> buffers = [Buffer(BufferKind.Input, DType.Float32, 4), Buffer(BufferKind.Output, DType.Float32, 4)];
        Assert.Throws<ArgumentException>(() => new Program(buffers, 0, [Copy(0, 1, 5, DType.Float32)]));
        Assert.Throws<ArgumentException>(() => new Program(buffers, 0, [Copy(0, 1, 4, DType.Float64)]));
        Assert.Throws<ArgumentException>(() => new Program(buffers, 0, [Copy(1, 0, 4, DType.Float32)]));
        Assert.Throws<ArgumentException>(() => new Program(buffers, 0, [Copy(0, 2, 4, DType.Float32)]));
    }

    [Fact]
    public void AnEmptyInnerSizeOfAProductGivesZeros()
    {
        ImmutableArray<BufferInfo> buffers = [Buffer(BufferKind.Input, DType.Float64, 0), Buffer(BufferKind.Output, DType.Float64, 4)];
        var product = new MatrixProductStep(DType.Float64, [], 2, 2, 0, new(0, 0, [], 0, 1), new(0, 0, [], 2, 1), new(1, 0, [], 2, 1));
        Assert.Equal([0.0, 0, 0, 0], new Program(buffers, 0, [product]).Run([NDArray.Zeros(Shape.Of(0), DType.Float64)], [])[0].ToArray<double>());
    }

    internal static BufferInfo Buffer(BufferKind kind, DType dtype, params int[] shape) => new(kind, Shape.Of(shape), dtype);

    internal static KernelStep Copy(int from, int to, int count, DType dtype) => new(new Kernel([count], 0, 0, [
        new Instruction(Opcode.Load, dtype, Access: new Access(from, 0, Dense)),
        new Instruction(Opcode.Store, dtype, 0, Access: new Access(to, 0, Dense))], []));

    /// <summary>Product, kernel with a number, library call, fill, scatter: x [2, 3] and two row numbers → [9] and [3, 3].</summary>
    private static KernelStep Fill(int to, int count) => new(new Kernel([count], 0, 0, [
        new Instruction(Opcode.Number, DType.Float64, 0),
        new Instruction(Opcode.Store, DType.Float64, 0, Access: new Access(to, 0, Dense))], []));

    private static KernelStep Add(Access load, Access store, int count) => new(new Kernel([count], 0, 0, [
        new Instruction(Opcode.Load, DType.Float64, Access: load),
        new Instruction(Opcode.Load, DType.Float64, Access: new Access(0, 0, Dense)),
        new Instruction(Opcode.Add, DType.Float64, 0, 1),
        new Instruction(Opcode.Store, DType.Float64, 2, Access: store)], []));

    internal static Program MixedProgram()
    {
        BufferInfo[] buffers =
        [
            Buffer(BufferKind.Input, DType.Float32, 2, 3), Buffer(BufferKind.Input, DType.Int32, 2),
            Buffer(BufferKind.Temporary, DType.Float32, 3, 3), Buffer(BufferKind.Temporary, DType.Float32, 9),
            Buffer(BufferKind.Output, DType.Float32, 9), Buffer(BufferKind.Output, DType.Float32, 3, 3),
        ];
        var scale = new Kernel([3, 3], 0, 0, [
            new Instruction(Opcode.Load, DType.Float32, Access: new Access(2, 0, [3, 1])),
            new Instruction(Opcode.Number, DType.Float32, 0),
            new Instruction(Opcode.Mul, DType.Float32, 0, 1),
            new Instruction(Opcode.Store, DType.Float32, 2, Access: new Access(3, 0, [3, 1]))], []);
        var zeros = new Kernel([9], 0, 0, [
            new Instruction(Opcode.Load, DType.Float32, Access: new Access(3, 0, Dense)),
            new Instruction(Opcode.Sub, DType.Float32, 0, 0),
            new Instruction(Opcode.Store, DType.Float32, 1, Access: new Access(5, 0, Dense))], []);
        return new Program([.. buffers], 1,
        [
            new MatrixProductStep(DType.Float32, [], 3, 3, 2, new(0, 0, [], 1, 3), new(0, 0, [], 3, 1), new(2, 0, [], 3, 1)),
            new KernelStep(scale),
            new CallStep("reverse", Reverse, [3], [4]),
            new KernelStep(zeros),
            new ScatterAddStep([2, 3], new Access(1, 0, [1, 0]), new Access(4, 0, [3, 1]), new Access(5, 0, [0, 1]), 3, 3),
        ]);
    }

    private static void Reverse(ReadOnlySpan<NDArray> inputs, ReadOnlySpan<NDArray> outputs)
    {
        inputs[0].AsSpan<float>().CopyTo(outputs[0].Elements<float>());
        outputs[0].Elements<float>().Reverse();
    }
}
