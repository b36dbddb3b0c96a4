using System.Numerics;

namespace FunctionalGrad.Kernels;

using FunctionalGrad.Loops;

/// <summary>The loops over one block of elements that the interpreter is made of: plain scalar ones, until the vectorized ones stand.</summary>
internal static unsafe class BlockKernels
{
    public static delegate*<void*, void*, nint, void> Unary(Opcode code, DType type) => type switch
    {
        DType.Float32 => code == Opcode.IsNaN ? &IsNaN<float> : Real<float>(code),
        DType.Float64 => code == Opcode.IsNaN ? &IsNaN<double> : Real<double>(code),
        DType.Int32 => Signed<int>(code),
        DType.Int64 => Signed<long>(code),
        _ => code == Opcode.Not ? &Not : throw new NotSupportedException($"{code} on {type}"),
    };

    public static delegate*<void*, void*, void*, nint, void> Binary(Opcode code, DType type) => type switch
    {
        DType.Float32 => Arithmetic<float>(code),
        DType.Float64 => Arithmetic<double>(code),
        DType.Int32 => Arithmetic<int>(code),
        DType.Int64 => Arithmetic<long>(code),
        _ => Arithmetic<byte>(code),
    };

    public static delegate*<void*, void*, void*, void*, nint, void> Select(DType type) => type.Size() switch
    {
        1 => &Select<byte>,
        4 => &Select<uint>,
        _ => &Select<ulong>,
    };

    public static delegate*<void*, void*, nint, void> Cast(DType from, DType to) => from switch
    {
        DType.Float32 => CastFrom<float>(to),
        DType.Float64 => CastFrom<double>(to),
        DType.Int32 => CastFrom<int>(to),
        DType.Int64 => CastFrom<long>(to),
        _ => CastFrom<byte>(to),
    };

    public static delegate*<void*, nint, void*, nint, void> GatherStrided(int elementSize) => elementSize switch
    {
        1 => &Gather<byte>,
        4 => &Gather<uint>,
        _ => &Gather<ulong>,
    };

    public static delegate*<void*, void*, nint, nint, void> ScatterStrided(int elementSize) => elementSize switch
    {
        1 => &Scatter<byte>,
        4 => &Scatter<uint>,
        _ => &Scatter<ulong>,
    };

    public static delegate*<void*, void*, nint, nint, void> FoldRows(Fold fold, DType type) => type switch
    {
        DType.Float32 => RowFold<float>(fold),
        DType.Float64 => RowFold<double>(fold),
        DType.Int32 => RowFold<int>(fold),
        DType.Int64 => RowFold<long>(fold),
        _ => RowFold<byte>(fold),
    };

    public static delegate*<void*, void*, nint, nint, void> FoldColumns(Fold fold, DType type) => type switch
    {
        DType.Float32 => ColumnFold<float>(fold),
        DType.Float64 => ColumnFold<double>(fold),
        DType.Int32 => ColumnFold<int>(fold),
        DType.Int64 => ColumnFold<long>(fold),
        _ => ColumnFold<byte>(fold),
    };

    public static delegate*<void*, void*, long*, nint, nint, long, void> ArgRows(Fold fold, DType type) => type switch
    {
        DType.Float32 => fold == Fold.ArgMax ? &ArgRows<float, Greater> : &ArgRows<float, Smaller>,
        DType.Float64 => fold == Fold.ArgMax ? &ArgRows<double, Greater> : &ArgRows<double, Smaller>,
        DType.Int32 => fold == Fold.ArgMax ? &ArgRows<int, Greater> : &ArgRows<int, Smaller>,
        DType.Int64 => fold == Fold.ArgMax ? &ArgRows<long, Greater> : &ArgRows<long, Smaller>,
        _ => fold == Fold.ArgMax ? &ArgRows<byte, Greater> : &ArgRows<byte, Smaller>,
    };

