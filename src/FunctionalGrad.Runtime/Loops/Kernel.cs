using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>What one instruction of the loop language does. The set is small and closed: an op of the graph is made of these.</summary>
public enum Opcode : byte
{
#pragma warning disable CS1591 // the names are the documentation; Instruction says what each reads
    // Sources
    Number, Load, Gather, Index,

    // The sink
    Store,

    // One operand
    Cast, Not,
    Neg, Abs, Sign, Sqrt, Rsqrt, Exp, Expm1, Log, Log1p, Sin, Cos, Tan, Tanh, Sigmoid, Softplus, Erf, Erfc, Erfinv,
    Asin, Acos, Atan, Log2, Log10, Cbrt, Lgamma,
    Floor, Ceil, Round, Trunc, IsNaN,

    // Two operands
    Add, Sub, Mul, Div, Pow, Max, Min, Remainder, Atan2, Hypot, Polygamma,
    Less, LessEqual, Equal, NotEqual,
    And, Or, Xor,

    // Three operands
    Select,

    // All elements of a row
    Fold,
#pragma warning restore CS1591
}

/// <summary>How a reduction combines elements.</summary>
public enum Fold : byte
{
    /// <summary>0 for no elements.</summary>
    Sum,

    /// <summary>1 for no elements.</summary>
    Prod,

    /// <summary>The largest; NaN if any is; −∞ (or the least integer, or false) for no elements. On bool: any.</summary>
    Max,

    /// <summary>The smallest; NaN if any is; +∞ (or the greatest integer, or true) for no elements. On bool: all.</summary>
    Min,

    /// <summary>The position (int64, row-major over the reduced axes) of the first largest; of the first NaN if there is one.</summary>
    ArgMax,

    /// <summary>The position (int64, row-major over the reduced axes) of the first smallest; of the first NaN if there is one.</summary>
    ArgMin,
}

/// <summary>An index map: the element of a buffer at <c>Offset + Σ index[d]·Strides[d]</c>, counted in elements.</summary>
/// <param name="Buffer">Which buffer of the program.</param>
/// <param name="Offset">The element at index zero.</param>
/// <param name="Strides">Elements between neighbours, one for each of the kernel's extents; 0 repeats, negative reverses.</param>
public sealed record Access(int Buffer, long Offset, ImmutableArray<long> Strides);

/// <summary>
/// One instruction. Its position in <see cref="Kernel.Body"/> is the name of the value it gives; operands are such names.
/// <list type="bullet">
/// <item><c>Number</c>: entry <paramref name="A"/> of the numbers given to the run: the bits of a double for float types, a long for the others.</item>
/// <item><c>Load</c>: the element at <paramref name="Access"/>.</item>
/// <item><c>Gather</c>: the element at <paramref name="Access"/> plus (value A, an int32 or int64) × <paramref name="Stride"/>;
/// value A must be in 0 … <paramref name="Length"/> − 1, else the run raises <see cref="IndexException"/> in the name of <paramref name="Asker"/>.</item>
/// <item><c>Index</c>: the position along extent <paramref name="A"/>, as <paramref name="Type"/>.</item>
/// <item><c>Store</c>: writes value A to <paramref name="Access"/>.</item>
/// <item><c>Cast</c>: value A as <paramref name="Type"/>; float to integer cuts the fraction off and saturates, NaN gives 0; anything to bool is "≠ 0".</item>
/// <item><c>Fold</c>: value A folded over the reduced extents as the <see cref="Fold"/> numbered <paramref name="B"/> says; ArgMax and ArgMin give int64,
/// the others the type of value A.</item>
/// <item>comparisons give bool; their operands share one type, which is that of value A. <c>Select</c>: A (bool) ? B : C.</item>
/// <item>everything else: operands and result have <paramref name="Type"/>.</item>
/// </list>
/// </summary>
public readonly record struct Instruction(
    Opcode Code, DType Type, int A = -1, int B = -1, int C = -1, Access? Access = null, long Stride = 0, long Length = 0, string Asker = "gather");

/// <summary>Folds value <paramref name="Value"/> of the body over the reduced extents and writes the result.</summary>
/// <param name="Fold">How.</param>
/// <param name="Value">Which value of the body.</param>
/// <param name="Target">Where the result goes; its strides along the reduced extents are 0. ArgMax and ArgMin write int64, the others the value's type.</param>
public sealed record Reduction(Fold Fold, int Value, Access Target);

/// <summary>
/// A loop nest over <see cref="Extents"/> with a straight-line body, evaluated at every index, and reductions over some of the extents.
/// The extents are, outermost first: parallel ones, then <see cref="ReduceCount"/> reduced ones starting at <see cref="ReduceFrom"/>, then parallel ones again.
/// The body has no side effect but its stores, and each index writes to places of its own. What a kernel stores it does not read, with one
/// exception: an index may read the very place that it writes (a load through the access of the store), to add to it. So blocks may run in any
/// order, but each index runs once.
/// <para>
/// A body with a <see cref="Opcode.Fold"/> makes the kernel a <em>staged</em> one: its reduced extents come last, and the indexes that differ in them
/// only are a row. <em>Values of the row</em> are the same for all of them: folds; numbers; loads, gathers and positions that do not move along the
/// reduced extents; arithmetic on values of the row. The others are <em>values of an element</em>. A fold and a reduction take values of an element.
/// A store of a value of the row does not move along the reduced extents, and writes once a row. A staged kernel reads no buffer that it writes.
/// </para>
/// </summary>
public sealed record Kernel(
    ImmutableArray<int> Extents, int ReduceFrom, int ReduceCount, ImmutableArray<Instruction> Body, ImmutableArray<Reduction> Reductions)
{
    /// <summary>How often the body is evaluated.</summary>
    internal long Elements => Extents.Aggregate(1L, (product, extent) => product * extent);
}
