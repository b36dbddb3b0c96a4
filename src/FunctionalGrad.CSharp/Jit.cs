using Microsoft.FSharp.Core;
using static FunctionalGrad.Interop;

namespace FunctionalGrad;

public static partial class Transform
{
    /// <summary>
    /// The same function, traced and compiled when it meets a structure of arguments for the first time: shapes and dtypes of the tensors,
    /// and all that is no tensor, such as lengths of lists, keys of dictionaries, numbers, texts and delegates, compared with Equals. Later
    /// calls with that structure run the compiled program, and f is not called again: a mutable variable that f reads stays as it was
    /// at the first call, and what f prints is printed once. Tensors that f captures are inputs of the program. Results are known values;
    /// inside another transform the traced function becomes part of its graph. The result may be called from many threads. It
    /// keeps the structures of its latest arguments, with the delegates and objects in them, but none of their tensors.
    /// </summary>
    /// <exception cref="TracingException">f looks at a value of its argument, or calls the result itself with the same structure.</exception>
    /// <exception cref="ShapeException">The argument or the result holds something that is neither tensor nor setting.</exception>
    /// <remarks>
    /// With <paramref name="donate"/>, results may be written over the memory of the tensors in those arguments, as a training step does that replaces its
    /// parameters: <c>Jit(step, donate: [0])</c>. In each call they are given up, whether that was of use or not: nobody may read them afterwards, nor what
    /// has not been computed of them yet, else a <see cref="DonationException"/> is raised. Memory that something else may hold, such as a view or an
    /// <see cref="NDArray"/> that was asked for, is never written over: the value is copied. Inside another transform nothing is given up.
    /// </remarks>
    /// <param name="f">The function.</param>
    /// <param name="donate">The arguments, counted from 0, whose tensors are given up in each call.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no argument of a number in <paramref name="donate"/>.</exception>
    public static Func<A, B> Jit<A, B>(Func<A, B> f, IEnumerable<int>? donate = null)
    {
        var core = Traced(f, donate, 1, x => [x]);
        return x => core.Invoke(Given(x));
    }

    /// <summary>The same function of two arguments, traced and compiled when it meets a structure of them for the first time.</summary>
    /// <exception cref="TracingException">f looks at a value of an argument, or calls the result itself with the same structure.</exception>
    /// <exception cref="ShapeException">An argument or the result holds something that is neither tensor nor setting.</exception>
    /// <param name="f">The function.</param>
    /// <param name="donate">The arguments, counted from 0, whose tensors are given up in each call, as for one argument.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no argument of a number in <paramref name="donate"/>.</exception>
    public static Func<A1, A2, B> Jit<A1, A2, B>(Func<A1, A2, B> f, IEnumerable<int>? donate = null)
    {
        var core = Traced(Tupled(f), donate, 2, x => [x.Item1, x.Item2]);
        return (x, y) => core.Invoke((Given(x), Given(y)));
    }

    /// <summary>The same function of three arguments, traced and compiled when it meets a structure of them for the first time.</summary>
    /// <exception cref="TracingException">f looks at a value of an argument, or calls the result itself with the same structure.</exception>
    /// <exception cref="ShapeException">An argument or the result holds something that is neither tensor nor setting.</exception>
    /// <param name="f">The function.</param>
    /// <param name="donate">The arguments, counted from 0, whose tensors are given up in each call, as for one argument.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no argument of a number in <paramref name="donate"/>.</exception>
    public static Func<A1, A2, A3, B> Jit<A1, A2, A3, B>(Func<A1, A2, A3, B> f, IEnumerable<int>? donate = null)
    {
        var core = Traced(Tupled(f), donate, 3, x => [x.Item1, x.Item2, x.Item3]);
        return (x, y, z) => core.Invoke((Given(x), Given(y), Given(z)));
    }

