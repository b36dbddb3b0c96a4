using System.Runtime.CompilerServices;

namespace FunctionalGrad.Kernels;

/// <summary>Masks as bytes 0 and 1.</summary>
internal static unsafe class TruthValues
{
    /// <summary>Writes the lowest <paramref name="count"/> (a power of two) bits as a byte each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* target, ulong bits, int count)
    {
        if (count == 1)
            *target = (byte)bits;
        else if (count == 2)
            Unsafe.WriteUnaligned(target, (ushort)Spread(bits));
        else
        {
            for (var i = 0; i < count; i += 4)
                Unsafe.WriteUnaligned(target + i, Spread((bits >> i) & 15));
        }
    }

    // Copies of the four bits, seven places apart, do not overlap; the mask keeps from each the bit that fell on a byte's lowest place.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Spread(ulong bits) => (uint)(bits * 0x0020_4081) & 0x0101_0101;
}
