using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>One element of any type: floating-point numbers as a double, the others as a long.</summary>
internal readonly record struct Cell(double Real, long Whole)
{
    public static Cell Of(DType type, double real) => type switch
    {
        DType.Float32 => new((float)real, 0),
        DType.Float64 => new(real, 0),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    public static Cell Of(DType type, long whole) => type switch
    {
        DType.Int32 => new(0, (int)whole),
        DType.Int64 => new(0, whole),
        DType.Bool => new(0, whole != 0 ? 1 : 0),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    public static Cell FromArray(NDArray array, long index) => array.DType.IsFloat()
        ? Of(array.DType, array.GetDouble((int)index))
        : Of(array.DType, array.GetInt64((int)index));
}

/// <summary>The loop language at its plainest: one index after the other, one element at a time.</summary>
internal static class LoopOracle
{
    /// <summary>A result and how large the terms were that it was added up from.</summary>
    public readonly record struct Result(Cell Cell, double Magnitude, bool Written, Cell Best = default);

    /// <summary>Runs one kernel; gives what each buffer holds afterwards where it was written.</summary>
    public static Dictionary<int, Result[]> Run(Kernel kernel, BufferInfo[] buffers, NDArray?[] inputs, long[] numbers)
    {
        var outputs = new Dictionary<int, Result[]>();
        for (var i = 0; i < buffers.Length; i++)
        {
            if (buffers[i].Kind == BufferKind.Output)
                outputs[i] = new Result[buffers[i].Shape.Count];
        }

        var index = new int[kernel.Extents.Length];
        foreach (var reduction in kernel.Reductions)
            Visit(kernel, index, 0, reducedToo: false, () => Start(kernel, reduction, outputs, index));
        var values = new Cell[kernel.Body.Length];
        var isMissing = new bool[values.Length];
        Visit(kernel, index, 0, reducedToo: false, () =>
        {
            // A fold may read folds before it, so the row is visited for each anew.
            var folds = new Dictionary<int, Cell>();
            for (var f = 0; f < values.Length; f++)
            {
                if (kernel.Body[f].Code != Opcode.Fold)
                    continue;
                var row = new List<Cell>();
                VisitRow(kernel, index, kernel.ReduceFrom, () => row.Add(EvaluateTo(kernel.Body[f].A, stores: false, folds)));
                folds[f] = OracleFold.Of((Fold)kernel.Body[f].B, TypeOf(kernel, kernel.Body[f].A), [.. row]);
            }

            EvaluateTo(values.Length - 1, stores: true, folds, ofElements: false);
            VisitRow(kernel, index, kernel.ReduceFrom, () =>
            {
                EvaluateTo(values.Length - 1, stores: true, folds);
                foreach (var reduction in kernel.Reductions)
                    Accumulate(kernel, reduction, values[reduction.Value], outputs, index);
            });
        });
        return outputs;

        Cell EvaluateTo(int last, bool stores, Dictionary<int, Cell> folds, bool ofElements = true)
        {
            for (var i = 0; i <= last; i++)
            {
                isMissing[i] = false;
                if (folds.TryGetValue(i, out var known))
                    values[i] = known;
                else if (kernel.Body[i].Code != Opcode.Store || stores)
                {
                    isMissing[i] = !ofElements && IsOfElement(kernel, i, isMissing);
                    if (!isMissing[i])
                        values[i] = Evaluate(kernel, i, values, inputs, outputs, numbers, index);
                }
            }

            return last < 0 ? default : values[last];
        }
    }

    /// <summary>True if a value cannot be had from the row alone: it moves along it, or an operand does.</summary>
    private static bool IsOfElement(Kernel kernel, int i, bool[] isMissing)
    {
        var instruction = kernel.Body[i];
        bool IsReduced(int d) => d >= kernel.ReduceFrom && d < kernel.ReduceFrom + kernel.ReduceCount;
        var moves = instruction.Code == Opcode.Index ? IsReduced(instruction.A) : instruction.Access?.Strides.Where((s, d) => s != 0 && IsReduced(d)).Any() ?? false;
        int[] operands = instruction.Code is Opcode.Number or Opcode.Index ? [] : [instruction.A, instruction.B, instruction.C];
        return moves || operands.Any(operand => operand >= 0 && isMissing[operand]);
    }

    private static void VisitRow(Kernel kernel, int[] index, int d, Action visit)
    {
        if (d == kernel.ReduceFrom + kernel.ReduceCount)
        {
            visit();
            return;
        }

        for (index[d] = 0; index[d] < kernel.Extents[d]; index[d]++)
            VisitRow(kernel, index, d + 1, visit);
        index[d] = 0;
    }

    public static DType TypeOf(Kernel kernel, int value) => kernel.Body[value].Code switch
    {
        Opcode.Less or Opcode.LessEqual or Opcode.Equal or Opcode.NotEqual or Opcode.IsNaN => DType.Bool,
        _ => kernel.Body[value].Type,
    };

    private static void Visit(Kernel kernel, int[] index, int d, bool reducedToo, Action visit)
    {
        if (d == index.Length)
        {
            visit();
            return;
        }

        var isReduced = d >= kernel.ReduceFrom && d < kernel.ReduceFrom + kernel.ReduceCount;
        var extent = isReduced && !reducedToo ? 1 : kernel.Extents[d];
        for (index[d] = 0; index[d] < extent; index[d]++)
            Visit(kernel, index, d + 1, reducedToo, visit);
        index[d] = 0;
    }

    private static long At(Access access, int[] index)
    {
        var at = access.Offset;
        for (var d = 0; d < index.Length; d++)
            at += index[d] * access.Strides[d];
        return at;
    }

    private static Cell Evaluate(
        Kernel kernel, int i, Cell[] values, NDArray?[] inputs, Dictionary<int, Result[]> outputs, long[] numbers, int[] index)
    {
        var instruction = kernel.Body[i];
        var type = instruction.Type;
        switch (instruction.Code)
        {
            case Opcode.Number:
                return type.IsFloat() ? Cell.Of(type, BitConverter.Int64BitsToDouble(numbers[instruction.A])) : Cell.Of(type, numbers[instruction.A]);
            case Opcode.Load:
                return Cell.FromArray(inputs[instruction.Access!.Buffer]!, At(instruction.Access, index));
            case Opcode.Gather:
                var at = At(instruction.Access!, index) + (values[instruction.A].Whole * instruction.Stride);
                return Cell.FromArray(inputs[instruction.Access!.Buffer]!, at);
            case Opcode.Index:
                return type.IsFloat() ? Cell.Of(type, (double)index[instruction.A]) : Cell.Of(type, (long)index[instruction.A]);
            case Opcode.Store:
                outputs[instruction.Access!.Buffer][At(instruction.Access, index)] = new(values[instruction.A], 0, true);
                return default;
            case Opcode.Cast:
                return Cast(values[instruction.A], TypeOf(kernel, instruction.A), type);
            case Opcode.Select:
                return values[instruction.A].Whole != 0 ? values[instruction.B] : values[instruction.C];
            default:
                return Arithmetic(instruction, TypeOf(kernel, instruction.A), values[instruction.A], instruction.B < 0 ? default : values[instruction.B]);
        }
    }

    private static Cell Cast(Cell x, DType from, DType to)
    {
        if (to == DType.Bool)
            return new(0, (from.IsFloat() ? x.Real != 0 : x.Whole != 0) ? 1 : 0);
        if (to.IsFloat())
            return from.IsFloat() ? Cell.Of(to, x.Real) : to == DType.Float32 ? new((float)x.Whole, 0) : new(x.Whole, 0);
        if (!from.IsFloat())
            return Cell.Of(to, x.Whole);
        return new(0, to == DType.Int32 ? int.CreateSaturating(x.Real) : long.CreateSaturating(x.Real));
    }

    private static Cell Arithmetic(Instruction instruction, DType type, Cell a, Cell b)
    {
        if (instruction.Code is Opcode.Less or Opcode.Equal or Opcode.IsNaN)
            return new(0, Compare(instruction.Code, type, a, b) ? 1 : 0);
        return type.IsFloat() ? Cell.Of(type, Real(instruction.Code, a.Real, b.Real)) : Cell.Of(type, Whole(instruction.Code, a.Whole, b.Whole));
    }

    private static bool Compare(Opcode code, DType type, Cell a, Cell b) => code switch
    {
        Opcode.Less => type.IsFloat() ? a.Real < b.Real : a.Whole < b.Whole,
        Opcode.Equal => type.IsFloat() ? a.Real == b.Real : a.Whole == b.Whole,
        _ => double.IsNaN(a.Real),
    };

    private static double Real(Opcode code, double a, double b) => code switch
    {
        Opcode.Neg => -a,
        Opcode.Abs => Math.Abs(a),
        Opcode.Tanh => Math.Tanh(a),
        Opcode.Add => a + b,
        Opcode.Sub => a - b,
        Opcode.Mul => a * b,
        Opcode.Div => a / b,
        Opcode.Sqrt => Math.Sqrt(a),
        Opcode.Exp => Math.Exp(a),
        Opcode.Log => Math.Log(a),
        Opcode.Max => Math.Max(a, b),
        Opcode.Min => Math.Min(a, b),
        _ => throw new NotSupportedException(code.ToString()),
    };

    internal static long Whole(Opcode code, long a, long b) => code switch
    {
        Opcode.Neg => unchecked(-a),
        Opcode.Abs => a < 0 ? unchecked(-a) : a,
        Opcode.Not => 1 - a,
        Opcode.Add => unchecked(a + b),
        Opcode.Sub => unchecked(a - b),
        Opcode.Mul => unchecked(a * b),
        Opcode.Max => Math.Max(a, b),
        Opcode.Min => Math.Min(a, b),
        Opcode.And => a & b,
        Opcode.Or => a | b,
        _ => throw new NotSupportedException(code.ToString()),
    };

    private static void Start(Kernel kernel, Reduction reduction, Dictionary<int, Result[]> outputs, int[] index)
    {
        var type = TypeOf(kernel, reduction.Value);
        var at = At(reduction.Target, index);
        Cell cell = reduction.Fold switch
        {
            Fold.ArgMax or Fold.ArgMin => new(0, -1),
            Fold.Sum => default,
            Fold.Prod => new(1, 1),
            Fold.Max => new(double.NegativeInfinity, type switch { DType.Int32 => int.MinValue, DType.Int64 => long.MinValue, _ => 0 }),
            _ => new(double.PositiveInfinity, type switch { DType.Int32 => int.MaxValue, DType.Int64 => long.MaxValue, _ => 1 }),
        };
        outputs[reduction.Target.Buffer][at] = new(cell, 0, true);
    }

    private static void Accumulate(Kernel kernel, Reduction reduction, Cell x, Dictionary<int, Result[]> outputs, int[] index)
    {
        var type = TypeOf(kernel, reduction.Value);
        var at = At(reduction.Target, index);
        ref var result = ref outputs[reduction.Target.Buffer][at];
        var old = result.Cell;
        if (reduction.Fold is Fold.ArgMax or Fold.ArgMin)
        {
            if (old.Whole < 0 || IsBetter(reduction.Fold, type, x, result.Best))
                result = new(new(0, Position(kernel, index)), 0, true, x);
            return;
        }

        Cell cell = reduction.Fold switch
        {
            Fold.Sum => type.IsFloat() ? new(old.Real + x.Real, 0) : Cell.Of(type, unchecked(old.Whole + x.Whole)),
            Fold.Prod => type.IsFloat() ? new(old.Real * x.Real, 0) : Cell.Of(type, unchecked(old.Whole * x.Whole)),
            Fold.Max => new(Math.Max(old.Real, x.Real), Math.Max(old.Whole, x.Whole)),
            _ => new(Math.Min(old.Real, x.Real), Math.Min(old.Whole, x.Whole)),
        };
        result = new(cell, result.Magnitude + Math.Abs(x.Real), true);
    }

    private static long Position(Kernel kernel, int[] index)
    {
        long position = 0;
        for (var d = kernel.ReduceFrom; d < kernel.ReduceFrom + kernel.ReduceCount; d++)
            position = (position * kernel.Extents[d]) + index[d];
        return position;
    }

    internal static bool IsBetter(Fold fold, DType type, Cell x, Cell best)
    {
        var (a, b) = fold == Fold.ArgMax ? (x, best) : (best, x);
        return type.IsFloat()
            ? !double.IsNaN(best.Real) && (double.IsNaN(x.Real) || a.Real > b.Real)
            : a.Whole > b.Whole;
    }
}
