using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <summary>How emitted code moves vectors from and to memory where a plain load or store will not do.</summary>
internal static unsafe class VectorMoves<L, V, T>
    where L : struct, ILanes<V, T>
    where V : unmanaged
    where T : unmanaged, INumber<T>
{
    /// <summary>The first <paramref name="count"/> elements, then zeros; nothing behind them is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadPartial(T* source, int count)
    {
        if (count == 0)
            return default;
        if (Avx.IsSupported && sizeof(V) == 32 && sizeof(T) == 4)
            return Unsafe.BitCast<Vector256<float>, V>(Avx.MaskLoad((float*)source, Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle()));
        if (Avx.IsSupported && sizeof(V) == 32 && sizeof(T) == 8)
            return Unsafe.BitCast<Vector256<double>, V>(Avx.MaskLoad((double*)source, Vector256.LessThan(Vector256<long>.Indices, Vector256.Create((long)count)).AsDouble()));
        if (sizeof(V) == 16 && sizeof(T) == 8)
            return Unsafe.BitCast<Vector128<T>, V>(Vector128.CreateScalar(*source));
        if (sizeof(V) == 16 && count == 1)
            return Unsafe.BitCast<Vector128<T>, V>(Vector128.CreateScalar(*source));
        return Copy(source, count);
    }

    /// <summary>Writes the first <paramref name="count"/> elements and nothing behind them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(T* target, V value, int count)
    {
        if (sizeof(V) == 32)
            StorePartial(target, Unsafe.BitCast<V, Vector256<T>>(value), count);
        else if (sizeof(V) == 16)
            StorePartial(target, Unsafe.BitCast<V, Vector128<T>>(value), count);
        else
            Unsafe.CopyBlockUnaligned(target, &value, (uint)(count * sizeof(T)));
    }

    /// <summary>Elements that are <paramref name="stride"/> apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadStrided(T* source, nint stride)
    {
        if (sizeof(V) == 32 && sizeof(T) == 4)
        {
            var low = Vector128.Create(((float*)source)[0], ((float*)source)[stride], ((float*)source)[2 * stride], ((float*)source)[3 * stride]);
            var next = (float*)source + (4 * stride);
            return Unsafe.BitCast<Vector256<float>, V>(Vector256.Create(low, Vector128.Create(next[0], next[stride], next[2 * stride], next[3 * stride])));
        }

        if (sizeof(V) == 32 && sizeof(T) == 8)
        {
            var from = (double*)source;
            return Unsafe.BitCast<Vector256<double>, V>(Vector256.Create(from[0], from[stride], from[2 * stride], from[3 * stride]));
        }

        return LoadStridedPartial(source, stride, sizeof(V) / sizeof(T));
    }

    /// <summary>The first <paramref name="count"/> of elements that are <paramref name="stride"/> apart, then zeros.</summary>
    public static V LoadStridedPartial(T* source, nint stride, int count)
    {
        V value = default;
        for (var i = 0; i < count; i++)
            ((T*)&value)[i] = source[i * stride];
        return value;
    }

    /// <summary>Writes elements <paramref name="stride"/> apart.</summary>
    public static void StoreStrided(T* target, V value, nint stride, int count)
    {
        for (var i = 0; i < count; i++)
            target[i * stride] = ((T*)&value)[i];
    }

    /// <summary>Truth values as a mask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadMask(byte* source) => default(L).LoadMask(source);

    /// <summary>The first <paramref name="count"/> of truth values that are <paramref name="stride"/> apart, as a mask; the other lanes are not set.</summary>
    public static V LoadMaskStrided(byte* source, nint stride, int count)
    {
        var bytes = stackalloc byte[64];
        for (var i = 0; i < count; i++)
            bytes[i] = source[i * stride];
        return default(L).LoadMask(bytes);
    }

    /// <summary>A truth value in every lane, as a mask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V SpreadMask(byte* source) => default(L).Bits(-(long)*source);

    /// <summary>Writes a mask as truth values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreMask(byte* target, V mask) => TruthValues.Store(target, default(L).MaskBits(mask), sizeof(V) / sizeof(T));

    /// <summary>Writes the first <paramref name="count"/> lanes of a mask as truth values <paramref name="stride"/> apart.</summary>
    public static void StoreMaskStrided(byte* target, V mask, nint stride, int count)
    {
        var bits = default(L).MaskBits(mask);
        for (var i = 0; i < count; i++, bits >>= 1)
            target[i * stride] = (byte)(bits & 1);
    }

    /// <summary>Whether any lane of a mask is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAnySet(V mask) => default(L).MaskBits(mask) != 0;

    private static V Copy(T* source, int count)
    {
        V value = default;
        Unsafe.CopyBlockUnaligned(&value, source, (uint)(count * sizeof(T)));
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePartial(T* target, Vector256<T> value, int count)
    {
        var half = Vector128<T>.Count;
        if (count < half)
        {
            StorePartial(target, value.GetLower(), count);
        }
        else
        {
            value.GetLower().Store(target);
            StorePartial(target + half, value.GetUpper(), count - half);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePartial(T* target, Vector128<T> value, int count)
    {
        if (count >= Vector128<T>.Count)
        {
            value.Store(target);
        }
        else if (sizeof(T) == 8)
        {
            if (count == 1)
                *target = value.ToScalar();
        }
        else
        {
            if (count >= 2)
                *(double*)target = value.AsDouble().ToScalar();
            if (count == 1)
                *target = value.ToScalar();
            if (count == 3)
                target[2] = value.GetElement(2);
        }
    }
}
