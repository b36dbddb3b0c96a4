using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FunctionalGrad.Linear.Contractions;

/// <summary>Copies columns into the order in which tiles read them, through their places: strip after strip, for each term its columns side by side.</summary>
internal static unsafe class OffsetPacking<T>
    where T : unmanaged
{
    /// <summary>Packs all columns of a block for some of its terms.</summary>
    /// <param name="source">Where the block begins.</param>
    /// <param name="columns">The places of the columns.</param>
    /// <param name="count">How many columns.</param>
    /// <param name="inner">The places of the terms.</param>
    /// <param name="term">The first term.</param>
    /// <param name="depth">How many terms.</param>
    /// <param name="target">Where the strips go: each <paramref name="depth"/> × <paramref name="width"/> elements.</param>
    /// <param name="width">Columns of a strip; places that the last one leaves free become zero.</param>
    public static void Pack(byte* source, PositionTable columns, int count, PositionTable inner, int term, int depth, T* target, int width)
    {
        var terms = inner.Second + term;
        for (var strip = 0; strip < count; strip += width)
        {
            var places = columns.First + strip;
            var taken = Math.Min(width, count - strip);
            if (taken < width)
                NativeMemory.Clear(target, (nuint)((nint)depth * width * sizeof(T)));
            if (IsEven(places, taken))
                PackEven(source + places[0], taken > 1 ? places[1] - places[0] : sizeof(T), taken, terms, inner, term, depth, target, width);
            else
                Gather(source, places, taken, terms, depth, target, width);
            target += (nint)depth * width;
        }
    }

    private static bool IsEven(nint* places, int count)
    {
        for (var i = 2; i < count; i++)
        {
            if (places[i] - places[i - 1] != places[1] - places[0])
                return false;
        }

        return true;
    }

    /// <summary>Columns that lie evenly spaced: runs of terms that do so too are a strip of a matrix.</summary>
    private static void PackEven(byte* source, nint across, int count, nint* terms, PositionTable inner, int term, int depth, T* target, int width)
    {
        for (var done = 0; done < depth;)
        {
            var length = Math.Min(inner.Run - ((term + done) % inner.Run), depth - done);
            Packing.Pack((T*)(source + terms[done]), across / sizeof(T), inner.RunStrides.Second / sizeof(T), count, length, target + ((nint)done * width), width);
            done += length;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather(byte* source, nint* places, int count, nint* terms, int depth, T* target, int width)
    {
        for (var i = 0; i < depth; i++)
        {
            var at = source + terms[i];
            for (var lane = 0; lane < count; lane++)
                target[lane] = *(T*)(at + places[lane]);
            target += width;
        }
    }
}
