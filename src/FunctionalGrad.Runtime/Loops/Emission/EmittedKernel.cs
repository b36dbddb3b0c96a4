using System.Collections.Immutable;
using System.Reflection.Emit;

namespace FunctionalGrad.Loops;

/// <summary>
/// A kernel as machine code in the making. First its body is written down, region by region (once for whole vectors, once more for what is left
/// of a row); then <see cref="Write"/> writes loops with these regions in them.
/// </summary>
internal sealed partial class EmittedKernel
{
    /// <summary>A row is folded in blocks of so many elements, if nothing else needs it whole.</summary>
    private const int Block = 2048;

    /// <summary>Rows up to this length are folded by code of their own; longer ones by a function.</summary>
    private const int LongestInline = 256;

    /// <summary>The most scratch memory, which lies on the stack.</summary>
    private const long LargestScratch = 256 * 1024;

    private readonly Kernel kernel;
    private readonly KernelValues values;
    private readonly LoopNest nest;
    private readonly VectorMachine machine;
    private readonly bool outOfLine;
    private readonly DType narrow;
    private readonly int lanes;
    private readonly bool[] moves;
    private readonly int[] stages;
    private readonly bool isInPlace;
    private readonly List<FoldPlan> folds = [];
    private readonly List<Region> regions = [];
    private readonly Region[] levels;
    private readonly Region[] rows;
    private readonly Region[] bodies;
    private readonly Region[] tails;
    private readonly Dictionary<(int Value, Region Region), Value> known = [];
    private readonly Dictionary<Access, Pointer> pointers = [];
    private readonly Dictionary<int, long> rowBuffers = [];
    private readonly LocalHolder index = new();
    private readonly LocalHolder[] indexes;
    private readonly MethodFrame frame;
    private long scratchBytes;

    private EmittedKernel(Kernel kernel, KernelValues values, LoopNest nest, MethodFrame frame, int width, bool outOfLine)
    {
        (this.kernel, this.values, this.nest, this.frame, this.outOfLine) = (kernel, values, nest, frame, outOfLine);
        narrow = Narrowest();
        machine = VectorMachine.For(nest.Vector.Extent, narrow.Size(), width);
        lanes = machine.Count(narrow);
        isInPlace = values.WritesWhatItReads;
        moves = FindMoving();
        stages = FindStages();
        FindFolds();
        indexes = [.. nest.Loops.Select(_ => new LocalHolder())];
        levels = [.. Enumerable.Range(0, nest.Loops.Length + 1).Select(NewRegion)];
        var count = folds.Count == 0 ? 1 : folds.Max(fold => fold.Stage) + 2;
        rows = new Region[count];
        bodies = new Region[count];
        tails = new Region[count];
        for (var stage = 0; stage < count; stage++)
        {
            rows[stage] = stage == 0 ? levels[^1] : NewRegion(nest.Loops.Length);
            bodies[stage] = NewRegion(nest.Loops.Length + 1);
            tails[stage] = NewRegion(nest.Loops.Length + 1);
        }
    }

    /// <summary>Bytes of scratch memory that it needs.</summary>
    public long ScratchBytes => scratchBytes;

    /// <summary>How many operations its regions have.</summary>
    public int Size => regions.Sum(region => region.Count);

    /// <summary>How often the body is evaluated.</summary>
    public long Total => nest.Total;

    /// <summary>The extent of the outermost loop, which may be cut among threads.</summary>
    public long Units => nest.Loops.Length > 0 ? nest.Loops[0].Extent : nest.Kind == NestKind.Elements ? nest.Vector.Extent : 1;

    /// <summary>Cuts must be multiples of this.</summary>
    public long UnitStep => nest.Loops.Length > 0 ? nest.Loops[0].Step : 64;

    /// <summary>Whether the outermost loop is one that may be cut: not one along which is folded.</summary>
    public bool CanBeCut => nest.Kind == NestKind.Elements || nest.Loops.Length > 0;

