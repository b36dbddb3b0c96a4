using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FunctionalGrad.Kernels;

/// <summary>The arithmetic on 512 bits of elements.</summary>
internal readonly unsafe struct Lanes512<T> : ILanes<Vector512<T>, T>
    where T : unmanaged
{
    public bool IsWide => sizeof(T) == 8;

    public int Count => Vector512<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Load(T* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* target, Vector512<T> value) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> LoadMask(byte* source)
    {
        if (Avx512F.IsSupported && sizeof(T) == 4)
            return (Vector512<int>.Zero - Avx512F.ConvertToVector512Int32(Vector128.Load(source))).As<int, T>();
        if (Avx512F.IsSupported && sizeof(T) == 8)
            return (Vector512<long>.Zero - Avx512F.ConvertToVector512Int64(Vector128.CreateScalar(Unsafe.ReadUnaligned<long>(source)).AsByte())).As<long, T>();
        var half = default(Lanes256<T>);
        return Vector512.Create(half.LoadMask(source), half.LoadMask(source + half.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong MaskBits(Vector512<T> mask) => mask.ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Broadcast(T value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Constant(double value)
    {
        if (typeof(T) == typeof(float))
            return Vector512.Create((float)value).As<float, T>();
        if (typeof(T) == typeof(double))
            return Vector512.Create(value).As<double, T>();
        if (typeof(T) == typeof(int))
            return Vector512.Create((int)value).As<int, T>();
        return typeof(T) == typeof(long) ? Vector512.Create((long)value).As<long, T>() : Vector512.Create((byte)value).As<byte, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Bits(long bits) =>
        sizeof(T) == 8 ? Vector512.Create(bits).As<long, T>()
        : sizeof(T) == 4 ? Vector512.Create((int)bits).As<int, T>()
        : Vector512.Create((byte)bits).As<byte, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Add(Vector512<T> x, Vector512<T> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Sub(Vector512<T> x, Vector512<T> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Mul(Vector512<T> x, Vector512<T> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Div(Vector512<T> x, Vector512<T> y) => x / y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> FusedMultiplyAdd(Vector512<T> x, Vector512<T> y, Vector512<T> z) =>
        typeof(T) == typeof(float)
            ? Vector512.FusedMultiplyAdd(x.As<T, float>(), y.As<T, float>(), z.As<T, float>()).As<float, T>()
            : Vector512.FusedMultiplyAdd(x.As<T, double>(), y.As<T, double>(), z.As<T, double>()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> MultiplyAdd(Vector512<T> x, Vector512<T> y, Vector512<T> z) => FusedMultiplyAdd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Sum(Vector512<T> x) => Vector512.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Neg(Vector512<T> x) => -x;

    // Vector512.Abs throws for the least integer where it falls back to software.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Abs(Vector512<T> x) =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double)
            ? Vector512.Abs(x)
            : Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<T>.Zero), -x, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> MinusAbs(Vector512<T> x) => x | Bits(IsWide ? long.MinValue : int.MinValue);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Sqrt(Vector512<T> x) => Vector512.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Min(Vector512<T> x, Vector512<T> y) => Vector512.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Max(Vector512<T> x, Vector512<T> y) => Vector512.Max(x, y);

    // On x64 the native operations give their second operand if either is NaN, elsewhere NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> AtLeast(Vector512<T> limit, Vector512<T> x) => Vector512.MaxNative(limit, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> AtMost(Vector512<T> limit, Vector512<T> x) => Vector512.MinNative(limit, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Floor(Vector512<T> x) =>
        typeof(T) == typeof(float) ? Vector512.Floor(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector512.Floor(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Ceil(Vector512<T> x) =>
        typeof(T) == typeof(float) ? Vector512.Ceiling(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector512.Ceiling(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Round(Vector512<T> x) =>
        typeof(T) == typeof(float) ? Vector512.Round(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector512.Round(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Trunc(Vector512<T> x) =>
        typeof(T) == typeof(float) ? Vector512.Truncate(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector512.Truncate(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> And(Vector512<T> x, Vector512<T> y) => x & y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Or(Vector512<T> x, Vector512<T> y) => x | y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Xor(Vector512<T> x, Vector512<T> y) => x ^ y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Not(Vector512<T> x) => ~x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Less(Vector512<T> x, Vector512<T> y) => Vector512.LessThan(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> LessEqual(Vector512<T> x, Vector512<T> y) => Vector512.LessThanOrEqual(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Equal(Vector512<T> x, Vector512<T> y) => Vector512.Equals(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> Select(Vector512<T> mask, Vector512<T> x, Vector512<T> y) => Vector512.ConditionalSelect(mask, x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> AddBits(Vector512<T> x, Vector512<T> y) =>
        sizeof(T) == 8 ? (x.As<T, long>() + y.As<T, long>()).As<long, T>() : (x.As<T, int>() + y.As<T, int>()).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> SubBits(Vector512<T> x, Vector512<T> y) =>
        sizeof(T) == 8 ? (x.As<T, long>() - y.As<T, long>()).As<long, T>() : (x.As<T, int>() - y.As<T, int>()).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> ShiftLeft(Vector512<T> x, int count) =>
        sizeof(T) == 8 ? (x.As<T, long>() << count).As<long, T>() : (x.As<T, int>() << count).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<T> ShiftRight(Vector512<T> x, int count) =>
        sizeof(T) == 8 ? (x.As<T, long>() >>> count).As<long, T>() : (x.As<T, int>() >>> count).As<int, T>();
}
