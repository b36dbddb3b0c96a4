using FunctionalGrad.Loops;

namespace FunctionalGrad.Kernels;

/// <summary>
/// The kernels behind the instructions of the loop language, as pointers to functions over blocks of contiguous elements.
/// Any alignment and any count will do; an output may lie where an input lies, but must not overlap it partially.
/// Truth values are bytes 0 and 1. Look a kernel up once and call it often.
/// </summary>
internal static unsafe partial class BlockKernels
{
    /// <summary>(x, y, n): y[i] = f(x[i]). The result has the operand's type, but IsNaN gives bool.</summary>
    /// <exception cref="ArgumentException">The instruction makes no sense for the type.</exception>
    public static delegate*<void*, void*, nint, void> Unary(Opcode code, DType type) => Unary(code, type, VectorWidth.Bits);

    /// <summary>(a, b, y, n): y[i] = f(a[i], b[i]). The result has the operands' type, but comparisons give bool.</summary>
    /// <remarks>Div and Remainder of integers raise <see cref="DivisionByZeroException"/>; elements before the zero are written then.</remarks>
    /// <exception cref="ArgumentException">The instruction makes no sense for the type.</exception>
    public static delegate*<void*, void*, void*, nint, void> Binary(Opcode code, DType type) => Binary(code, type, VectorWidth.Bits);

    /// <summary>(c, a, b, y, n): y[i] = c[i] ? a[i] : b[i].</summary>
    public static delegate*<void*, void*, void*, void*, nint, void> Select(DType type) => Select(type, VectorWidth.Bits);

    /// <inheritdoc cref="Select(DType)"/>
    public static delegate*<void*, void*, void*, void*, nint, void> Select(DType type, int width) => type.Size() switch
    {
        8 => SelectLoop.Of<long>(width),
        4 => SelectLoop.Of<int>(width),
        _ => SelectLoop.Of<byte>(width),
    };

    /// <summary>(x, y, n): y[i] = x[i] as <paramref name="to"/>. Float to integer cuts off and saturates, NaN gives 0; integers wrap; anything to bool is "≠ 0".</summary>
    public static delegate*<void*, void*, nint, void> Cast(DType from, DType to) => Cast(from, to, VectorWidth.Bits);

    /// <summary>(source, stride, target, n): target[i] = source[i · stride]; the stride counts elements and may be 0 or negative.</summary>
    public static delegate*<void*, nint, void*, nint, void> GatherStrided(int elementSize) => elementSize switch
    {
        1 => &CopyLoop.Gather<byte>,
        4 => &CopyLoop.Gather<int>,
        8 => &CopyLoop.Gather<long>,
        _ => throw new ArgumentException($"copy: no element type takes {elementSize} bytes.", nameof(elementSize)),
    };

    /// <summary>(source, target, stride, n): target[i · stride] = source[i]; the stride counts elements and may be 0 or negative.</summary>
    public static delegate*<void*, void*, nint, nint, void> ScatterStrided(int elementSize) => elementSize switch
    {
        1 => &CopyLoop.Scatter<byte>,
        4 => &CopyLoop.Scatter<int>,
        8 => &CopyLoop.Scatter<long>,
        _ => throw new ArgumentException($"copy: no element type takes {elementSize} bytes.", nameof(elementSize)),
    };

    private static ArgumentException Refuse(object what, DType type) => new($"{what}: not defined for {type.Name()}.");
}
