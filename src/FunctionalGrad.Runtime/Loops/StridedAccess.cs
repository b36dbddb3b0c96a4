namespace FunctionalGrad.Loops;

/// <summary>
/// An index map over the linearized index space of a kernel: row-major over extents that have been merged as far as this one access allows,
/// so that a contiguous access has a single extent. There is always at least one.
/// </summary>
internal sealed class StridedAccess
{
    private StridedAccess(int buffer, long offset, int elementSize, long[] extents, long[] strides)
    {
        Buffer = buffer;
        Offset = offset;
        ElementSize = elementSize;
        Extents = extents;
        Strides = strides;
    }

    /// <summary>Which buffer of the program.</summary>
    public int Buffer { get; }

    /// <summary>The element at index zero.</summary>
    public long Offset { get; }

    /// <summary>Bytes of one element.</summary>
    public int ElementSize { get; }

    /// <summary>The merged extents, outermost first.</summary>
    public long[] Extents { get; }

    /// <summary>Elements between neighbours along each merged extent.</summary>
    public long[] Strides { get; }

    /// <summary>Elements between neighbours of a run.</summary>
    public nint RunStride => (nint)Strides[^1];

    /// <summary>Elements between neighbouring runs.</summary>
    public nint RowStride => Strides.Length > 1 ? (nint)Strides[^2] : 0;

    /// <summary>True if the linear index is the position in the buffer, up to the offset.</summary>
    public bool IsContiguous => Strides is [1];

    /// <summary>Merges neighbouring extents wherever the strides allow, and drops those of size one.</summary>
    public static StridedAccess Create(int buffer, long offset, int elementSize, ReadOnlySpan<int> extents, ReadOnlySpan<long> strides)
    {
        var mergedExtents = new List<long>(extents.Length);
        var mergedStrides = new List<long>(extents.Length);
        for (var d = 0; d < extents.Length; d++)
        {
            if (extents[d] == 1)
                continue;
            if (mergedExtents.Count > 0 && mergedStrides[^1] == strides[d] * extents[d])
            {
                mergedExtents[^1] *= extents[d];
                mergedStrides[^1] = strides[d];
            }
            else
            {
                mergedExtents.Add(extents[d]);
                mergedStrides.Add(strides[d]);
            }
        }

        return mergedExtents.Count == 0
            ? new StridedAccess(buffer, offset, elementSize, [1], [1])
            : new StridedAccess(buffer, offset, elementSize, [.. mergedExtents], [.. mergedStrides]);
    }
}

/// <summary>
/// Walks a contiguous range of the linear index space as rectangles: rows of one length, a fixed stride inside a row and between rows.
/// </summary>
internal ref struct Rectangles
{
    private readonly StridedAccess access;
    private readonly Span<long> digits;
    private long remaining;
    private long position;

    /// <summary>Starts at a linear index. <paramref name="digits"/> is room for one number per extent of the access.</summary>
    public Rectangles(StridedAccess access, long start, long count, Span<long> digits)
    {
        this.access = access;
        this.digits = digits;
        remaining = count;
        position = access.Offset;
        for (var d = access.Extents.Length - 1; d > 0; d--)
        {
            (start, digits[d]) = Math.DivRem(start, access.Extents[d]);
            position += digits[d] * access.Strides[d];
        }

        digits[0] = start;
        position += start * access.Strides[0];
    }

    /// <summary>Where the rectangle begins in the buffer, in elements.</summary>
    public nint Offset { get; private set; }

    /// <summary>How many rows it has.</summary>
    public nint Rows { get; private set; }

    /// <summary>How many elements each row has.</summary>
    public nint Length { get; private set; }

    /// <summary>Steps to the next rectangle; false at the end.</summary>
    public bool Next()
    {
        if (remaining <= 0)
            return false;
        Offset = (nint)position;
        var extents = access.Extents;
        var last = extents.Length - 1;
        var length = extents[last];
        if (last == 0 || digits[last] != 0 || remaining < length)
        {
            Length = (nint)Math.Min(remaining, length - digits[last]);
            Rows = 1;
            Advance(last, Length);
        }
        else
        {
            Length = (nint)length;
            Rows = (nint)Math.Min(remaining / length, extents[last - 1] - digits[last - 1]);
            Advance(last - 1, Rows);
        }

        remaining -= Rows * Length;
        return true;
    }

    private void Advance(int d, long steps)
    {
        var strides = access.Strides;
        digits[d] += steps;
        position += steps * strides[d];
        for (; d > 0 && digits[d] == access.Extents[d]; d--)
        {
            position += strides[d - 1] - (digits[d] * strides[d]);
            digits[d] = 0;
            digits[d - 1]++;
        }
    }
}
