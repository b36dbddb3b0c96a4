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

    /// <summary>Elements between neighbouring planes.</summary>
    public nint PlaneStride => Strides.Length > 2 ? (nint)Strides[^3] : 0;

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
