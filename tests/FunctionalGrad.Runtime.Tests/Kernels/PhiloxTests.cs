using FsCheck;
using FsCheck.Fluent;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Runtime.Tests.Kernels;

public sealed class PhiloxTests
{
    private const ulong Key = 0x0123_4567_89AB_CDEF;

    /// <summary>The known answers that come with Random123 (kat_vectors, philox4x32 10).</summary>
    [Theory]
    [InlineData(0, 0, 0, 0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u)]
    [InlineData(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, 0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu)]
    [InlineData(0x299F31D0_A4093822, 0x85A308D3_243F6A88, 0x03707344_13198A2E, 0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u)]
    public void KnownAnswers(ulong key, ulong low, ulong high, uint w0, uint w1, uint w2, uint w3)
    {
        uint[] expected = [w0, w1, w2, w3];
        var block = Philox.Block(key, low, high);
        Assert.Equal(expected, new[] { block[0], block[1], block[2], block[3] });
        if (high == ulong.MaxValue)
            return;
        var words = new uint[64];
        Philox.Bits(key, high, words, low);
        Assert.Equal(expected, words[..4]);
    }

    [Fact]
    public void AnyPieceOfAStreamIsTheSameBitsBlockByBlock() =>
        Property.ForAll(Pieces, piece =>
        {
            var words = new uint[piece.Length];
            Philox.Bits(piece.Key, piece.Stream, words, piece.First);
            for (var i = 0; i < words.Length; i++)
                Assert.Equal(Philox.Block(piece.Key, piece.First + (ulong)(i / 4), piece.Stream)[i % 4], words[i]);
        }, times: 300);

    [Fact]
    public void UniformsAreTheTopBitsOfTheWords()
    {
        const int count = 10_001;
        var words = new uint[2 * count];
        var floats = new float[count];
        var doubles = new double[count];
        Philox.Bits(Key, 5, words);
        Philox.Uniform(Key, 5, floats);
        Philox.Uniform(Key, 5, doubles);
        for (var i = 0; i < count; i++)
        {
            Assert.Equal((words[i] >> 8) / 16777216.0, floats[i]);
            Assert.Equal(((words[2 * i] * 2097152.0) + (words[2 * i + 1] >> 11)) / 9007199254740992.0, doubles[i]);
        }
    }

    [Fact]
    public void UniformsCanBeComputedInPieces()
    {
        var floats = new float[20_000];
        var doubles = new double[20_000];
        Philox.Uniform(Key, 1, floats);
        Philox.Uniform(Key, 1, doubles);
        var someFloats = new float[333];
        var someDoubles = new double[333];
        Philox.Uniform(Key, 1, someFloats, firstBlock: 1000);
        Philox.Uniform(Key, 1, someDoubles, firstBlock: 1000);
        Assert.Equal(floats[4000..4333], someFloats);
        Assert.Equal(doubles[2000..2333], someDoubles);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(ulong.MaxValue - 1)]
    public void UniformsHaveTheMomentsOfTheEvenDistribution(ulong stream)
    {
        const int count = 1 << 20;
        var values = new double[count];
        Philox.Uniform(Key, stream, values);
        AssertEven(values);
        var floats = new float[count];
        Philox.Uniform(Key, stream, floats);
        AssertEven(Array.ConvertAll(floats, value => (double)value));
    }

    [Fact]
    public void EveryBitIsSetHalfOfTheTime()
    {
        const int count = 1 << 18;
        var words = new uint[count];
        Philox.Bits(Key, 2, words);
        for (var bit = 0; bit < 32; bit++)
        {
            var set = words.Count(word => ((word >> bit) & 1) == 1);
            Assert.InRange(set, count / 2 - 5 * 256, count / 2 + 5 * 256);
        }
    }

    [Fact]
    public void NeighbouringKeysAndStreamsAreUnrelated()
    {
        const int count = 1 << 16;
        double[] One(ulong key, ulong stream)
        {
            var values = new double[count];
            Philox.Uniform(key, stream, values);
            return values;
        }

        var at = One(Key, 0);
        foreach (var other in new[] { One(Key + 1, 0), One(Key, 1), One(Philox.Split(Key, 0), 0) })
        {
            var covariance = at.Zip(other, (x, y) => (x - 0.5) * (y - 0.5)).Average();
            Assert.InRange(covariance * 12 * Math.Sqrt(count), -5, 5);
        }
    }

