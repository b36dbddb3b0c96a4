namespace FunctionalGrad.Loops;

/// <summary>Moves a function of a loop's step from step to step: a body, or the body of its reverse, which takes the same first of all.</summary>
internal readonly unsafe ref struct LoopSteps
{
    private readonly LoopForm form;
    private readonly long* number;
    private readonly ReadOnlySpan<NDArray> stacks;

    /// <summary>Binds what is the same in every step.</summary>
    /// <param name="form">What the loop is.</param>
    /// <param name="function">What a step runs.</param>
    /// <param name="number">Where the number of the step may stand.</param>
    /// <param name="inputs">The first carries, stacks, constants.</param>
    public LoopSteps(LoopForm form, BoundFunction function, nint number, ReadOnlySpan<NDArray> inputs)
    {
        this.form = form;
        Function = function;
        this.number = (long*)number;
        stacks = inputs.Slice(form.Carries.Length, form.Slices.Length);
        function.SetParameter(0, number);
        for (var i = form.Inputs - form.Constants; i < form.Inputs; i++)
            function.SetParameter(1 + i, inputs[i].Address);
    }

    /// <summary>What a step runs.</summary>
    public BoundFunction Function { get; }

    /// <summary>Goes to a step: its number and its slices.</summary>
    public void Enter(long step)
    {
        *number = step;
        for (var i = 0; i < form.Slices.Length; i++)
            Function.SetParameter(1 + form.Carries.Length + i, stacks[i].Address + (nint)(step * form.Slices[i]));
    }
}
