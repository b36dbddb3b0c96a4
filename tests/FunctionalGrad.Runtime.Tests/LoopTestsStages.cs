using System.Collections.Immutable;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Kernels that fold in their body and go on with the results.</summary>
public class LoopTestsStages
{
    [Theory]
    [MemberData(nameof(Batches))]
    public void RandomStagedKernelsAgreeWithTheOracleBitForBit(int firstSeed)
    {
        for (var seed = firstSeed; seed < firstSeed + 100; seed++)
        {
            var sample = new StagedSampler(seed).Next();
            var expected = LoopOracle.Run(sample.Kernel, sample.Buffers, sample.Arrays, sample.Numbers);
            var actual = Run(sample);
            foreach (var (buffer, array) in actual)
            {
                for (var i = 0; i < array.Count; i++)
                {
                    var (wanted, got) = (expected[buffer][i], Cell.FromArray(array, i));
                    var isSame = array.DType.IsFloat() ? got.Real == wanted.Cell.Real || got.Real.Equals(wanted.Cell.Real) : got.Whole == wanted.Cell.Whole;
                    if (wanted.Written && !isSame)
                        Assert.Fail($"seed {seed}, buffer {buffer}, element {i}: {got} instead of {wanted}\n{LoopTestsKernels.Describe(sample.Kernel)}");
                }
            }
        }
    }

    [Fact]
    public void RandomStagedKernelsTakeEveryWay()
    {
        var kernels = Enumerable.Range(0, 1000).Select(seed => new StagedSampler(seed).Next().Kernel).ToArray();
        for (var stages = 1; stages <= 3; stages++)
            Assert.InRange(kernels.Count(kernel => new KernelStages(kernel).Count > stages), 25, 1000);
        Assert.InRange(kernels.Count(kernel => kernel.Extents.Contains(0)), 20, 1000);
        Assert.InRange(kernels.Count(kernel => kernel.Reductions.Length > 0), 100, 1000);
        bool StoresRow(Kernel kernel, bool row) =>
            Enumerable.Range(0, kernel.Body.Length).Any(i => kernel.Body[i].Code == Opcode.Store && new KernelStages(kernel).IsRow(i) == row);
        Assert.InRange(kernels.Count(kernel => StoresRow(kernel, row: true)), 100, 1000);
        Assert.InRange(kernels.Count(kernel => StoresRow(kernel, row: false)), 100, 1000);
    }

    public static TheoryData<int> Batches()
    {
        var batches = new TheoryData<int>();
        for (var i = 0; i < 10; i++)
            batches.Add(i * 100);
        return batches;
    }

    [Theory]
    [InlineData(DType.Float64, 5, 7, 1e-14)]
    [InlineData(DType.Float64, 3, 5003, 1e-13)]
    [InlineData(DType.Float64, 1, 1, 1e-15)]
    [InlineData(DType.Float32, 17, 33, 1e-6)]
    [InlineData(DType.Float32, 2, 3001, 1e-6)]
    [InlineData(DType.Float32, 4, 0, 0)]
    [InlineData(DType.Float32, 0, 4, 0)]
    public void SoftmaxLayerNormAndLogSumExp(DType type, int rows, int columns, double tolerance)
    {
        var x = Enumerable.Range(0, rows * columns).Select(i => Math.Sin(i * 1.7) * 3).ToArray();
        var array = type == DType.Float32
            ? NDArray.Create<float>(Shape.Of(rows, columns), Array.ConvertAll(x, v => (float)v))
            : NDArray.Create<double>(Shape.Of(rows, columns), x);
        var result = StagedKernels.Norms(type, rows, columns).Run([array], [BitConverter.DoubleToInt64Bits(1.0 / columns), BitConverter.DoubleToInt64Bits(1e-5)]);
        for (var r = 0; r < rows; r++)
        {
            var row = Enumerable.Range(0, columns).Select(c => array.GetDouble((r * columns) + c)).ToArray();
            var sum = row.Sum(v => Math.Exp(v - row.DefaultIfEmpty().Max()));
            var mean = row.Sum() / columns;
            var deviation = Math.Sqrt((row.Sum(v => (v - mean) * (v - mean)) / columns) + 1e-5);
            for (var c = 0; c < columns; c++)
            {
                Close(Math.Exp(row[c] - row.Max()) / sum, result[0].GetDouble((r * columns) + c), tolerance);
                Close((row[c] - mean) / deviation, result[1].GetDouble((r * columns) + c), tolerance * 10);
            }

            // Of no elements the largest is −∞, and −∞ + log 0 is −∞ too.
            Close(columns == 0 ? double.NegativeInfinity : row.Max() + Math.Log(sum), result[2].GetDouble(r), tolerance * 10);
        }
    }

    [Fact]
    public void ARunOfAStagedKernelKeepsInputsApartFromOutputs()
    {
        // Buffer 1 is read by both stages and is free only afterwards, so that buffer 2 must not lie there.
        var program = StagedKernels.Norms(DType.Float64, 64, 64);
        ImmutableArray<BufferInfo> buffers =
        [
            LoopTestsProgram.Buffer(BufferKind.Input, DType.Float64, 4096), LoopTestsProgram.Buffer(BufferKind.Temporary, DType.Float64, 4096),
            LoopTestsProgram.Buffer(BufferKind.Temporary, DType.Float64, 4096), LoopTestsProgram.Buffer(BufferKind.Output, DType.Float64, 4096),
        ];
        var subtract = StagedKernels.Centred(DType.Float64, 64, 64, from: 1, to: 2);
        var copied = new Program(buffers, 0, [LoopTestsProgram.Copy(0, 1, 4096, DType.Float64), subtract, LoopTestsProgram.Copy(2, 3, 4096, DType.Float64)]);
        var x = Enumerable.Range(0, 4096).Select(i => (double)(i % 64)).ToArray();
        Assert.Equal(x.Select(v => v - 63), copied.Run([NDArray.Create<double>(Shape.Of(4096), x)], [])[0].ToArray<double>());
        Assert.Same(copied.Steps[1], subtract);
        Assert.True(program.Steps.Single() is KernelStep, "steps stay whole");
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public void WrongStagedKernelsAreRefused(string why)
    {
        var error = Assert.Throws<ArgumentException>(() => new Program(StagedKernels.WrongBuffers, 1, [new KernelStep(StagedKernels.Wrong[why])]));
        Assert.Contains(why, error.Message);
    }

    public static TheoryData<string> Wrong() => new(StagedKernels.Wrong.Keys);

    [Fact]
    public void TheRightStagedKernelIsTaken() => _ = new Program(StagedKernels.WrongBuffers, 1, [new KernelStep(StagedKernels.Right)]);

    private static void Close(double expected, double actual, double tolerance) =>
        Assert.True(expected.Equals(actual) || Math.Abs(expected - actual) <= tolerance * Math.Max(1, Math.Abs(expected)), $"{actual} instead of {expected}");

    private static IEnumerable<(int Buffer, NDArray Array)> Run(LoopSample sample)
    {
        var results = new Program([.. sample.Buffers], sample.Numbers.Length, [new KernelStep(sample.Kernel)]).Run(sample.Inputs, sample.Numbers);
        return Enumerable.Range(0, sample.Buffers.Length).Where(i => sample.Buffers[i].Kind == BufferKind.Output).Zip(results);
    }
}
