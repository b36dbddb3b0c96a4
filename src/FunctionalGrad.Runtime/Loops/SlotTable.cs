namespace FunctionalGrad.Loops;

/// <summary>Hands out entries of the pointer table: slots of scratch memory, taken again as soon as the value in them has been used up.</summary>
internal sealed class SlotTable(KernelValues values, bool[] invariant)
{
    private readonly int[] left = (int[])values.Uses.Clone();
    private readonly int[] pointers = Unassigned(values.Uses.Length);
    private readonly bool[] inSlot = new bool[values.Uses.Length];
    private readonly Stack<int> free = new();
    private readonly List<int> slotPointers = [];

    /// <summary>True while invariants are laid out; after that their slots are kept.</summary>
    public bool InSetup { get; set; } = true;

    /// <summary>How many entries the pointer table has.</summary>
    public int PointerCount { get; private set; }

    /// <summary>The entries that are slots, in the order of their slots.</summary>
    public IReadOnlyList<int> SlotPointers => slotPointers;

    /// <summary>Where a value lies.</summary>
    public int PointerOf(int value) => pointers[value];

    /// <summary>An entry that is no slot.</summary>
    public int NewPointer() => PointerCount++;

    /// <summary>Says where a value lies that needs no slot.</summary>
    public int Assign(int value, int pointer) => pointers[value] = pointer;

    /// <summary>Gives a value a slot.</summary>
    public int Take(int value)
    {
        if (!free.TryPop(out var pointer))
        {
            pointer = PointerCount++;
            slotPointers.Add(pointer);
        }

        inSlot[value] = true;
        return pointers[value] = pointer;
    }

    /// <summary>Notes one use of a value; after its last one, its slot is free.</summary>
    public void Release(int value)
    {
        if (inSlot[value] && (InSetup || !invariant[value]) && --left[value] == 0)
            free.Push(pointers[value]);
    }

    /// <summary>Like <see cref="Release"/>, on a condition.</summary>
    public void ReleaseIf(int value, bool condition)
    {
        if (condition)
            Release(value);
    }

    private static int[] Unassigned(int count)
    {
        var pointers = new int[count];
        Array.Fill(pointers, -1);
        return pointers;
    }
}