    [Fact]
    public void SplittingGivesTheSameNewKeysEverywhere()
    {
        var block = Philox.Block(Key, 7, ulong.MaxValue);
        Assert.Equal(block[0] | ((ulong)block[1] << 32), Philox.Split(Key, 7));
        var keys = Enumerable.Range(0, 10_000).Select(index => Philox.Split(Key, index)).Append(Key).ToHashSet();
        Assert.Equal(10_001, keys.Count);
    }

    [Fact]
    public void PermutationsHoldEveryNumberOnce()
    {
        foreach (var count in new[] { 0, 1, 2, 3, 255, 256, 257, 100_000 })
        {
            var order = new long[count];
            Philox.Permutation(Key, 3, order);
            Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), order.Order());
        }
    }

    [Fact]
    public void PermutationsAreTheSameEverywhere()
    {
        var order = new long[10];
        Philox.Permutation(1, 0, order);
        Assert.Equal(Expected(1, 0, 10), order);
        Assert.Equal("2 0 3 1 5 6 7 4 9 8", string.Join(' ', order));
    }

    [Fact]
    public void EveryOrderIsEquallyLikely()
    {
        const int times = 24_000;
        var seen = new Dictionary<string, int>();
        var order = new long[4];
        for (var stream = 0; stream < times; stream++)
        {
            Philox.Permutation(Key, (ulong)stream, order);
            var name = string.Join(' ', order);
            seen[name] = seen.GetValueOrDefault(name) + 1;
        }

        Assert.Equal(24, seen.Count);
        // 23 degrees of freedom: beyond 60 lies one in 30,000
        Assert.InRange(seen.Values.Sum(n => (n - 1000.0) * (n - 1000.0) / 1000.0), 3, 60);
    }

    private static Gen<(ulong Key, ulong Stream, ulong First, int Length)> Pieces =>
        from key in Words
        from stream in Words
        from first in Gen.OneOf(Words, Gen.Elements(0UL, uint.MaxValue - 3UL, ulong.MaxValue - 5UL))
        from length in Gen.Choose(0, 200)
        select (key, stream & ~1UL, first, length);

    private static Gen<ulong> Words =>
        from high in Gen.Choose(int.MinValue, int.MaxValue)
        from low in Gen.Choose(int.MinValue, int.MaxValue)
        select ((ulong)(uint)high << 32) | (uint)low;

    private static void AssertEven(double[] values)
    {
        var count = values.Length;
        Assert.True(values.Min() >= 0 && values.Max() < 1);
        var mean = values.Average();
        var variance = values.Average(value => (value - 0.5) * (value - 0.5));
        Assert.InRange((mean - 0.5) * Math.Sqrt(12.0 * count), -5, 5);
        Assert.InRange((variance - 1.0 / 12) * Math.Sqrt(180.0 * count), -5, 5);

        var buckets = new int[256];
        foreach (var value in values)
            buckets[(int)(value * 256)]++;
        var expected = count / 256.0;
        // 255 degrees of freedom: mean 255, standard deviation 22.6
        Assert.InRange(buckets.Sum(n => (n - expected) * (n - expected) / expected), 255 - 5 * 22.6, 255 + 5 * 22.6);
    }

    /// <summary>Fisher–Yates with rejection, written as plainly as it can be.</summary>
    private static long[] Expected(ulong key, ulong stream, int count)
    {
        var order = Enumerable.Range(0, count).Select(i => (long)i).ToArray();
        var at = 0;
        for (var last = count - 1; last > 0; last--)
        {
            ulong range = (ulong)last + 1, product;
            do
            {
                product = Philox.Block(key, (ulong)(at / 4), stream)[at % 4] * range;
                at++;
            }
            while (product % (1UL << 32) < (1UL << 32) % range);
            var chosen = (int)(product / (1UL << 32));
            (order[last], order[chosen]) = (order[chosen], order[last]);
        }

        return order;
    }
}
