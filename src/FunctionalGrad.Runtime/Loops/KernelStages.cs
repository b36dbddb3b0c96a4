namespace FunctionalGrad.Loops;

/// <summary>
/// Which values of a staged kernel are the same for a whole row, and in which stage each can be computed. A stage is one pass over the row:
/// it knows the folds of the stages before it.
/// </summary>
internal sealed class KernelStages
{
    private readonly Kernel kernel;
    private readonly bool[] row;
    private readonly int[] stage;

    /// <summary>Reads the body once.</summary>
    public KernelStages(Kernel kernel)
    {
        this.kernel = kernel;
        row = new bool[kernel.Body.Length];
        stage = new int[kernel.Body.Length];
        for (var i = 0; i < row.Length; i++)
        {
            var instruction = kernel.Body[i];
            var operands = KernelValues.Operands(instruction.Code);
            row[i] = instruction.Code == Opcode.Fold || !Moves(instruction);
            Span<int> values = [instruction.A, instruction.B, instruction.C];
            foreach (var operand in values[..operands])
            {
                row[i] &= instruction.Code == Opcode.Fold || row[operand];
                stage[i] = Math.Max(stage[i], Ready(operand));
            }

            Count = Math.Max(Count, stage[i] + 1);
        }
    }

    /// <summary>One more than the last stage.</summary>
    public int Count { get; }

    /// <summary>True if the body folds.</summary>
    public static bool IsStaged(Kernel kernel)
    {
        foreach (var instruction in kernel.Body)
        {
            if (instruction.Code == Opcode.Fold)
                return true;
        }

        return false;
    }

    /// <summary>True if the value is the same for all elements of a row; of a store, if what it stores is.</summary>
    public bool IsRow(int value) => row[value];

    /// <summary>The stage that computes a value; that of a fold is the one that visits what it folds.</summary>
    public int Stage(int value) => stage[value];

    /// <summary>The first stage in which others can read a value.</summary>
    public int Ready(int value) => stage[value] + (kernel.Body[value].Code == Opcode.Fold ? 1 : 0);

    /// <summary>True if the access moves along a reduced extent.</summary>
    public bool Moves(Access access)
    {
        for (var d = kernel.ReduceFrom; d < kernel.ReduceFrom + kernel.ReduceCount; d++)
        {
            if (access.Strides[d] != 0)
                return true;
        }

        return false;
    }

    private bool Moves(Instruction instruction) => instruction.Code switch
    {
        Opcode.Index => instruction.A >= kernel.ReduceFrom && instruction.A < kernel.ReduceFrom + kernel.ReduceCount,
        Opcode.Load or Opcode.Gather => Moves(instruction.Access!),
        _ => false,
    };
}
