using System.Collections.Concurrent;
using System.Reflection.Emit;
using System.Runtime.InteropServices;

namespace FunctionalGrad.Loops;

/// <summary>
/// The numbers of the polynomials, each in all lanes of the widest vector. Emitted code reads them where they lie: the just-in-time compiler would
/// keep them in registers, of which there are too few, and spend its time on moving them to the stack and back.
/// </summary>
internal static unsafe class ConstantTable
{
    private const int EntryBytes = 64;
    private const int Capacity = 2048;

    private static readonly ConcurrentDictionary<(DType Type, long Bits), int> Offsets = new();
    private static int count;

    /// <summary>Where the table begins. It is never freed.</summary>
    public static nint Start { get; } = (nint)NativeMemory.AlignedAlloc(EntryBytes * Capacity, EntryBytes);

    /// <summary>Puts a number on the stack, in every lane.</summary>
    /// <param name="il">Where to.</param>
    /// <param name="machine">The vectors.</param>
    /// <param name="type">The type of the number.</param>
    /// <param name="bits">A floating-point number as the bits of a double, an integer as it is.</param>
    /// <param name="start">The variable that holds <see cref="Start"/>.</param>
    public static void EmitNumber(ILGenerator il, VectorMachine machine, DType type, long bits, LocalHolder start)
    {
        if (OffsetOf(type, bits) is not { } offset)
        {
            EmitSpread(il, machine, type, bits);
            return;
        }

        start.Load(il);
        il.Emit(OpCodes.Ldc_I4, offset);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Volatile);
        il.Emit(OpCodes.Ldobj, machine.Vector(type));
    }

    /// <summary>The number's place in the table; null if that is full.</summary>
    private static int? OffsetOf(DType type, long bits)
    {
        if (Offsets.TryGetValue((type, bits), out var known))
            return known;
        lock (Offsets)
        {
            if (Offsets.TryGetValue((type, bits), out known))
                return known;
            if (count == Capacity)
                return null;
            var offset = count++ * EntryBytes;
            Fill(type, bits, (void*)(Start + offset));
            return Offsets[(type, bits)] = offset;
        }
    }

    private static void Fill(DType type, long bits, void* entry)
    {
        switch (type)
        {
            case DType.Float32:
                new Span<float>(entry, EntryBytes / sizeof(float)).Fill((float)BitConverter.Int64BitsToDouble(bits));
                break;
            case DType.Int32:
                new Span<int>(entry, EntryBytes / sizeof(int)).Fill((int)bits);
                break;
            default:
                new Span<long>(entry, EntryBytes / sizeof(long)).Fill(bits);
                break;
        }
    }

    private static void EmitSpread(ILGenerator il, VectorMachine machine, DType type, long bits)
    {
        switch (type)
        {
            case DType.Float32:
                il.Emit(OpCodes.Ldc_R4, (float)BitConverter.Int64BitsToDouble(bits));
                break;
            case DType.Float64:
                il.Emit(OpCodes.Ldc_R8, BitConverter.Int64BitsToDouble(bits));
                break;
            case DType.Int32:
                il.Emit(OpCodes.Ldc_I4, (int)bits);
                break;
            default:
                il.Emit(OpCodes.Ldc_I8, bits);
                break;
        }

        il.Emit(OpCodes.Call, machine.Method("Create", type));
    }
}
