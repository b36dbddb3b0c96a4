using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace FunctionalGrad.Loops;

/// <summary>What emitted code is called with.</summary>
internal readonly unsafe struct EmittedState(nint* buffers, long* numbers)
{
    /// <summary>The address of every buffer of the program.</summary>
    public readonly nint* Buffers = buffers;

    /// <summary>The numbers of the run.</summary>
    public readonly long* Numbers = numbers;

    /// <summary>The address of the <see cref="ConstantTable"/>.</summary>
    public readonly nint Constants = ConstantTable.Start;
}

/// <summary>A method in the making, and the local variables that all of its kernels read.</summary>
internal sealed class MethodFrame
{
    /// <summary>The table of buffers.</summary>
    public LocalHolder Buffers { get; } = new();

    /// <summary>The numbers of the run.</summary>
    public LocalHolder Numbers { get; } = new();

    /// <summary>The numbers of the polynomials.</summary>
    public LocalHolder Constants { get; } = new();

    /// <summary>Scratch memory, on a cache line.</summary>
    public LocalHolder Scratch { get; } = new();

    /// <summary>The first index of the outermost loop that a part takes.</summary>
    public LocalHolder From { get; } = new();

    /// <summary>The index behind its last.</summary>
    public LocalHolder To { get; } = new();
}

/// <summary>Turns kernels into machine code.</summary>
internal static unsafe class EmittedMethod
{
    private static readonly Type[] Parameters = [typeof(int), typeof(void*)];

    /// <summary>One method that runs kernels one after the other.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="frame">The frame that they were made for.</param>
    /// <param name="step">How many indexes of the only kernel's outermost loop a part takes; 0: all, of each kernel.</param>
    public static Parallelism.PartWork Compile(IReadOnlyList<EmittedKernel> kernels, MethodFrame frame, long step = 0)
    {
        var method = new DynamicMethod("kernels", typeof(void), Parameters, typeof(EmittedMethod).Module, skipVisibility: true) { InitLocals = false };
        var il = method.GetILGenerator();
        foreach (var holder in (LocalHolder[])[frame.Buffers, frame.Numbers, frame.Constants, frame.Scratch, frame.From, frame.To])
            holder.Local = il.DeclareLocal(typeof(nint));
        WriteState(il, frame);
        if (step > 0)
            WriteRange(il, frame, step, kernels[0].Units);
        WriteScratch(il, frame.Scratch, kernels.Max(kernel => kernel.ScratchBytes));
        var locals = new LocalPool(il);
        foreach (var kernel in kernels)
            kernel.Write(il, locals, step > 0);
        il.Emit(OpCodes.Ret);
        var work = method.CreateDelegate<Parallelism.PartWork>();
        RuntimeHelpers.PrepareDelegate(work);
        return work;
    }

    private static void WriteState(ILGenerator il, MethodFrame frame)
    {
        Read(nameof(EmittedState.Buffers), frame.Buffers);
        Read(nameof(EmittedState.Numbers), frame.Numbers);
        Read(nameof(EmittedState.Constants), frame.Constants);

        void Read(string field, LocalHolder local)
        {
            il.Emit(OpCodes.Ldarg_1);
            il.Emit(OpCodes.Ldfld, typeof(EmittedState).GetField(field)!);
            local.Store(il);
        }
    }

    /// <summary>from = part · step, to = min(from + step, extent)</summary>
    private static void WriteRange(ILGenerator il, MethodFrame frame, long step, long extent)
    {
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Conv_I);
        EmittedKernel.PushNative(il, step);
        il.Emit(OpCodes.Mul);
        frame.From.Store(il);
        frame.From.Load(il);
        EmittedKernel.PushNative(il, step);
        il.Emit(OpCodes.Add);
        EmittedKernel.PushNative(il, extent);
        il.Emit(OpCodes.Call, typeof(Math).GetMethod(nameof(Math.Min), [typeof(nint), typeof(nint)])!);
        frame.To.Store(il);
    }

    private static void WriteScratch(ILGenerator il, LocalHolder scratch, long bytes)
    {
        if (bytes == 0)
            return;
        il.Emit(OpCodes.Ldc_I4, (int)bytes + NDArray.Alignment);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Localloc);
        EmittedKernel.PushNative(il, NDArray.Alignment - 1);
        il.Emit(OpCodes.Add);
        EmittedKernel.PushNative(il, -NDArray.Alignment);
        il.Emit(OpCodes.And);
        scratch.Store(il);
    }
}
