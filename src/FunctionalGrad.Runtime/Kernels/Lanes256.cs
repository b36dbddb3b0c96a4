using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FunctionalGrad.Kernels;

/// <summary>The arithmetic on 256 bits of elements.</summary>
internal readonly unsafe struct Lanes256<T> : ILanes<Vector256<T>, T>
    where T : unmanaged
{
    public bool IsWide => sizeof(T) == 8;

    public int Count => Vector256<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Load(T* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* target, Vector256<T> value) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> LoadMask(byte* source)
    {
        if (Avx2.IsSupported && sizeof(T) == 4)
            return (Vector256<int>.Zero - Avx2.ConvertToVector256Int32(source)).As<int, T>();
        if (Avx2.IsSupported && sizeof(T) == 8)
            return (Vector256<long>.Zero - Avx2.ConvertToVector256Int64(source)).As<long, T>();
        var half = default(Lanes128<T>);
        return Vector256.Create(half.LoadMask(source), half.LoadMask(source + half.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong MaskBits(Vector256<T> mask) => mask.ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Broadcast(T value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Constant(double value)
    {
        if (typeof(T) == typeof(float))
            return Vector256.Create((float)value).As<float, T>();
        if (typeof(T) == typeof(double))
            return Vector256.Create(value).As<double, T>();
        if (typeof(T) == typeof(int))
            return Vector256.Create((int)value).As<int, T>();
        return typeof(T) == typeof(long) ? Vector256.Create((long)value).As<long, T>() : Vector256.Create((byte)value).As<byte, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Bits(long bits) =>
        sizeof(T) == 8 ? Vector256.Create(bits).As<long, T>()
        : sizeof(T) == 4 ? Vector256.Create((int)bits).As<int, T>()
        : Vector256.Create((byte)bits).As<byte, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Add(Vector256<T> x, Vector256<T> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Sub(Vector256<T> x, Vector256<T> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Mul(Vector256<T> x, Vector256<T> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Div(Vector256<T> x, Vector256<T> y) => x / y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> FusedMultiplyAdd(Vector256<T> x, Vector256<T> y, Vector256<T> z) =>
        typeof(T) == typeof(float)
            ? Vector256.FusedMultiplyAdd(x.As<T, float>(), y.As<T, float>(), z.As<T, float>()).As<float, T>()
            : Vector256.FusedMultiplyAdd(x.As<T, double>(), y.As<T, double>(), z.As<T, double>()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> MultiplyAdd(Vector256<T> x, Vector256<T> y, Vector256<T> z) => FusedMultiplyAdd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Sum(Vector256<T> x) => Vector256.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Neg(Vector256<T> x) => -x;

    // Vector256.Abs throws for the least integer where it falls back to software.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Abs(Vector256<T> x) =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double)
            ? Vector256.Abs(x)
            : Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256<T>.Zero), -x, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> MinusAbs(Vector256<T> x) => x | Bits(IsWide ? long.MinValue : int.MinValue);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Sqrt(Vector256<T> x) => Vector256.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Min(Vector256<T> x, Vector256<T> y) => Vector256.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Max(Vector256<T> x, Vector256<T> y) => Vector256.Max(x, y);

    // On x64 the native operations give their second operand if either is NaN, elsewhere NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> AtLeast(Vector256<T> limit, Vector256<T> x) => Vector256.MaxNative(limit, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> AtMost(Vector256<T> limit, Vector256<T> x) => Vector256.MinNative(limit, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Floor(Vector256<T> x) =>
        typeof(T) == typeof(float) ? Vector256.Floor(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector256.Floor(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Ceil(Vector256<T> x) =>
        typeof(T) == typeof(float) ? Vector256.Ceiling(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector256.Ceiling(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Round(Vector256<T> x) =>
        typeof(T) == typeof(float) ? Vector256.Round(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector256.Round(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Trunc(Vector256<T> x) =>
        typeof(T) == typeof(float) ? Vector256.Truncate(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector256.Truncate(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> And(Vector256<T> x, Vector256<T> y) => x & y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Or(Vector256<T> x, Vector256<T> y) => x | y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Xor(Vector256<T> x, Vector256<T> y) => x ^ y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Not(Vector256<T> x) => ~x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Less(Vector256<T> x, Vector256<T> y) => Vector256.LessThan(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> LessEqual(Vector256<T> x, Vector256<T> y) => Vector256.LessThanOrEqual(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Equal(Vector256<T> x, Vector256<T> y) => Vector256.Equals(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> Select(Vector256<T> mask, Vector256<T> x, Vector256<T> y) => Vector256.ConditionalSelect(mask, x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> AddBits(Vector256<T> x, Vector256<T> y) =>
        sizeof(T) == 8 ? (x.As<T, long>() + y.As<T, long>()).As<long, T>() : (x.As<T, int>() + y.As<T, int>()).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> SubBits(Vector256<T> x, Vector256<T> y) =>
        sizeof(T) == 8 ? (x.As<T, long>() - y.As<T, long>()).As<long, T>() : (x.As<T, int>() - y.As<T, int>()).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> ShiftLeft(Vector256<T> x, int count) =>
        sizeof(T) == 8 ? (x.As<T, long>() << count).As<long, T>() : (x.As<T, int>() << count).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<T> ShiftRight(Vector256<T> x, int count) =>
        sizeof(T) == 8 ? (x.As<T, long>() >>> count).As<long, T>() : (x.As<T, int>() >>> count).As<int, T>();
}
