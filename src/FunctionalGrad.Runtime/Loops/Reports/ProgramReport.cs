using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>What a program does, step by step, and what that takes. Nothing is run and nothing compiled.</summary>
internal sealed class ProgramReport
{
    private readonly ImmutableArray<BufferInfo> buffers;

    /// <summary>Reads a program.</summary>
    public ProgramReport(Program program)
    {
        buffers = program.Buffers;
        Plan = program.Plan;
        Steps = [.. program.Steps.Select((step, i) => ReportOf(step) with { Reads = Order(step.Reads), Writes = Order(step.Writes) })];
        names = NamesOf(buffers);
    }

    /// <summary>The steps in order.</summary>
    public ImmutableArray<StepReport> Steps { get; }

    /// <summary>Where temporaries lie.</summary>
    public MemoryPlan Plan { get; }

    private readonly string[] names;

    /// <summary>A buffer as one reads it: what it is, its type and its shape.</summary>
    public string NameOf(int buffer) => names[buffer];

    private static string[] NamesOf(ImmutableArray<BufferInfo> buffers)
    {
        var counts = new int[3];
        return [.. buffers.Select(info =>
        {
            var kind = info.Kind == BufferKind.Given ? BufferKind.Input : info.Kind;
            var name = kind switch { BufferKind.Input => "input", BufferKind.Output => "output", _ => "temporary" };
            return $"{name} {counts[(int)kind]++} {info.DType.Name()} {info.Shape}";
        })];
    }

    private static ImmutableArray<int> Order(IEnumerable<int> numbers) => [.. numbers.Distinct().Order()];

    private StepReport ReportOf(Step step) => step switch
    {
        KernelStep kernel => KernelReport.Of(kernel.Kernel, buffers),
        MatrixProductStep product => OfProduct(product),
        ContractionStep contraction => OfContraction(contraction),
        ScatterAddStep scatter => OfScatter(scatter),
        CallStep call => new StepReport("call", $"call of {call.Name}")
        {
            BytesRead = call.Inputs.Distinct().Sum(BytesOf),
            BytesWritten = call.Outputs.Sum(BytesOf),
        },
        _ => throw new InvalidOperationException($"{step.GetType().Name} is not known to reports."),
    };

    private static StepReport OfProduct(MatrixProductStep step)
    {
        long Bytes(MatrixOperand x, int rows, int columns) =>
            step.DType.Size() * Places(step.Batch, x.BatchStrides) * Places([rows, columns], [x.RowStride, x.ColumnStride]);
        var title = $"matrix product {Batches(step.Batch)}{step.Rows}×{step.Inner}×{step.Columns} {step.DType.Name()}";
        return new StepReport("matrix product", title)
        {
            Flops = 2L * Count(step.Batch) * step.Rows * step.Columns * step.Inner,
            BytesRead = Bytes(step.A, step.Rows, step.Inner) + Bytes(step.B, step.Inner, step.Columns),
            BytesWritten = Bytes(step.C, step.Rows, step.Columns),
        };
    }

    private static StepReport OfContraction(ContractionStep step)
    {
        long Bytes(ContractionOperand x, ImmutableArray<int> rows, ImmutableArray<int> columns) =>
            step.DType.Size() * Places(step.Batch, x.BatchStrides) * Places(rows, x.RowStrides) * Places(columns, x.ColumnStrides);
        static string Sizes(ImmutableArray<int> extents) => $"({string.Join("·", extents)})";
        var title = $"contraction {Batches(step.Batch)}{Sizes(step.Rows)}×{Sizes(step.Inner)}×{Sizes(step.Columns)} {step.DType.Name()}";
        return new StepReport("contraction", title)
        {
            Flops = 2L * Count(step.Batch) * Count(step.Rows) * Count(step.Columns) * Count(step.Inner),
            BytesRead = Bytes(step.A, step.Rows, step.Inner) + Bytes(step.B, step.Inner, step.Columns),
            BytesWritten = Bytes(step.C, step.Rows, step.Columns),
        };
    }

    private StepReport OfScatter(ScatterAddStep step)
    {
        var type = buffers[step.Target.Buffer].DType;
        var added = Count(step.Extents) * type.Size();
        return new StepReport("scatterAdd", $"{step.Asker} of [{string.Join(", ", step.Extents)}] {type.Name()}")
        {
            Flops = type.IsFloat() ? Count(step.Extents) : 0,
            BytesRead = (buffers[step.Index.Buffer].DType.Size() * Places(step.Extents, step.Index.Strides))
                + (type.Size() * Places(step.Extents, step.Source.Strides)) + Math.Min(added, BytesOf(step.Target.Buffer)),
            BytesWritten = Math.Min(added, BytesOf(step.Target.Buffer)),
        };
    }

    private long BytesOf(int buffer) => (long)buffers[buffer].Shape.Count * buffers[buffer].DType.Size();

    private static string Batches(ImmutableArray<int> batch) => batch.IsEmpty ? "" : $"[{string.Join(", ", batch)}] of ";

    private static long Count(ImmutableArray<int> extents) => extents.Aggregate(1L, (product, extent) => product * extent);

    /// <summary>How many places strides reach over extents.</summary>
    public static long Places(ImmutableArray<int> extents, ImmutableArray<long> strides)
    {
        long places = 1;
        for (var d = 0; d < extents.Length; d++)
            places *= extents[d] == 0 ? 0 : strides[d] == 0 ? 1 : extents[d];
        return places;
    }
}
