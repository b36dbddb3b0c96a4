using System.IO.Compression;
using FsCheck;
using FsCheck.Fluent;
using FunctionalGrad.Formats;

namespace FunctionalGrad.Runtime.Tests.Formats;

public sealed class IdxTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("idx-tests-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void UnsignedBytesBecomeInt32()
    {
        var array = Read([0, 0, 0x08, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 2, 127, 128, 255]);
        Assert.Equal(Shape.Of(2, 3), array.Shape);
        Assert.Equal([0, 1, 2, 127, 128, 255], array.ToArray<int>());
    }

    [Fact]
    public void SignedBytesBecomeInt32() =>
        Assert.Equal([-1, -128, 127], Read([0, 0, 0x09, 1, 0, 0, 0, 3, 0xFF, 0x80, 0x7F]).ToArray<int>());

    [Fact]
    public void ShortIntegersBecomeInt32() =>
        Assert.Equal([-2, 258], Read([0, 0, 0x0B, 1, 0, 0, 0, 2, 0xFF, 0xFE, 0x01, 0x02]).ToArray<int>());

    [Fact]
    public void IntegersAreBigEndian() =>
        Assert.Equal([0x01020304], Read([0, 0, 0x0C, 1, 0, 0, 0, 1, 1, 2, 3, 4]).ToArray<int>());

    [Fact]
    public void FloatsAreBigEndian()
    {
        Assert.Equal([1.5f], Read([0, 0, 0x0D, 1, 0, 0, 0, 1, 0x3F, 0xC0, 0, 0]).ToArray<float>());
        Assert.Equal([-2.0], Read([0, 0, 0x0E, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0]).ToArray<double>());
    }

    [Fact]
    public void EmptyAxesAreRead() =>
        Assert.Equal(Shape.Of(3, 0), Read([0, 0, 0x0D, 2, 0, 0, 0, 3, 0, 0, 0, 0]).Shape);

    [Fact]
    public void ArraysComeBackAsTheyWereWritten() =>
        Property.ForAll(Arrays, array =>
        {
            foreach (var file in new[] { "a.idx", "a.idx.GZ" })
            {
                var path = Path.Combine(folder, file);
                Idx.Write(path, array);
                var back = Idx.Read(path);
                Assert.Equal(array.DType, back.DType);
                Assert.Equal(array.Shape, back.Shape);
                Assert.True(array.Bytes().SequenceEqual(back.Bytes()));
            }
        });

    [Fact]
    public void BytesComeBackAsTheyWereWritten() =>
        Property.ForAll(ByteArrays, content =>
        {
            foreach (var file in new[] { "b.idx", "b.idx.gz" })
            {
                var path = Path.Combine(folder, file);
                Idx.WriteBytes(path, content.Shape, content.Bytes);
                var (shape, bytes) = Idx.ReadBytes(path);
                Assert.Equal(content.Shape, shape);
                Assert.Equal(content.Bytes, bytes);
                Assert.Equal(content.Bytes.Select(b => (int)b), Idx.Read(path).ToArray<int>());
            }
        });

    [Fact]
    public void RanksUpTo255AreWrittenAndRead()
    {
        var path = Path.Combine(folder, "deep.idx");
        var deep = NDArray.Create<float>(new Shape(Enumerable.Repeat(1, 255)), [3f]);
        Idx.Write(path, deep);
        Assert.Equal(deep.Shape, Idx.Read(path).Shape);
        Assert.Throws<ShapeException>(() => Idx.Write(path, deep.WithShape(new Shape(Enumerable.Repeat(1, 256)))));
    }

    [Fact]
    public void TypesThatTheFormatLacksAreNotWritten()
    {
        var path = Path.Combine(folder, "none.idx");
        Assert.Throws<DTypeException>(() => Idx.Write(path, NDArray.Zeros(Shape.Of(2), DType.Int64)));
        Assert.Throws<DTypeException>(() => Idx.Write(path, NDArray.Zeros(Shape.Of(2), DType.Bool)));
        Assert.Throws<ShapeException>(() => Idx.WriteBytes(path, Shape.Of(2), [1, 2, 3]));
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void SeveralGzipMembersAreOneFile()
    {
        byte[] plain = [0, 0, 0x08, 1, 0, 0, 0, 3, 7, 8, 9];
        Assert.Equal([7, 8, 9], Read([.. Gzip(plain[..5]), .. Gzip(plain[5..])]).ToArray<int>());
    }

    [Fact]
    public void LargeFilesAreReadInPieces()
    {
        var path = Path.Combine(folder, "large.idx.gz");
        var bytes = new byte[5_000_011];
        new Random(3).NextBytes(bytes);
        Idx.WriteBytes(path, Shape.Of(bytes.Length), bytes);
        Assert.Equal(bytes, Idx.ReadBytes(path).Bytes);
    }

    [Fact]
    public void EveryPrefixIsRefused() =>
        Property.ForAll(Arrays, array =>
        {
            foreach (var content in Written(array))
            {
                for (var length = 0; length < content.Length; length++)
                    Assert.Throws<DataFormatException>(() => Read(content[..length]));
            }
        }, times: 30);

    [Fact]
    public void TrailingBytesAreRefused() =>
        Property.ForAll(Arrays, array =>
        {
            foreach (var content in Written(array))
            {
                Assert.Throws<DataFormatException>(() => Read([.. content, 0]));
                Assert.Throws<DataFormatException>(() => Read([.. content, 0x1F, 0x8B]));
                Assert.Throws<DataFormatException>(() => Read([.. content, .. content]));
            }
        }, times: 30);

    [Fact]
    public void FlippedBytesAreReadOrRefusedButNothingElse() =>
        Property.ForAll(Damaged, content =>
        {
            var faults = new[] { Record.Exception(() => Read(content)), Record.Exception(() => Idx.ReadBytes(new MemoryStream(content), "bytes")) };
            Assert.All(faults, fault => Assert.True(fault is null or DataFormatException, $"{fault}"));
        }, times: 1000);

    [Fact]
    public void ADamagedChecksumIsRefused()
    {
        var content = Gzip([0, 0, 0x08, 1, 0, 0, 0, 3, 7, 8, 9]);
        for (var i = content.Length - 8; i < content.Length; i++)
        {
            var damaged = content.ToArray();
            damaged[i] ^= 1;
            Refused(damaged, "gzip", "again");
        }
    }

    [Fact]
    public void RefusalsNameTheFileTheByteAndTheRemedy()
    {
        Refused([1, 0, 0x08, 0, 5], "idx: digits, byte 0: ", "right file");
        Refused([0, 0, 0x0A, 0, 5], "idx: digits, byte 2: 0x0A", "again");
        Refused([0, 0], "idx: digits, byte 2: the data end within the first four bytes, 2 bytes too early", "again");
        Refused([0, 0, 8, 2, 0, 0, 0, 1, 0xFF, 0, 0, 0], "idx: digits, byte 8: the size of axis 1 is negative", "again");
        Refused([0, 0, 8, 2, 0x7F, 0, 0, 0, 0x7F, 0, 0, 0], "idx: digits, byte 4: the sizes are absurd", "several files");
        Refused([0, 0, 0x0E, 1, 0x7F, 0, 0, 0], "idx: digits, byte 4: the header promises", "several files");
        Refused([0, 0, 8, 1, 0, 0, 0, 3, 1, 2], "idx: digits, byte 10: the data end within the elements of [3], 1 bytes too early", "again");
        Refused(Gzip([0, 0, 8, 1, 0, 0, 0, 3, 1, 2]), "idx: digits, byte 10: the data end", "again");
        Refused([0, 0, 8, 1, 0, 0, 0, 1, 1, 2], "idx: digits, byte 9: there are more bytes", "appended");
        Refused([0x1F, 0x8B, 0x07, 0, 0, 0, 0, 0], "idx: digits, byte 0: the gzip compression is damaged", "again");
    }

    [Fact]
    public void FilesThatCannotBeOpenedAreRefused()
    {
        var missing = Path.Combine(folder, "no", "such.idx");
        Assert.Contains($"idx: {missing}, byte 0: there is no such file", Assert.Throws<DataFormatException>(() => Idx.Read(missing)).Message);
        Assert.Contains("cannot be opened", Assert.Throws<DataFormatException>(() => Idx.ReadBytes(folder)).Message);
    }

    [Fact]
    public void AStreamThatFailsIsRefused() =>
        Assert.Contains("reading failed", Assert.Throws<DataFormatException>(() => Idx.Read(new Failing(), "line")).Message);

    [Fact]
    public void OnlyUnsignedBytesAreReadAsBytes()
    {
        byte[] signed = [0, 0, 0x09, 0, 5];
        var fault = Assert.Throws<DataFormatException>(() => Idx.ReadBytes(new MemoryStream(signed), "digits"));
        Assert.Contains("Use Idx.Read", fault.Message);
    }

    [Fact]
    public void ABrokenPromiseCostsNoMemory()
    {
        byte[] promise = [0, 0, 0x08, 1, 0x1F, 0xFF, 0xFF, 0xFF, 1, 2, 3];
        foreach (var content in new[] { promise, Gzip(promise) })
        {
            Assert.Throws<DataFormatException>(() => Read(content));
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<DataFormatException>(() => Read(content));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
        }
    }

    private static Gen<Shape> Shapes =>
        from rank in Gen.Choose(0, 4)
        from sizes in Gen.Choose(0, 4).ArrayOf(rank)
        select Shape.Of(sizes);

    private static Gen<NDArray> Arrays =>
        from shape in Shapes
        from dtype in Gen.Elements(DType.Int32, DType.Float32, DType.Float64)
        from seed in Gen.Choose(0, int.MaxValue - 1)
        select Filled(shape, dtype, seed);

    private static Gen<(Shape Shape, byte[] Bytes)> ByteArrays =>
        from shape in Shapes
        from bytes in Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf(shape.Count)
        select (shape, bytes);

    private static Gen<byte[]> Damaged =>
        from array in Arrays
        from compressed in Gen.Elements(false, true)
        from flips in (from place in Gen.Choose(0, int.MaxValue - 1)
                       from value in Gen.Choose(1, 255)
                       select (place, value)).ArrayOf().Resize(4)
        select Flipped(Written(array)[compressed ? 1 : 0], flips);

    private static byte[] Flipped(byte[] content, (int Place, int Value)[] flips)
    {
        foreach (var (place, value) in flips)
            content[place % Math.Min(content.Length, 200)] ^= (byte)value;
        return content;
    }

    private static NDArray Filled(Shape shape, DType dtype, int seed)
    {
        var array = NDArray.Allocate(shape, dtype);
        new Random(seed).NextBytes(array.Bytes());
        return array;
    }

    /// <summary>The array as a plain file and as a compressed one.</summary>
    private static byte[][] Written(NDArray array)
    {
        var path = Path.GetTempFileName();
        Idx.Write(path, array);
        var plain = File.ReadAllBytes(path);
        File.Delete(path);
        return [plain, Gzip(plain)];
    }

    private static byte[] Gzip(byte[] plain)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Optimal))
            gzip.Write(plain);
        return target.ToArray();
    }

    private static NDArray Read(byte[] content) => Idx.Read(new MemoryStream(content), "digits");

    private static void Refused(byte[] content, params string[] parts)
    {
        var message = Assert.Throws<DataFormatException>(() => Read(content)).Message;
        Assert.All(parts, part => Assert.Contains(part, message));
    }

    private sealed class Failing : MemoryStream
    {
        public override int Read(Span<byte> target) => throw new IOException("the cable was pulled");
    }
}
