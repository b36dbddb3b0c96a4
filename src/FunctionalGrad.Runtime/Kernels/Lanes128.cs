using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FunctionalGrad.Kernels;

/// <summary>The arithmetic on 128 bits of elements.</summary>
internal readonly unsafe struct Lanes128<T> : ILanes<Vector128<T>, T>
    where T : unmanaged
{
    public bool IsWide => sizeof(T) == 8;

    public int Count => Vector128<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Load(T* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* target, Vector128<T> value) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> LoadMask(byte* source)
    {
        if (sizeof(T) == 1)
            return (Vector128<byte>.Zero - Vector128.Load(source)).As<byte, T>();
        if (sizeof(T) == 4)
        {
            var four = Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(source)).AsByte();
            return (Vector128<uint>.Zero - Vector128.WidenLower(Vector128.WidenLower(four))).As<uint, T>();
        }

        var two = Vector128.CreateScalar((uint)Unsafe.ReadUnaligned<ushort>(source)).AsByte();
        return (Vector128<ulong>.Zero - Vector128.WidenLower(Vector128.WidenLower(Vector128.WidenLower(two)))).As<ulong, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong MaskBits(Vector128<T> mask) => mask.ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Broadcast(T value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Constant(double value)
    {
        if (typeof(T) == typeof(float))
            return Vector128.Create((float)value).As<float, T>();
        if (typeof(T) == typeof(double))
            return Vector128.Create(value).As<double, T>();
        if (typeof(T) == typeof(int))
            return Vector128.Create((int)value).As<int, T>();
        return typeof(T) == typeof(long) ? Vector128.Create((long)value).As<long, T>() : Vector128.Create((byte)value).As<byte, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Bits(long bits) =>
        sizeof(T) == 8 ? Vector128.Create(bits).As<long, T>()
        : sizeof(T) == 4 ? Vector128.Create((int)bits).As<int, T>()
        : Vector128.Create((byte)bits).As<byte, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Add(Vector128<T> x, Vector128<T> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Sub(Vector128<T> x, Vector128<T> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Mul(Vector128<T> x, Vector128<T> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Div(Vector128<T> x, Vector128<T> y) => x / y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> FusedMultiplyAdd(Vector128<T> x, Vector128<T> y, Vector128<T> z) =>
        typeof(T) == typeof(float)
            ? Vector128.FusedMultiplyAdd(x.As<T, float>(), y.As<T, float>(), z.As<T, float>()).As<float, T>()
            : Vector128.FusedMultiplyAdd(x.As<T, double>(), y.As<T, double>(), z.As<T, double>()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> MultiplyAdd(Vector128<T> x, Vector128<T> y, Vector128<T> z) =>
        typeof(T) == typeof(float)
            ? Vector128.MultiplyAddEstimate(x.As<T, float>(), y.As<T, float>(), z.As<T, float>()).As<float, T>()
            : Vector128.MultiplyAddEstimate(x.As<T, double>(), y.As<T, double>(), z.As<T, double>()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Sum(Vector128<T> x) => Vector128.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Neg(Vector128<T> x) => -x;

    // Vector128.Abs throws for the least integer where it falls back to software.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Abs(Vector128<T> x) =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double)
            ? Vector128.Abs(x)
            : Vector128.ConditionalSelect(Vector128.LessThan(x, Vector128<T>.Zero), -x, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> MinusAbs(Vector128<T> x) => x | Bits(IsWide ? long.MinValue : int.MinValue);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Sqrt(Vector128<T> x) => Vector128.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Min(Vector128<T> x, Vector128<T> y) => Vector128.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Max(Vector128<T> x, Vector128<T> y) => Vector128.Max(x, y);

    // On x64 the native operations give their second operand if either is NaN, elsewhere NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> AtLeast(Vector128<T> limit, Vector128<T> x) => Vector128.MaxNative(limit, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> AtMost(Vector128<T> limit, Vector128<T> x) => Vector128.MinNative(limit, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Floor(Vector128<T> x) =>
        typeof(T) == typeof(float) ? Vector128.Floor(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector128.Floor(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Ceil(Vector128<T> x) =>
        typeof(T) == typeof(float) ? Vector128.Ceiling(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector128.Ceiling(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Round(Vector128<T> x) =>
        typeof(T) == typeof(float) ? Vector128.Round(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector128.Round(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Trunc(Vector128<T> x) =>
        typeof(T) == typeof(float) ? Vector128.Truncate(x.As<T, float>()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector128.Truncate(x.As<T, double>()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> And(Vector128<T> x, Vector128<T> y) => x & y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Or(Vector128<T> x, Vector128<T> y) => x | y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Xor(Vector128<T> x, Vector128<T> y) => x ^ y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Not(Vector128<T> x) => ~x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Less(Vector128<T> x, Vector128<T> y) => Vector128.LessThan(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> LessEqual(Vector128<T> x, Vector128<T> y) => Vector128.LessThanOrEqual(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Equal(Vector128<T> x, Vector128<T> y) => Vector128.Equals(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> Select(Vector128<T> mask, Vector128<T> x, Vector128<T> y) => Vector128.ConditionalSelect(mask, x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> AddBits(Vector128<T> x, Vector128<T> y) =>
        sizeof(T) == 8 ? (x.As<T, long>() + y.As<T, long>()).As<long, T>() : (x.As<T, int>() + y.As<T, int>()).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> SubBits(Vector128<T> x, Vector128<T> y) =>
        sizeof(T) == 8 ? (x.As<T, long>() - y.As<T, long>()).As<long, T>() : (x.As<T, int>() - y.As<T, int>()).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> ShiftLeft(Vector128<T> x, int count) =>
        sizeof(T) == 8 ? (x.As<T, long>() << count).As<long, T>() : (x.As<T, int>() << count).As<int, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<T> ShiftRight(Vector128<T> x, int count) =>
        sizeof(T) == 8 ? (x.As<T, long>() >>> count).As<long, T>() : (x.As<T, int>() >>> count).As<int, T>();
}
