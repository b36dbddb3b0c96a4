using FunctionalGrad.Loops;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>The table of costs against code that is really written.</summary>
public sealed class KernelCostTests
{
    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void An_instruction_takes_about_as_many_operations_as_its_cost_says(DType type)
    {
        var wrong = new List<string>();
        foreach (var code in Enum.GetValues<Opcode>().Where(code => code is >= Opcode.Neg and <= Opcode.Lgamma or >= Opcode.Add and <= Opcode.Polygamma))
        {
            // What constants take is shared by all instructions of a kernel.
            var operations = (Operations(code, type, 5) - Operations(code, type, 1)) / 4;
            if (KernelCost.Of(code) is var cost && (operations > (1.5 * cost) + 6 || cost > (3 * operations) + 12))
                wrong.Add($"{code}: {operations} operations, its cost is {cost}");
        }

        Assert.Empty(wrong);
    }

    /// <summary>How many operations a kernel has that does so many of an instruction.</summary>
    private static int Operations(Opcode code, DType type, int count)
    {
        var body = new List<Instruction>();
        for (var i = 0; i < count; i++)
        {
            body.Add(new(Opcode.Load, type, Access: new Access(0, 1000 * i, [1])));
            body.Add(new(Opcode.Load, type, Access: new Access(1, 1000 * i, [1])));
            body.Add(new(code, type, body.Count - 2, body.Count - 1));
            body.Add(new(Opcode.Store, type, body.Count - 1, Access: new Access(2, 1000 * i, [1])));
        }

        return EmittedKernel.TryCreate(new Kernel([1000], 0, 0, [.. body], []), new MethodFrame(), 128)!.Size;
    }
}
