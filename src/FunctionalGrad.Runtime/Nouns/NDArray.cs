using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FunctionalGrad;

/// <summary>
/// A dense array of numbers, row-major, in managed memory that does not move and starts on a cache line.
/// It is immutable to the outside; there is nothing to dispose.
/// </summary>
public sealed unsafe class NDArray
{
    /// <summary>Bytes that every array's first element is aligned to.</summary>
    internal const int Alignment = 64;

    // Who may read the memory: others too, or what they cannot tell from others; this object alone; not this object any more.
    private const int Shared = 0;
    private const int Sole = 1;
    private const int Donated = 2;

    private readonly object storage;
    private int holding;

    private NDArray(Shape shape, DType dtype, object storage, nint address)
    {
        Shape = shape;
        DType = dtype;
        this.storage = storage;
        Address = address;
    }

    /// <summary>The sizes of the axes.</summary>
    public Shape Shape { get; }

    /// <summary>The type of the elements.</summary>
    public DType DType { get; }

    /// <summary>How many elements there are.</summary>
    public int Count => Shape.Count;

    /// <summary>Bytes that the elements take.</summary>
    public long ByteLength => (long)Count * DType.Size();

    /// <summary>Where the first element lies; valid while this object is alive.</summary>
    internal nint Address { get; private set; }

    /// <inheritdoc cref="Address"/>
    internal byte* Pointer => (byte*)Address;

    /// <summary>An array whose elements are not set yet; whoever asks fills it before anybody else sees it.</summary>
    internal static NDArray Allocate(Shape shape, DType dtype)
    {
        var bytes = (long)shape.Count * dtype.Size();
        if (bytes is >= RecycledMemory.Smallest and < int.MaxValue / 2)
        {
            var memory = RecycledMemory.Take(bytes);
            return new NDArray(shape, dtype, memory, memory.Address);
        }

        var (storage, address) = Memory.Allocate(bytes);
        return new NDArray(shape, dtype, storage, address);
    }

    /// <summary>
    /// An array over somebody else's memory, which does not keep that alive and is overwritten when its owner needs it again: for use inside
    /// of one call. <see cref="MoveTo"/> says where the memory is.
    /// </summary>
    internal static NDArray View(Shape shape, DType dtype) => new(shape, dtype, Array.Empty<byte>(), 0);

    /// <summary>Lays a view over other memory.</summary>
    internal void MoveTo(nint address) => Address = address;

    /// <summary>An array of zeros (false for bool).</summary>
    public static NDArray Zeros(Shape shape, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var array = Allocate(shape, dtype);
        NativeMemory.Clear(array.Pointer, (nuint)array.ByteLength);
        return array;
    }

    /// <summary>An array of the given elements, copied.</summary>
    /// <exception cref="ShapeException">The shape asks for another number of elements.</exception>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not an element type.</exception>
    public static NDArray Create<T>(Shape shape, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(shape);
        var dtype = DTypes.Of<T>();
        if (elements.Length != shape.Count)
            throw new ShapeException($"array: shape {shape} has {shape.Count} elements, but {elements.Length} were given.");
        var array = Allocate(shape, dtype);
        elements.CopyTo(array.Elements<T>());
        return array;
    }

    /// <summary>The same elements under another shape; nothing is copied.</summary>
    /// <exception cref="ShapeException">The shape asks for another number of elements.</exception>
    public NDArray WithShape(Shape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (shape.Count != Count)
            throw new ShapeException($"array: {Shape} has {Count} elements, {shape} has {shape.Count}.");
        Share();
        return shape.Equals(Shape) ? this : new NDArray(shape, DType, storage, Address);
    }

    /// <summary>The result of a program, under a shape, for the one tensor that will hold it: its memory may be donated.</summary>
    internal NDArray Alone(Shape shape)
    {
        var alone = shape.Equals(Shape) ? this : new NDArray(shape, DType, storage, Address);
        alone.holding = Sole;
        return alone;
    }

    /// <summary>Whether the memory has been given away, so that other numbers may be in it.</summary>
    internal bool IsDonated => Volatile.Read(ref holding) == Donated;

    /// <summary>From now on others may hold the memory too: it will not be given away.</summary>
    /// <exception cref="DonationException">It has been given away already.</exception>
    internal NDArray Share()
    {
        if (Volatile.Read(ref holding) == Sole)
            Interlocked.CompareExchange(ref holding, Shared, Sole);
        RefuseDonated();
        return this;
    }

    /// <summary>Gives the memory away if nobody else can hold it; whoever asks may write over it.</summary>
    internal bool TryDonate() => Interlocked.CompareExchange(ref holding, Donated, Sole) == Sole;

    /// <summary>The array that is written over this one.</summary>
    internal NDArray Successor() => new(Shape, DType, storage, Address);

    /// <summary>The same elements in memory of their own, even if this one's has just been given away, by the caller.</summary>
    internal NDArray Copy()
    {
        var copy = Allocate(Shape, DType);
        Buffer.MemoryCopy(Pointer, copy.Pointer, ByteLength, ByteLength);
        KeepAlive();
        return copy;
    }

    /// <summary>Ends every read: if the memory was given away meanwhile, what was read may be anything.</summary>
    /// <exception cref="DonationException">It was.</exception>
    internal void RefuseDonated()
    {
        Volatile.ReadBarrier();
        if (IsDonated)
            throw new DonationException($"array: the memory of this {DType.Name()} {Shape} array was donated to a function, which has written over it. Read the function's result, or do not donate it.");
    }

