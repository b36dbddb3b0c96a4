using System.Diagnostics;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Where buffers lie, what a run allocates, and how long programs take to make.</summary>
public class LoopTestsMemory
{
    [Fact]
    public void LiveBuffersDoNotOverlap()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var buffers = Enumerable.Range(0, random.Next(1, 60))
                .Select(_ => LoopTestsProgram.Buffer((BufferKind)random.Next(3), DType.Float32, random.Next(5) == 0 ? 0 : random.Next(2000))).ToArray();
            var steps = Enumerable.Range(0, random.Next(1, 80)).Select(_ => Touch(random, buffers.Length)).ToArray();
            var plan = new MemoryPlan([.. buffers], [.. steps]);
            CheckPlan(buffers, steps, plan);
        }
    }

    [Fact]
    public void AChainOfBuffersNeedsTheMemoryOfTwo()
    {
        const int Count = 100_000;
        var buffers = Enumerable.Range(0, Count + 2)
            .Select(i => LoopTestsProgram.Buffer(i == 0 ? BufferKind.Input : i > Count ? BufferKind.Output : BufferKind.Temporary, DType.Float32, 16)).ToArray();
        var steps = Enumerable.Range(0, Count + 1).Select(i => (Step)LoopTestsProgram.Copy(i, i + 1, 16, DType.Float32)).ToArray();
        var watch = Stopwatch.StartNew();
        var program = new Program([.. buffers], 0, [.. steps]);
        // Seconds, also on a busy machine; what is quadratic takes minutes.
        Assert.True(watch.Elapsed.TotalSeconds < 60, $"{watch.Elapsed.TotalSeconds} s to plan {Count} buffers");
        Assert.Equal(128, program.ArenaBytes);
        var x = NDArray.Create<float>(Shape.Of(16), Enumerable.Range(0, 16).Select(i => (float)i).ToArray());
        Assert.Equal(x.ToArray<float>(), program.Run([x], [])[0].ToArray<float>());
    }

    [Fact]
    public void ALargeScalarKernelNeedsLittleMemory()
    {
        const int Count = 50_000;
        var body = new List<Instruction> { new(Opcode.Load, DType.Float64, Access: new Access(0, 0, [])), new(Opcode.Number, DType.Float64, 0) };
        while (body.Count < Count)
            body.Add(new(body.Count % 2 == 0 ? Opcode.Add : Opcode.Mul, DType.Float64, body.Count % 2 == 0 ? body.Count - 2 : body.Count - 1, body.Count % 3 == 0 ? 0 : 1));
        body.Add(new(Opcode.Store, DType.Float64, body.Count - 1, Access: new Access(1, 0, [])));
        var kernel = new Kernel([], 0, 0, [.. body], []);
        BufferInfo[] buffers = [LoopTestsProgram.Buffer(BufferKind.Input, DType.Float64), LoopTestsProgram.Buffer(BufferKind.Output, DType.Float64)];
        var x = NDArray.Create<double>(Shape.Scalar, [0.25]);
        long[] numbers = [BitConverter.DoubleToInt64Bits(0.5)];
        var expected = LoopOracle.Run(kernel, buffers, [x, null], numbers)[1][0].Cell.Real;
        Assert.Equal(expected, new Program([.. buffers], 1, [new KernelStep(kernel)]).Run([x], numbers)[0].GetDouble(0));
        Assert.InRange(KernelCompiler.Compile(kernel).ScratchBytes, 1, 4096);
    }

    [Fact]
    public void ARunAllocatesItsOutputsAndLittleElse()
    {
        var sample = Enumerable.Range(0, 1000).Select(seed => new LoopSampler(seed).Next()).First(s => s.Kernel.Body.Length > 8 && s.Kernel.Reductions.Length > 1);
        var program = new Program([.. sample.Buffers], sample.Numbers.Length, [new KernelStep(sample.Kernel)]);
        var inputs = sample.Inputs;
        var outputs = program.Run(inputs, sample.Numbers).Sum(output => Math.Max(output.ByteLength, 64) + 64);
        var least = long.MaxValue;
        for (var batch = 0; batch < 5; batch++)
        {
            // Machine code that is made on the way allocates once.
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
                program.Run(inputs, sample.Numbers);
            least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before) / 100);
        }

        Assert.InRange(least, 0, outputs + 1024);
    }

    [Fact]
    public void LongSumsKeepTheirDigits()
    {
        foreach (var lanes in (int[])[1, 3, 3000])
        {
            var count = 3_000_000 / lanes;
            var body = new Instruction[] { new(Opcode.Load, DType.Float32, Access: new Access(0, 0, [0, 0])) };
            var kernel = new Kernel([count, lanes], 0, 1, [.. body], [new Reduction(Fold.Sum, 0, new Access(1, 0, [0, 1]))]);
            BufferInfo[] buffers = [LoopTestsProgram.Buffer(BufferKind.Input, DType.Float32, 1), LoopTestsProgram.Buffer(BufferKind.Output, DType.Float32, lanes)];
            var result = new Program([.. buffers], 0, [new KernelStep(kernel)]).Run([NDArray.Create<float>(Shape.Of(1), [0.1f])], [])[0];
            for (var i = 0; i < lanes; i++)
                Assert.Equal(0.1f * (double)count, result.GetDouble(i), 0.1f * count * 5e-5);
        }
    }

    private static Step Touch(Random random, int buffers)
    {
        int[] Some() => [.. Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(buffers))];
        return new CallStep("touch", (_, _) => { }, [.. Some()], [.. Some()]);
    }

    private static void CheckPlan(BufferInfo[] buffers, Step[] steps, MemoryPlan plan)
    {
        var lives = new List<(long Start, long End, int First, int Last)>();
        for (var i = 0; i < buffers.Length; i++)
        {
            var uses = Enumerable.Range(0, steps.Length).Where(s => steps[s].Reads.Contains(i) || steps[s].Writes.Contains(i)).ToArray();
            var bytes = buffers[i].Shape.Count * 4L;
            if (buffers[i].Kind != BufferKind.Temporary || uses.Length == 0 || bytes == 0)
                continue;
            Assert.Equal(0, plan.Offsets[i] % 64);
            Assert.InRange(plan.Offsets[i] + bytes, 0, plan.Bytes);
            lives.Add((plan.Offsets[i], plan.Offsets[i] + bytes, uses[0], uses[^1]));
        }

        foreach (var a in lives)
            Assert.Single(lives, b => a.First <= b.Last && b.First <= a.Last && a.Start < b.End && b.Start < a.End);
    }
}
