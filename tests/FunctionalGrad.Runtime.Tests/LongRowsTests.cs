using FunctionalGrad.Kernels;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>A row that threads share has the bits of one that is folded as a whole.</summary>
public unsafe class LongRowsTests
{
    [Theory]
    [InlineData(128 * 1024)]
    [InlineData((128 * 1024) + 1)]
    [InlineData(200_003)]
    [InlineData(15 * 16 * 2048)]
    [InlineData((15 * 16 * 2048) + 1)]
    [InlineData((15 * 16 * 2048) - 2047)]
    public void PartsMeetAsChunksDo(int length)
    {
        var random = new Random(length);
        foreach (var type in (DType[])[DType.Float32, DType.Float64, DType.Int64])
        {
            var x = NDArray.Zeros(Shape.Of(length), type);
            for (var i = 0; i < length; i++)
                Set(x, i, random.NextDouble() - 0.25);
            foreach (var fold in (Fold[])[Fold.Sum, Fold.Prod, Fold.Max, Fold.Min])
            {
                var program = Folding(fold, type, length);
                Assert.InRange(program.Steps.Length, 2, 3);
                var expected = Whole(fold, type, x);
                Assert.Equal(expected.Bytes().ToArray(), program.Run([x], [])[0].Bytes().ToArray());
                program.Emit(VectorWidth.Bits);
                Assert.Equal(expected.Bytes().ToArray(), program.Run([x], [])[0].Bytes().ToArray());
            }
        }
    }

    [Fact]
    public void RowsThatAreNoOneLoopStayWhole()
    {
        var info = new BufferInfo(BufferKind.Input, Shape.Of(512, 1024), DType.Float64);
        var turned = new Instruction(Opcode.Load, DType.Float64, Access: new Access(0, 0, [1, 512]));
        var straight = new Instruction(Opcode.Load, DType.Float64, Access: new Access(0, 0, [1024, 1]));
        var product = new Instruction(Opcode.Mul, DType.Float64, 0, 1);
        var kernel = new Kernel([512, 1024], 0, 2, [turned, straight, product], [new Reduction(Fold.Sum, 2, new Access(1, 0, [0, 0]))]);
        var program = new Program([info, new BufferInfo(BufferKind.Output, Shape.Scalar, DType.Float64)], 0, [new KernelStep(kernel)]);
        Assert.Single(program.Steps);
    }

    /// <summary>Also stores what it folds, the other way round.</summary>
    [Fact]
    public void WhatIsStoredIsStoredWhereItBelongs()
    {
        const int Length = 131_075;
        var load = new Instruction(Opcode.Load, DType.Float32, Access: new Access(0, 0, [1]));
        var store = new Instruction(Opcode.Store, DType.Float32, 0, Access: new Access(1, Length - 1, [-1]));
        var kernel = new Kernel([Length], 0, 1, [load, store], [new Reduction(Fold.Max, 0, new Access(2, 0, [0]))]);
        BufferInfo[] buffers =
        [
            new(BufferKind.Input, Shape.Of(Length), DType.Float32), new(BufferKind.Output, Shape.Of(Length), DType.Float32),
            new(BufferKind.Output, Shape.Scalar, DType.Float32),
        ];
        var program = new Program([.. buffers], 0, [new KernelStep(kernel)]);
        Assert.Equal(3, program.Steps.Length);
        var results = program.Run([NDArray.Create<float>(Shape.Of(Length), [.. Enumerable.Range(0, Length).Select(i => (float)i)])], []);
        Assert.Equal(Enumerable.Range(0, Length).Select(i => (float)(Length - 1 - i)), results[0].ToArray<float>());
        Assert.Equal(Length - 1, results[1].GetDouble(0));
    }

    private static void Set(NDArray x, int i, double value)
    {
        switch (x.DType)
        {
            case DType.Float32:
                x.Elements<float>()[i] = (float)(1.0 + (value * 1e-3));
                break;
            case DType.Float64:
                x.Elements<double>()[i] = 1.0 + (value * 1e-3);
                break;
            default:
                x.Elements<long>()[i] = (long)(value * 1000);
                break;
        }
    }

    private static Program Folding(Fold fold, DType type, int length)
    {
        var load = new Instruction(Opcode.Load, type, Access: new Access(0, 0, [1]));
        var kernel = new Kernel([length], 0, 1, [load], [new Reduction(fold, 0, new Access(1, 0, [0]))]);
        BufferInfo[] buffers = [new(BufferKind.Input, Shape.Of(length), type), new(BufferKind.Output, Shape.Scalar, type)];
        return new Program([.. buffers], 0, [new KernelStep(kernel)]);
    }

    private static NDArray Whole(Fold fold, DType type, NDArray x)
    {
        var result = NDArray.Zeros(Shape.Scalar, type);
        BlockKernels.Fill(type, fold, (void*)result.Address, 1);
        BlockKernels.FoldRows(fold, type)((void*)x.Address, (void*)result.Address, 1, x.Count);
        return result;
    }
}
