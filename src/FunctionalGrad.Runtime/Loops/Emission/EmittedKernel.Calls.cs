using System.Reflection.Emit;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <content>Functions that are called for a few elements in scratch memory.</content>
internal sealed unsafe partial class EmittedKernel
{
    /// <summary>A function that is called for a few elements in memory: one without a vector form, or one that would make the method too long.</summary>
    private const int CallArea = 4 * 64;

    /// <summary>Where a call finds its operands and leaves its result.</summary>
    private long callOffset = -1;

    /// <summary>The polynomial's value, or, if it does not reach some lane, what the function gives when it is called.</summary>
    private Code Patched(Opcode code, DType type, Code inline, Code x, int count)
    {
        var beyond = Polynomials.BeyondTrigonometric(On(type), x);
        var any = machine.Move("IsAnySet", type);
        var function = (nint)BlockKernels.Unary(code, type);
        var area = Area();
        var vector = machine.Vector(type);
        return inline.Region.Add(new Code(vector, inline.Region, [inline, x, beyond], il =>
        {
            var (y, given, isBeyond, done) = (locals!.Take(vector), locals.Take(vector), locals.Take(typeof(bool)), il.DefineLabel());
            il.Emit(OpCodes.Call, any);
            il.Emit(OpCodes.Stloc, isBeyond);
            il.Emit(OpCodes.Stloc, given);
            il.Emit(OpCodes.Stloc, y);
            il.Emit(OpCodes.Ldloc, isBeyond);
            il.Emit(OpCodes.Brfalse, done);
            il.Emit(OpCodes.Ldloc, given);
            EmitCall(il, function, area, [x], count);
            LoadScratch(il, area, vector);
            il.Emit(OpCodes.Stloc, y);
            il.MarkLabel(done);
            il.Emit(OpCodes.Ldloc, y);
            foreach (var local in (LocalBuilder[])[y, given, isBeyond])
                locals.Release(local);
        })
        { IsPinned = true });
    }

    /// <summary>The result of a function over elements in memory.</summary>
    private Code Called(nint function, DType type, Code[] operands, int count, DType? result = null)
    {
        var region = operands.MaxBy(operand => operand.Region.Number)!.Region;
        var area = Area();
        var vector = machine.Vector(result ?? type);
        return region.Add(new Code(vector, region, operands, il =>
        {
            EmitCall(il, function, area, operands, count);
            LoadScratch(il, area, vector);
        }));
    }

    private long Area()
    {
        if (callOffset < 0)
            callOffset = TakeScratch(CallArea);
        return callOffset;
    }

    /// <summary>Takes values from the stack into scratch memory, so many bytes apart.</summary>
    private void Spill(ILGenerator il, Code[] given, long area, int apart)
    {
        for (var k = given.Length - 1; k >= 0; k--)
        {
            var value = locals!.Take(given[k].Type);
            il.Emit(OpCodes.Stloc, value);
            PushScratch(il, area + (apart * k));
            il.Emit(OpCodes.Ldloc, value);
            il.Emit(OpCodes.Unaligned, (byte)1);
            il.Emit(OpCodes.Stobj, given[k].Type);
            locals.Release(value);
        }
    }

    /// <summary>Calls a function (operands…, result, count) of operands on the stack; the result lies where the first operand lay.</summary>
    private void EmitCall(ILGenerator il, nint function, long area, Code[] operands, int count)
    {
        Spill(il, operands, area, 64);
        var parameters = new List<Type>();
        for (var k = 0; k <= operands.Length; k++)
        {
            PushScratch(il, area + (k < operands.Length ? 64 * k : 0));
            parameters.Add(typeof(void*));
        }

        il.Emit(OpCodes.Ldc_I4, count);
        il.Emit(OpCodes.Conv_I);
        EmitCalli(il, function, [.. parameters, typeof(nint)]);
    }

    private static void EmitCalli(ILGenerator il, nint function, params Type[] parameters)
    {
        il.Emit(OpCodes.Ldc_I8, (long)function);
        il.Emit(OpCodes.Conv_I);
        il.EmitCalli(OpCodes.Calli, System.Reflection.CallingConventions.Standard, typeof(void), parameters, null);
    }

    private void PushScratch(ILGenerator il, long offset)
    {
        frame.Scratch.Load(il);
        il.Emit(OpCodes.Ldc_I4, (int)offset);
        il.Emit(OpCodes.Add);
    }

    private void LoadScratch(ILGenerator il, long offset, Type type)
    {
        PushScratch(il, offset);
        il.Emit(OpCodes.Unaligned, (byte)1);
        il.Emit(OpCodes.Ldobj, type);
    }

    private long TakeScratch(long bytes)
    {
        var offset = scratchBytes;
        scratchBytes += (bytes + 63) & -64;
        return offset;
    }

    /// <summary>A conversion that the interpreter's loop does: the parts lie side by side, and so do those of the result.</summary>
    private Value CastByCall(Value x, DType to, Region region)
    {
        var home = x.Parts.MaxBy(part => part.Region.Number)!.Region;
        var bytes = machine.Bits / 8;
        var from = TakeScratch(bytes * x.Parts.Length);
        var target = TakeScratch(bytes * Parts(to));
        var function = (nint)BlockKernels.Cast(x.Type, to);
        var count = ActiveElements(region);
        var parts = new Code[Parts(to)];
        parts[0] = home.Add(new Code(machine.Vector(to), home, x.Parts, il =>
        {
            Spill(il, x.Parts, from, bytes);
            PushScratch(il, from);
            PushScratch(il, target);
            il.Emit(OpCodes.Ldc_I4, count);
            il.Emit(OpCodes.Conv_I);
            EmitCalli(il, function, typeof(void*), typeof(void*), typeof(nint));
            LoadScratch(il, target, machine.Vector(to));
        })
        { IsPinned = true });
        for (var p = 1; p < parts.Length; p++)
        {
            // It waits for the first part, whose computation leaves it in memory.
            var place = target + (bytes * p);
            parts[p] = home.Add(new Code(machine.Vector(to), home, [parts[0]], il =>
            {
                il.Emit(OpCodes.Pop);
                LoadScratch(il, place, machine.Vector(to));
            })
            { IsPinned = true });
        }

        return new Value(to, parts);
    }
}
