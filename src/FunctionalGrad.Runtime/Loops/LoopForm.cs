namespace FunctionalGrad.Loops;

/// <summary>
/// What a loop is, whatever its steps compute. Its body takes the step's number (int64), carries, slices of stacks and constants, and gives
/// the next carries and rows of stacks.
/// </summary>
/// <param name="Length">How many steps; −1: as long as the first carry, a bool, is true.</param>
/// <param name="Segment">A record holds the carries of every so many steps.</param>
/// <param name="Carries">Bytes of each carry.</param>
/// <param name="Slices">Bytes of each slice.</param>
/// <param name="Constants">How many constants there are.</param>
/// <param name="Rows">Bytes of each row.</param>
internal sealed record LoopForm(long Length, long Segment, long[] Carries, long[] Slices, int Constants, long[] Rows)
{
    /// <summary>How many arrays a loop takes: the first carries, stacks, constants.</summary>
    public int Inputs => Carries.Length + Slices.Length + Constants;
}

/// <summary>
/// What the reverse of a loop is. Its body takes what the loop's takes, then what moves from step to step (cotangents of carries, then sums
/// of what reaches constants), cotangents of rows, and rows that the loop has kept for it; it gives what moves on, cotangents of slices, and
/// rows of stacks for the totals: what reaches other constants, computed after the last step of everything that is there.
/// </summary>
/// <param name="Loop">The loop.</param>
/// <param name="Moving">Bytes of the cotangent of each carry that has one.</param>
/// <param name="Sums">Bytes of each sum.</param>
/// <param name="Rows">Bytes of each row that has a cotangent.</param>
/// <param name="Slices">Bytes of each slice that is asked for.</param>
/// <param name="Kept">Bytes of each row that the loop has kept.</param>
/// <param name="Stacked">Bytes of each row for the totals.</param>
/// <param name="SumPlaces">Which outputs are sums.</param>
/// <param name="TotalPlaces">Which outputs are totals.</param>
internal sealed record ReversalForm(
    LoopForm Loop, long[] Moving, long[] Sums, long[] Rows, long[] Slices, long[] Kept, long[] Stacked, int[] SumPlaces, int[] TotalPlaces)
{
    /// <summary>How many arrays the reverse takes before the record: what the loop takes, cotangents of the last carries and of rows.</summary>
    public int Given => Loop.Inputs + Moving.Length + Rows.Length;
}
