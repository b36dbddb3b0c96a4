namespace FunctionalGrad.Loops;

/// <summary>
/// What kernels cost as machine code, in operations: the one measure by which the compiler fuses, kernels are cut and methods are filled. The
/// just-in-time compiler does its best up to some 3,000 operations in a method (60 KB of IL).
/// </summary>
internal static class KernelCost
{
    /// <summary>The compiler fuses no more into a kernel.</summary>
    public const int MostFused = 2000;

    /// <summary>A kernel that folds nothing is cut beyond this, for the sake of registers.</summary>
    public const int MostInKernel = 1000;

    /// <summary>Kernels that follow each other share a method up to this.</summary>
    public const int MostInMethod = 2500;

    /// <summary>A kernel beyond this is not emitted.</summary>
    public const int MostEmitted = 2800;

    /// <summary>So many functions of single numbers are written out in a kernel; if there are more, all are called.</summary>
    public const int MostWrittenOut = 8;

    /// <summary>About how many operations an instruction takes where it is evaluated for vectors.</summary>
    public static int Of(Opcode code) => code switch
    {
        Opcode.Number => 0,
        Opcode.Pow => 120,
        Opcode.Softplus or Opcode.Erf or Opcode.Erfc or Opcode.Log1p => 70,
        Opcode.Sin or Opcode.Cos or Opcode.Tan => 45,
        >= Opcode.Exp and <= Opcode.Sigmoid => 35,
        (> Opcode.Sigmoid and <= Opcode.Lgamma) or Opcode.Remainder or Opcode.Atan2 or Opcode.Hypot or Opcode.Polygamma => 16,
        _ => 1,
    };

    /// <summary>About how many operations an instruction takes in a kernel over so many elements: functions of single numbers are called.</summary>
    public static int Of(Opcode code, long elements) => elements == 1 ? Math.Min(Of(code), 8) : Of(code);

    /// <summary>Whether a value is better kept than computed again.</summary>
    public static bool IsCostly(Opcode code) => Of(code) >= 16;

    /// <summary>How many operations a kernel over so many elements may have before it is cut.</summary>
    public static int MostIn(long elements) => elements == 1 ? MostFused : MostInKernel;
}
