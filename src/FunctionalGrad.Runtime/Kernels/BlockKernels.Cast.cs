using System.Numerics;

namespace FunctionalGrad.Kernels;

internal static unsafe partial class BlockKernels
{
    /// <inheritdoc cref="Cast(DType, DType)"/>
    public static delegate*<void*, void*, nint, void> Cast(DType from, DType to, int width) => from switch
    {
        _ when from == to => CopyOf(from),
        DType.Float32 => CastLoop.Of<float>(to),
        DType.Float64 => CastLoop.Of<double>(to),
        DType.Int32 => CastLoop.Of<int>(to),
        DType.Int64 => CastLoop.Of<long>(to),
        _ => CastLoop.Of<byte>(to),
    };

    private static delegate*<void*, void*, nint, void> CopyOf(DType type) => type.Size() switch
    {
        8 => &UnaryLoop.Copy<long>,
        4 => &UnaryLoop.Copy<int>,
        _ => &UnaryLoop.Copy<byte>,
    };
}
