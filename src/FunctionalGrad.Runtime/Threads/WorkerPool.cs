using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace FunctionalGrad.Threads;

/// <summary>
/// Threads that help a caller with one job at a time. A job is open from its announcement until its parts have run out; who wants to help
/// registers first and looks whether it is open second, and the caller closes first and waits for the registered second, so that nobody
/// can touch a job that is over.
/// </summary>
internal sealed unsafe class WorkerPool
{
    private readonly Lock failing = new();
    private Worker[] workers = [];
    private Counters counters;
    private delegate*<int, void*, void> work;
    private void* state;
    private int parts;
    private int helpers;
    private Exception? failure;
    private int failedPart;

    /// <summary>Runs all parts with so many helpers and returns true; returns false at once if the pool is at work, be it for this thread or another.</summary>
    public bool TryRun(int parts, int helpers, delegate*<int, void*, void> work, void* state)
    {
        if (Volatile.Read(ref counters.Busy) != 0 || Interlocked.CompareExchange(ref counters.Busy, 1, 0) != 0)
            return false;
        Exception? failed;
        try
        {
            Engage(helpers);
            this.parts = parts;
            this.helpers = helpers;
            this.work = work;
            this.state = state;
            Announce();
            RunParts();
            Close();
            (failed, failure) = (failure, null);
        }
        finally
        {
            Volatile.Write(ref counters.Busy, 0);
        }

        if (failed is not null)
            ExceptionDispatchInfo.Throw(failed);
        return true;
    }

    private void Engage(int count)
    {
        if (workers.Length >= count)
            return;
        var more = new Worker[count];
        workers.CopyTo(more, 0);
        for (var index = workers.Length; index < count; index++)
            more[index] = new Worker(index, counters.Announced);
        foreach (var worker in more.AsSpan(workers.Length))
            worker.Start(Help);
        workers = more;
    }

    private void Announce()
    {
        counters.Next = 0;
        Volatile.Write(ref counters.Open, 1);
        Interlocked.Increment(ref counters.Announced);
        foreach (var worker in workers.AsSpan(0, helpers))
            worker.WakeIfParked();
    }

    private void Close()
    {
        Interlocked.Exchange(ref counters.Open, 0);
        var spinner = default(SpinWait);
        while (Volatile.Read(ref counters.Registered) != 0)
            spinner.SpinOnce(sleep1Threshold: -1);
    }

    private void Help(Worker worker)
    {
        while (true)
        {
            worker.AwaitChange(ref counters.Announced);
            Interlocked.Increment(ref counters.Registered);
            if (Volatile.Read(ref counters.Open) != 0 && worker.Index < helpers)
                RunParts();
            Interlocked.Decrement(ref counters.Registered);
        }
    }

    private void RunParts()
    {
        while (true)
        {
            var part = Interlocked.Increment(ref counters.Next) - 1;
            if (part >= parts)
                return;
            try
            {
                work((int)part, state);
            }
            catch (Exception exception)
            {
                Fail((int)part, exception);
            }
        }
    }

    // Parts are handed out in order, so all below a failed one have begun and will be finished: the lowest failure is the same for any number of threads.
    private void Fail(int part, Exception exception)
    {
        lock (failing)
        {
            if (failure is null || part < failedPart)
                (failure, failedPart) = (exception, part);
        }

        Interlocked.Exchange(ref counters.Next, parts);
    }

    /// <summary>What threads write to at the same time, in cache lines of their own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 5 * 128)]
    private struct Counters
    {
        /// <summary>The part that is handed out next; wider than a part, because everybody asks once too often.</summary>
        [FieldOffset(128)]
        public long Next;

        /// <summary>Workers that may be touching the job.</summary>
        [FieldOffset(2 * 128)]
        public int Registered;

        /// <summary>Grows with every job; workers at rest watch it.</summary>
        [FieldOffset(3 * 128)]
        public int Announced;

        /// <summary>1 while the job may be helped with.</summary>
        [FieldOffset((3 * 128) + 4)]
        public int Open;

        /// <summary>1 while a caller has the pool.</summary>
        [FieldOffset((3 * 128) + 8)]
        public int Busy;
    }
}
