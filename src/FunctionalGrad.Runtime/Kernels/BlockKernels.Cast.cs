namespace FunctionalGrad.Kernels;

internal static unsafe partial class BlockKernels
{
    /// <inheritdoc cref="Cast(DType, DType)"/>
    public static delegate*<void*, void*, nint, void> Cast(DType from, DType to, int width) => from switch
    {
        _ when from == to => CopyOf(from),
        DType.Float32 => CastLoop.Of<float>(to, width),
        DType.Float64 => CastLoop.Of<double>(to, width),
        DType.Int32 => CastLoop.Of<int>(to, width),
        DType.Int64 => CastLoop.Of<long>(to, width),
        _ => FromTruth(to, width),
    };

    private static delegate*<void*, void*, nint, void> FromTruth(DType to, int width) => to switch
    {
        DType.Float32 => CastLoop.FromTruth<float>(width),
        DType.Float64 => CastLoop.FromTruth<double>(width),
        DType.Int32 => CastLoop.FromTruth<int>(width),
        _ => CastLoop.FromTruth<long>(width),
    };

    private static delegate*<void*, void*, nint, void> CopyOf(DType type) => type.Size() switch
    {
        8 => &UnaryLoop.Copy<long>,
        4 => &UnaryLoop.Copy<int>,
        _ => &UnaryLoop.Copy<byte>,
    };
}
