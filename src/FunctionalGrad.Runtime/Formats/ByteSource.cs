namespace FunctionalGrad.Formats;

/// <summary>
/// The bytes of a file, plain or gzip (told apart by their first two bytes), read forward. Every fault is a
/// <see cref="DataFormatException"/> with the file's name and the offset in the uncompressed data.
/// </summary>
internal sealed class ByteSource : IDisposable
{
    private const int FirstChunk = 1 << 20;

    private readonly string format;
    private readonly string name;
    private readonly Stream stream;
    private readonly bool ownsStream;
    private readonly GzipReader? gzip;
    private readonly byte[] head;
    private int headRead;

    private ByteSource(string format, string name, Stream stream, bool ownsStream)
    {
        this.format = format;
        this.name = name;
        this.stream = stream;
        this.ownsStream = ownsStream;
        head = ReadHead();
        if (head is [0x1F, 0x8B])
            gzip = new GzipReader(head, stream);
    }

    /// <summary>How many uncompressed bytes have been read.</summary>
    public long Offset { get; private set; }

    /// <summary>Opens a file; <paramref name="format"/> begins every refusal.</summary>
    public static ByteSource Open(string format, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return new ByteSource(format, path, File.OpenRead(path), ownsStream: true);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Fault(format, path, 0, "there is no such file. Check the path, or fetch the file first.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault(format, path, 0, $"the file cannot be opened ({fault.Message.TrimEnd('.')}). Check that it is a file that you may read.", fault);
        }
    }

    /// <summary>Reads a stream from where it stands; it is left open.</summary>
    public static ByteSource Open(string format, Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(name);
        if (!stream.CanRead)
            throw new ArgumentException("The stream cannot be read.", nameof(stream));
        return new ByteSource(format, name, stream, ownsStream: false);
    }

    /// <summary>Fills <paramref name="target"/>, or refuses; <paramref name="what"/> says what is missing if the data end before.</summary>
    public void Fill(Span<byte> target, string what)
    {
        while (!target.IsEmpty)
        {
            var count = Read(target);
            if (count == 0)
                throw Fault($"the data end within {what}, {target.Length} bytes too early. The file is cut off: fetch it again.");
            target = target[count..];
        }
    }

    /// <summary>
    /// Reads as many bytes as were promised. Memory is taken as they arrive, so a promise that is not kept costs no more
    /// than twice what is there.
    /// </summary>
    public byte[] ReadPromised(int count, string what)
    {
        var bytes = new byte[Math.Min(count, FirstChunk)];
        var filled = 0;
        while (true)
        {
            while (filled < bytes.Length)
            {
                var read = Read(bytes.AsSpan(filled));
                if (read == 0)
                    throw Fault($"the data end within {what}, {count - filled} bytes too early. The file is cut off: fetch it again.");
                filled += read;
            }

            if (filled == count)
                return bytes;
            Array.Resize(ref bytes, (int)Math.Min(count, 2L * bytes.Length));
        }
    }

    /// <summary>Refuses anything that follows.</summary>
    public void ExpectEnd()
    {
        Span<byte> one = stackalloc byte[1];
        if (Read(one) == 0)
            return;
        Offset--;
        throw Fault("there are more bytes than the header promises. The header is damaged or something was appended: fetch the file again.");
    }

    /// <summary>A refusal at the present offset, or at <paramref name="at"/>.</summary>
    public DataFormatException Fault(string problemAndRemedy, Exception? inner = null, long? at = null) =>
        Fault(format, name, at ?? Offset, problemAndRemedy, inner);

    /// <inheritdoc/>
    public void Dispose()
    {
        gzip?.Dispose();
        if (ownsStream)
            stream.Dispose();
    }

    private static DataFormatException Fault(string format, string name, long offset, string problemAndRemedy, Exception? inner) =>
        new($"{format}: {name}, byte {offset}: {problemAndRemedy}", inner);

    private int Read(Span<byte> target)
    {
        try
        {
            var count = gzip is null ? ReadPlain(target) : gzip.Read(target);
            Offset += count;
            return count;
        }
        catch (Exception fault) when (fault is InvalidDataException || (gzip is not null && fault is IOException))
        {
            throw Fault($"the gzip compression is damaged ({fault.Message.TrimEnd('.')}). Fetch the file again.", fault);
        }
        catch (IOException fault)
        {
            throw Fault($"reading failed ({fault.Message.TrimEnd('.')}). Check the disk or the connection.", fault);
        }
    }

    private int ReadPlain(Span<byte> target)
    {
        if (headRead == head.Length)
            return stream.Read(target);
        var count = Math.Min(target.Length, head.Length - headRead);
        head.AsSpan(headRead, count).CopyTo(target);
        headRead += count;
        return count;
    }

    private byte[] ReadHead()
    {
        try
        {
            var first = new byte[2];
            return first[..stream.ReadAtLeast(first, 2, throwOnEndOfStream: false)];
        }
        catch (IOException fault)
        {
            Dispose();
            throw Fault($"reading failed ({fault.Message.TrimEnd('.')}). Check the disk or the connection.", fault);
        }
    }
}
