using System.Collections.Immutable;
using FunctionalGrad.Kernels;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Buffers that take another's place: results do not change, and memory is saved.</summary>
public unsafe class InPlaceTests
{
    private static readonly Opcode[] Operations = [Opcode.Add, Opcode.Sub, Opcode.Mul, Opcode.Max, Opcode.Neg, Opcode.Abs, Opcode.Exp];

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(2000)]
    [InlineData(3000)]
    public void RandomProgramsGiveWhatTheirStepsGiveOneByOne(int firstSeed)
    {
        for (var seed = firstSeed; seed < firstSeed + 150; seed++)
        {
            var sample = new Sample(seed);
            var expected = sample.StepByStep();
            var program = sample.Program;
            var inputs = sample.Inputs.Select((input, i) => program.IsOverwritten(i) ? input.Copy() : input).ToArray();
            var emitted = RunEmitted(program, sample, seed % 2 == 0 ? 128 : VectorWidth.Bits);
            var actual = program.Run(inputs, []);
            for (var i = 0; i < expected.Length; i++)
            {
                Assert.True(expected[i].Bytes().SequenceEqual(actual[i].Bytes()), $"seed {seed}, output {i}, interpreted\n{string.Join("\n", program.Steps.OfType<KernelStep>().Select(k => LoopTestsKernels.Describe(k.Kernel)))}");
                Assert.True(expected[i].Bytes().SequenceEqual(emitted[i].Bytes()), $"seed {seed}, output {i}, emitted");
            }
        }
    }

    [Fact]
    public void ManyOfThemAreJoined()
    {
        var samples = Enumerable.Range(0, 300).Select(seed => new Sample(seed)).ToArray();
        Assert.InRange(samples.Count(sample => sample.Program.Buffers.Select((_, i) => i).Except(sample.Program.Steps.SelectMany(step => step.Reads.Concat(step.Writes))).Any()), 100, 300);
        Assert.InRange(samples.Count(sample => Enumerable.Range(0, sample.Inputs.Length).Any(sample.Program.IsOverwritten)), 50, 300);
    }

    [Fact]
    public void AnUpdateIsWrittenOverWhatItReplaces()
    {
        // p − g, where g = q·q is temporary.
        BufferInfo[] buffers =
        [
            LoopTestsProgram.Buffer(BufferKind.Input, DType.Float32, 1000), LoopTestsProgram.Buffer(BufferKind.Input, DType.Float32, 1000),
            LoopTestsProgram.Buffer(BufferKind.Temporary, DType.Float32, 1000), LoopTestsProgram.Buffer(BufferKind.Output, DType.Float32, 1000),
        ];
        Step[] steps = [Apply(Opcode.Mul, 1, 1, 2, 1000), Apply(Opcode.Sub, 0, 2, 3, 1000)];
        var kept = new Program([.. buffers], 0, [.. steps]);
        Assert.Equal(0, kept.ArenaBytes);
        Assert.False(kept.IsOverwritten(0));
        var given = new Program([.. buffers], 0, [.. steps], 0);
        Assert.Equal(4032, given.ArenaBytes);
        Assert.True(given.IsOverwritten(0));
        var p = NDArray.Create<float>(Shape.Of(1000), [.. Enumerable.Range(0, 1000).Select(i => (float)i)]);
        var q = NDArray.Create<float>(Shape.Of(1000), [.. Enumerable.Repeat(2f, 1000)]);
        var expected = Enumerable.Range(0, 1000).Select(i => i - 4f).ToArray();
        Assert.Equal(expected, kept.Run([p, q], [])[0].ToArray<float>());
        Assert.Equal(999f, p.GetDouble(999));
        var result = given.Run([p, q], [])[0];
        Assert.Equal(expected, result.ToArray<float>());
        Assert.Equal(p.Address, result.Address);
    }

    [Fact]
    public void WhatIsReadElsewhereOrLaterKeepsItsPlace()
    {
        BufferInfo[] buffers =
        [
            LoopTestsProgram.Buffer(BufferKind.Input, DType.Float32, 100), LoopTestsProgram.Buffer(BufferKind.Output, DType.Float32, 100),
            LoopTestsProgram.Buffer(BufferKind.Output, DType.Float32, 100),
        ];
        var reversed = new KernelStep(new Kernel([100], 0, 0, [
            new Instruction(Opcode.Load, DType.Float32, Access: new Access(0, 99, [-1])), new Instruction(Opcode.Exp, DType.Float32, 0),
            new Instruction(Opcode.Store, DType.Float32, 1, Access: new Access(1, 0, [1]))], []));
        Assert.False(new Program([.. buffers[..2]], 0, [reversed], 0).IsOverwritten(0));
        var twice = new Program([.. buffers], 0, [Apply(Opcode.Mul, 0, 0, 1, 100), Apply(Opcode.Add, 0, 0, 2, 100)], 0);
        var x = NDArray.Create<float>(Shape.Of(100), [.. Enumerable.Repeat(3f, 100)]);
        var results = twice.Run([x], []);
        Assert.Equal((9.0, 6.0), (results[0].GetDouble(50), results[1].GetDouble(50)));
        Assert.Equal((false, true), (x.Address == results[0].Address, x.Address == results[1].Address));
    }

    private static KernelStep Apply(Opcode code, int a, int b, int target, int count) => new(new Kernel([count], 0, 0, [
        new Instruction(Opcode.Load, DType.Float32, Access: new Access(a, 0, [1])), new Instruction(Opcode.Load, DType.Float32, Access: new Access(b, 0, [1])),
        new Instruction(code, DType.Float32, 0, 1), new Instruction(Opcode.Store, DType.Float32, 2, Access: new Access(target, 0, [1]))], []));

    /// <summary>The program's steps as machine code, with memory of its own for each buffer that it names.</summary>
    private static NDArray[] RunEmitted(Program program, Sample sample, int width)
    {
        var arrays = program.Buffers.Select(buffer => NDArray.Zeros(buffer.Shape, buffer.DType)).ToArray();
        for (var i = 0; i < sample.Inputs.Length; i++)
            arrays[program.InputBuffers[i]] = sample.Inputs[i].Copy();
        fixed (nint* table = arrays.Select(array => array.Address).ToArray())
        {
            var state = new EmittedState(table, null);
            foreach (var piece in EmittedSteps.Compile(program.Steps, width))
            {
                for (var part = 0; piece.Work is not null && part < piece.Parts; part++)
                    piece.Work(part, &state);
                if (piece.Work is null && program.Steps[piece.Step] is KernelStep step)
                    Interpret(step.Kernel, table);
            }
        }

        foreach (var array in arrays)
            array.KeepAlive();
        return [.. program.OutputBuffers.Select(buffer => arrays[buffer])];
    }

    /// <summary>Runs a kernel that is not emitted.</summary>
    private static void Interpret(Kernel kernel, nint* table)
    {
        var block = KernelCompiler.Compile(kernel);
        var scratch = NDArray.Zeros(Shape.Of((int)block.ScratchBytes + 64), DType.Bool);
        block.Run(table, null, scratch.Pointer);
        scratch.KeepAlive();
    }

    /// <summary>A random program of kernels over one shape, with operands read straight, backwards, by rows or folded, and several results a kernel.</summary>
    private sealed class Sample
    {
        private readonly Random random;
        private readonly int[] extents;
        private readonly DType dtype;
        private readonly List<BufferInfo> buffers = [];
        private readonly List<Step> steps = [];

        public Sample(int seed)
        {
            random = new Random(seed);
            int[] sizes = [1, 3, 8, 10, 17, 32, 100];
            extents = random.Next(3) == 0 ? [random.Next(1, 3000)] : [sizes[random.Next(sizes.Length)], sizes[random.Next(sizes.Length)]];
            dtype = random.Next(2) == 0 ? DType.Float32 : DType.Float64;
            var inputs = random.Next(1, 4);
            for (var i = 0; i < inputs; i++)
                Add(BufferKind.Input);
            var count = random.Next(1, 8);
            for (var i = 0; i < count; i++)
                AddStep(i == count - 1);
            Inputs = [.. Enumerable.Range(0, inputs).Select(_ => Numbers())];
            Program = new Program([.. buffers], 0, [.. steps], [.. Enumerable.Range(0, inputs).Where(i => random.Next(2) == 0)]);
        }

        public NDArray[] Inputs { get; }

        public Program Program { get; }

        /// <summary>Each step as a program of its own, whose results are arrays of their own.</summary>
        public NDArray[] StepByStep()
        {
            var arrays = new NDArray?[buffers.Count];
            Inputs.CopyTo(arrays, 0);
            foreach (var step in steps)
            {
                var written = step.Writes.ToHashSet();
                BufferInfo[] known = [.. buffers.Select((buffer, i) => buffer with { Kind = written.Contains(i) ? BufferKind.Output : BufferKind.Input })];
                NDArray[] inputs = [.. Enumerable.Range(0, buffers.Count).Where(i => !written.Contains(i)).Select(i => arrays[i] ?? NDArray.Zeros(buffers[i].Shape, dtype))];
                var results = new Program([.. known], 0, [step]).Run(inputs, []);
                foreach (var (buffer, i) in written.Order().Select((buffer, i) => (buffer, i)))
                    arrays[buffer] = results[i];
            }

            return [.. Enumerable.Range(0, buffers.Count).Where(i => buffers[i].Kind == BufferKind.Output).Select(i => arrays[i]!)];
        }

        private int Add(BufferKind kind)
        {
            buffers.Add(new BufferInfo(kind, new Shape(extents), dtype));
            return buffers.Count - 1;
        }

        private NDArray Numbers()
        {
            var count = new Shape(extents).Count;
            return dtype == DType.Float32
                ? NDArray.Create<float>(new Shape(extents), [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble())])
                : NDArray.Create<double>(new Shape(extents), [.. Enumerable.Range(0, count).Select(_ => random.NextDouble())]);
        }

        private Access Place(int buffer)
        {
            long[] dense = [.. new Shape(extents).Strides().Select(stride => (long)stride)];
            return random.Next(8) switch
            {
                0 => new Access(buffer, new Shape(extents).Count - 1, [.. dense.Select(stride => -stride)]),
                1 => new Access(buffer, 0, [.. dense.Select((stride, d) => d == 0 && extents.Length > 1 ? 0 : stride)]),
                _ => new Access(buffer, 0, [.. dense]),
            };
        }

        private void AddStep(bool isLast)
        {
            var body = new List<Instruction>();
            var readable = Enumerable.Range(0, buffers.Count).Where(i => buffers[i].Shape.Equals(new Shape(extents))).ToArray();
            for (var i = random.Next(1, 4); i > 0; i--)
                body.Add(new Instruction(Opcode.Load, dtype, Access: Place(readable[random.Next(readable.Length)])));
            var reduces = extents.Length == 2 && random.Next(5) == 0;
            for (var i = random.Next(reduces ? 0 : 1, 6); i > 0; i--)
            {
                var code = Operations[random.Next(Operations.Length)];
                body.Add(new Instruction(code, dtype, random.Next(body.Count), random.Next(body.Count)));
            }

            var values = body.Count;
            var targets = random.Next(1, 3);
            for (var i = 0; i < targets; i++)
            {
                var target = Add(isLast || random.Next(5) == 0 ? BufferKind.Output : BufferKind.Temporary);
                long[] dense = [.. new Shape(extents).Strides().Select(stride => (long)stride)];
                var store = new Instruction(Opcode.Store, dtype, random.Next(values), Access: new Access(target, 0, [.. dense]));
                body.Add(store);
                // What comes behind a store may read what it has overwritten.
                var later = body.Count;
                body.Add(new Instruction(Opcode.Neg, dtype, random.Next(values)));
                if (i == targets - 1 && random.Next(2) == 0)
                    body.Add(new Instruction(Opcode.Store, dtype, later, Access: new Access(Add(isLast ? BufferKind.Output : BufferKind.Temporary), 0, [.. dense])));
            }

            ImmutableArray<Reduction> reductions = reduces ? [new Reduction(Fold.Sum, random.Next(values), new Access(AddFolded(isLast), 0, [1, 0]))] : [];
            steps.Add(new KernelStep(new Kernel([.. extents], reduces ? 1 : 0, reduces ? 1 : 0, [.. body], reductions)));
        }

        private int AddFolded(bool isLast)
        {
            buffers.Add(new BufferInfo(isLast ? BufferKind.Output : BufferKind.Temporary, Shape.Of(extents[0]), dtype));
            return buffers.Count - 1;
        }
    }
}
