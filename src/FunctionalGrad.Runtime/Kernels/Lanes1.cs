using System.Numerics;
using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

/// <summary>The arithmetic on one element, bit for bit what a lane of a vector does.</summary>
internal readonly unsafe struct Lanes1<T> : ILanes<T, T>
    where T : unmanaged, INumber<T>
{
    public bool IsWide => sizeof(T) == 8;

    public int Count => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Load(T* source) => Unsafe.ReadUnaligned<T>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* target, T value) => Unsafe.WriteUnaligned(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T LoadMask(byte* source) => FromBits(-(long)*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong MaskBits(T mask) => (ulong)ToBits(mask) & 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Broadcast(T value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Constant(double value) => T.CreateTruncating(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Bits(long bits) => FromBits(bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Add(T x, T y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Sub(T x, T y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Mul(T x, T y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Div(T x, T y) => x / y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T FusedMultiplyAdd(T x, T y, T z)
    {
        if (typeof(T) == typeof(float))
            return (T)(object)MathF.FusedMultiplyAdd((float)(object)x, (float)(object)y, (float)(object)z);
        return (T)(object)Math.FusedMultiplyAdd((double)(object)x, (double)(object)y, (double)(object)z);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T MultiplyAdd(T x, T y, T z) => T.MultiplyAddEstimate(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Sum(T x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Neg(T x) => typeof(T) == typeof(float) || typeof(T) == typeof(double) ? -x : T.Zero - x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Abs(T x) =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double) ? T.Abs(x) : x < T.Zero ? T.Zero - x : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T MinusAbs(T x) => Or(x, Bits(IsWide ? long.MinValue : int.MinValue));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Sqrt(T x) =>
        typeof(T) == typeof(float) ? (T)(object)MathF.Sqrt((float)(object)x) : (T)(object)Math.Sqrt((double)(object)x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Min(T x, T y) => T.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Max(T x, T y) => T.Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T AtLeast(T limit, T x) => limit > x ? limit : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T AtMost(T limit, T x) => limit < x ? limit : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Floor(T x) =>
        typeof(T) == typeof(float) ? (T)(object)MathF.Floor((float)(object)x)
        : typeof(T) == typeof(double) ? (T)(object)Math.Floor((double)(object)x) : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Ceil(T x) =>
        typeof(T) == typeof(float) ? (T)(object)MathF.Ceiling((float)(object)x)
        : typeof(T) == typeof(double) ? (T)(object)Math.Ceiling((double)(object)x) : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Round(T x) =>
        typeof(T) == typeof(float) ? (T)(object)MathF.Round((float)(object)x)
        : typeof(T) == typeof(double) ? (T)(object)Math.Round((double)(object)x) : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Trunc(T x) =>
        typeof(T) == typeof(float) ? (T)(object)MathF.Truncate((float)(object)x)
        : typeof(T) == typeof(double) ? (T)(object)Math.Truncate((double)(object)x) : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T And(T x, T y) => FromBits(ToBits(x) & ToBits(y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Or(T x, T y) => FromBits(ToBits(x) | ToBits(y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Xor(T x, T y) => FromBits(ToBits(x) ^ ToBits(y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Not(T x) => FromBits(~ToBits(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Less(T x, T y) => FromBits(x < y ? -1 : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T LessEqual(T x, T y) => FromBits(x <= y ? -1 : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Equal(T x, T y) => FromBits(x == y ? -1 : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Select(T mask, T x, T y) => ToBits(mask) != 0 ? x : y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T AddBits(T x, T y) => FromBits(ToBits(x) + ToBits(y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T SubBits(T x, T y) => FromBits(ToBits(x) - ToBits(y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T ShiftLeft(T x, int count) => FromBits(ToBits(x) << count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T ShiftRight(T x, int count) =>
        sizeof(T) == 8 ? FromBits(ToBits(x) >>> count) : FromBits((int)((uint)ToBits(x) >> count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long ToBits(T x) =>
        sizeof(T) == 8 ? Unsafe.BitCast<T, long>(x) : sizeof(T) == 4 ? Unsafe.BitCast<T, int>(x) : Unsafe.BitCast<T, sbyte>(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FromBits(long bits) =>
        sizeof(T) == 8 ? Unsafe.BitCast<long, T>(bits) : sizeof(T) == 4 ? Unsafe.BitCast<int, T>((int)bits) : Unsafe.BitCast<byte, T>((byte)bits);
}