    public static delegate*<void*, void*, long*, nint, nint, long, void> ArgColumns(Fold fold, DType type) => type switch
    {
        DType.Float32 => fold == Fold.ArgMax ? &ArgColumns<float, Greater> : &ArgColumns<float, Smaller>,
        DType.Float64 => fold == Fold.ArgMax ? &ArgColumns<double, Greater> : &ArgColumns<double, Smaller>,
        DType.Int32 => fold == Fold.ArgMax ? &ArgColumns<int, Greater> : &ArgColumns<int, Smaller>,
        DType.Int64 => fold == Fold.ArgMax ? &ArgColumns<long, Greater> : &ArgColumns<long, Smaller>,
        _ => fold == Fold.ArgMax ? &ArgColumns<byte, Greater> : &ArgColumns<byte, Smaller>,
    };

    public static void Fill(DType type, Fold fold, void* accumulators, nint n)
    {
        switch (type)
        {
            case DType.Float32:
                new Span<float>(accumulators, (int)n).Fill(Identity(fold, float.NegativeInfinity, float.PositiveInfinity));
                break;
            case DType.Float64:
                new Span<double>(accumulators, (int)n).Fill(Identity(fold, double.NegativeInfinity, double.PositiveInfinity));
                break;
            case DType.Int32:
                new Span<int>(accumulators, (int)n).Fill(Identity(fold, int.MinValue, int.MaxValue));
                break;
            case DType.Int64:
                new Span<long>(accumulators, (int)n).Fill(Identity(fold, long.MinValue, long.MaxValue));
                break;
            default:
                new Span<byte>(accumulators, (int)n).Fill(Identity<byte>(fold, 0, 1));
                break;
        }
    }

    private static T Identity<T>(Fold fold, T least, T greatest)
        where T : INumber<T> => fold switch
        {
            Fold.Sum => T.Zero,
            Fold.Prod => T.One,
            Fold.Max or Fold.ArgMax => least,
            _ => greatest,
        };

    private static delegate*<void*, void*, nint, void> Real<T>(Opcode code)
        where T : unmanaged, IFloatingPointIeee754<T> => code switch
        {
            Opcode.Sqrt => &Map<T, SquareRoot>,
            Opcode.Exp => &Map<T, Exponential>,
            Opcode.Sin => &Map<T, Sine>,
            Opcode.Tanh => &Map<T, HyperbolicTangent>,
            _ => Signed<T>(code),
        };

    private static delegate*<void*, void*, nint, void> Signed<T>(Opcode code)
        where T : unmanaged, INumber<T> => code switch
        {
            Opcode.Neg => &Negate<T>,
            Opcode.Abs => &Absolute<T>,
            _ => throw new NotSupportedException($"{code} on {typeof(T).Name}"),
        };

    private interface IReal
    {
        static abstract double Of(double x);
    }

    private readonly struct SquareRoot : IReal
    {
        public static double Of(double x) => Math.Sqrt(x);
    }

    private readonly struct Exponential : IReal
    {
        public static double Of(double x) => Math.Exp(x);
    }

    private readonly struct Sine : IReal
    {
        public static double Of(double x) => Math.Sin(x);
    }

    private readonly struct HyperbolicTangent : IReal
    {
        public static double Of(double x) => Math.Tanh(x);
    }

    private static void Map<T, TFunction>(void* x, void* y, nint n)
        where T : unmanaged, INumber<T>
        where TFunction : struct, IReal
    {
        for (nint i = 0; i < n; i++)
            ((T*)y)[i] = T.CreateTruncating(TFunction.Of(double.CreateTruncating(((T*)x)[i])));
    }

    private static void IsNaN<T>(void* x, void* y, nint n)
        where T : unmanaged, INumber<T>
    {
        for (nint i = 0; i < n; i++)
            ((bool*)y)[i] = T.IsNaN(((T*)x)[i]);
    }

    private static void Not(void* x, void* y, nint n)
    {
        for (nint i = 0; i < n; i++)
            ((byte*)y)[i] = (byte)(((byte*)x)[i] ^ 1);
    }

