namespace FunctionalGrad.Kernels;

/// <summary>
/// The arithmetic that kernels and polynomials are written in, once. <typeparamref name="V"/> is what it calculates with:
/// a vector of any width, a single number, or a value in code that is being emitted.
/// A mask is a <typeparamref name="V"/> whose lanes have all bits set or none.
/// </summary>
internal interface IArithmetic<V>
{
    /// <summary>True if a lane is 64 bits wide: polynomials choose their coefficients by it.</summary>
    bool IsWide { get; }

    /// <summary>The number in every lane.</summary>
    V Constant(double value);

    /// <summary>The bit pattern in every lane; narrow lanes take the low half.</summary>
    V Bits(long bits);

    /// <summary>x + y; integers wrap.</summary>
    V Add(V x, V y);

    /// <summary>x − y; integers wrap.</summary>
    V Sub(V x, V y);

    /// <summary>x · y; integers wrap.</summary>
    V Mul(V x, V y);

    /// <summary>x / y, of floating-point lanes.</summary>
    V Div(V x, V y);

    /// <summary>x · y + z, rounded once.</summary>
    V FusedMultiplyAdd(V x, V y, V z);

    /// <summary>−x.</summary>
    V Neg(V x);

    /// <summary>|x|; the least integer stays.</summary>
    V Abs(V x);

    /// <summary>−|x|, of floating-point lanes.</summary>
    V MinusAbs(V x);

    /// <summary>√x.</summary>
    V Sqrt(V x);

    /// <summary>The lesser; NaN if either is; −0 is less than +0.</summary>
    V Min(V x, V y);

    /// <summary>The greater; NaN if either is; −0 is less than +0.</summary>
    V Max(V x, V y);

    /// <summary>x, but no less than the limit, which is not 0; NaN stays NaN.</summary>
    V AtLeast(V limit, V x);

    /// <summary>x, but no more than the limit, which is not 0; NaN stays NaN.</summary>
    V AtMost(V limit, V x);

    /// <summary>The integer below.</summary>
    V Floor(V x);

    /// <summary>The integer above.</summary>
    V Ceil(V x);

    /// <summary>The nearest integer, halves to even.</summary>
    V Round(V x);

    /// <summary>The integer towards zero.</summary>
    V Trunc(V x);

    /// <summary>Bitwise and.</summary>
    V And(V x, V y);

    /// <summary>Bitwise or.</summary>
    V Or(V x, V y);

    /// <summary>Bitwise exclusive or.</summary>
    V Xor(V x, V y);

    /// <summary>Every bit turned over.</summary>
    V Not(V x);

    /// <summary>Where x &lt; y; never for NaN.</summary>
    V Less(V x, V y);

    /// <summary>Where x ≤ y; never for NaN.</summary>
    V LessEqual(V x, V y);

    /// <summary>Where x = y; never for NaN.</summary>
    V Equal(V x, V y);

    /// <summary>x where the mask is set, else y.</summary>
    V Select(V mask, V x, V y);

    /// <summary>The sum of the lanes' bits, read as integers.</summary>
    V AddBits(V x, V y);

    /// <summary>The difference of the lanes' bits, read as integers.</summary>
    V SubBits(V x, V y);

    /// <summary>The lanes' bits, moved up.</summary>
    V ShiftLeft(V x, int count);

    /// <summary>The lanes' bits, moved down; zeros come in.</summary>
    V ShiftRight(V x, int count);
}

/// <summary>An arithmetic on <see cref="Count"/> elements at once, with its way from and to memory.</summary>
internal unsafe interface ILanes<V, T> : IArithmetic<V>
    where T : unmanaged
{
    /// <summary>How many elements a <typeparamref name="V"/> holds.</summary>
    int Count { get; }

    /// <summary>Reads <see cref="Count"/> elements, at any address.</summary>
    V Load(T* source);

    /// <summary>Writes <see cref="Count"/> elements, to any address.</summary>
    void Store(T* target, V value);

    /// <summary>Reads <see cref="Count"/> truth values as a mask.</summary>
    V LoadMask(byte* source);

    /// <summary>One bit for each lane of a mask, lane 0 lowest.</summary>
    ulong MaskBits(V mask);

    /// <summary>The element in every lane.</summary>
    V Broadcast(T value);

    /// <summary>x · y + z of floating-point lanes, rounded once; twice where the processor has no such instruction (x86 before 2013).</summary>
    V MultiplyAdd(V x, V y, V z);

    /// <summary>The sum of all lanes, in the order that is cheapest at this width.</summary>
    T Sum(V x);
}
