using System.Runtime.CompilerServices;
using FunctionalGrad.Threads;

namespace FunctionalGrad;

/// <summary>How many threads share large pieces of work. Results do not depend on it: work is cut by its size alone, and partial results are combined in one order.</summary>
public static unsafe class Parallelism
{
    private static readonly WorkerPool Pool = new();

    private static int degree = Environment.ProcessorCount;

    /// <summary>Work on one part.</summary>
    internal delegate void PartWork(int part, void* state);

    /// <summary>
    /// The largest number of threads that work on one piece, the caller's own included. At first the number of processors; 1 keeps everything on
    /// the caller's thread. A change holds from the next piece of work on, for all threads of the process.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A number below 1 is set.</exception>
    public static int Degree
    {
        get => Volatile.Read(ref degree);
        set
        {
            if (value < 1)
                throw new ArgumentOutOfRangeException(nameof(value), value, "Parallelism.Degree: it is a number of threads, from 1 up; 1 is the caller's thread alone.");
            Volatile.Write(ref degree, value);
        }
    }

    /// <summary>
    /// Calls <paramref name="work"/> for every part from 0 up, on this and other threads, and returns when all are done. Parts are taken in turn
    /// by whoever is free, so cut them by the size of the work and never by the number of threads, and let no result depend on who takes which.
    /// From within a part, and while another thread's parts are being worked on, all parts run on the calling thread. Allocates nothing.
    /// </summary>
    /// <param name="parts">How many parts there are.</param>
    /// <param name="work">Is given the part and <paramref name="state"/>; a managed function pointer, of a static method or of emitted code.</param>
    /// <param name="state">Anything; it must not move while the call lasts.</param>
    /// <remarks>A part's exception reaches the caller when all threads have left: that of the lowest part if several fail. Parts not yet begun are left out.</remarks>
    internal static void For(int parts, delegate*<int, void*, void> work, void* state)
    {
        var helpers = Math.Min(parts, Degree) - 1;
        if (helpers > 0 && Pool.TryRun(parts, helpers, work, state))
            return;
        for (var part = 0; part < parts; part++)
            work(part, state);
    }

    /// <summary>The same for a delegate, which is what emitted code is at first hand.</summary>
    internal static void For(int parts, PartWork work, void* state)
    {
        var call = new Call(work, state);
        For(parts, &Invoke, Unsafe.AsPointer(ref call)); // the collector knows this frame's locals, and the frame outlives the parts
    }

    private static void Invoke(int part, void* state)
    {
        ref var call = ref Unsafe.AsRef<Call>(state);
        call.Work(part, call.State);
    }

    private readonly struct Call(PartWork work, void* state)
    {
        public readonly PartWork Work = work;
        public readonly void* State = state;
    }
}
