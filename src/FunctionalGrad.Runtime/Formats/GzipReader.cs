using System.IO.Compression;

namespace FunctionalGrad.Formats;

/// <summary>
/// Uncompresses gzip, one member or several, and refuses what <see cref="GZipStream"/> lets pass: a file that is cut off
/// (even within its checksum) and bytes after the last member.
/// </summary>
internal sealed class GzipReader : IDisposable
{
    /// <summary>Bytes of <see cref="EndMark"/>.</summary>
    private const int EndLength = 8;

    // GZipStream takes a cut-off file for a complete one. So one more complete member is appended to whatever is read:
    // it comes out at the end only if everything before it was complete, checksums included.
    private static readonly byte[] EndMember = Compress(EndMark);

    /// <summary>What the end member uncompresses to; any bytes will do.</summary>
    private static ReadOnlySpan<byte> EndMark => [0x9D, 0x4E, 0xE1, 0x27, 0xB6, 0x5A, 0x03, 0xF8];

    private readonly GZipStream stream;
    private readonly byte[] buffer = new byte[1 << 16];
    private int start;
    private int end;

    /// <summary>Reads gzip from bytes already taken off a stream, and then the rest of that stream, which is left open.</summary>
    public GzipReader(byte[] head, Stream rest) =>
        stream = new GZipStream(new Framed(head, rest, EndMember), CompressionMode.Decompress);

    /// <summary>The next bytes, at least one unless all have been read.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, cut off, or followed by something else.</exception>
    public int Read(Span<byte> target)
    {
        if (target.IsEmpty || (end - start <= EndLength && !Fill()))
            return 0;
        var count = Math.Min(target.Length, end - start - EndLength);
        buffer.AsSpan(start, count).CopyTo(target);
        start += count;
        return count;
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    /// <summary>True if there is more than the end mark in the buffer, false at the verified end.</summary>
    private bool Fill()
    {
        buffer.AsSpan(start, end - start).CopyTo(buffer);
        (start, end) = (0, end - start);
        while (end <= EndLength)
        {
            var count = stream.Read(buffer, end, buffer.Length - end);
            if (count == 0)
            {
                if (!buffer.AsSpan(0, end).SequenceEqual(EndMark))
                    throw new InvalidDataException("the compressed file is cut off or followed by something else");
                return false;
            }

            end += count;
        }

        return true;
    }

    private static byte[] Compress(ReadOnlySpan<byte> content)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(content);
        return target.ToArray();
    }

    /// <summary>A stream to read forward, with bytes before it and bytes after it.</summary>
    private sealed class Framed(byte[] head, Stream inner, byte[] tail) : Stream
    {
        private int headRead;
        private int tailRead;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] target, int offset, int count) => Read(target.AsSpan(offset, count));

        public override int Read(Span<byte> target)
        {
            if (headRead < head.Length)
                return Take(head, ref headRead, target);
            var count = tailRead == 0 ? inner.Read(target) : 0;
            return count > 0 ? count : Take(tail, ref tailRead, target);
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] source, int offset, int count) => throw new NotSupportedException();

        private static int Take(byte[] source, ref int position, Span<byte> target)
        {
            var count = Math.Min(target.Length, source.Length - position);
            source.AsSpan(position, count).CopyTo(target);
            position += count;
            return count;
        }
    }
}
