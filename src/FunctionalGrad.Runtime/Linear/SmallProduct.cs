using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Linear;

/// <summary>The product of a few numbers, over before a tile would be set up.</summary>
internal static unsafe class SmallProduct<T>
    where T : unmanaged, INumberBase<T>
{
    private const int MostColumns = 8;

    private const int MostTerms = 16; // each waits for the one before it

    private const int MostMultiplications = 512;

    /// <summary>True where this is the fastest way.</summary>
    public static bool Takes(in Product<T> product) =>
        product.Columns <= MostColumns && product.Inner <= MostTerms && (long)product.Rows * product.Columns * product.Inner <= MostMultiplications
        && product.B.ColumnStride == 1 && product.C.ColumnStride == 1;

    /// <summary>Multiplies what <see cref="Takes"/> says yes to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in Product<T> product)
    {
        MatrixView<T> a = product.A, b = product.B, c = product.C;
        T* left = a.Start, target = c.Start;
        for (var row = 0; row < product.Rows; row++)
        {
            var column = 0;
            for (; column <= product.Columns - Vector128<T>.Count; column += Vector128<T>.Count)
                Several(product.Inner, left, a.ColumnStride, b.Start + column, b.RowStride, target + column, product.Accumulate);
            for (; column < product.Columns; column++)
                One(product.Inner, left, a.ColumnStride, b.Start + column, b.RowStride, target + column, product.Accumulate);
            left += a.RowStride;
            target += c.RowStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Several(int inner, T* a, nint aStride, T* b, nint bStride, T* c, bool accumulate)
    {
        var lanes = default(Lanes128<T>);
        Vector128<T> sum = default;
        for (; inner > 0; inner--)
        {
            sum = lanes.MultiplyAdd(lanes.Broadcast(*a), lanes.Load(b), sum);
            a += aStride;
            b += bStride;
        }

        lanes.Store(c, accumulate ? lanes.Add(lanes.Load(c), sum) : sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void One(int inner, T* a, nint aStride, T* b, nint bStride, T* c, bool accumulate)
    {
        T sum = default;
        for (; inner > 0; inner--)
        {
            sum = T.MultiplyAddEstimate(*a, *b, sum);
            a += aStride;
            b += bStride;
        }

        *c = accumulate ? *c + sum : sum;
    }
}
