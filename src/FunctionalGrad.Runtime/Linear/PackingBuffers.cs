using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FunctionalGrad.Linear;

/// <summary>Memory that a thread packs operands into: pinned, aligned, kept for the next product.</summary>
internal static unsafe class PackingBuffers
{
    private const int Alignment = 64;

    [ThreadStatic]
    private static byte[]? left;

    [ThreadStatic]
    private static byte[]? right;

    /// <summary>At least so many elements for the left operand; the last call's are gone.</summary>
    public static T* Left<T>(nint elements)
        where T : unmanaged => (T*)Ensure(ref left, elements * sizeof(T));

    /// <summary>At least so many elements for the right operand; the last call's are gone.</summary>
    public static T* Right<T>(nint elements)
        where T : unmanaged => (T*)Ensure(ref right, elements * sizeof(T));

    private static nint Ensure(ref byte[]? buffer, nint bytes)
    {
        if (buffer is null || buffer.Length < bytes + Alignment)
            buffer = GC.AllocateUninitializedArray<byte>(checked((int)bytes + Alignment), pinned: true);
        var start = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(buffer));
        return (start + Alignment - 1) & -Alignment;
    }
}