    private static void Negate<T>(void* x, void* y, nint n)
        where T : unmanaged, INumber<T>
    {
        for (nint i = 0; i < n; i++)
            ((T*)y)[i] = -((T*)x)[i];
    }

    private static void Absolute<T>(void* x, void* y, nint n)
        where T : unmanaged, INumber<T>
    {
        for (nint i = 0; i < n; i++)
            ((T*)y)[i] = ((T*)x)[i] < T.Zero ? -((T*)x)[i] : ((T*)x)[i];
    }

    private static delegate*<void*, void*, void*, nint, void> Arithmetic<T>(Opcode code)
        where T : unmanaged, INumber<T> => code switch
        {
            Opcode.Add => &Combine<T, Plus>,
            Opcode.Sub => &Combine<T, Minus>,
            Opcode.Mul => &Combine<T, Times>,
            Opcode.Max => &Combine<T, Larger>,
            Opcode.Min => &Combine<T, Lesser>,
            Opcode.And => &Combine<T, Times>,
            Opcode.Or => &Combine<T, Larger>,
            Opcode.Less => &Compare<T, Smaller>,
            Opcode.Equal => &Compare<T, Same>,
            _ => throw new NotSupportedException($"{code} on {typeof(T).Name}"),
        };

    private interface ICombine
    {
        static abstract T Of<T>(T a, T b)
            where T : INumber<T>;
    }

    private readonly struct Plus : ICombine
    {
        public static T Of<T>(T a, T b)
            where T : INumber<T> => a + b;
    }

    private readonly struct Minus : ICombine
    {
        public static T Of<T>(T a, T b)
            where T : INumber<T> => a - b;
    }

    private readonly struct Times : ICombine
    {
        public static T Of<T>(T a, T b)
            where T : INumber<T> => a * b;
    }

    private readonly struct Larger : ICombine
    {
        public static T Of<T>(T a, T b)
            where T : INumber<T> => a > b || T.IsNaN(a) ? a : b;
    }

    private readonly struct Lesser : ICombine
    {
        public static T Of<T>(T a, T b)
            where T : INumber<T> => a < b || T.IsNaN(a) ? a : b;
    }

    private interface ICompare
    {
        static abstract bool Of<T>(T a, T b)
            where T : INumber<T>;
    }

    private readonly struct Smaller : ICompare
    {
        public static bool Of<T>(T a, T b)
            where T : INumber<T> => a < b;
    }

    private readonly struct Greater : ICompare
    {
        public static bool Of<T>(T a, T b)
            where T : INumber<T> => a > b;
    }

    private readonly struct Same : ICompare
    {
        public static bool Of<T>(T a, T b)
            where T : INumber<T> => a == b;
    }

    private static void Combine<T, TFunction>(void* a, void* b, void* y, nint n)
        where T : unmanaged, INumber<T>
        where TFunction : struct, ICombine
    {
        for (nint i = 0; i < n; i++)
            ((T*)y)[i] = TFunction.Of(((T*)a)[i], ((T*)b)[i]);
    }

    private static void Compare<T, TFunction>(void* a, void* b, void* y, nint n)
        where T : unmanaged, INumber<T>
        where TFunction : struct, ICompare
    {
        for (nint i = 0; i < n; i++)
            ((bool*)y)[i] = TFunction.Of(((T*)a)[i], ((T*)b)[i]);
    }

    private static void Select<T>(void* c, void* a, void* b, void* y, nint n)
        where T : unmanaged
    {
        for (nint i = 0; i < n; i++)
            ((T*)y)[i] = ((bool*)c)[i] ? ((T*)a)[i] : ((T*)b)[i];
    }

    private static delegate*<void*, void*, nint, void> CastFrom<T>(DType to)
        where T : unmanaged, INumber<T> => to switch
        {
            DType.Float32 => &Convert<T, float>,
            DType.Float64 => &Convert<T, double>,
            DType.Int32 => &Convert<T, int>,
            DType.Int64 => &Convert<T, long>,
            _ => &Truth<T>,
        };

