using System.Runtime.CompilerServices;

namespace FunctionalGrad.Tests;

/// <summary>Tests that set how many threads work: they run while no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ThreadedTests
{
    public const string Name = "threaded";
}

[Collection(ThreadedTests.Name)]
public sealed unsafe class ParallelismTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60); // only a deadlock takes so long
    private readonly int degree = Parallelism.Degree;

    public void Dispose() => Parallelism.Degree = degree;

    [Fact]
    public void AsManyThreadsAsProcessorsAtFirst() => Assert.Equal(Environment.ProcessorCount, degree);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void ADegreeBelowOneIsRefused(int wrong)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Parallelism.Degree = wrong);
        Assert.Equal(degree, Parallelism.Degree);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void EveryPartRunsOnce(int threads)
    {
        Parallelism.Degree = threads;
        var runs = stackalloc int[65];
        for (var repeat = 0; repeat < 200; repeat++)
            foreach (var parts in new[] { 0, 1, 2, 3, 7, 64 })
            {
                new Span<int>(runs, 65).Clear();
                Parallelism.For(parts, &Count, runs);
                for (var part = 0; part < parts; part++)
                    Assert.Equal(1, runs[part]);
                Assert.Equal(0, runs[parts]);
            }
    }

    private static void Count(int part, void* state) => Interlocked.Increment(ref ((int*)state)[part]);

    [Fact]
    public void NegativelyManyPartsAreNone() =>
        Parallelism.For(-3, static (_, _) => Assert.Fail("there is no part"), null);

    [Fact]
    public void TwoThreadsWorkAtTheSameTime()
    {
        Parallelism.Degree = 2;
        using var meeting = new Barrier(2);
        for (var repeat = 0; repeat < 20; repeat++)
            Parallelism.For(2, (_, _) => Assert.True(meeting.SignalAndWait(Patience), "nobody came"), null);
    }

    [Fact]
    public void ASleepingWorkerIsWoken()
    {
        Parallelism.Degree = 2;
        using var meeting = new Barrier(2);
        for (var repeat = 0; repeat < 5; repeat++)
        {
            Parallelism.For(2, (_, _) => Assert.True(meeting.SignalAndWait(Patience), "nobody came"), null);
            Thread.Sleep(5);
        }
    }

    [Fact]
    public void OneThreadIsTheCallers()
    {
        Parallelism.Degree = 1;
        var caller = Environment.CurrentManagedThreadId;
        var order = new List<int>();
        Parallelism.For(
            50,
            (part, _) =>
            {
                Assert.Equal(caller, Environment.CurrentManagedThreadId);
                order.Add(part);
            },
            null);
        Assert.Equal(Enumerable.Range(0, 50), order);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void TheLowestFailureReachesTheCaller(int threads)
    {
        Parallelism.Degree = threads;
        for (var repeat = 0; repeat < 100; repeat++)
        {
            var failure = Assert.Throws<InvalidOperationException>(
                () => Parallelism.For(40, static (part, _) => FailFrom(part, 13), null));
            Assert.Equal("part 13", failure.Message);
            Assert.Contains(nameof(FailFrom), failure.StackTrace, StringComparison.Ordinal);
            EveryPartRunsOnce(threads); // the pool works on
        }
    }

    // Inlined, it would not stand in the stack trace.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FailFrom(int part, int first)
    {
        if (part >= first)
            throw new InvalidOperationException($"part {part}");
    }

    [Fact]
    public void AFailureStopsTheHandingOut()
    {
        Parallelism.Degree = 2;
        var runs = 0;
        Assert.Throws<InvalidOperationException>(
            () => Parallelism.For(
                int.MaxValue,
                (part, _) =>
                {
                    Interlocked.Increment(ref runs);
                    FailFrom(part, 100);
                },
                null));
        Assert.InRange(runs, 101, int.MaxValue - 1);
    }

    [Fact]
    public void NestedWorkStaysOnItsThread()
    {
        Parallelism.Degree = 2;
        var sums = new int[8];
        Parallelism.For(
            8,
            (outer, _) =>
            {
                var thread = Environment.CurrentManagedThreadId;
                Parallelism.For(
                    100,
                    (inner, _) =>
                    {
                        Assert.Equal(thread, Environment.CurrentManagedThreadId);
                        sums[outer] += inner;
                    },
                    null);
            },
            null);
        Assert.All(sums, sum => Assert.Equal(4950, sum));
    }

    [Fact]
    public void ANestedFailureReachesTheOuterCaller()
    {
        Parallelism.Degree = 2;
        var failure = Assert.Throws<InvalidOperationException>(
            () => Parallelism.For(4, static (_, _) => Parallelism.For(9, static (part, _) => FailFrom(part, 3), null), null));
        Assert.Equal("part 3", failure.Message);
    }

    [Fact]
    public void WhoFindsThePoolBusyWorksAlone()
    {
        Parallelism.Degree = 2;
        using ManualResetEventSlim begun = new(), done = new();
        var holder = new Thread(() => Parallelism.For(
            2,
            (_, _) =>
            {
                begun.Set();
                Assert.True(done.Wait(Patience));
            },
            null));
        holder.Start();
        Assert.True(begun.Wait(Patience));
        OneThreadOnly(30);
        done.Set();
        holder.Join();
    }

    private static void OneThreadOnly(int parts)
    {
        int caller = Environment.CurrentManagedThreadId, runs = 0;
        Parallelism.For(
            parts,
            (_, _) =>
            {
                Assert.Equal(caller, Environment.CurrentManagedThreadId);
                runs++;
            },
            null);
        Assert.Equal(parts, runs);
    }

    [Fact]
    public void ManyCallersAtOnce()
    {
        Parallelism.Degree = 3;
        var failures = new Exception?[6];
        var callers = Enumerable.Range(0, failures.Length).Select(caller => new Thread(() => failures[caller] = Record.Exception(() => CallOften(caller)))).ToArray();
        foreach (var caller in callers)
            caller.Start();
        foreach (var caller in callers)
            caller.Join();
        Assert.All(failures, Assert.Null);
    }

    private static void CallOften(int caller)
    {
        var runs = stackalloc int[50];
        for (var repeat = 0; repeat < 2000; repeat++)
        {
            new Span<int>(runs, 50).Clear();
            if (repeat % 10 == caller)
                Assert.Throws<InvalidOperationException>(() => Parallelism.For(20, static (part, _) => FailFrom(part, 7), null));
            Parallelism.For(50, &Count, runs);
            for (var part = 0; part < 50; part++)
                Assert.Equal(1, runs[part]);
        }
    }

    [Fact]
    public void ACallAllocatesNothing()
    {
        Parallelism.Degree = 2;
        var runs = stackalloc int[16];
        Parallelism.PartWork counting = Count;
        var least = long.MaxValue;
        for (var trial = 0; trial < 10; trial++) // a collection in another thread counts what is left of this thread's allocation block
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var repeat = 0; repeat < 100; repeat++)
            {
                Parallelism.For(16, &Count, runs);
                Parallelism.For(16, counting, runs);
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public void ADelegateSurvivesACollection()
    {
        Parallelism.Degree = 2;
        for (var repeat = 0; repeat < 10; repeat++)
        {
            var runs = new int[8];
            Parallelism.For(
                8,
                (part, _) =>
                {
                    GC.Collect(0);
                    Interlocked.Increment(ref runs[part]);
                },
                null);
            Assert.All(runs, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void SumsOfPartsDoNotDependOnTheThreads()
    {
        var expected = SumByParts(1);
        foreach (var threads in new[] { 2, 3, 7 })
            for (var repeat = 0; repeat < 20; repeat++)
                Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(SumByParts(threads)));
    }

    private static float SumByParts(int threads)
    {
        Parallelism.Degree = threads;
        var sums = stackalloc float[33];
        Parallelism.For(33, &SumPart, sums);
        var sum = 0f;
        for (var part = 0; part < 33; part++)
            sum += sums[part];
        return sum;
    }

    private static void SumPart(int part, void* state)
    {
        var sum = 0f;
        for (var i = part * 1000; i < (part + 1) * 1000; i++)
            sum += 1f / (i + 1);
        ((float*)state)[part] = sum;
    }
}
