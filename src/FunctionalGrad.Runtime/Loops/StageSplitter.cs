using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>
/// Cuts a staged kernel into plain ones for the interpreter. A stage is a kernel over the rows, which computes and stores values of the row, and one over the
/// elements, which computes anew what it needs of elements, stores what can be stored, and folds. Between them values of the row lie in buffers.
/// </summary>
internal sealed class StageSplitter
{
    private readonly Kernel kernel;
    private readonly KernelValues values;
    private readonly KernelStages stages;
    private readonly ImmutableArray<BufferInfo>.Builder buffers;
    private readonly bool[] needed;
    private readonly int[] rowBuffer;
    private readonly Shape rows;
    private readonly long[] rowStrides;

    private StageSplitter(Kernel kernel, ImmutableArray<BufferInfo>.Builder buffers)
    {
        this.kernel = kernel;
        this.buffers = buffers;
        values = new KernelValues(kernel);
        stages = new KernelStages(kernel);
        rowBuffer = new int[kernel.Body.Length];
        Array.Fill(rowBuffer, -1);
        rowStrides = new long[kernel.Extents.Length];
        rows = new Shape(kernel.Extents.Take(kernel.ReduceFrom));
        for (var (d, stride) = (kernel.ReduceFrom - 1, 1L); d >= 0; stride *= kernel.Extents[d--])
            rowStrides[d] = stride;
        needed = Needed(i => kernel.Body[i].Code == Opcode.Store, kernel.Reductions, _ => false);
        KeepRows();
    }

    /// <summary>The steps with staged kernels cut, and the buffers with those added that this takes.</summary>
    public static (ImmutableArray<BufferInfo> Buffers, ImmutableArray<Step> Steps) Split(ImmutableArray<BufferInfo> buffers, ImmutableArray<Step> steps)
    {
        if (!steps.Any(IsStaged))
            return (buffers, steps);
        var all = buffers.ToBuilder();
        ImmutableArray<Step> cut = [.. steps.Select(step => IsStaged(step) ? new StagesStep(new StageSplitter(((KernelStep)step).Kernel, all).Stages()) : step)];
        return (all.ToImmutable(), cut);
    }

    private static bool IsStaged(Step step) => step is KernelStep kernel && KernelStages.IsStaged(kernel.Kernel);

    /// <summary>Gives a buffer to each fold, and to each other value of the row that elements read and that is not read from a buffer anyway.</summary>
    private void KeepRows()
    {
        for (var i = 0; i < needed.Length; i++)
        {
            if (!needed[i])
                continue;
            if (kernel.Body[i].Code == Opcode.Fold)
                Keep(i);
            else if (!stages.IsRow(i))
                ForOperands(i, operand => Keep(operand));
        }
    }

    private void Keep(int value)
    {
        if (!stages.IsRow(value) || rowBuffer[value] >= 0 || kernel.Body[value].Code is Opcode.Number or Opcode.Load or Opcode.Index)
            return;
        rowBuffer[value] = buffers.Count;
        buffers.Add(new BufferInfo(BufferKind.Temporary, rows, values.Type(value)));
    }

    private ImmutableArray<KernelStep> Stages()
    {
        var kernels = ImmutableArray.CreateBuilder<KernelStep>();
        for (var stage = 0; stage < stages.Count; stage++)
        {
            if (RowKernel(stage) is { } ofRows)
                kernels.Add(new KernelStep(ofRows));
            if (ElementKernel(stage) is { } ofElements)
                kernels.Add(new KernelStep(ofElements));
        }

        return kernels.ToImmutable();
    }

    /// <summary>What a stage computes of rows, or null.</summary>
    private Kernel? RowKernel(int stage)
    {
        bool IsKeptHere(int i) => rowBuffer[i] >= 0 && kernel.Body[i].Code != Opcode.Fold && stages.Stage(i) == stage;
        bool IsRoot(int i) => stages.IsRow(i) && stages.Stage(i) == stage && (kernel.Body[i].Code == Opcode.Store || IsKeptHere(i));
        if (!Enumerable.Range(0, needed.Length).Any(IsRoot))
            return null;
        var here = Needed(IsRoot, [], i => rowBuffer[i] >= 0 && !IsKeptHere(i));
        var copy = new Copy(this, kernel.ReduceFrom);
        for (var i = 0; i < here.Length; i++)
        {
            if (!here[i])
                continue;
            copy.Add(i, isKept: rowBuffer[i] >= 0 && !IsKeptHere(i));
            if (IsKeptHere(i))
                copy.Keep(i);
        }

        return new Kernel([.. kernel.Extents.Take(kernel.ReduceFrom)], 0, 0, copy.Body, []);
    }

