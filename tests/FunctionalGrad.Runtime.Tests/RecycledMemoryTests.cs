using System.Runtime.CompilerServices;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Large arrays hand their memory on, but never while somebody may still look at it.</summary>
public class RecycledMemoryTests
{
    private const int Count = 1 << 18;

    [Fact]
    public void MemoryOfDroppedArraysServesAgain()
    {
        var addresses = new HashSet<nint>();
        for (var i = 0; i < 200; i++)
            Assert.NotEqual(0, Address(addresses));
        Assert.InRange(addresses.Count, 1, 150);
    }

    [Fact]
    public void ASpanOutlivesItsArray()
    {
        var span = Span(7f);
        for (var i = 0; i < 100; i++)
            Fill(i);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        for (var i = 0; i < 100; i++)
            Fill(i);
        Assert.False(span.ContainsAnyExcept(7f));
    }

    [Fact]
    public void ArraysInUseKeepTheirElements()
    {
        var kept = Enumerable.Range(0, 20).Select(i => Filled(i)).ToArray();
        for (var i = 0; i < 200; i++)
            Fill(-1);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        for (var i = 0; i < 200; i++)
            Fill(-1);
        for (var i = 0; i < kept.Length; i++)
            Assert.All(new[] { 0, 1, Count / 2, Count - 1 }, position => Assert.Equal(i, kept[i].GetDouble(position)));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Address(HashSet<nint> addresses)
    {
        var array = Filled(1);
        addresses.Add(array.Address);
        array.KeepAlive();
        return array.Address;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ReadOnlySpan<float> Span(float value) => Filled(value).AsSpan<float>();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fill(float value) => Filled(value).KeepAlive();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static NDArray Filled(float value)
    {
        var array = NDArray.Allocate(Shape.Of(Count), DType.Float32);
        array.Elements<float>().Fill(value);
        return array;
    }
}
