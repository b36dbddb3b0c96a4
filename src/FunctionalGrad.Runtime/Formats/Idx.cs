using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace FunctionalGrad.Formats;

/// <summary>
/// The idx format of the MNIST files, plain or gzip: two zero bytes, one byte for the element type, one for the number of
/// axes, a big-endian 32-bit size for each axis, then the elements row by row, big-endian
/// (described at http://yann.lecun.com/exdb/mnist/).
/// </summary>
public static class Idx
{
    private const string Format = "idx";
    private const int MaxRank = 255;
    private const byte UnsignedByte = 0x08;
    private const byte SignedByte = 0x09;
    private const byte Int16 = 0x0B;
    private const byte Int32 = 0x0C;
    private const byte Float32 = 0x0D;
    private const byte Float64 = 0x0E;

    /// <summary>Reads a file. Bytes and 16-bit integers become int32; the other types stay what they are.</summary>
    /// <exception cref="DataFormatException">
    /// The file is missing, damaged, cut off, or not idx; the message has the offset in the uncompressed data and the remedy.
    /// </exception>
    public static NDArray Read(string path)
    {
        using var source = ByteSource.Open(Format, path);
        return ReadArray(source);
    }

    /// <summary>Reads a stream from where it stands to its end, and leaves it open.</summary>
    /// <param name="stream">Plain or gzip data; it need not be seekable.</param>
    /// <param name="name">What a refusal calls the stream.</param>
    /// <exception cref="DataFormatException">The data are damaged, cut off, or not idx.</exception>
    public static NDArray Read(Stream stream, string name)
    {
        using var source = ByteSource.Open(Format, stream, name);
        return ReadArray(source);
    }

    /// <summary>Reads a file of unsigned bytes as bytes, a quarter of the memory that <see cref="Read(string)"/> takes.</summary>
    /// <exception cref="DataFormatException">As <see cref="Read(string)"/>, or the elements are of another type.</exception>
    public static (Shape Shape, byte[] Bytes) ReadBytes(string path)
    {
        using var source = ByteSource.Open(Format, path);
        return ReadBytes(source);
    }

    /// <summary>Reads a stream of unsigned bytes as bytes, to its end, and leaves it open.</summary>
    /// <exception cref="DataFormatException">As <see cref="Read(Stream, string)"/>, or the elements are of another type.</exception>
    public static (Shape Shape, byte[] Bytes) ReadBytes(Stream stream, string name)
    {
        using var source = ByteSource.Open(Format, stream, name);
        return ReadBytes(source);
    }

