namespace FunctionalGrad;

/// <summary>The type of a tensor's elements.</summary>
public enum DType
{
    /// <summary>IEEE 754 binary32, .NET <see cref="float"/>.</summary>
    Float32,

    /// <summary>IEEE 754 binary64, .NET <see cref="double"/>.</summary>
    Float64,

    /// <summary>Signed 32-bit integer.</summary>
    Int32,

    /// <summary>Signed 64-bit integer.</summary>
    Int64,

    /// <summary>Truth value, one byte, 0 or 1.</summary>
    Bool,
}

/// <summary>What is known of each <see cref="DType"/>.</summary>
public static class DTypes
{
    /// <summary>Bytes that one element takes.</summary>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.Float32 or DType.Int32 => 4,
        DType.Float64 or DType.Int64 => 8,
        DType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null),
    };

    /// <summary>True for float32 and float64, the types that have derivatives.</summary>
    public static bool IsFloat(this DType dtype) => dtype is DType.Float32 or DType.Float64;

    /// <summary>True for int32 and int64.</summary>
    public static bool IsInteger(this DType dtype) => dtype is DType.Int32 or DType.Int64;

    /// <summary>The .NET type of the elements.</summary>
    internal static Type ClrType(this DType dtype) => dtype switch
    {
        DType.Float32 => typeof(float),
        DType.Float64 => typeof(double),
        DType.Int32 => typeof(int),
        DType.Int64 => typeof(long),
        _ => typeof(bool),
    };

    /// <summary>The name as NumPy and PyTorch print it: <c>float32</c>, <c>int64</c>, <c>bool</c>.</summary>
    public static string Name(this DType dtype) => dtype switch
    {
        DType.Float32 => "float32",
        DType.Float64 => "float64",
        DType.Int32 => "int32",
        DType.Int64 => "int64",
        DType.Bool => "bool",
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null),
    };

    /// <summary>The dtype of a .NET element type.</summary>
    /// <exception cref="DTypeException">The type is not float, double, int, long or bool.</exception>
    public static DType Of(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return type == typeof(float) ? DType.Float32
            : type == typeof(double) ? DType.Float64
            : type == typeof(int) ? DType.Int32
            : type == typeof(long) ? DType.Int64
            : type == typeof(bool) ? DType.Bool
            : throw new DTypeException($"{type.Name} is not an element type. Convert to float, double, int, long or bool first.");
    }

    /// <summary>The dtype of <typeparamref name="T"/>.</summary>
    /// <exception cref="DTypeException">The type is not float, double, int, long or bool.</exception>
    public static DType Of<T>() => Of(typeof(T));

    /// <summary>The type that both operands convert to: bool ≤ int32 ≤ int64 ≤ float32 ≤ float64, as in PyTorch.</summary>
    public static DType Promote(DType a, DType b) => Rank(a) >= Rank(b) ? a : b;

    private static int Rank(DType dtype) => dtype switch
    {
        DType.Bool => 0,
        DType.Int32 => 1,
        DType.Int64 => 2,
        DType.Float32 => 3,
        _ => 4,
    };
}
