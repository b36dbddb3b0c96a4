namespace FunctionalGrad.Loops;

/// <summary>
/// Runs loops. Constants are bound once; between steps only addresses move, and nothing is allocated: what is carried has two places in
/// turn, slices and rows are read and written where they lie in their stacks.
/// </summary>
internal static unsafe class LoopRunner
{
    /// <summary>Runs a loop.</summary>
    /// <param name="form">What the loop is.</param>
    /// <param name="body">Its body.</param>
    /// <param name="inputs">The first carries, stacks, constants.</param>
    /// <param name="outputs">The last carries, stacks of rows; if the carries are to be recorded, a stack for each.</param>
    public static void Forward(LoopForm form, BoundFunction body, ReadOnlySpan<NDArray> inputs, ReadOnlySpan<NDArray> outputs)
    {
        var results = form.Carries.Length + form.Rows.Length;
        var memory = WorkingMemory.Borrow(NDArray.Alignment + Carried.MemoryFor(form.Carries));
        body.Borrow();
        try
        {
            var free = memory.Start;
            var steps = new LoopSteps(form, body, Carried.Take(ref free, sizeof(long)), inputs);
            var carried = new Carried(form.Carries, ref free);
            for (var i = 0; i < carried.Count; i++)
                carried.Start(i, inputs[i].Address, outputs[i].Address);
            var record = outputs.Length > results ? new StackedRecord(outputs[results..], form.Carries) : null;
            Run(form, steps, carried, outputs[carried.Count..results], record);
            carried.Finish();
        }
        finally
        {
            body.GiveBack();
            memory.Return();
            KeepAlive(inputs);
            KeepAlive(outputs);
        }
    }

    /// <summary>Runs the reverse of a loop.</summary>
    /// <param name="form">What the reverse is.</param>
    /// <param name="body">The loop's body.</param>
    /// <param name="backward">The body of the reverse.</param>
    /// <param name="totals">What gives the totals, of all inputs, of the stacks of cotangents of slices, and of those that are written for it; null if there are none.</param>
    /// <param name="inputs">What the loop takes, cotangents of the last carries, stacks of cotangents of rows; perhaps a record of the
    /// carries, without which the loop runs once more, and stacks of what the loop has kept.</param>
    /// <param name="outputs">Cotangents of the first carries, of the stacks, of the constants.</param>
    public static void Reverse(
        ReversalForm form, BoundFunction body, BoundFunction backward, BoundFunction? totals, ReadOnlySpan<NDArray> inputs, ReadOnlySpan<NDArray> outputs)
    {
        var loop = form.Loop;
        long[] moving = [.. form.Moving, .. form.Sums];
        var memory = WorkingMemory.Borrow(
            NDArray.Alignment + (2 * Carried.MemoryFor(loop.Carries)) + Carried.MemoryFor(loop.Rows) + Carried.MemoryFor(moving)
            + form.Stacked.Sum(bytes => Carried.Rounded(bytes * loop.Length)));
        body.Borrow();
        backward.Borrow();
        try
        {
            var free = memory.Start;
            var number = Carried.Take(ref free, sizeof(long));
            var steps = new LoopSteps(loop, body, number, inputs);
            var (record, count) = Record(form, steps, inputs, ref free);
            var back = new LoopSteps(loop, backward, number, inputs);
            var carried = new Carried(moving, ref free);
            WalkBack(form, new LoopHistory(loop, steps, record, count), back, carried, inputs, outputs, free);
            if (totals is not null)
                Total(form, totals, inputs, outputs, free);
        }
        finally
        {
            backward.GiveBack();
            body.GiveBack();
            memory.Return();
            KeepAlive(inputs);
            KeepAlive(outputs);
        }
    }

    /// <summary>Runs the steps of a loop, and counts them.</summary>
    private static long Run(LoopForm form, LoopSteps steps, Carried carried, ReadOnlySpan<NDArray> rows, LoopRecord? record)
    {
        record?.Keep(form, carried);
        // The last of a known number of steps writes home.
        var toHome = form.Length % 2 == 1;
        long step = 0;
        for (; form.Length < 0 ? *(byte*)carried[0] != 0 : step < form.Length; toHome = !toHome)
        {
            steps.Enter(step);
            for (var i = 0; i < rows.Length; i++)
                steps.Function.SetResult(carried.Count + i, rows[i].Address + (nint)(step * form.Rows[i]));
            step++;
            var isKept = record is not null && (form.Segment == 1 || step % form.Segment == 0) && step != form.Length;
            for (var i = 0; i < carried.Count; i++)
            {
                steps.Function.SetParameter(1 + i, carried[i]);
                carried[i] = isKept ? record!.Carry(i, step / form.Segment) : carried.Place(i, toHome);
                steps.Function.SetResult(i, carried[i]);
            }

            steps.Function.Run();
        }

        return step;
    }

