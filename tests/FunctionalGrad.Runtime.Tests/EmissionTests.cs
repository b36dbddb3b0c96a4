using System.Runtime.Intrinsics;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Emitted code gives the bits that the interpreter gives.</summary>
public unsafe class EmissionTests
{
    [Theory]
    [MemberData(nameof(Batches))]
    public void RandomKernelsHaveTheBitsOfTheInterpreter(int firstSeed, int width)
    {
        for (var seed = firstSeed; seed < firstSeed + 40; seed++)
            Check(seed, new LoopSampler(seed).Next(), width);
    }

    [Theory]
    [MemberData(nameof(Batches))]
    public void RandomStagedKernelsHaveTheBitsOfTheInterpreter(int firstSeed, int width)
    {
        for (var seed = firstSeed; seed < firstSeed + 40; seed++)
            Check(seed, new StagedSampler(seed).Next(), width);
    }

    [Fact]
    public void MostRandomKernelsAreEmitted()
    {
        var kernels = Enumerable.Range(0, 1000).Select(seed => new LoopSampler(seed).Next().Kernel).Where(kernel => !kernel.Extents.Contains(0));
        var staged = Enumerable.Range(0, 1000).Select(seed => new StagedSampler(seed).Next().Kernel).Where(kernel => !kernel.Extents.Contains(0));
        Assert.InRange(kernels.Count(kernel => EmittedKernel.TryCreate(kernel, new MethodFrame(), 256) is not null), 700, 1000);
        Assert.InRange(staged.Count(kernel => EmittedKernel.TryCreate(kernel, new MethodFrame(), 256) is not null), 500, 1000);
    }

    public static TheoryData<int, int> Batches()
    {
        var batches = new TheoryData<int, int>();
        for (var i = 0; i < 10; i++)
        {
            batches.Add(i * 100, 128);
            if (Vector256.IsHardwareAccelerated)
                batches.Add(i * 100, 256);
            if (Vector512.IsHardwareAccelerated)
                batches.Add(i * 100, 512);
        }

        return batches;
    }

    private static void Check(int seed, LoopSample sample, int width)
    {
        var frame = new MethodFrame();
        if (EmittedKernel.TryCreate(sample.Kernel, frame, width) is not { } emitted)
            return;
        var step = emitted.CanBeCut && seed % 2 == 0 ? Math.Max(emitted.UnitStep, emitted.Units / 3 / emitted.UnitStep * emitted.UnitStep) : 0;
        var work = EmittedMethod.Compile([emitted], frame, step);
        var parts = step == 0 ? 1 : (int)((emitted.Units + step - 1) / step);
        var program = new Program([.. sample.Buffers], sample.Numbers.Length, [new KernelStep(sample.Kernel)]);
        var expected = Attempt(() => program.Run(sample.Inputs, sample.Numbers));
        var actual = Attempt(() => Run(sample, work, parts));
        Assert.Equal(expected.Refusal?.GetType(), actual.Refusal?.GetType());
        for (var output = 0; output < (expected.Refusal is null ? expected.Arrays.Length : 0); output++)
        {
            var buffer = sample.Buffers.Select((info, i) => (info, i)).Where(b => b.info.Kind == BufferKind.Output).ElementAt(output).i;
            var written = LoopOracle.Run(sample.Kernel, sample.Buffers, sample.Arrays, sample.Numbers)[buffer];
            for (var i = 0; i < expected.Arrays[output].Count; i++)
            {
                var (wanted, got) = (Cell.FromArray(expected.Arrays[output], i), Cell.FromArray(actual.Arrays[output], i));
                if (written[i].Written && !(wanted.Whole == got.Whole && wanted.Real.Equals(got.Real)))
                    Assert.Fail($"seed {seed}, width {width}, buffer {buffer}, element {i}: {got} instead of {wanted}\n{LoopTestsKernels.Describe(sample.Kernel)}");
            }
        }
    }

    private static (NDArray[] Arrays, Exception? Refusal) Attempt(Func<NDArray[]> run)
    {
        try
        {
            return (run(), null);
        }
        catch (IndexException refusal)
        {
            return ([], refusal);
        }
        catch (DivisionByZeroException refusal)
        {
            return ([], refusal);
        }
    }

    private static NDArray[] Run(LoopSample sample, Parallelism.PartWork work, int parts)
    {
        var arrays = sample.Buffers.Select((buffer, i) => sample.Arrays[i] ?? NDArray.Zeros(buffer.Shape, buffer.DType)).ToArray();
        var addresses = arrays.Select(array => array.Address).ToArray();
        fixed (nint* table = addresses)
        fixed (long* numbers = sample.Numbers)
        {
            var state = new EmittedState(table, numbers);
            for (var part = 0; part < parts; part++)
                work(part, &state);
        }

        foreach (var array in arrays)
            array.KeepAlive();
        return [.. sample.Buffers.Select((buffer, i) => (buffer, i)).Where(b => b.buffer.Kind == BufferKind.Output).Select(b => arrays[b.i])];
    }
}
