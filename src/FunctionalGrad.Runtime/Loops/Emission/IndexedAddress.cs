using System.Collections.Concurrent;

namespace FunctionalGrad.Loops;

/// <summary>What emitted code calls to find elements by their index.</summary>
internal static unsafe class IndexedAddress
{
    private static readonly ConcurrentDictionary<string, int> Numbers = new();
    private static readonly ConcurrentDictionary<int, string> Names = new();

    /// <summary>A number for the name of an op, by which emitted code refers to it.</summary>
    public static int Number(string asker) => Numbers.GetOrAdd(asker, name =>
    {
        var number = Numbers.Count;
        while (!Names.TryAdd(number, name))
            number++;
        return number;
    });

    /// <summary>The address of the element at an index.</summary>
    /// <exception cref="IndexException">There is no such element.</exception>
    public static nint Of(long index, nint first, long strideBytes, long length, int asker)
    {
        if ((ulong)index >= (ulong)length)
            IndexedRead.Refuse(Names[asker], index, length);
        return first + (nint)(index * strideBytes);
    }

    /// <summary>y[i] = the element that index i chooses, from an address that moves from one to the next.</summary>
    /// <exception cref="IndexException">There is no such element.</exception>
    public static void Lanes<T, TIndex>(T* first, nint step, TIndex* indexes, int count, long stride, long length, int asker, T* y)
        where T : unmanaged
        where TIndex : unmanaged, System.Numerics.IBinaryInteger<TIndex>
    {
        for (var i = 0; i < count; i++, first += step)
        {
            var index = long.CreateTruncating(indexes[i]);
            if ((ulong)index >= (ulong)length)
                IndexedRead.Refuse(Names[asker], index, length);
            y[i] = first[(nint)(index * stride)];
        }
    }
}