    /// <summary>Neighbouring elements, row by row from <paramref name="start"/>, where they lie; nothing is copied.</summary>
    internal NDArray Part(int start, Shape shape)
    {
        Share();
        return new(shape, DType, storage, Address + ((nint)start * DType.Size()));
    }

    /// <summary>The elements, row by row, where they lie.</summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not this array's element type.</exception>
    public ReadOnlySpan<T> AsSpan<T>()
        where T : unmanaged
    {
        Share();
        if (storage is not RecycledMemory memory || Count == 0)
            return Elements<T>();
        var length = Elements<T>().Length;
        memory.Show();
        return MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<byte, T>(ref memory.At(Address)), length);
    }

    /// <summary>A copy of the elements, row by row.</summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not this array's element type.</exception>
    public T[] ToArray<T>()
        where T : unmanaged
    {
        var copy = Elements<T>().ToArray();
        RefuseDonated();
        KeepAlive();
        return copy;
    }

    /// <summary>One element, by its position in row-major order, widened to a double; false and true are 0 and 1.</summary>
    public double GetDouble(int index)
    {
        var value = DType switch
        {
            DType.Float32 => Elements<float>()[index],
            DType.Float64 => Elements<double>()[index],
            DType.Int32 => Elements<int>()[index],
            DType.Int64 => Elements<long>()[index],
            _ => Elements<bool>()[index] ? 1 : 0,
        };
        RefuseDonated();
        KeepAlive();
        return value;
    }

    /// <summary>One element, by its position in row-major order, as a 64-bit integer; fractions are cut off.</summary>
    public long GetInt64(int index)
    {
        var value = DType switch
        {
            DType.Int32 => Elements<int>()[index],
            DType.Int64 => Elements<long>()[index],
            _ => (long)GetDouble(index),
        };
        RefuseDonated();
        KeepAlive();
        return value;
    }

    /// <summary>The elements as <see cref="Printing.Format"/> gives them.</summary>
    public override string ToString() => Printing.Format(this);

    /// <summary>The elements to write to, for whoever allocated the array.</summary>
    internal Span<T> Elements<T>()
        where T : unmanaged
    {
        if (DTypes.Of<T>() != DType)
            throw new DTypeException($"array: the elements are {DType.Name()}, not {DTypes.Of<T>().Name()}. Convert with cast first.");
        return new Span<T>(Pointer, Count);
    }

    /// <summary>The raw bytes to write to, for whoever allocated the array.</summary>
    internal Span<byte> Bytes() => new(Pointer, checked((int)ByteLength));

    /// <summary>Keeps the memory where it is until here; call it after the last use of <see cref="Pointer"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void KeepAlive() => GC.KeepAlive(storage);
}

/// <summary>
/// Pinned, cache-line aligned managed memory. A pinned allocation costs microseconds, so small and middling pieces share pages;
/// a piece that lives long keeps at most eight times its size class alive.
/// </summary>
internal static class Memory
{
    private const int PiecesPerPage = 8;
    private static readonly int[] LargestPieces = [512, 4096, 32768];

    [ThreadStatic]
    private static Page[]? pages;

    /// <summary>Bytes that the machine, or the limit set for the process, has altogether.</summary>
    public static long Available { get; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>At least <paramref name="bytes"/> bytes; the memory stays valid while the returned array is referenced.</summary>
    /// <exception cref="ShapeException">There are more bytes than one array can hold.</exception>
    public static (object Storage, nint Address) Allocate(long bytes)
    {
        var rounded = Math.Max(NDArray.Alignment, (bytes + NDArray.Alignment - 1) & -NDArray.Alignment);
        pages ??= [new(), new(), new()];
        for (var size = 0; size < LargestPieces.Length; size++)
        {
            if (rounded <= LargestPieces[size])
                return pages[size].Take((int)rounded, LargestPieces[size] * PiecesPerPage);
        }

        if (rounded + NDArray.Alignment <= Array.MaxLength)
            return Pinned((int)rounded);
        var lines = (rounded / NDArray.Alignment) + 1;
        if (lines > Array.MaxLength)
            throw new ShapeException($"array: {bytes} bytes are more than one array can hold ({(long)Array.MaxLength * NDArray.Alignment}). Split it.");
        return Aligned(GC.AllocateUninitializedArray<Line>((int)lines, pinned: true));
    }

    private static (Array Storage, nint Address) Pinned(int bytes) =>
        Aligned(GC.AllocateUninitializedArray<byte>(bytes + NDArray.Alignment, pinned: true));

    private static (Array Storage, nint Address) Aligned<T>(T[] storage)
        where T : unmanaged
    {
        var start = Marshal.UnsafeAddrOfPinnedArrayElement(storage, 0);
        return (storage, (start + NDArray.Alignment - 1) & -NDArray.Alignment);
    }

    /// <summary>A cache line: an array of them holds more bytes than an array of bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = NDArray.Alignment)]
    private readonly struct Line;

    /// <summary>Memory that pieces are cut from, one after the other. It serves again when nobody holds any of them.</summary>
    private sealed class Page
    {
        private RecycledMemory? storage;
        private nint next;
        private nint end;

        public (object Storage, nint Address) Take(int bytes, int pageSize)
        {
            if (storage is null || end - next < bytes)
            {
                storage = RecycledMemory.Take(pageSize);
                next = storage.Address;
                end = next + pageSize;
            }

            var piece = next;
            next += bytes;
            return (storage, piece);
        }
    }
}
