using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>What is checked between the passes, and before a program runs.</summary>
public class VerificationTests
{
    /// <summary>0 → 1 → 2 → 3, where 1 and 2 are temporary.</summary>
    private static readonly BufferInfo[] Buffers =
    [
        LoopTestsProgram.Buffer(BufferKind.Input, DType.Float32, 100), LoopTestsProgram.Buffer(BufferKind.Temporary, DType.Float32, 100),
        LoopTestsProgram.Buffer(BufferKind.Temporary, DType.Float32, 100), LoopTestsProgram.Buffer(BufferKind.Output, DType.Float32, 100),
    ];

    private static readonly Step[] Chain = [.. Enumerable.Range(0, 3).Select(i => LoopTestsProgram.Copy(i, i + 1, 100, DType.Float32))];

    [Fact]
    public void TestsAreVerified() => Assert.True(Verification.IsOn);

    [Theory]
    [InlineData("true", true)]
    [InlineData("False", false)]
    public void TheSettingIsATruthValue(string text, bool expected)
    {
        Assert.Equal(expected, Verification.Parse(text));
        Assert.Throws<ArgumentException>(() => Verification.Parse("yes"));
    }

    [Fact]
    public void APlanWithoutOverlapPasses()
    {
        MemoryCheck.Check([.. Buffers], [.. Chain], [0, 0, 448, 0], 1024);
        MemoryCheck.Check([.. Buffers], [.. Chain], [0, 512, 64, 0], 1024);
    }

    [Fact]
    public void BuffersThatAreNeededAtDifferentTimesMayOverlap()
    {
        Step[] apart = [Chain[0], LoopTestsProgram.Copy(1, 3, 100, DType.Float32), LoopTestsProgram.Copy(0, 2, 100, DType.Float32), Chain[2]];
        MemoryCheck.Check([.. Buffers], [.. apart], [0, 0, 0, 0], 448);
    }

    [Theory]
    [InlineData(0, 0, 1024)] // the same place
    [InlineData(0, 384, 1024)] // its end
    [InlineData(384, 0, 1024)] // its beginning
    [InlineData(0, 448, 512)] // beyond the arena
    [InlineData(0, -64, 1024)] // before the arena
    [InlineData(0, 450, 1024)] // across a cache line
    public void ABrokenPlanIsRefused(long first, long second, long bytes)
    {
        var error = Assert.Throws<InvalidOperationException>(() => MemoryCheck.Check([.. Buffers], [.. Chain], [0, first, second, 0], bytes));
        Assert.StartsWith("memory plan: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ABufferInsideOfAnotherIsFound()
    {
        BufferInfo[] buffers = [Buffers[0], LoopTestsProgram.Buffer(BufferKind.Temporary, DType.Float64, 1000), Buffers[2], Buffers[3]];
        Step[] steps = [new CallStep("make", static (_, _) => { }, [0], [1, 2]), new CallStep("use", static (_, _) => { }, [1, 2], [3])];
        Assert.Throws<InvalidOperationException>(() => MemoryCheck.Check([.. buffers], [.. steps], [0, 0, 4096, 0], 8192));
        MemoryCheck.Check([.. buffers], [.. steps], [0, 0, 8000, 0], 8448);
    }

    [Fact]
    public void PlansOfRandomProgramsPass()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var buffers = Enumerable.Range(0, random.Next(1, 60))
                .Select(_ => LoopTestsProgram.Buffer((BufferKind)random.Next(3), DType.Float32, random.Next(5) == 0 ? 0 : random.Next(2000))).ToArray();
            var steps = Enumerable.Range(0, random.Next(1, 80)).Select(_ => (Step)new CallStep(
                "touch", static (_, _) => { }, [random.Next(buffers.Length)], [random.Next(buffers.Length), random.Next(buffers.Length)])).ToArray();
            var plan = new MemoryPlan([.. buffers], [.. steps]);
            MemoryCheck.Check([.. buffers], [.. steps], plan.Offsets, plan.Bytes);
            Assert.InRange(plan.Least, 0, plan.Bytes);
            Assert.InRange(plan.Bytes, 0, plan.Total + (64 * buffers.Length));
        }
    }

    [Fact]
    public void MemoryThatNoMachineHasIsRefusedBeforeTheFirstStep()
    {
        const int Count = 1000;
        var ran = false;
        BufferInfo[] buffers =
        [
            .. Enumerable.Range(0, Count).Select(_ => LoopTestsProgram.Buffer(BufferKind.Temporary, DType.Float64, int.MaxValue)),
            LoopTestsProgram.Buffer(BufferKind.Output, DType.Float64, 1),
        ];
        Step[] steps =
        [
            .. Enumerable.Range(0, Count).Select(i => new CallStep("make", (_, _) => ran = true, [], [i])),
            new CallStep("use", (_, _) => ran = true, [.. Enumerable.Range(0, Count)], [Count]),
        ];
        var program = new Program([.. buffers], 0, [.. steps]);
        var error = Assert.Throws<ShapeException>(() => program.Run([], []));
        Assert.Contains($"{program.ArenaBytes + 8} bytes", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{program.ArenaBytes} for what", error.Message, StringComparison.Ordinal);
        Assert.True(program.ArenaBytes > 16_000_000_000_000);
        Assert.False(ran);
    }

    [Fact]
    public void ResultsCountAsMemory()
    {
        var program = new Program([.. Buffers], 0, [.. Chain]);
        var bytes = program.ArenaBytes + 400;
        program.DemandMemory(bytes);
        Assert.Throws<ShapeException>(() => program.DemandMemory(bytes - 1));
    }
}