    /// <summary>What a stage computes of elements, or null.</summary>
    private Kernel? ElementKernel(int stage)
    {
        var reductions = ReductionsOf(stage).ToImmutableArray();
        bool IsRoot(int i) => !stages.IsRow(i) && stages.Stage(i) == stage && kernel.Body[i].Code == Opcode.Store;
        if (reductions.IsEmpty && !Enumerable.Range(0, needed.Length).Any(IsRoot))
            return null;
        var here = Needed(IsRoot, reductions, i => rowBuffer[i] >= 0);
        var copy = new Copy(this, kernel.Extents.Length);
        for (var i = 0; i < here.Length; i++)
        {
            if (here[i])
                copy.Add(i, isKept: rowBuffer[i] >= 0);
        }

        return kernel with { Body = copy.Body, Reductions = [.. reductions.Select(r => r with { Value = copy.NameOf(r.Value) })] };
    }

    /// <summary>The reductions and folds of the elements that a stage computes; their values are those of the whole body.</summary>
    private IEnumerable<Reduction> ReductionsOf(int stage)
    {
        for (var i = 0; i < needed.Length; i++)
        {
            var instruction = kernel.Body[i];
            if (needed[i] && instruction.Code == Opcode.Fold && stages.Stage(i) == stage)
                yield return new Reduction((Fold)instruction.B, instruction.A, RowAccess(i, kernel.Extents.Length));
        }

        foreach (var reduction in kernel.Reductions)
        {
            if (stages.Stage(reduction.Value) == stage)
                yield return reduction;
        }
    }

    /// <summary>The values that roots and reductions depend on, back to those that are at hand.</summary>
    private bool[] Needed(Func<int, bool> isRoot, IEnumerable<Reduction> reductions, Func<int, bool> isAtHand)
    {
        var found = new bool[kernel.Body.Length];
        foreach (var reduction in reductions)
            found[reduction.Value] = true;
        for (var i = found.Length - 1; i >= 0; i--)
        {
            found[i] |= isRoot(i);
            if (found[i] && !isAtHand(i))
                ForOperands(i, operand => found[operand] = true);
        }

        return found;
    }

    private void ForOperands(int value, Action<int> visit)
    {
        var instruction = kernel.Body[value];
        var count = KernelValues.Operands(instruction.Code);
        if (count > 0)
            visit(instruction.A);
        if (count > 1)
            visit(instruction.B);
        if (count > 2)
            visit(instruction.C);
    }

    private Access RowAccess(int value, int rank) => new(rowBuffer[value], 0, [.. rowStrides.Take(rank)]);

    /// <summary>A part of the body under construction.</summary>
    private sealed class Copy(StageSplitter whole, int rank)
    {
        private readonly ImmutableArray<Instruction>.Builder body = ImmutableArray.CreateBuilder<Instruction>();
        private readonly int[] names = new int[whole.kernel.Body.Length];

        public ImmutableArray<Instruction> Body => body.ToImmutable();

        public int NameOf(int value) => names[value];

        /// <summary>Computes a value, or reads it if it has been kept.</summary>
        public void Add(int value, bool isKept)
        {
            names[value] = body.Count;
            body.Add(isKept ? new Instruction(Opcode.Load, whole.values.Type(value), Access: whole.RowAccess(value, rank)) : Renamed(whole.kernel.Body[value]));
        }

        /// <summary>Stores a value of the row for later stages.</summary>
        public void Keep(int value) =>
            body.Add(new Instruction(Opcode.Store, whole.values.Type(value), names[value], Access: whole.RowAccess(value, rank)));

        private Instruction Renamed(Instruction instruction)
        {
            var access = instruction.Access is { } a ? a with { Strides = [.. a.Strides.Take(rank)] } : null;
            return KernelValues.Renamed(instruction, operand => names[operand]) with { Access = access };
        }
    }
}
