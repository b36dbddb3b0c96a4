using System.Reflection;
using System.Reflection.Emit;

namespace FunctionalGrad.Loops;

/// <summary>
/// One value of code that is being emitted: how to compute it from others. It is computed once, in its region: at the deepest of
/// the loops around its operands.
/// </summary>
internal sealed class Code(Type type, Region region, Code[] operands, Action<ILGenerator> finish)
{
    /// <summary>What stands on the stack.</summary>
    public Type Type { get; } = type;

    /// <summary>Where it is computed.</summary>
    public Region Region { get; } = region;

    /// <summary>What it is computed from.</summary>
    public Code[] Operands { get; } = operands;

    /// <summary>Turns the operands on the stack into the value.</summary>
    public Action<ILGenerator> Finish { get; } = finish;

    /// <summary>The method whose result it is, if it is one.</summary>
    public MethodInfo? Origin { get; init; }

    /// <summary>A number that costs nothing to repeat, so that it is never kept in a local variable.</summary>
    public bool IsConstant { get; init; }

    /// <summary>It has to be computed where it stands: it reads what may be overwritten later.</summary>
    public bool IsPinned { get; init; }

    /// <summary>How many others read it.</summary>
    public int Uses { get; set; }

    /// <summary>Whether somebody in a deeper region reads it.</summary>
    public bool IsReadDeeper { get; set; }

    /// <summary>How many operations stand between it and local variables.</summary>
    public int Size { get; set; } = 1;

    /// <summary>The local variable that keeps it, once it has been computed.</summary>
    public LocalBuilder? Local { get; set; }
}

/// <summary>What tells values apart: a method, its operands, a constant.</summary>
internal readonly record struct CodeKey(object What, Code? A = null, Code? B = null, Code? C = null, long Bits = 0);

/// <summary>Something done with values, in a region: a store, say.</summary>
internal sealed record Effect(Code[] Values, Action<ILGenerator> Finish);

/// <summary>
/// A straight piece of emitted code. Regions are written in the order of their numbers; a value may be read in its own region and in those
/// behind it that lie in the same loops.
/// </summary>
internal sealed class Region(int depth)
{
    private readonly List<Code> codes = [];
    private readonly List<Effect> effects = [];
    private readonly Dictionary<CodeKey, Code> known = [];

    /// <summary>Around how many loops deep it lies.</summary>
    public int Depth { get; } = depth;

    /// <summary>Its place among all regions of the method.</summary>
    public int Number { get; init; }

    /// <summary>Enters a value.</summary>
    public Code Add(Code code)
    {
        foreach (var operand in code.Operands)
        {
            operand.Uses++;
            if (operand.Region != this)
                operand.IsReadDeeper = true;
        }

        codes.Add(code);
        return code;
    }

    /// <summary>The value with a key; whoever asks first makes it, so that nothing is computed twice.</summary>
    public Code GetOrAdd(CodeKey key, Func<Code> make) => known.TryGetValue(key, out var found) ? found : known[key] = Add(make());

    /// <summary>Enters an effect.</summary>
    public void Add(Effect effect)
    {
        foreach (var value in effect.Values)
        {
            value.Uses++;
            if (value.Region != this)
                value.IsReadDeeper = true;
        }

        effects.Add(effect);
    }

    /// <summary>Whether it does anything that is seen from outside.</summary>
    public bool HasEffects => effects.Count > 0;

    /// <summary>How many values there are.</summary>
    public int Count => codes.Count;

    /// <summary>Writes the region: values that are read more than once, or deeper, into local variables; the others where they are read.</summary>
    public void Write(ILGenerator il, LocalPool locals)
    {
        foreach (var code in codes)
        {
            if (code.Uses == 0 || code.IsConstant)
                continue;
            foreach (var operand in code.Operands)
                code.Size += operand.Local is null && !operand.IsConstant ? operand.Size : 0;
            if (code.Uses == 1 && !code.IsReadDeeper && !code.IsPinned && code.Size <= 24)
                continue;
            Push(il, locals, code);
            code.Local = locals.Take(code.Type);
            il.Emit(OpCodes.Stloc, code.Local);
        }

        foreach (var effect in effects)
        {
            foreach (var value in effect.Values)
                Read(il, locals, value);
            effect.Finish(il);
        }
    }

    private void Push(ILGenerator il, LocalPool locals, Code code)
    {
        foreach (var operand in code.Operands)
            Read(il, locals, operand);
        code.Finish(il);
    }

    private void Read(ILGenerator il, LocalPool locals, Code code)
    {
        if (code.Local is null)
        {
            Push(il, locals, code);
            return;
        }

        il.Emit(OpCodes.Ldloc, code.Local);
        if (--code.Uses == 0 && code.Region == this)
            locals.Release(code.Local);
    }
}

/// <summary>Local variables, used again after the last read of what they held.</summary>
internal sealed class LocalPool(ILGenerator il)
{
    private readonly Dictionary<Type, Stack<LocalBuilder>> free = [];

    /// <summary>A variable of a type.</summary>
    public LocalBuilder Take(Type type) =>
        free.TryGetValue(type, out var stack) && stack.TryPop(out var local) ? local : il.DeclareLocal(type);

    /// <summary>Nobody reads the variable any more.</summary>
    public void Release(LocalBuilder local)
    {
        if (!free.TryGetValue(local.LocalType, out var stack))
            free[local.LocalType] = stack = new Stack<LocalBuilder>();
        stack.Push(local);
    }
}
