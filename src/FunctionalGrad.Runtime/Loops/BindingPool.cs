namespace FunctionalGrad.Loops;

/// <summary>Bindings that wait for their next run. A thread finds its own again, so that it makes one once, however many threads there are.</summary>
internal sealed class BindingPool(Func<BoundFunction> make)
{
    private readonly BoundFunction?[] idle = new BoundFunction?[2 * Environment.ProcessorCount];

    /// <summary>A binding that nobody else uses until it is given back.</summary>
    public BoundFunction Rent()
    {
        var first = First();
        for (var i = 0; i < idle.Length; i++)
        {
            ref var slot = ref idle[(first + i) % idle.Length];
            if (slot is not null && Interlocked.Exchange(ref slot, null) is { } found)
                return found;
        }

        return make();
    }

    /// <summary>Keeps a binding for the next run; one that finds no place is forgotten.</summary>
    public void Return(BoundFunction binding)
    {
        var first = First();
        for (var i = 0; i < idle.Length; i++)
        {
            ref var slot = ref idle[(first + i) % idle.Length];
            if (slot is null && Interlocked.CompareExchange(ref slot, binding, null) is null)
                return;
        }
    }

    private int First() => Environment.CurrentManagedThreadId % idle.Length;
}