    /// <summary>A kernel ready to be written; null if it is one that only the interpreter runs.</summary>
    /// <param name="kernel">What to emit.</param>
    /// <param name="frame">The method that it will be part of.</param>
    /// <param name="width">Bits of the widest vectors.</param>
    public static EmittedKernel? TryCreate(Kernel kernel, MethodFrame frame, int width) => TryCreate(kernel, frame, width, out _);

    /// <summary>A kernel ready to be written; null if it is one that only the interpreter runs.</summary>
    /// <param name="kernel">What to emit.</param>
    /// <param name="frame">The method that it will be part of.</param>
    /// <param name="width">Bits of the widest vectors.</param>
    /// <param name="refusal">Why the interpreter runs it; empty if it does not.</param>
    public static EmittedKernel? TryCreate(Kernel kernel, MethodFrame frame, int width, out string refusal)
    {
        var values = new KernelValues(kernel);
        var hasFolds = kernel.Reductions.Length > 0 || kernel.Body.Any(i => i.Code == Opcode.Fold);
        if (LoopNest.TryCreate(kernel, Strides(kernel, values), hasFolds) is not { } nest)
        {
            refusal = kernel.Extents.Contains(0) ? "it has no elements" : "what is folded lies in several loops that are not one";
            return null;
        }

        refusal = Refusal(kernel, values, nest);
        if (refusal.Length > 0)
            return null;
        // Single numbers gain nothing from a function's lanes, and many functions in a row are too much for the compiler's registers.
        var isScalar = nest.Total == 1 && kernel.Body.Count(i => KernelCost.IsCostly(i.Code)) > KernelCost.MostWrittenOut;
        foreach (var outOfLine in isScalar ? (bool[])[true] : [false, true])
        {
            var emitted = new EmittedKernel(kernel, values, nest, frame, width, outOfLine);
            refusal = emitted.Record();
            if (refusal.Length > 0)
                return null;
            if (emitted.scratchBytes > LargestScratch)
                refusal = $"its rows take {emitted.scratchBytes} bytes of the stack, more than {LargestScratch}";
            else if (emitted.Size > KernelCost.MostEmitted)
                refusal = $"its code has {emitted.Size} operations, more than {KernelCost.MostEmitted}";
            else
                return emitted;
        }

        return null;
    }

    /// <summary>How each access and each position moves.</summary>
    private static List<ImmutableArray<long>> Strides(Kernel kernel, KernelValues values)
    {
        var strides = new List<ImmutableArray<long>>();
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            if (values.IsLive(i) && (kernel.Body[i].Access is not null || kernel.Body[i].Code == Opcode.Index))
                strides.Add(StridesOf(kernel, kernel.Body[i]));
        }

