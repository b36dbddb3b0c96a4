using System.Numerics;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <summary>
/// Block kernels for blocks of one element: programs over scalars consist of these, and a loop made for vectors costs several times as much there.
/// The shortest are written out here.
/// </summary>
internal static unsafe class ScalarKernels
{
    /// <summary>Like <see cref="BlockKernels.Binary(Opcode, DType)"/>, for one element.</summary>
    public static delegate*<void*, void*, void*, nint, void> Binary(Opcode code, DType type)
    {
        var exact = type switch
        {
            DType.Float32 => code == Opcode.Div ? &Divide<float> : Exact<float>(code),
            DType.Float64 => code == Opcode.Div ? &Divide<double> : Exact<double>(code),
            DType.Int32 => Exact<int>(code),
            DType.Int64 => Exact<long>(code),
            _ => null,
        };
        return exact != null ? exact : BlockKernels.Binary(code, type, VectorWidth.One);
    }

    /// <summary>Like <see cref="BlockKernels.Unary(Opcode, DType)"/>, for one element.</summary>
    public static delegate*<void*, void*, nint, void> Unary(Opcode code, DType type) => (code, type) switch
    {
        (Opcode.Neg, DType.Float32) => &Negate<float>,
        (Opcode.Neg, DType.Float64) => &Negate<double>,
        (Opcode.Neg, DType.Int32) => &Negate<int>,
        (Opcode.Neg, DType.Int64) => &Negate<long>,
        _ => BlockKernels.Unary(code, type, VectorWidth.One),
    };

    private static delegate*<void*, void*, void*, nint, void> Exact<T>(Opcode code)
        where T : unmanaged, INumber<T> => code switch
        {
            Opcode.Add => &Add<T>,
            Opcode.Sub => &Subtract<T>,
            Opcode.Mul => &Multiply<T>,
            Opcode.Less => &Less<T>,
            Opcode.LessEqual => &LessEqual<T>,
            Opcode.Equal => &Equal<T>,
            _ => null,
        };

    private static void Add<T>(void* a, void* b, void* y, nint n)
        where T : unmanaged, INumber<T> => *(T*)y = unchecked(*(T*)a + *(T*)b);

    private static void Subtract<T>(void* a, void* b, void* y, nint n)
        where T : unmanaged, INumber<T> => *(T*)y = unchecked(*(T*)a - *(T*)b);

    private static void Multiply<T>(void* a, void* b, void* y, nint n)
        where T : unmanaged, INumber<T> => *(T*)y = unchecked(*(T*)a * *(T*)b);

    private static void Divide<T>(void* a, void* b, void* y, nint n)
        where T : unmanaged, INumber<T> => *(T*)y = *(T*)a / *(T*)b;

    private static void Less<T>(void* a, void* b, void* y, nint n)
        where T : unmanaged, INumber<T> => *(bool*)y = *(T*)a < *(T*)b;

    private static void LessEqual<T>(void* a, void* b, void* y, nint n)
        where T : unmanaged, INumber<T> => *(bool*)y = *(T*)a <= *(T*)b;

    private static void Equal<T>(void* a, void* b, void* y, nint n)
        where T : unmanaged, INumber<T> => *(bool*)y = *(T*)a == *(T*)b;

    private static void Negate<T>(void* x, void* y, nint n)
        where T : unmanaged, INumber<T> => *(T*)y = unchecked(-*(T*)x);
}
