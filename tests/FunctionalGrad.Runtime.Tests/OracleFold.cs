using FunctionalGrad.Loops;
using FunctionalGrad.Tests;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>The fold of a row, in the order in which the library promises to add and multiply.</summary>
internal static class OracleFold
{
    public static Cell Of(Fold fold, DType type, Cell[] row) => fold switch
    {
        Fold.ArgMax or Fold.ArgMin => new(0, Position(fold, type, row)),
        Fold.Sum => FoldModel.Row(row, default, (a, b) => Combine(Opcode.Add, type, a, b), type.Size()),
        Fold.Prod => FoldModel.Row(row, new(1, 1), (a, b) => Combine(Opcode.Mul, type, a, b), type.Size()),
        Fold.Max => row.Aggregate(Least(type), (a, b) => Combine(Opcode.Max, type, a, b)),
        _ => row.Aggregate(Greatest(type), (a, b) => Combine(Opcode.Min, type, a, b)),
    };

    private static Cell Combine(Opcode code, DType type, Cell a, Cell b) => type.IsFloat()
        ? Cell.Of(type, code switch { Opcode.Add => a.Real + b.Real, Opcode.Mul => a.Real * b.Real, Opcode.Max => Math.Max(a.Real, b.Real), _ => Math.Min(a.Real, b.Real) })
        : Cell.Of(type, LoopOracle.Whole(code, a.Whole, b.Whole));

    private static Cell Least(DType type) => new(double.NegativeInfinity, type switch { DType.Int32 => int.MinValue, DType.Int64 => long.MinValue, _ => 0 });

    private static Cell Greatest(DType type) => new(double.PositiveInfinity, type switch { DType.Int32 => int.MaxValue, DType.Int64 => long.MaxValue, _ => 1 });

    private static int Position(Fold fold, DType type, Cell[] row)
    {
        var best = -1;
        for (var i = 0; i < row.Length; i++)
            best = best < 0 || LoopOracle.IsBetter(fold, type, row[i], row[best]) ? i : best;
        return best;
    }
}