        strides.AddRange(kernel.Reductions.Select(reduction => reduction.Target.Strides));
        return strides;
    }

    private static ImmutableArray<long> StridesOf(Kernel kernel, Instruction instruction) => instruction.Code == Opcode.Index
        ? [.. IterationSpace.PositionStrides(kernel.Extents.Length, instruction.A)]
        : instruction.Access!.Strides;

    /// <summary>Why the interpreter is better at a kernel; empty if it is not.</summary>
    private static string Refusal(Kernel kernel, KernelValues values, LoopNest nest)
    {
        if (nest.Kind == NestKind.Columns && kernel.Reductions.Any(r => r.Fold is Fold.ArgMax or Fold.ArgMin))
            return "it looks for positions in columns";
        return nest.Kind == NestKind.Elements && TransposedCopy.TryCreate(kernel, values, new IterationSpace(kernel, values)) is not null
            ? "a copy that transposes has a routine of its own" : "";
    }

    private Region NewRegion(int depth)
    {
        var region = new Region(depth) { Number = regions.Count };
        regions.Add(region);
        return region;
    }

    /// <summary>The lanes are counted in the narrowest numbers; wider ones take several vectors.</summary>
    private DType Narrowest()
    {
        var size = 8;
        DType? found = null;
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            var type = values.Type(i);
            if (!values.IsLive(i) || type == DType.Bool)
                continue;
            if (found is null || type.Size() < size)
                (found, size) = (type, type.Size());
        }

        return found is null || size == 4 ? DType.Int32 : DType.Int64;
    }

    /// <summary>Which values differ between the lanes of a vector.</summary>
    private bool[] FindMoving()
    {
        var moving = new bool[kernel.Body.Length];
        for (var i = 0; i < moving.Length; i++)
        {
            var instruction = kernel.Body[i];
            if (!values.IsLive(i) || instruction.Code == Opcode.Fold)
                continue;
            if (instruction.Code == Opcode.Index || instruction.Access is not null)
                moving[i] = Stride(i) != 0;
            values.ForOperands(i, operand => moving[i] |= moving[operand]);
        }

        return moving;
    }

    /// <summary>How far an instruction's access, or its position, moves from lane to lane.</summary>
    private long Stride(int instruction) => LoopNest.Stride(nest.Vector, StridesOf(kernel, kernel.Body[instruction]));

    /// <summary>A value belongs to the stage after the folds that it depends on.</summary>
    private int[] FindStages()
    {
        var found = new int[kernel.Body.Length];
        for (var i = 0; i < found.Length; i++)
        {
            if (!values.IsLive(i))
                continue;
            values.ForOperands(i, operand =>
                found[i] = Math.Max(found[i], found[operand] + (kernel.Body[operand].Code == Opcode.Fold ? 1 : 0)));
        }

        return found;
    }

    private void FindFolds()
    {
        for (var i = 0; i < kernel.Body.Length; i++)
        {
            if (values.IsLive(i) && kernel.Body[i].Code == Opcode.Fold)
                folds.Add(new FoldPlan((Fold)kernel.Body[i].B, values.Resolve(kernel.Body[i].A), i, null, stages[i]));
        }

        foreach (var reduction in kernel.Reductions)
        {
            var value = values.Resolve(reduction.Value);
            var isFold = kernel.Body[value].Code == Opcode.Fold;
            folds.Add(new FoldPlan(reduction.Fold, value, -1, reduction.Target, stages[value] + (isFold ? 1 : 0)));
        }
    }
}

/// <summary>One fold: of which value, for which instruction or which target, at the end of which stage.</summary>
internal sealed record FoldPlan(Fold Kind, int Value, int Instruction, Access? Target, int Stage)
{
    /// <summary>Where its result, or its results under way, lie in scratch memory; of a position, first the extreme that lies there.</summary>
    public long Accumulator { get; set; }

    /// <summary>Whether it looks for a position.</summary>
    public bool IsPosition => Kind is Fold.ArgMax or Fold.ArgMin;

    /// <summary>Where its result lies when a row has been folded.</summary>
    public long Result => IsPosition ? Accumulator + sizeof(long) : Accumulator;

    /// <summary>Where its values lie in scratch memory, row by row; −1 if they are folded where they lie.</summary>
    public long Buffer { get; set; } = -1;

    /// <summary>Where the state of a fold in parts lies.</summary>
    public long State { get; set; } = -1;
}

/// <summary>A value while it is recorded: one vector for each so many lanes as one holds, or a mask.</summary>
internal readonly record struct Value(DType Type, Code[] Parts);

/// <summary>A local variable that is declared when the code around it is written.</summary>
internal sealed class LocalHolder
{
    /// <summary>The variable.</summary>
    public LocalBuilder? Local { get; set; }

    /// <summary>Puts it on the stack.</summary>
    public void Load(ILGenerator il) => il.Emit(OpCodes.Ldloc, Local!);

    /// <summary>Takes it from the stack.</summary>
    public void Store(ILGenerator il) => il.Emit(OpCodes.Stloc, Local!);
}
