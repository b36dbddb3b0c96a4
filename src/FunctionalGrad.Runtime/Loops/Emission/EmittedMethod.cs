using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace FunctionalGrad.Loops;

/// <summary>A method that was emitted: over the table of buffers, the numbers, and a range of the outermost loop, if it takes one.</summary>
internal unsafe delegate void KernelFunction(nint* buffers, long* numbers, nint from, nint to);

/// <summary>Turns kernels into machine code.</summary>
internal static class EmittedMethod
{
    private static readonly Type[] Parameters = [typeof(nint*), typeof(long*), typeof(nint), typeof(nint)];

    /// <summary>One method that runs kernels one after the other.</summary>
    /// <param name="kernels">The kernels.</param>
    /// <param name="scratch">What they know of their scratch memory.</param>
    /// <param name="isRanged">Whether the only kernel's outermost loop takes the method's range.</param>
    public static KernelFunction Compile(IReadOnlyList<EmittedKernel> kernels, LocalHolder scratch, bool isRanged)
    {
        var method = new DynamicMethod("kernels", typeof(void), Parameters, typeof(EmittedMethod).Module, skipVisibility: true) { InitLocals = false };
        var il = method.GetILGenerator();
        WriteScratch(il, scratch, kernels.Max(kernel => kernel.ScratchBytes));
        var locals = new LocalPool(il);
        foreach (var kernel in kernels)
            kernel.Write(il, locals, isRanged);
        il.Emit(OpCodes.Ret);
        var function = method.CreateDelegate<KernelFunction>();
        RuntimeHelpers.PrepareDelegate(function);
        return function;
    }

    /// <summary>Scratch memory on the stack, on a cache line.</summary>
    private static void WriteScratch(ILGenerator il, LocalHolder scratch, long bytes)
    {
        scratch.Local = il.DeclareLocal(typeof(nint));
        if (bytes == 0)
            return;
        il.Emit(OpCodes.Ldc_I4, (int)bytes + NDArray.Alignment);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Localloc);
        il.Emit(OpCodes.Ldc_I4, NDArray.Alignment - 1);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Ldc_I4, -NDArray.Alignment);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.And);
        scratch.Store(il);
    }
}
