using System.Collections.Immutable;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Staged kernels by name, right ones and wrong ones.</summary>
internal static class StagedKernels
{
    private const DType Real = DType.Float64;

    /// <summary>Input 0, output 1 of [3, 4]; output 2 of [3]; input 3 of [3]; input 4 of int32 [3].</summary>
    public static readonly ImmutableArray<BufferInfo> WrongBuffers =
    [
        new(BufferKind.Input, Shape.Of(3, 4), Real), new(BufferKind.Output, Shape.Of(3, 4), Real), new(BufferKind.Output, Shape.Of(3), Real),
        new(BufferKind.Input, Shape.Of(3), Real), new(BufferKind.Input, Shape.Of(3), DType.Bool),
    ];

    private static readonly Access Element = new(0, 0, [4, 1]);
    private static readonly Access ElementOut = new(1, 0, [4, 1]);
    private static readonly Access Row = new(3, 0, [1, 0]);
    private static readonly Access RowOut = new(2, 0, [1, 0]);

    /// <summary>x − Σx to output 1, Σx to output 2.</summary>
    public static readonly Kernel Right = Make(1, Load(Element), Sum(0), Minus(0, 1), Store(2, ElementOut), Store(1, RowOut));

    /// <summary>Kernels that are refused, by words of the refusal.</summary>
    public static readonly Dictionary<string, Kernel> Wrong = new()
    {
        ["reduced extents are not the last"] = Make(0, Load(Element), Sum(0), Minus(0, 1), Store(2, ElementOut)),
        ["there is no fold 6"] = Make(1, Load(Element), new(Opcode.Fold, Real, 0, 6), Minus(0, 1), Store(2, ElementOut)),
        ["there is no fold -1"] = Make(1, Load(Element), new(Opcode.Fold, Real, 0), Minus(0, 1), Store(2, ElementOut)),
        ["is not of type float32"] = Make(1, Load(Element), new(Opcode.Fold, DType.Float32, 0, (int)Fold.Sum), Store(0, ElementOut)),
        ["is not of type float64"] = Make(1, Load(Element), new(Opcode.Fold, Real, 0, (int)Fold.ArgMax), Store(1, RowOut)),
        ["adds or multiplies truth values"] = Make(
            1, Load(Element), new(Opcode.IsNaN, Real, 0), new(Opcode.Fold, DType.Bool, 1, (int)Fold.Sum), Store(0, ElementOut)),
        ["folds value 0, which is the same in the whole row"] = Make(1, Load(Row), Sum(0), Store(1, RowOut)),
        ["a reduction folds value 1, which is the same"] = Make(1, Load(Element), Sum(0)) with { Reductions = [new Reduction(Fold.Sum, 1, RowOut)] },
        ["stores a value of the row along a reduced extent"] = Make(1, Load(Element), Sum(0), Store(1, ElementOut)),
        ["is written and read by a kernel that folds"] = Make(1, Load(ElementOut), Sum(0), Minus(0, 1), Store(2, ElementOut)),
        ["is no earlier value"] = Make(1, Load(Element), Sum(1), Store(0, ElementOut)),
    };

    /// <summary>Softmax and layer norm of rows (outputs 0 and 1) and the log of their exponentials' sum (output 2); numbers 1/columns and epsilon.</summary>
    public static Program Norms(DType type, int rows, int columns)
    {
        Access At(int buffer) => new(buffer, 0, [columns, 1]);
        Instruction Of(Opcode code, int a, int b = -1) => new(code, type, a, b);
        Instruction Folded(int a, Fold fold) => new(Opcode.Fold, type, a, (int)fold);
        ImmutableArray<Instruction> body =
        [
            new(Opcode.Load, type, Access: At(0)), Folded(0, Fold.Max), Of(Opcode.Sub, 0, 1), Of(Opcode.Exp, 2), Folded(3, Fold.Sum), Of(Opcode.Div, 3, 4),
            new(Opcode.Store, type, 5, Access: At(1)), Of(Opcode.Log, 4), Of(Opcode.Add, 1, 7), new(Opcode.Store, type, 8, Access: new Access(3, 0, [1, 0])),
            new(Opcode.Number, type, 0), Folded(0, Fold.Sum), Of(Opcode.Mul, 11, 10), Of(Opcode.Sub, 0, 12), Of(Opcode.Mul, 13, 13), Folded(14, Fold.Sum),
            Of(Opcode.Mul, 15, 10), new(Opcode.Number, type, 1), Of(Opcode.Add, 16, 17), Of(Opcode.Sqrt, 18), Of(Opcode.Div, 13, 19),
            new(Opcode.Store, type, 20, Access: At(2)),
        ];
        BufferInfo[] buffers =
        [
            new(BufferKind.Input, Shape.Of(rows, columns), type), new(BufferKind.Output, Shape.Of(rows, columns), type),
            new(BufferKind.Output, Shape.Of(rows, columns), type), new(BufferKind.Output, Shape.Of(rows), type),
        ];
        return new Program([.. buffers], 2, [new KernelStep(new Kernel([rows, columns], 1, 1, body, []))]);
    }

    /// <summary>x less the largest of its row.</summary>
    public static KernelStep Centred(DType type, int rows, int columns, int from, int to) => new(new Kernel([rows, columns], 1, 1, [
        new Instruction(Opcode.Load, type, Access: new Access(from, 0, [columns, 1])),
        new Instruction(Opcode.Fold, type, 0, (int)Fold.Max),
        new Instruction(Opcode.Sub, type, 0, 1),
        new Instruction(Opcode.Store, type, 2, Access: new Access(to, 0, [columns, 1]))], []));

    private static Kernel Make(int reduceFrom, params Instruction[] body) => new([3, 4], reduceFrom, 1, [.. body], []);

    private static Instruction Load(Access access) => new(Opcode.Load, Real, Access: access);

    private static Instruction Sum(int value) => new(Opcode.Fold, Real, value, (int)Fold.Sum);

    private static Instruction Minus(int a, int b) => new(Opcode.Sub, Real, a, b);

    private static Instruction Store(int value, Access access) => new(Opcode.Store, Real, value, Access: access);
}