    /// <summary>Writes a file, compressed if its name ends in <c>.gz</c>; a file of that name is replaced.</summary>
    /// <exception cref="DTypeException">The elements are int64 or bool, which idx does not have.</exception>
    /// <exception cref="ShapeException">There are more than 255 axes.</exception>
    public static void Write(string path, NDArray array)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(array);
        var code = array.DType switch
        {
            DType.Int32 => Int32,
            DType.Float32 => Float32,
            DType.Float64 => Float64,
            _ => throw new DTypeException($"idx: the format has no {array.DType.Name()}. Convert to int32, float32 or float64 first."),
        };
        var header = Header(code, array.Shape);
        using var file = Create(path);
        file.Write(header);
        WriteReversed(file, array.Bytes(), array.DType.Size());
        array.KeepAlive();
    }

    /// <summary>Writes a file of unsigned bytes, compressed if its name ends in <c>.gz</c>; a file of that name is replaced.</summary>
    /// <exception cref="ShapeException">The shape asks for another number of bytes, or has more than 255 axes.</exception>
    public static void WriteBytes(string path, Shape shape, ReadOnlySpan<byte> bytes)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(shape);
        if (bytes.Length != shape.Count)
            throw new ShapeException($"idx: shape {shape} has {shape.Count} elements, but {bytes.Length} bytes were given.");
        var header = Header(UnsignedByte, shape);
        using var file = Create(path);
        file.Write(header);
        file.Write(bytes);
    }

    private static NDArray ReadArray(ByteSource source)
    {
        var (code, shape) = ReadHeader(source);
        var (dtype, size) = Type(code);
        CheckSize(source, shape, Math.Max(size, dtype.Size()));
        var bytes = source.ReadPromised(shape.Count * size, $"the elements of {shape}");
        source.ExpectEnd();
        var array = NDArray.Allocate(shape, dtype);
        Convert(code, bytes, array);
        array.KeepAlive();
        return array;
    }

    private static (Shape Shape, byte[] Bytes) ReadBytes(ByteSource source)
    {
        var (code, shape) = ReadHeader(source);
        if (code != UnsignedByte)
            throw source.Fault($"the elements are of type 0x{code:X2}, not unsigned bytes (0x08). Use Idx.Read.", at: 2);
        CheckSize(source, shape, 1);
        var bytes = source.ReadPromised(shape.Count, $"the elements of {shape}");
        source.ExpectEnd();
        return (shape, bytes);
    }

    private static (byte Code, Shape Shape) ReadHeader(ByteSource source)
    {
        Span<byte> magic = stackalloc byte[4];
        source.Fill(magic, "the first four bytes");
        if (magic[0] != 0 || magic[1] != 0)
            throw source.Fault($"it begins with {magic[0]:X2} {magic[1]:X2} instead of 00 00, so it is not idx. Check that it is the right file.", at: 0);
        if (magic[2] is not (UnsignedByte or SignedByte or Int16 or Int32 or Float32 or Float64))
            throw source.Fault(
                $"0x{magic[2]:X2} is not an element type (08 and 09 bytes, 0B int16, 0C int32, 0D float32, 0E float64). Fetch the file again, or check that it is idx.",
                at: 2);
        return (magic[2], ReadShape(source, magic[3]));
    }

    private static Shape ReadShape(ByteSource source, int rank)
    {
        var sizes = new int[rank];
        Span<byte> field = stackalloc byte[4];
        for (var axis = 0; axis < rank; axis++)
        {
            source.Fill(field, $"the sizes of {rank} axes");
            sizes[axis] = BinaryPrimitives.ReadInt32BigEndian(field);
            if (sizes[axis] < 0)
                throw source.Fault($"the size of axis {axis} is negative, {sizes[axis]}. The header is damaged: fetch the file again.", at: source.Offset - 4);
        }

        try
        {
            return new Shape(sizes);
        }
        catch (ShapeException fault)
        {
            throw source.Fault($"the sizes are absurd ({fault.Message.TrimEnd('.')}). If they are meant, write several files; if not, fetch the file again.", fault, at: 4);
        }
    }

    private static (DType DType, int Size) Type(byte code) => code switch
    {
        UnsignedByte or SignedByte => (DType.Int32, 1),
        Int16 => (DType.Int32, 2),
        Int32 => (DType.Int32, 4),
        Float32 => (DType.Float32, 4),
        _ => (DType.Float64, 8),
    };

    private static void CheckSize(ByteSource source, Shape shape, int size)
    {
        var bytes = (long)shape.Count * size;
        if (bytes > Array.MaxLength - 2 * NDArray.Alignment)
            throw source.Fault(
                $"the header promises {shape}, {bytes} bytes in memory, more than one array can hold. If that is meant, write several files; if not, fetch the file again.",
                at: 4);
    }

    private static void Convert(byte code, byte[] bytes, NDArray array)
    {
        switch (code)
        {
            case UnsignedByte:
                var unsigned = array.Elements<int>();
                for (var i = 0; i < unsigned.Length; i++)
                    unsigned[i] = bytes[i];
                break;
            case SignedByte:
                var signed = array.Elements<int>();
                for (var i = 0; i < signed.Length; i++)
                    signed[i] = (sbyte)bytes[i];
                break;
            case Int16:
                var wide = array.Elements<int>();
                for (var i = 0; i < wide.Length; i++)
                    wide[i] = BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(2 * i));
                break;
            default:
                Reverse(bytes, array.Bytes(), array.DType.Size());
                break;
        }
    }

    /// <summary>Between big-endian and the order of this machine, either way.</summary>
    private static void Reverse(ReadOnlySpan<byte> source, Span<byte> target, int size)
    {
        if (!BitConverter.IsLittleEndian)
            source.CopyTo(target);
        else if (size == 4)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, int>(source), MemoryMarshal.Cast<byte, int>(target));
        else
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, long>(source), MemoryMarshal.Cast<byte, long>(target));
    }

    private static void WriteReversed(Stream file, ReadOnlySpan<byte> bytes, int size)
    {
        var chunk = new byte[Math.Min(bytes.Length, 1 << 16)];
        while (!bytes.IsEmpty)
        {
            var count = Math.Min(bytes.Length, chunk.Length);
            Reverse(bytes[..count], chunk.AsSpan(0, count), size);
            file.Write(chunk, 0, count);
            bytes = bytes[count..];
        }
    }

    private static byte[] Header(byte code, Shape shape)
    {
        if (shape.Rank > MaxRank)
            throw new ShapeException($"idx: the format has at most {MaxRank} axes, the array has {shape.Rank}. Reshape it first.");
        var header = new byte[4 + 4 * shape.Rank];
        header[2] = code;
        header[3] = (byte)shape.Rank;
        for (var axis = 0; axis < shape.Rank; axis++)
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + 4 * axis), shape[axis]);
        return header;
    }

    private static Stream Create(string path)
    {
        var file = File.Create(path);
        return path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionLevel.Optimal) : file;
    }
}
