using System.Runtime.CompilerServices;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Linear.Contractions;

/// <summary>A tile's rows in A and C, and where the terms of its sums lie in A and B: all in bytes.</summary>
/// <param name="terms">For each term its place in A, then its place in B.</param>
/// <param name="count">How many terms, at least 1.</param>
/// <param name="a">Where A begins.</param>
/// <param name="aRows">The places of the rows in A.</param>
/// <param name="cRows">The places of the rows in what <c>Multiply</c> writes.</param>
internal readonly unsafe struct OffsetTerms(nint* terms, nint count, byte* a, nint* aRows, nint* cRows)
{
    public readonly nint* Terms = terms;
    public readonly nint Count = count;
    public readonly byte* A = a;
    public readonly nint* ARows = aRows;
    public readonly nint* CRows = cRows;
}

/// <summary>How many rows a tile has at most.</summary>
internal static class OffsetTileSize
{
    /// <summary>Of two vectors: an address for each row stays in a register, of which x86 has 16.</summary>
    public const int Rows = 6;

    /// <summary>Of one vector: as many sums as the processor multiplies while one waits for its result.</summary>
    public const int TallRows = 8;
}

/// <summary>
/// The innermost loop of a contraction: as <see cref="Tile{TLanes, TVector, T}"/>, but rows and terms lie anywhere, found by their offsets. Only the
/// lanes of each vector of B are neighbours in memory.
/// </summary>
internal static unsafe class OffsetTile<TLanes, TVector, T>
    where TLanes : struct, ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged
{
    /// <summary>Multiplies a tile of two vectors.</summary>
    public static void Multiply(int rows, in OffsetTerms terms, byte* b0, byte* b1, byte* c0, byte* c1, bool accumulate)
    {
        switch (rows)
        {
            case 1: Multiply<Count1>(terms, b0, b1, c0, c1, accumulate); break;
            case 2: Multiply<Count2>(terms, b0, b1, c0, c1, accumulate); break;
            case 3: Multiply<Count3>(terms, b0, b1, c0, c1, accumulate); break;
            case 4: Multiply<Count4>(terms, b0, b1, c0, c1, accumulate); break;
            case 5: Multiply<Count5>(terms, b0, b1, c0, c1, accumulate); break;
            case 6: Multiply<Count6>(terms, b0, b1, c0, c1, accumulate); break;
            default: throw new ArgumentOutOfRangeException(nameof(rows));
        }
    }

    /// <summary>Multiplies a tile of one vector.</summary>
    public static void Multiply(int rows, in OffsetTerms terms, byte* b, byte* c, bool accumulate)
    {
        switch (rows)
        {
            case 1: Multiply<Count1>(terms, b, c, accumulate); break;
            case 2: Multiply<Count2>(terms, b, c, accumulate); break;
            case 3: Multiply<Count3>(terms, b, c, accumulate); break;
            case 4: Multiply<Count4>(terms, b, c, accumulate); break;
            case 5: Multiply<Count5>(terms, b, c, accumulate); break;
            case 6: Multiply<Count6>(terms, b, c, accumulate); break;
            case 7: Multiply<Count7>(terms, b, c, accumulate); break;
            case 8: Multiply<Count8>(terms, b, c, accumulate); break;
            default: throw new ArgumentOutOfRangeException(nameof(rows));
        }
    }

    // One function of this length because accumulators stay in registers only as locals of one function.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TRows>(in OffsetTerms terms, byte* b0, byte* b1, byte* c0, byte* c1, bool accumulate)
        where TRows : struct, ICount
    {
        var lanes = default(TLanes);
        var rows = terms.ARows;
        byte* a0 = terms.A + rows[0];
        byte* a1 = TRows.Value > 1 ? terms.A + rows[1] : a0, a2 = TRows.Value > 2 ? terms.A + rows[2] : a0;
        byte* a3 = TRows.Value > 3 ? terms.A + rows[3] : a0, a4 = TRows.Value > 4 ? terms.A + rows[4] : a0;
        byte* a5 = TRows.Value > 5 ? terms.A + rows[5] : a0;
        TVector left0 = default, right0 = default;
        TVector left1 = default, right1 = default;
        TVector left2 = default, right2 = default;
        TVector left3 = default, right3 = default;
        TVector left4 = default, right4 = default;
        TVector left5 = default, right5 = default;
        var next = terms.Terms;
        var end = next + (2 * terms.Count);
        do
        {
            nint term = next[0], place = next[1];
            TVector left = lanes.Load((T*)(b0 + place)), right = lanes.Load((T*)(b1 + place));
            Step(*(T*)(a0 + term), left, right, ref left0, ref right0);
            if (TRows.Value > 1) Step(*(T*)(a1 + term), left, right, ref left1, ref right1);
            if (TRows.Value > 2) Step(*(T*)(a2 + term), left, right, ref left2, ref right2);
            if (TRows.Value > 3) Step(*(T*)(a3 + term), left, right, ref left3, ref right3);
            if (TRows.Value > 4) Step(*(T*)(a4 + term), left, right, ref left4, ref right4);
            if (TRows.Value > 5) Step(*(T*)(a5 + term), left, right, ref left5, ref right5);
            next += 2;
        }
        while (next != end);

        var places = terms.CRows;
        Write(left0, right0, c0 + places[0], c1 + places[0], accumulate);
        if (TRows.Value > 1) Write(left1, right1, c0 + places[1], c1 + places[1], accumulate);
        if (TRows.Value > 2) Write(left2, right2, c0 + places[2], c1 + places[2], accumulate);
        if (TRows.Value > 3) Write(left3, right3, c0 + places[3], c1 + places[3], accumulate);
        if (TRows.Value > 4) Write(left4, right4, c0 + places[4], c1 + places[4], accumulate);
        if (TRows.Value > 5) Write(left5, right5, c0 + places[5], c1 + places[5], accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TRows>(in OffsetTerms terms, byte* b, byte* c, bool accumulate)
        where TRows : struct, ICount
    {
        var lanes = default(TLanes);
        var rows = terms.ARows;
        byte* a0 = terms.A + rows[0];
        byte* a1 = TRows.Value > 1 ? terms.A + rows[1] : a0, a2 = TRows.Value > 2 ? terms.A + rows[2] : a0;
        byte* a3 = TRows.Value > 3 ? terms.A + rows[3] : a0, a4 = TRows.Value > 4 ? terms.A + rows[4] : a0;
        byte* a5 = TRows.Value > 5 ? terms.A + rows[5] : a0, a6 = TRows.Value > 6 ? terms.A + rows[6] : a0;
        byte* a7 = TRows.Value > 7 ? terms.A + rows[7] : a0;
        TVector sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        TVector sum4 = default, sum5 = default, sum6 = default, sum7 = default;
        var next = terms.Terms;
        var end = next + (2 * terms.Count);
        do
        {
            var term = next[0];
            var right = lanes.Load((T*)(b + next[1]));
            sum0 = lanes.MultiplyAdd(lanes.Broadcast(*(T*)(a0 + term)), right, sum0);
            if (TRows.Value > 1) sum1 = lanes.MultiplyAdd(lanes.Broadcast(*(T*)(a1 + term)), right, sum1);
            if (TRows.Value > 2) sum2 = lanes.MultiplyAdd(lanes.Broadcast(*(T*)(a2 + term)), right, sum2);
            if (TRows.Value > 3) sum3 = lanes.MultiplyAdd(lanes.Broadcast(*(T*)(a3 + term)), right, sum3);
            if (TRows.Value > 4) sum4 = lanes.MultiplyAdd(lanes.Broadcast(*(T*)(a4 + term)), right, sum4);
            if (TRows.Value > 5) sum5 = lanes.MultiplyAdd(lanes.Broadcast(*(T*)(a5 + term)), right, sum5);
            if (TRows.Value > 6) sum6 = lanes.MultiplyAdd(lanes.Broadcast(*(T*)(a6 + term)), right, sum6);
            if (TRows.Value > 7) sum7 = lanes.MultiplyAdd(lanes.Broadcast(*(T*)(a7 + term)), right, sum7);
            next += 2;
        }
        while (next != end);

        var places = terms.CRows;
        Write(sum0, c + places[0], accumulate);
        if (TRows.Value > 1) Write(sum1, c + places[1], accumulate);
        if (TRows.Value > 2) Write(sum2, c + places[2], accumulate);
        if (TRows.Value > 3) Write(sum3, c + places[3], accumulate);
        if (TRows.Value > 4) Write(sum4, c + places[4], accumulate);
        if (TRows.Value > 5) Write(sum5, c + places[5], accumulate);
        if (TRows.Value > 6) Write(sum6, c + places[6], accumulate);
        if (TRows.Value > 7) Write(sum7, c + places[7], accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(T a, TVector left, TVector right, ref TVector leftSum, ref TVector rightSum)
    {
        var lanes = default(TLanes);
        var factor = lanes.Broadcast(a);
        leftSum = lanes.MultiplyAdd(factor, left, leftSum);
        rightSum = lanes.MultiplyAdd(factor, right, rightSum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(TVector left, TVector right, byte* c0, byte* c1, bool accumulate)
    {
        var lanes = default(TLanes);
        if (accumulate)
        {
            left = lanes.Add(lanes.Load((T*)c0), left);
            right = lanes.Add(lanes.Load((T*)c1), right);
        }

        lanes.Store((T*)c0, left);
        lanes.Store((T*)c1, right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(TVector sum, byte* c, bool accumulate)
    {
        var lanes = default(TLanes);
        lanes.Store((T*)c, accumulate ? lanes.Add(lanes.Load((T*)c), sum) : sum);
    }
}
