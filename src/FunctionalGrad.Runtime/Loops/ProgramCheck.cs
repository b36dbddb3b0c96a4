using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace FunctionalGrad.Loops;

/// <summary>Refuses programs that would read or write outside of their buffers: everything behind this check works with bare pointers.</summary>
internal static class ProgramCheck
{
    /// <summary>Checks all steps.</summary>
    /// <exception cref="ArgumentException">A step does not fit its buffers.</exception>
    public static void Check(ImmutableArray<BufferInfo> buffers, int numbers, ImmutableArray<Step> steps)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(numbers);
        for (var i = 0; i < steps.Length; i++)
        {
            var step = steps[i];
            foreach (var buffer in step.Reads.Concat(step.Writes))
                Demand(buffer >= 0 && buffer < buffers.Length, i, $"there is no buffer {buffer}");
            foreach (var buffer in step.Writes)
                Demand(buffers[buffer].Kind != BufferKind.Input, i, $"buffer {buffer} is an input and cannot be written");
            switch (step)
            {
                case KernelStep kernel:
                    CheckKernel(kernel.Kernel, buffers, numbers, i);
                    break;
                case MatrixProductStep product:
                    CheckProduct(product, buffers, i);
                    break;
                case ContractionStep contraction:
                    CheckContraction(contraction, buffers, i);
                    break;
                case ScatterAddStep scatter:
                    CheckScatter(scatter, buffers, i);
                    break;
            }
        }
    }

    private static void CheckKernel(Kernel kernel, ImmutableArray<BufferInfo> buffers, int numbers, int step)
    {
        var rank = kernel.Extents.Length;
        Demand(kernel.Extents.All(extent => extent >= 0), step, "an extent is negative");
        Demand(
            kernel.ReduceFrom >= 0 && kernel.ReduceCount >= 0 && kernel.ReduceFrom + kernel.ReduceCount <= rank,
            step, $"the reduced extents are not among the {rank} extents");
        for (var i = 0; i < kernel.Body.Length; i++)
            CheckInstruction(kernel, i, buffers, numbers, step);
        foreach (var reduction in kernel.Reductions)
        {
            Demand(IsValue(kernel, reduction.Value, kernel.Body.Length), step, $"a reduction folds value {reduction.Value}, which is none");
            var type = reduction.Fold is Fold.ArgMax or Fold.ArgMin ? DType.Int64 : TypeOf(kernel, reduction.Value);
            Demand(reduction.Target.Strides.Length == rank, step, "a reduction's target has another rank than the kernel");
            var isFlat = reduction.Target.Strides.Skip(kernel.ReduceFrom).Take(kernel.ReduceCount).All(stride => stride == 0);
            Demand(isFlat, step, "a reduction's target moves along a reduced extent");
            var extents = kernel.Extents.Select((e, d) => d >= kernel.ReduceFrom && d < kernel.ReduceFrom + kernel.ReduceCount ? 1 : e);
            CheckAccess(reduction.Target, [.. extents], 0, 1, type, buffers, step);
        }

        CheckInPlace(kernel, step);
        CheckStages(kernel, step);
    }

    /// <summary>What only staged kernels have to keep.</summary>
    private static void CheckStages(Kernel kernel, int step)
    {
        if (!KernelStages.IsStaged(kernel))
            return;
        Demand(kernel.ReduceFrom + kernel.ReduceCount == kernel.Extents.Length, step, "the kernel folds in its body, but its reduced extents are not the last");
        var stages = new KernelStages(kernel);
        var read = kernel.Body.Where(x => x.Code is Opcode.Load or Opcode.Gather).Select(x => x.Access!.Buffer).ToHashSet();
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            var instruction = kernel.Body[i];
            if (instruction.Code == Opcode.Fold)
                Demand(!stages.IsRow(instruction.A), step, $"instruction {i} folds value {instruction.A}, which is the same in the whole row");
            if (instruction.Code != Opcode.Store)
                continue;
            Demand(!stages.IsRow(i) || !stages.Moves(instruction.Access!), step, $"instruction {i} stores a value of the row along a reduced extent");
            Demand(!read.Contains(instruction.Access!.Buffer), step, $"buffer {instruction.Access.Buffer} is written and read by a kernel that folds in its body");
        }

        foreach (var reduction in kernel.Reductions)
            Demand(!stages.IsRow(reduction.Value), step, $"a reduction folds value {reduction.Value}, which is the same in the whole row");
    }

    private static void CheckFold(Kernel kernel, Instruction instruction, int at, int step)
    {
        var fold = (Fold)instruction.B;
        var type = TypeOf(kernel, instruction.A);
        Demand(instruction.B is >= 0 and <= (int)Fold.ArgMin, step, $"there is no fold {instruction.B}");
        Demand(type != DType.Bool || fold is not (Fold.Sum or Fold.Prod), step, $"instruction {at} adds or multiplies truth values");
        Demand(
            instruction.Type == (fold is Fold.ArgMax or Fold.ArgMin ? DType.Int64 : type),
            step, $"the {fold} of instruction {at} is not of type {instruction.Type.Name()}");
    }

    /// <summary>A kernel may read a buffer that it writes only at the place that the index alone writes: through one access, with which no two indexes meet.</summary>
    private static void CheckInPlace(Kernel kernel, int step)
    {
        var read = new Dictionary<int, Access>();
        foreach (var instruction in kernel.Body)
        {
            if (instruction.Code is Opcode.Load or Opcode.Gather)
                read.TryAdd(instruction.Access!.Buffer, instruction.Access);
        }

        HashSet<int>? inPlace = null;
        foreach (var instruction in kernel.Body)
        {
            if (instruction.Code == Opcode.Store && read.ContainsKey(instruction.Access!.Buffer))
                (inPlace ??= []).Add(instruction.Access.Buffer);
        }

        foreach (var reduction in kernel.Reductions)
            Demand(!read.ContainsKey(reduction.Target.Buffer), step, $"buffer {reduction.Target.Buffer} is read by the kernel that reduces into it");
        if (inPlace is null)
            return;
        foreach (var instruction in kernel.Body)
        {
            if (instruction.Access is not { } access || !inPlace.Contains(access.Buffer))
                continue;
            var target = read[access.Buffer];
            var isSame = instruction.Code != Opcode.Gather && access.Offset == target.Offset && access.Strides.AsSpan().SequenceEqual(target.Strides.AsSpan());
            Demand(isSame, step, $"buffer {access.Buffer} is written, and read at another place");
            for (var d = 0; d < access.Strides.Length; d++)
                Demand(access.Strides[d] != 0 || kernel.Extents[d] <= 1, step, $"several indexes read and write one place of buffer {access.Buffer}");
        }
    }

    private static void CheckInstruction(Kernel kernel, int at, ImmutableArray<BufferInfo> buffers, int numbers, int step)
    {
        var instruction = kernel.Body[at];
        var operands = KernelValues.Operands(instruction.Code);
        Demand(
            (operands < 1 || IsValue(kernel, instruction.A, at)) && (operands < 2 || IsValue(kernel, instruction.B, at)) &&
            (operands < 3 || IsValue(kernel, instruction.C, at)),
            step, $"an operand of instruction {at} ({instruction.Code}) is no earlier value");
        if (instruction.Code == Opcode.Number)
            Demand(instruction.A >= 0 && instruction.A < numbers, step, $"there is no number {instruction.A}");
        if (instruction.Code == Opcode.Index)
            Demand(instruction.A >= 0 && instruction.A < kernel.Extents.Length, step, $"there is no extent {instruction.A}");
        if (instruction.Code == Opcode.Fold)
            CheckFold(kernel, instruction, at, step);
        if (instruction.Code is not (Opcode.Load or Opcode.Gather or Opcode.Store))
            return;
        Demand(instruction.Access is not null, step, $"instruction {at} ({instruction.Code}) has no access");
        var type = instruction.Code == Opcode.Store ? TypeOf(kernel, instruction.A) : instruction.Type;
        var (stride, length) = instruction.Code == Opcode.Gather ? (instruction.Stride, instruction.Length) : (0, 1);
        if (instruction.Code == Opcode.Gather)
            Demand(TypeOf(kernel, instruction.A).IsInteger(), step, $"the index of instruction {at} is not an integer");
        CheckAccess(instruction.Access!, kernel.Extents, stride, length, type, buffers, step);
    }

    private static void CheckProduct(MatrixProductStep product, ImmutableArray<BufferInfo> buffers, int step)
    {
        Demand(product.DType.IsFloat(), step, "a matrix product is of float32 or float64");
        CheckOperand(product.A, product.Rows, product.Inner);
        CheckOperand(product.B, product.Inner, product.Columns);
        CheckOperand(product.C, product.Rows, product.Columns);

        void CheckOperand(MatrixOperand operand, int rows, int columns)
        {
            var access = new Access(operand.Buffer, operand.Offset, [.. operand.BatchStrides, operand.RowStride, operand.ColumnStride]);
            CheckAccess(access, [.. product.Batch, rows, columns], 0, 1, product.DType, buffers, step);
        }
    }

    private static void CheckContraction(ContractionStep contraction, ImmutableArray<BufferInfo> buffers, int step)
    {
        Demand(contraction.DType.IsFloat(), step, "a contraction is of float32 or float64");
        foreach (var extents in new[] { contraction.Batch, contraction.Rows, contraction.Columns, contraction.Inner })
            Demand(extents.All(extent => extent >= 0), step, "an extent is negative");
        CheckOperand(contraction.A, contraction.Rows, contraction.Inner);
        CheckOperand(contraction.B, contraction.Inner, contraction.Columns);
        CheckOperand(contraction.C, contraction.Rows, contraction.Columns);

        void CheckOperand(ContractionOperand operand, ImmutableArray<int> rows, ImmutableArray<int> columns)
        {
            Demand(
                operand.BatchStrides.Length == contraction.Batch.Length && operand.RowStrides.Length == rows.Length && operand.ColumnStrides.Length == columns.Length,
                step, "an operand of a contraction has other axes than the contraction");
            var access = new Access(operand.Buffer, operand.Offset, [.. operand.BatchStrides, .. operand.RowStrides, .. operand.ColumnStrides]);
            CheckAccess(access, [.. contraction.Batch, .. rows, .. columns], 0, 1, contraction.DType, buffers, step);
        }
    }

    private static void CheckScatter(ScatterAddStep scatter, ImmutableArray<BufferInfo> buffers, int step)
    {
        var type = buffers[scatter.Target.Buffer].DType;
        var indexType = buffers[scatter.Index.Buffer].DType;
        Demand(type != DType.Bool, step, "truth values cannot be added");
        Demand(indexType.IsInteger(), step, "the index is not an integer");
        CheckAccess(scatter.Index, scatter.Extents, 0, 1, indexType, buffers, step);
        CheckAccess(scatter.Source, scatter.Extents, 0, 1, type, buffers, step);
        CheckAccess(scatter.Target, scatter.Extents, scatter.Stride, scatter.Length, type, buffers, step);
    }

    private static void CheckAccess(
        Access access, ImmutableArray<int> extents, long stride, long length, DType type, ImmutableArray<BufferInfo> buffers, int step)
    {
        var buffer = buffers[access.Buffer];
        Demand(access.Strides.Length == extents.Length, step, $"an access has {access.Strides.Length} strides for {extents.Length} extents");
        Demand(buffer.DType == type, step, $"buffer {access.Buffer} is {buffer.DType.Name()}, but is used as {type.Name()}");
        if (extents.Contains(0) || length <= 0)
            return;
        var (first, last) = (access.Offset + Math.Min(0, stride * (length - 1)), access.Offset + Math.Max(0, stride * (length - 1)));
        for (var d = 0; d < extents.Length; d++)
        {
            var reach = checked(access.Strides[d] * (extents[d] - 1L));
            first = checked(first + Math.Min(0, reach));
            last = checked(last + Math.Max(0, reach));
        }

        Demand(first >= 0 && last < buffer.Shape.Count, step, $"an access reaches elements {first} to {last} of buffer {access.Buffer}, which has {buffer.Shape.Count}");
    }

    private static bool IsValue(Kernel kernel, int value, int before) =>
        value >= 0 && value < before && kernel.Body[value].Code != Opcode.Store;

    private static DType TypeOf(Kernel kernel, int value) => kernel.Body[value].Code switch
    {
        Opcode.Less or Opcode.LessEqual or Opcode.Equal or Opcode.NotEqual or Opcode.IsNaN => DType.Bool,
        _ => kernel.Body[value].Type,
    };

    private static void Demand(bool condition, int step, string what)
    {
        if (!condition)
            throw new ArgumentException($"program: step {step}: {what}.");
    }

    private static void Demand(bool condition, int step, [InterpolatedStringHandlerArgument(nameof(condition))] ref Refusal what)
    {
        if (!condition)
            throw new ArgumentException($"program: step {step}: {what.Text}.");
    }

    /// <summary>A text that is put together only when it is needed: a large program makes a hundred thousand demands.</summary>
    [InterpolatedStringHandler]
    private ref struct Refusal
    {
        private DefaultInterpolatedStringHandler text;

        public Refusal(int literalLength, int formattedCount, bool condition, out bool isNeeded)
        {
            isNeeded = !condition;
            text = isNeeded ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
        }

        public string Text => text.ToStringAndClear();

        public void AppendLiteral(string literal) => text.AppendLiteral(literal);

        public void AppendFormatted<T>(T value) => text.AppendFormatted(value);
    }
}
