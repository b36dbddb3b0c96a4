namespace FunctionalGrad.Loops;

/// <summary>
/// Bindings that wait for their next run: the latest one at hand, the others where their threads look first, so that each thread makes one
/// once, however many threads there are.
/// </summary>
internal sealed class BindingPool(Func<BoundFunction> make)
{
    private readonly BoundFunction?[] others = new BoundFunction?[2 * Environment.ProcessorCount];
    private BoundFunction? latest;

    /// <summary>A binding that nobody else uses until it is given back.</summary>
    public BoundFunction Rent() => Interlocked.Exchange(ref latest, null) ?? RentOther();

    /// <summary>Keeps a binding for the next run; one that finds no place is forgotten.</summary>
    public void Return(BoundFunction binding)
    {
        if (latest is not null || Interlocked.CompareExchange(ref latest, binding, null) is not null)
            ReturnOther(binding);
    }

    private BoundFunction RentOther()
    {
        for (var i = 0; i < others.Length; i++)
        {
            if (Interlocked.Exchange(ref others[Place(i)], null) is { } found)
                return found;
        }

        return make();
    }

    private void ReturnOther(BoundFunction binding)
    {
        for (var i = 0; i < others.Length; i++)
        {
            if (Interlocked.CompareExchange(ref others[Place(i)], binding, null) is null)
                return;
        }
    }

    private int Place(int i) => (Environment.CurrentManagedThreadId + i) % others.Length;
}
