namespace FunctionalGrad.Loops;

/// <summary>
/// Walks a contiguous range of the linear index space of an access as boxes: planes of rows of one length, with a fixed stride
/// inside a row, between rows and between planes. Boxes are as large as the range allows, because each one costs a few nanoseconds.
/// </summary>
internal ref struct Boxes
{
    private readonly StridedAccess access;
    private readonly Span<long> digits;
    private long remaining;
    private long position;

    /// <summary>Starts at a linear index. <paramref name="digits"/> is room for one number per extent of the access.</summary>
    public Boxes(StridedAccess access, long start, long count, Span<long> digits)
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

    /// <summary>Where the box begins in the buffer, in elements.</summary>
    public nint Offset { get; private set; }

    /// <summary>How many planes it has.</summary>
    public nint Planes { get; private set; }

    /// <summary>How many rows each plane has.</summary>
    public nint Rows { get; private set; }

    /// <summary>How many elements each row has.</summary>
    public nint Length { get; private set; }

    /// <summary>Steps to the next box; false at the end.</summary>
    public bool Next()
    {
        if (remaining <= 0)
            return false;
        Offset = (nint)position;
        var extents = access.Extents;
        var last = extents.Length - 1;
        (Planes, Rows) = (1, 1);
        if (last == 0 || digits[last] != 0 || remaining < extents[last])
        {
            Length = (nint)Math.Min(remaining, extents[last] - digits[last]);
            Advance(last, Length);
        }
        else
        {
            Length = (nint)extents[last];
            var rows = remaining / Length;
            if (last == 1 || digits[last - 1] != 0 || rows < extents[last - 1])
            {
                Rows = (nint)Math.Min(rows, extents[last - 1] - digits[last - 1]);
                Advance(last - 1, Rows);
            }
            else
            {
                Rows = (nint)extents[last - 1];
                Planes = (nint)Math.Min(rows / Rows, extents[last - 2] - digits[last - 2]);
                Advance(last - 2, Planes);
            }
        }

        remaining -= Planes * Rows * Length;
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
