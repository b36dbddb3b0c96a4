using System.Collections.Immutable;
namespace FunctionalGrad.Loops;
/// <summary>stub</summary>
public sealed class Program { 
/// <summary>stub</summary>
public Program(ImmutableArray<BufferInfo> buffers, int numbers, ImmutableArray<Step> steps) { }
/// <summary>stub</summary>
public NDArray[] Run(ReadOnlySpan<NDArray> inputs, ReadOnlySpan<long> numbers) => throw new InvalidOperationException(); }
