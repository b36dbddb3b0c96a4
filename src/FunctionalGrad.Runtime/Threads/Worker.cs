using System.Diagnostics;

namespace FunctionalGrad.Threads;

/// <summary>A thread of the pool and how it rests: it watches for the next job for a moment, because jobs come in quick succession, then sleeps.</summary>
internal sealed class Worker(int index, int seen)
{
    /// <summary>How long a worker watches before it sleeps. Waking a sleeper costs tens of microseconds.</summary>
    private const double MicrosecondsAwake = 50;

    private const int LooksAtOnce = 32;

    private static readonly long TicksAwake = (long)(MicrosecondsAwake * 1e-6 * Stopwatch.Frequency);

    private readonly AutoResetEvent wake = new(false);
    private int parked;

    /// <summary>Its place among the workers, from 0.</summary>
    public int Index => index;

    /// <summary>Begins a life of helping.</summary>
    public void Start(Action<Worker> help) =>
        new Thread(() => help(this)) { IsBackground = true, Name = $"FunctionalGrad {index + 1}" }.UnsafeStart();

    /// <summary>Returns when the number is another than the last one seen.</summary>
    public void AwaitChange(ref int number)
    {
        var until = Stopwatch.GetTimestamp() + TicksAwake;
        do
            for (var look = 0; look < LooksAtOnce; look++)
            {
                if (IsNew(ref number))
                    return;
                Thread.SpinWait(1);
            }
        while (Stopwatch.GetTimestamp() < until);

        while (!IsNew(ref number))
            Park(ref number);
    }

    /// <summary>Ends the worker's sleep, after the number has changed.</summary>
    public void WakeIfParked()
    {
        if (Volatile.Read(ref parked) != 0 && Interlocked.Exchange(ref parked, 0) != 0)
            wake.Set();
    }

    // Whoever takes the flag back decides: the worker goes on by itself, or the caller has set the event or is about to.
    private void Park(ref int number)
    {
        Interlocked.Exchange(ref parked, 1);
        if (Volatile.Read(ref number) == seen || Interlocked.Exchange(ref parked, 0) == 0)
            wake.WaitOne();
    }

    private bool IsNew(ref int number)
    {
        var now = Volatile.Read(ref number);
        if (now == seen)
            return false;
        seen = now;
        return true;
    }
}