    /// <summary>The record of a loop, which is given or made by running it, and how many steps there were.</summary>
    private static (LoopRecord Record, long Count) Record(ReversalForm form, LoopSteps steps, ReadOnlySpan<NDArray> inputs, ref nint free)
    {
        var loop = form.Loop;
        var carried = new Carried(loop.Carries, ref free);
        var other = new Carried(loop.Carries, ref free);
        var rows = new Carried(loop.Rows, ref free);
        for (var i = 0; i < rows.Count; i++)
            steps.Function.SetResult(carried.Count + i, rows.Place(i, false));
        if (inputs.Length > form.Given)
            return (new StackedRecord(inputs.Slice(form.Given, loop.Carries.Length), loop.Carries), loop.Length);
        var record = new GrowingRecord(loop.Carries);
        for (var i = 0; i < carried.Count; i++)
            carried.Start(i, inputs[i].Address, other.Place(i, false));
        return (record, Run(loop, steps, carried, [], record));
    }

    private static void WalkBack(
        ReversalForm form, LoopHistory history, LoopSteps back, Carried moving, ReadOnlySpan<NDArray> inputs, ReadOnlySpan<NDArray> outputs, nint stacks)
    {
        var loop = form.Loop;
        var rows = 1 + loop.Inputs + moving.Count;
        var toHome = history.Count % 2 == 1;
        Start(form, moving, toHome, inputs, outputs);
        for (var step = history.Count - 1; step >= 0; step--, toHome = !toHome)
        {
            history.GoTo(step);
            back.Enter(step);
            for (var i = 0; i < loop.Carries.Length; i++)
                back.Function.SetParameter(1 + i, history.Carry(i));
            for (var i = 0; i < moving.Count; i++)
            {
                back.Function.SetParameter(1 + loop.Inputs + i, moving[i]);
                moving[i] = moving.Place(i, toHome);
                back.Function.SetResult(i, moving[i]);
            }

            for (var i = 0; i < form.Rows.Length; i++)
                back.Function.SetParameter(rows + i, Row(inputs[loop.Inputs + form.Moving.Length + i], step, form.Rows[i]));
            for (var i = 0; i < form.Kept.Length; i++)
                back.Function.SetParameter(rows + form.Rows.Length + i, Row(inputs[form.Given + loop.Carries.Length + i], step, form.Kept[i]));
            for (var i = 0; i < form.Slices.Length; i++)
                back.Function.SetResult(moving.Count + i, Row(outputs[form.Moving.Length + i], step, form.Slices[i]));
            var stack = stacks;
            for (var i = 0; i < form.Stacked.Length; i++)
                back.Function.SetResult(moving.Count + form.Slices.Length + i, Carried.Take(ref stack, form.Stacked[i] * loop.Length) + (nint)(step * form.Stacked[i]));
            back.Function.Run();
        }

        moving.Finish();
    }

    private static nint Row(NDArray stack, long step, long bytes) => stack.Address + (nint)(step * bytes);

    /// <summary>What reaches constants from all steps together.</summary>
    private static void Total(ReversalForm form, BoundFunction totals, ReadOnlySpan<NDArray> inputs, ReadOnlySpan<NDArray> outputs, nint stacks)
    {
        for (var i = 0; i < inputs.Length; i++)
            totals.SetParameter(i, inputs[i].Address);
        for (var i = 0; i < form.Slices.Length; i++)
            totals.SetParameter(inputs.Length + i, outputs[form.Moving.Length + i].Address);
        for (var i = 0; i < form.Stacked.Length; i++)
            totals.SetParameter(inputs.Length + form.Slices.Length + i, Carried.Take(ref stacks, form.Stacked[i] * form.Loop.Length));
        for (var i = 0; i < form.TotalPlaces.Length; i++)
            totals.SetResult(i, outputs[form.TotalPlaces[i]].Address);
        totals.Borrow();
        try
        {
            totals.Run();
        }
        finally
        {
            totals.GiveBack();
        }
    }

    private static void Start(ReversalForm form, Carried moving, bool toHome, ReadOnlySpan<NDArray> inputs, ReadOnlySpan<NDArray> outputs)
    {
        for (var i = 0; i < form.Moving.Length; i++)
            moving.Start(i, inputs[form.Loop.Inputs + i].Address, outputs[i].Address);
        for (var i = 0; i < form.Sums.Length; i++)
            moving.StartAtZero(form.Moving.Length + i, outputs[form.SumPlaces[i]].Address, toHome);
    }

    private static void KeepAlive(ReadOnlySpan<NDArray> arrays)
    {
        foreach (var array in arrays)
            array.KeepAlive();
    }
}
