using System.Collections.Immutable;

namespace FunctionalGrad.Loops;

/// <summary>Something that a program does when its kernels are machine code: a method for one or more steps, or a step as it stands.</summary>
/// <param name="Step">The first step.</param>
/// <param name="Work">The method; null if the step is run as it stands.</param>
/// <param name="Parts">In how many parts the method runs.</param>
internal readonly record struct EmittedPiece(int Step, Parallelism.PartWork? Work, int Parts);

/// <summary>
/// The steps of a program with their kernels as machine code. Small kernels that follow each other are one method; large ones are cut into parts, by
/// how much there is to do and nothing else, which threads share.
/// </summary>
internal static class EmittedSteps
{
    /// <summary>Operations times elements that are worth a part of their own: some twenty microseconds.</summary>
    private const long WorkOfPart = 400_000;

    /// <summary>Compiles what can be compiled.</summary>
    /// <param name="steps">The steps of a program.</param>
    /// <param name="width">Bits of a vector.</param>
    public static EmittedPiece[] Compile(ImmutableArray<Step> steps, int width)
    {
        var pieces = new List<EmittedPiece>();
        var frame = new MethodFrame();
        var waiting = new List<EmittedKernel>();
        var size = 0;
        for (var i = 0; i < steps.Length; i++)
        {
            var kernel = steps[i] is KernelStep step ? EmittedKernel.TryCreate(step.Kernel, frame, width) : null;
            var unitsInPart = kernel is null ? 0 : UnitsInPart(kernel);
            var isSmall = kernel is not null && unitsInPart == 0;
            if (!isSmall || size + kernel!.Size > KernelCost.MostInMethod)
                Flush(i);
            if (isSmall)
            {
                waiting.Add(kernel!);
                size += kernel!.Size;
            }
            else if (kernel is null)
            {
                pieces.Add(new(i, null, 1));
            }
            else
            {
                pieces.Add(new(i, EmittedMethod.Compile([kernel], frame, unitsInPart), PartsOf(kernel, unitsInPart)));
            }
        }

        Flush(steps.Length);
        return [.. pieces];

        void Flush(int end)
        {
            if (waiting.Count == 0)
                return;
            pieces.Add(new(end - waiting.Count, EmittedMethod.Compile(waiting, frame), 1));
            waiting.Clear();
            size = 0;
        }
    }

    /// <summary>In how many parts a kernel runs.</summary>
    public static int Parts(EmittedKernel kernel) => UnitsInPart(kernel) is > 0 and var units ? PartsOf(kernel, units) : 1;

    private static int PartsOf(EmittedKernel kernel, long units) => (int)((kernel.Units + units - 1) / units);

    /// <summary>How many indexes of its outermost loop a part of a kernel takes; 0 if it is not worth cutting.</summary>
    private static long UnitsInPart(EmittedKernel kernel)
    {
        var elements = Math.Clamp(WorkOfPart / Math.Max(kernel.Size, 1), 2048, 65_536);
        if (!kernel.CanBeCut || kernel.Total < 2 * elements || kernel.Units <= kernel.UnitStep)
            return 0;
        var units = Math.Max(1, elements * kernel.Units / kernel.Total);
        return (units + kernel.UnitStep - 1) / kernel.UnitStep * kernel.UnitStep;
    }
}
