using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>The interpreter gives what evaluating one index after the other gives.</summary>
public class LoopTestsKernels
{
    [Theory]
    [MemberData(nameof(Batches))]
    public void RandomKernelsAgreeWithTheOracle(int firstSeed)
    {
        for (var seed = firstSeed; seed < firstSeed + 100; seed++)
            Check(seed, new LoopSampler(seed).Next());
    }

    [Fact]
    public void RandomKernelsTakeEveryWay()
    {
        var programs = Enumerable.Range(0, 2000).Select(seed => KernelCompiler.Compile(new LoopSampler(seed).Next().Kernel)).ToArray();
        foreach (var traversal in Enum.GetValues<Traversal>())
        {
            Assert.InRange(programs.Count(p => p.Traversal == traversal && p.Reductions.Length > 1), 20, 2000);
            Assert.InRange(programs.Count(p => p.Traversal == traversal && p.Setup.Length > 0), 5, 2000);
        }

        Assert.InRange(programs.Count(p => p.Traversal == Traversal.Tiled && p.Reductions.Length == 0), 3, 2000);
        Assert.InRange(programs.Count(p => p.Copy is not null), 5, 2000);
        Assert.InRange(programs.Count(p => p.Accesses.Any(access => access.Extents.Length > 2)), 50, 2000);
    }

    public static TheoryData<int> Batches()
    {
        var batches = new TheoryData<int>();
        for (var i = 0; i < 20; i++)
            batches.Add(i * 100);
        return batches;
    }

    private static void Check(int seed, LoopSample sample)
    {
        var program = new Program([.. sample.Buffers], sample.Numbers.Length, [new KernelStep(sample.Kernel)]);
        var expected = LoopOracle.Run(sample.Kernel, sample.Buffers, sample.Arrays, sample.Numbers);
        var actual = program.Run(sample.Inputs, sample.Numbers);
        var output = 0;
        for (var buffer = 0; buffer < sample.Buffers.Length; buffer++)
        {
            if (sample.Buffers[buffer].Kind != BufferKind.Output)
                continue;
            var array = actual[output++];
            for (var i = 0; i < array.Count; i++)
            {
                var wanted = expected[buffer][i];
                if (wanted.Written && !Agree(array.DType, Cell.FromArray(array, i), wanted))
                    Assert.Fail($"seed {seed}, buffer {buffer}, element {i}: {Cell.FromArray(array, i)} instead of {wanted}\n{Describe(sample.Kernel)}");
            }
        }
    }

    private static bool Agree(DType type, Cell actual, LoopOracle.Result expected)
    {
        if (!type.IsFloat())
            return actual.Whole == expected.Cell.Whole;
        var (a, b) = (actual.Real, type == DType.Float32 ? (float)expected.Cell.Real : expected.Cell.Real);
        if (a.Equals(b) || a == b)
            return true;
        var epsilon = type == DType.Float32 ? 2e-6 : 1e-14;
        return Math.Abs(a - b) <= epsilon * (1 + Math.Abs(b) + expected.Magnitude);
    }

    internal static string Describe(Kernel kernel) =>
        $"extents [{string.Join(", ", kernel.Extents)}], reduced {kernel.ReduceFrom}+{kernel.ReduceCount}\n" +
        string.Join("\n", kernel.Body.Select((x, i) => $"  {i}: {x.Code} {x.Type} {x.A} {x.B} {x.C} {Describe(x.Access)} ×{x.Stride}")) + "\n" +
        string.Join("\n", kernel.Reductions.Select(r => $"  {r.Fold} of {r.Value} to {Describe(r.Target)}"));

    private static string Describe(Access? access) => access is null ? "" : $"#{access.Buffer} {access.Offset} [{string.Join(", ", access.Strides)}]";
}
