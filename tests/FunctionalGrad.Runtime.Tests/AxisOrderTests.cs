using System.Collections.Immutable;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Which loop of a kernel becomes the last one.</summary>
public sealed class AxisOrderTests
{
    [Fact]
    public void ALongerAxisNearbyTakesThePlaceOfATinyLastOne()
    {
        // Every element four times, as a pool hands its cotangent back.
        var kernel = Copy([3, 2, 20, 2], [20, 0, 1, 0], [80, 40, 2, 1]);
        Assert.Equal([3, 2, 2, 20], Ordered(kernel).Extents.ToArray());
        var x = NDArray.Create<float>(Shape.Of(60), [.. Enumerable.Range(0, 60).Select(i => (float)i)]);
        var result = new Program(
            [new(BufferKind.Input, Shape.Of(60), DType.Float32), new(BufferKind.Output, Shape.Of(240), DType.Float32)], 0, [new KernelStep(kernel)]).Run([x], [])[0];
        Assert.Equal([.. Enumerable.Range(0, 240).Select(i => (float)((i / 80 * 20) + (i % 40 / 2)))], result.ToArray<float>());
    }

    [Fact]
    public void WhatIsWellOrFixedStays()
    {
        Kernel[] kernels =
        [
            Copy([3, 20, 2], [40, 2, 1], [40, 2, 1]), // one run of memory
            Copy([3, 4, 16], [1, 0, 3], [64, 16, 1]), // long enough
            Copy([3, 500, 2], [1000, 1, 500], [1000, 2, 1]) with { Body = [new(Opcode.Index, DType.Float32, 1), new(Opcode.Store, DType.Float32, 0, Access: new(1, 0, [1000, 2, 1]))] },
            Copy([40, 300, 2], [1, 100, 0], [600, 2, 1]), // neighbours are far apart
            Copy([0, 20, 2], [20, 1, 0], [40, 2, 1]),
        ];
        foreach (var kernel in kernels)
            Assert.Same(kernel, Ordered(kernel));
        var sum = Copy([3, 20, 2], [20, 1, 0], [40, 2, 1]) with { ReduceFrom = 2, ReduceCount = 1, Body = [new(Opcode.Load, DType.Float32, Access: new(0, 0, [20, 1, 0]))] };
        Assert.Same(sum, Ordered(sum));
    }

    private static Kernel Ordered(Kernel kernel) => ((KernelStep)AxisOrder.ForVectors(new KernelStep(kernel))).Kernel;

    private static Kernel Copy(ImmutableArray<int> extents, ImmutableArray<long> source, ImmutableArray<long> target) =>
        new(extents, extents.Length, 0, [new(Opcode.Load, DType.Float32, Access: new(0, 0, source)), new(Opcode.Store, DType.Float32, 0, Access: new(1, 0, target))], []);
}