    /// <summary>The same function of four arguments, traced and compiled when it meets a structure of them for the first time.</summary>
    /// <exception cref="TracingException">f looks at a value of an argument, or calls the result itself with the same structure.</exception>
    /// <exception cref="ShapeException">An argument or the result holds something that is neither tensor nor setting.</exception>
    /// <param name="f">The function.</param>
    /// <param name="donate">The arguments, counted from 0, whose tensors are given up in each call, as for one argument.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no argument of a number in <paramref name="donate"/>.</exception>
    public static Func<A1, A2, A3, A4, B> Jit<A1, A2, A3, A4, B>(Func<A1, A2, A3, A4, B> f, IEnumerable<int>? donate = null)
    {
        var core = Traced(Tupled(f), donate, 4, x => [x.Item1, x.Item2, x.Item3, x.Item4]);
        return (x, y, z, w) => core.Invoke((Given(x), Given(y), Given(z), Given(w)));
    }

    private static FSharpFunc<A, B> Traced<A, B>(Func<A, B> f, IEnumerable<int>? donate, int arguments, Func<A, object?[]> split)
    {
        var core = Function(f);
        int[] places = [.. donate ?? []];
        foreach (var place in places)
        {
            if (place < 0 || place >= arguments)
                throw new ArgumentOutOfRangeException(nameof(donate), place, $"jit: the function has {arguments} arguments, counted from 0; there is no argument {place} to donate.");
        }

        return places.Length == 0 ? Jitting.jit(core) : Jitting.jitDonating(Function((A x) => Parts(split(x), places)), core);
    }

    private static Tensor[] Parts(object?[] arguments, int[] places) => [.. places.SelectMany(place => TreeModule.flatten(arguments[place]))];

    private static Func<(T1, T2, T3, T4), TResult> Tupled<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, TResult> f)
    {
        ArgumentNullException.ThrowIfNull(f);
        return arguments => f(arguments.Item1, arguments.Item2, arguments.Item3, arguments.Item4);
    }

    /// <summary>
    /// The function compiled for the shapes and the dtype of a sample: it reads its argument from a span of numbers, all tensors of the
    /// structure in order, and writes its result to another. A call allocates nothing. As Jit does, it traces f once, and keeps what is no
    /// tensor as the sample has it; tensors that f captures stay as they are now.
    /// </summary>
    /// <exception cref="DTypeException">The tensors of the argument and the result are not of one float dtype.</exception>
    /// <exception cref="TracingException">f looks at a value of its argument.</exception>
    /// <exception cref="ShapeException">The argument or the result holds something that is neither tensor nor setting.</exception>
    public static CompiledFunction Compile<A, B>(Func<A, B> f, A sample) => Jitting.compile(Function(f), Given(sample));

    /// <summary>The function of two arguments, which lie one after the other in the span, compiled for the shapes and the dtype of samples.</summary>
    /// <exception cref="DTypeException">The tensors of the arguments and the result are not of one float dtype.</exception>
    /// <exception cref="TracingException">f looks at a value of an argument.</exception>
    /// <exception cref="ShapeException">An argument or the result holds something that is neither tensor nor setting.</exception>
    public static CompiledFunction Compile<A1, A2, B>(Func<A1, A2, B> f, A1 first, A2 second) =>
        Jitting.compile(Function(Tupled(f)), (Given(first), Given(second)));

    /// <summary>The function of three arguments, which lie one after the other in the span, compiled for the shapes and the dtype of samples.</summary>
    /// <exception cref="DTypeException">The tensors of the arguments and the result are not of one float dtype.</exception>
    /// <exception cref="TracingException">f looks at a value of an argument.</exception>
    /// <exception cref="ShapeException">An argument or the result holds something that is neither tensor nor setting.</exception>
    public static CompiledFunction Compile<A1, A2, A3, B>(Func<A1, A2, A3, B> f, A1 first, A2 second, A3 third) =>
        Jitting.compile(Function(Tupled(f)), (Given(first), Given(second), Given(third)));

    /// <summary>
    /// What the function becomes when it is compiled for arguments of the sample's structure: the graph as traced and after rewriting, the steps of
    /// the program and what each takes, and the memory. <c>ToString</c> gives a text, the members give the numbers. The function is traced, but
    /// nothing is run.
    /// </summary>
    /// <exception cref="TracingException">f looks at a value of its argument.</exception>
    /// <exception cref="ShapeException">The argument or the result holds something that is neither tensor nor setting.</exception>
    public static Explanation Explain<A, B>(Func<A, B> f, A sample) => global::FunctionalGrad.Jit.explain(Function(f), Given(sample));
}
