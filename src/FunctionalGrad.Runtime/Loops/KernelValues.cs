namespace FunctionalGrad.Loops;

/// <summary>What is known of the values of a kernel's body before it is laid out: types, who is needed, and how often.</summary>
internal sealed class KernelValues
{
    private readonly Kernel kernel;
    private readonly DType[] types;
    private readonly bool[] live;
    private readonly int[] representative;

    /// <summary>Reads the body once forwards and once backwards.</summary>
    public KernelValues(Kernel kernel)
    {
        this.kernel = kernel;
        var count = kernel.Body.Length;
        types = new DType[count];
        live = new bool[count];
        representative = new int[count];
        Uses = new int[count];
        for (var i = 0; i < count; i++)
        {
            var instruction = kernel.Body[i];
            types[i] = ResultType(instruction);
            var isNothing = instruction.Code == Opcode.Cast && types[instruction.A] == instruction.Type;
            representative[i] = isNothing ? representative[instruction.A] : i;
        }

        foreach (var reduction in kernel.Reductions)
            Use(reduction.Value);
        for (var i = count - 1; i >= 0; i--)
        {
            live[i] |= kernel.Body[i].Code == Opcode.Store;
            if (live[i])
                UseOperands(i);
        }
    }

    /// <summary>Whether the kernel stores into a buffer that it reads.</summary>
    public bool WritesWhatItReads
    {
        get
        {
            var read = kernel.Body.Where(i => i.Code is Opcode.Load or Opcode.Gather).Select(i => i.Access!.Buffer).ToHashSet();
            return kernel.Body.Any(i => i.Code == Opcode.Store && read.Contains(i.Access!.Buffer));
        }
    }

    /// <summary>How many live instructions and reductions read each value.</summary>
    public int[] Uses { get; }

    /// <summary>The element type of a value.</summary>
    public DType Type(int value) => types[value];

    /// <summary>True if a store or a reduction depends on the value.</summary>
    public bool IsLive(int value) => live[value];

    /// <summary>The value itself, or the one that it repeats: a cast to its operand's own type does nothing.</summary>
    public int Resolve(int value) => representative[value];

    /// <summary>Calls <paramref name="visit"/> with each operand of an instruction, resolved.</summary>
    public void ForOperands(int value, Action<int> visit)
    {
        var instruction = kernel.Body[value];
        var count = Operands(instruction.Code);
        if (count > 0)
            visit(representative[instruction.A]);
        if (count > 1)
            visit(representative[instruction.B]);
        if (count > 2)
            visit(representative[instruction.C]);
    }

    /// <summary>The instruction with other names for its operands.</summary>
    public static Instruction Renamed(Instruction instruction, Func<int, int> nameOf)
    {
        var operands = Operands(instruction.Code);
        return instruction with
        {
            A = operands > 0 ? nameOf(instruction.A) : instruction.A,
            B = operands > 1 ? nameOf(instruction.B) : instruction.B,
            C = operands > 2 ? nameOf(instruction.C) : instruction.C,
        };
    }

    /// <summary>How many values an instruction reads.</summary>
    public static int Operands(Opcode code) => code switch
    {
        Opcode.Number or Opcode.Load or Opcode.Index => 0,
        Opcode.Select => 3,
        >= Opcode.Add and <= Opcode.Xor => 2,
        _ => 1,
    };

    /// <summary>The most values that are needed at one time, if every one were kept in a block of its own.</summary>
    public int MostAlive()
    {
        var left = (int[])Uses.Clone();
        var (alive, most) = (0, 0);
        for (var i = 0; i < left.Length; i++)
        {
            if (!live[i] || representative[i] != i)
                continue;
            most = Math.Max(most, alive += Uses[i] > 0 ? 1 : 0);
            ForOperands(i, operand => alive -= --left[operand] == 0 ? 1 : 0);
        }

        return most;
    }

    /// <summary>Bytes of the widest live value.</summary>
    public int WidestElement()
    {
        var widest = 1;
        for (var i = 0; i < types.Length; i++)
        {
            if (live[i])
                widest = Math.Max(widest, types[i].Size());
        }

        return widest;
    }

    private void UseOperands(int i)
    {
        if (representative[i] == i)
            ForOperands(i, Use);
    }

    private void Use(int value)
    {
        var target = representative[value];
        live[target] = true;
        Uses[target]++;
    }

    private DType ResultType(Instruction instruction) => instruction.Code switch
    {
        Opcode.Less or Opcode.LessEqual or Opcode.Equal or Opcode.NotEqual or Opcode.IsNaN => DType.Bool,
        Opcode.Store => types[instruction.A],
        _ => instruction.Type,
    };
}
