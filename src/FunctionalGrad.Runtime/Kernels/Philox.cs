using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FunctionalGrad.Kernels;

/// <summary>
/// Philox4x32-10, random bits as a pure function of a key and a counter (Salmon, Moraes, Dror, Shaw: Parallel random
/// numbers: as easy as 1, 2, 3, SC 2011). Any piece of a stream can be computed anywhere, in any order, on any machine,
/// with the same bits.
/// </summary>
/// <remarks>
/// The 128-bit counter has the number of a four-word block in its low half and the stream in its high half. Streams run
/// from 0 to 2⁶⁴ − 2; the last one belongs to <see cref="Split"/>, so that a derived key never shows up as random data.
/// </remarks>
internal static unsafe class Philox
{
    /// <summary>Words that one counter gives.</summary>
    public const int BlockWords = 4;

    private const int Rounds = 10;
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const ulong SplitStream = ulong.MaxValue;
    private const int Chunk = 4096;

    /// <summary>The four words of one counter, given by its halves.</summary>
    public static Vector128<uint> Block(ulong key, ulong low, ulong high)
    {
        uint c0 = (uint)low, c1 = (uint)(low >> 32), c2 = (uint)high, c3 = (uint)(high >> 32);
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        for (var round = 0; round < Rounds; round++)
        {
            var p0 = (ulong)Multiplier0 * c0;
            var p1 = (ulong)Multiplier1 * c2;
            c0 = (uint)(p1 >> 32) ^ c1 ^ k0;
            c1 = (uint)p1;
            c2 = (uint)(p0 >> 32) ^ c3 ^ k1;
            c3 = (uint)p0;
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return Vector128.Create(c0, c1, c2, c3);
    }

    /// <summary>Random words: element i is word i mod 4 of block <paramref name="firstBlock"/> + i / 4 of the stream.</summary>
    public static void Bits(ulong key, ulong stream, Span<uint> target, ulong firstBlock = 0)
    {
        Debug.Assert(stream != SplitStream, "this stream belongs to Split");
        var done = Avx2.IsSupported ? BitsByEight(key, stream, target, firstBlock) : 0;
        for (; done < target.Length; done += BlockWords)
        {
            var block = Block(key, firstBlock + (ulong)(done / BlockWords), stream);
            if (target.Length - done >= BlockWords)
                block.CopyTo(target[done..]);
            else
            {
                for (var i = done; i < target.Length; i++)
                    target[i] = block[i - done];
            }
        }
    }

    /// <summary>
    /// Evenly distributed numbers k·2⁻²⁴ in [0, 1): element i is the top 24 bits of word i counted from
    /// <paramref name="firstBlock"/>.
    /// </summary>
    public static void Uniform(ulong key, ulong stream, Span<float> target, ulong firstBlock = 0)
    {
        for (; !target.IsEmpty; firstBlock += Chunk / BlockWords)
        {
            var piece = target[..Math.Min(Chunk, target.Length)];
            var words = MemoryMarshal.Cast<float, uint>(piece);
            Bits(key, stream, words, firstBlock);
            ToUniform(words, piece);
            target = target[piece.Length..];
        }
    }

    /// <summary>
    /// Evenly distributed numbers k·2⁻⁵³ in [0, 1): element i has word 2i as its upper 32 bits and the top 21 bits of
    /// word 2i + 1 as its lower ones, words counted from <paramref name="firstBlock"/>.
    /// </summary>
    public static void Uniform(ulong key, ulong stream, Span<double> target, ulong firstBlock = 0)
    {
        for (; !target.IsEmpty; firstBlock += Chunk * 2 / BlockWords)
        {
            var piece = target[..Math.Min(Chunk, target.Length)];
            var words = MemoryMarshal.Cast<double, uint>(piece);
            Bits(key, stream, words, firstBlock);
            ToUniform(words, piece);
            target = target[piece.Length..];
        }
    }

    /// <summary>
    /// The key of child number <paramref name="index"/>: the first two words of the block whose counter has the index
    /// below and 2⁶⁴ − 1 above, which is no stream's. Children of one key differ from each other and, up to the chance
    /// of 2⁻⁶⁴ for a pair, from all other keys.
    /// </summary>
    public static ulong Split(ulong key, int index) =>
        Block(key, (ulong)index, SplitStream).AsUInt64()[0];

    /// <summary>
    /// The numbers 0 … n − 1 in random order, each order equally likely: Fisher–Yates from the last place down, each draw
    /// without bias (Lemire: Fast random integer generation in an interval, 2019), words taken from the stream in order.
    /// </summary>
    public static void Permutation(ulong key, ulong stream, Span<long> target)
    {
        for (var i = 0; i < target.Length; i++)
            target[i] = i;
        var words = new Words(key, stream, stackalloc uint[256]);
        for (var last = target.Length - 1; last > 0; last--)
        {
            var chosen = words.Below((uint)last + 1);
            (target[last], target[chosen]) = (target[chosen], target[last]);
        }
    }

    /// <summary>Fills whole groups of eight blocks, and tells how many words that were.</summary>
    private static int BitsByEight(ulong key, ulong stream, Span<uint> target, ulong firstBlock)
    {
        const int group = 8 * BlockWords;
        var done = 0;
        fixed (uint* words = target)
        {
            for (; target.Length - done >= group; done += group)
            {
                var a = Vector256.Create(firstBlock + (ulong)(done / BlockWords)) + Vector256.Create(0UL, 1, 2, 3);
                EightBlocks(key, stream, a, a + Vector256.Create(4UL), words + done);
            }
        }

        return done;
    }

    /// <summary>
    /// Eight blocks at once, two vectors of four because one alone waits for its own products. Each 32-bit word lies in the
    /// lower half of a 64-bit lane; what gathers in the upper halves is ignored by the multiplication and cut off at the end.
    /// </summary>
    private static void EightBlocks(ulong key, ulong stream, Vector256<ulong> a, Vector256<ulong> b, uint* target)
    {
        var m0 = Vector256.Create((ulong)Multiplier0).AsUInt32();
        var m1 = Vector256.Create((ulong)Multiplier1).AsUInt32();
        Vector256<ulong> a0 = a, a1 = a >>> 32, a2 = Vector256.Create(stream), a3 = a2 >>> 32;
        Vector256<ulong> b0 = b, b1 = b >>> 32, b2 = a2, b3 = a3;
        Vector256<ulong> k0 = Vector256.Create(key), k1 = k0 >>> 32;
        for (var round = 0; round < Rounds; round++)
        {
            var ap0 = Avx2.Multiply(m0, a0.AsUInt32());
            var ap1 = Avx2.Multiply(m1, a2.AsUInt32());
            var bp0 = Avx2.Multiply(m0, b0.AsUInt32());
            var bp1 = Avx2.Multiply(m1, b2.AsUInt32());
            (a0, a1, a2, a3) = ((ap1 >>> 32) ^ a1 ^ k0, ap1, (ap0 >>> 32) ^ a3 ^ k1, ap0);
            (b0, b1, b2, b3) = ((bp1 >>> 32) ^ b1 ^ k0, bp1, (bp0 >>> 32) ^ b3 ^ k1, bp0);
            k0 += Vector256.Create((ulong)Weyl0);
            k1 += Vector256.Create((ulong)Weyl1);
        }

        Store(a0, a1, a2, a3, (ulong*)target);
        Store(b0, b1, b2, b3, (ulong*)target + 8);
    }

    /// <summary>Four blocks, from one vector for each of their words to block after block.</summary>
    private static void Store(Vector256<ulong> w0, Vector256<ulong> w1, Vector256<ulong> w2, Vector256<ulong> w3, ulong* target)
    {
        var lower = Vector256.Create(0xFFFFFFFFUL);
        var left = (w0 & lower) | (w1 << 32);
        var right = (w2 & lower) | (w3 << 32);
        var even = Avx2.UnpackLow(left, right);
        var odd = Avx2.UnpackHigh(left, right);
        Avx2.Permute2x128(even, odd, 0x20).Store(target);
        Avx2.Permute2x128(even, odd, 0x31).Store(target + 4);
    }

    private static void ToUniform(Span<uint> words, Span<float> target)
    {
        var i = 0;
        for (; i <= words.Length - Vector256<uint>.Count; i += Vector256<uint>.Count)
        {
            var top = Vector256.Create(words[i..]) >>> 8;
            (Vector256.ConvertToSingle(top.AsInt32()) * (1f / (1 << 24))).CopyTo(target[i..]);
        }

        for (; i < words.Length; i++)
            target[i] = (words[i] >> 8) * (1f / (1 << 24));
    }

    private static void ToUniform(Span<uint> words, Span<double> target)
    {
        for (var i = 0; i < target.Length; i++)
            target[i] = (((long)words[2 * i] << 21) | (words[2 * i + 1] >> 11)) * (1.0 / (1L << 53));
    }

    /// <summary>The words of a stream, one after the other.</summary>
    private ref struct Words(ulong key, ulong stream, Span<uint> buffer)
    {
        private readonly Span<uint> buffer = buffer;
        private int used = buffer.Length;
        private ulong nextBlock;

        /// <summary>An integer from 0 to <paramref name="count"/> − 1, each equally likely.</summary>
        public int Below(uint count)
        {
            var product = (ulong)Next() * count;
            if ((uint)product < count)
            {
                var surplus = (uint)-(int)count % count;
                while ((uint)product < surplus)
                    product = (ulong)Next() * count;
            }

            return (int)(product >> 32);
        }

        private uint Next()
        {
            if (used == buffer.Length)
            {
                Bits(key, stream, buffer, nextBlock);
                nextBlock += (ulong)(buffer.Length / BlockWords);
                used = 0;
            }

            return buffer[used++];
        }
    }
}