    private static void Convert<T, TTo>(void* x, void* y, nint n)
        where T : unmanaged, INumber<T>
        where TTo : unmanaged, INumber<TTo>
    {
        for (nint i = 0; i < n; i++)
            ((TTo*)y)[i] = T.IsInteger(T.One / (T.One + T.One)) ? TTo.CreateTruncating(((T*)x)[i]) : TTo.CreateSaturating(((T*)x)[i]);
    }

    private static void Truth<T>(void* x, void* y, nint n)
        where T : unmanaged, INumber<T>
    {
        for (nint i = 0; i < n; i++)
            ((bool*)y)[i] = ((T*)x)[i] != T.Zero;
    }

    private static void Gather<T>(void* source, nint stride, void* target, nint n)
        where T : unmanaged
    {
        for (nint i = 0; i < n; i++)
            ((T*)target)[i] = ((T*)source)[i * stride];
    }

    private static void Scatter<T>(void* source, void* target, nint stride, nint n)
        where T : unmanaged
    {
        for (nint i = 0; i < n; i++)
            ((T*)target)[i * stride] = ((T*)source)[i];
    }

    private static delegate*<void*, void*, nint, nint, void> RowFold<T>(Fold fold)
        where T : unmanaged, INumber<T> => fold switch
        {
            Fold.Sum => &Rows<T, Plus>,
            Fold.Prod => &Rows<T, Times>,
            Fold.Max => &Rows<T, Larger>,
            _ => &Rows<T, Lesser>,
        };

    private static delegate*<void*, void*, nint, nint, void> ColumnFold<T>(Fold fold)
        where T : unmanaged, INumber<T> => fold switch
        {
            Fold.Sum => &Columns<T, Plus>,
            Fold.Prod => &Columns<T, Times>,
            Fold.Max => &Columns<T, Larger>,
            _ => &Columns<T, Lesser>,
        };

    private static void Rows<T, TFunction>(void* x, void* accumulators, nint rows, nint length)
        where T : unmanaged, INumber<T>
        where TFunction : struct, ICombine
    {
        for (nint row = 0; row < rows; row++)
        {
            var sum = ((T*)accumulators)[row];
            for (nint i = 0; i < length; i++)
                sum = TFunction.Of(sum, ((T*)x)[(row * length) + i]);
            ((T*)accumulators)[row] = sum;
        }
    }

    private static void Columns<T, TFunction>(void* x, void* accumulators, nint rows, nint length)
        where T : unmanaged, INumber<T>
        where TFunction : struct, ICombine
    {
        for (nint row = 0; row < rows; row++)
            Combine<T, TFunction>(accumulators, (T*)x + (row * length), accumulators, length);
    }

    private static void ArgRows<T, TFunction>(void* x, void* best, long* position, nint rows, nint length, long first)
        where T : unmanaged, INumber<T>
        where TFunction : struct, ICompare
    {
        for (nint row = 0; row < rows; row++)
        {
            for (nint i = 0; i < length; i++)
                Offer<T, TFunction>(((T*)x)[(row * length) + i], first + i, (T*)best + row, position + row);
        }
    }

    private static void ArgColumns<T, TFunction>(void* x, void* best, long* position, nint rows, nint length, long first)
        where T : unmanaged, INumber<T>
        where TFunction : struct, ICompare
    {
        for (nint row = 0; row < rows; row++)
        {
            for (nint i = 0; i < length; i++)
                Offer<T, TFunction>(((T*)x)[(row * length) + i], first + row, (T*)best + i, position + i);
        }
    }

    private static void Offer<T, TFunction>(T value, long at, T* best, long* position)
        where T : unmanaged, INumber<T>
        where TFunction : struct, ICompare
    {
        var better = *position < 0 || (!T.IsNaN(*best) && (T.IsNaN(value) || TFunction.Of(value, *best)));
        if (!better)
            return;
        *best = value;
        *position = at;
    }
}
