namespace FunctionalGrad

open System
open System.Collections.Generic
open System.Threading
open FunctionalGrad.Compile
open FunctionalGrad.Loops

/// A function traced for one structure of its argument, some tensors of which are given away in each call. It holds what the function
/// captures, and nothing of an argument.
[<Sealed; AllowNullLiteral>]
type internal TracedFunction<'B>(body: Body, captured: Tensor[], result: 'B, donated: int[]) =
    let program =
        lazy
            (let graph = body.Graph.Value.Graph

             if donated.Length = 0 then Compiler.toFunction graph else Compiler.toDonatingFunction graph (HashSet(donated).Contains))

    let run (inputs: NDArray[]) =
        if body.Results.Length = 0 then [||]
        elif Evaluation.useReference.Value then Reference.toFunction body.Graph.Value.Graph inputs
        else program.Value inputs

    /// The values; what is not known yet is computed in one go.
    let valuesOf (inputs: Tensor[]) =
        if inputs |> Array.exists (fun x -> isNull x.KnownValue) then
            for input in inputs do
                input.RequireHeld "jit"

            Evaluation.force inputs

        inputs |> Array.map (fun x -> x.Elements)

    /// The values at arguments, of which those to be given away are no longer theirs.
    let take (inputs: Tensor[]) =
        let values = valuesOf inputs

        for place in donated do
            inputs[place].Donate()

        values

    /// The function at the tensors of an argument.
    member _.Invoke(leaves: Tensor[]) : 'B =
        let inputs = if captured.Length = 0 then leaves else Array.append leaves captured

        let results =
            if inputs |> Array.exists (fun x -> x.IsPending) then
                Walk.settle (Body.apply body inputs)
            else
                take inputs |> run |> Array.map Tensor.OfArray

        Tree.withLeaves result results

/// One structure of the argument, with the function traced for it once somebody has asked.
[<Sealed; AllowNullLiteral>]
type internal TraceEntry<'A, 'B>(key: TreeKey, given: 'A -> Tensor[]) =
    let gate = obj ()
    let mutable traced: TracedFunction<'B> = null

    let trace (f: 'A -> 'B) (argument: 'A) (leaves: Tensor[]) =
        let parts = ref [||]

        let watched argument =
            parts.Value <- given argument
            f argument

        let body, captured, result = Flow.trace "jit" watched argument leaves

        let place (part: Tensor) =
            match Array.FindIndex(body.Parameters, 0, leaves.Length, (fun leaf -> Object.ReferenceEquals(leaf, part))) with
            | -1 ->
                raise (
                    DonationException
                        $"jitDonating: a {part.DType.Name()} {part.Shape} tensor is to be donated that is not one of the argument's. Choose among its parts, such as fst, without computing."
                )
            | place -> place

        // What f has computed from captured tensors alone is computed now, so that later calls find a value.
        captured |> Array.filter (fun x -> not x.IsPending) |> Evaluation.force
        // The body's own results, so that nothing keeps what the trace has left behind.
        TracedFunction<'B>(body, captured, Tree.withLeaves result body.Results, (parts.Value |> Array.map place |> Array.distinct))

    member _.Key = key

    /// The trace. Whoever comes first makes it, others wait; after an exception the next call tries again.
    member _.Get(f: 'A -> 'B, argument: 'A, leaves: Tensor[]) : TracedFunction<'B> =
        match Volatile.Read(&traced) with
        | null ->
            if Monitor.IsEntered gate then
                raise (
                    TracingException
                        "jit: the function calls itself with an argument of the same structure, so that tracing would not end. Repeat with whileLoop or scan, or choose by a field that is no tensor."
                )

            lock gate (fun () ->
                if isNull traced then Volatile.Write(&traced, trace f argument leaves)
                traced)
        | traced -> traced

/// Functions traced once and compiled.
[<AutoOpen>]
module Jitting =
    /// Structures that one function is kept for; twice as many while they come and go.
    [<Literal>]
    let private kept = 128

    /// The function behind jit; of an argument, what is given says what is given away.
    let private traced (given: 'A -> Tensor[]) (f: 'A -> 'B) : 'A -> 'B =
        let entries = TwoGenerationCache<TreeKey, TraceEntry<'A, 'B>>(kept, EqualityComparer<TreeKey>.Default)
        let latest: TraceEntry<'A, 'B> ref = ref null

        fun argument ->
            let recent = Volatile.Read(&latest.contents)
            let recentKey = if isNull recent then null else recent.Key
            let struct (leaves, key) = Tree.key recentKey argument

            let entry =
                if Object.ReferenceEquals(key, recentKey) then
                    recent
                else
                    let found = entries.GetOrAdd(key, (fun key -> TraceEntry<'A, 'B>(key, given)))
                    Volatile.Write(&latest.contents, found)
                    found

            entry.Get(f, argument, leaves).Invoke leaves

    /// The same function, traced and compiled when it meets a structure of arguments for the first time: shapes and dtypes of the tensors,
    /// and all that is no tensor, such as the lengths of lists, the keys of maps, cases of unions, numbers, texts and functions. Numbers and
    /// texts count by value, functions and other objects by their own Equals. Later calls with that structure run the compiled
    /// program, and f is not called again. So whatever else f reads or does, a mutable variable, a clock, a line printed, belongs to the
    /// first call and stays as it was then; in the result, what is no tensor is that of the first call. Tensors that f captures are inputs
    /// of the program.
    ///
    /// Results are known values. Inside another transform the traced function becomes part of that transform's graph, so that it can be
    /// differentiated, mapped and traced. The result may be called from many threads. It keeps the structures of its latest arguments, with
    /// the functions and objects in them, but none of their tensors.
    /// <exception cref="T:FunctionalGrad.TracingException">f looks at a value of its argument, which no value is given for while f is traced; or
    /// it calls the result itself with an argument of the same structure.</exception>
    /// <exception cref="T:FunctionalGrad.ShapeException">The argument or the result holds something that is neither tensor nor setting.</exception>
    let jit (f: 'A -> 'B) : 'A -> 'B = traced (fun _ -> [||]) f

    /// jit, for steps that replace what they are given: the results may be written over the tensors of the argument that are donated, so
    /// that a training step needs no new memory for its parameters. Which they are, a function of the argument says, such as fst:
    /// jitDonating fst step (parameters, batch). In each call they are given up, whether their memory was of use or not: nobody may read
    /// them afterwards, nor what has not been computed of them yet. Memory that something else may hold, such as a view, an NDArray that
    /// was asked for, or another tensor of the same array, is never written over: the value is copied. Inside another transform nothing is
    /// given up. The results are those of jit.
    /// <exception cref="T:FunctionalGrad.DonationException">A tensor of the argument was donated before, or one is to be donated that is not part of the argument.</exception>
    /// <exception cref="T:FunctionalGrad.TracingException">As for jit.</exception>
    /// <exception cref="T:FunctionalGrad.ShapeException">As for jit.</exception>
    let jitDonating (donated: 'A -> 'D) (f: 'A -> 'B) : 'A -> 'B = traced (donated >> Tree.flatten) f

    let private spanParts (paths: (string * Tensor)[]) : SpanPart[] =
        let starts = paths |> Array.scan (fun start (_, x) -> Checked.(+) start x.Count) 0
        Array.map2 (fun (path, x: Tensor) start -> SpanPart(path, start, x.Shape)) paths starts[.. paths.Length - 1]

    /// The one float dtype of what goes in and out of spans.
    let private spanType (argument: (string * Tensor)[]) (result: (string * Tensor)[]) : DType =
        match Array.append argument result |> Array.map (fun (_, x) -> x.DType) |> Array.distinct with
        | [| dtype |] when dtype.IsFloat() -> dtype
        | _ ->
            let listed = $"argument [{Flow.describeAll argument}], result [{Flow.describeAll result}]"

            raise (
                DTypeException
                    $"compile: all tensors must be of one float dtype, which spans hold: {listed}. Convert with cast inside of the function, let it capture what is no argument, or use jit."
            )

    /// The function compiled for the shapes and the dtype of a sample: it reads its argument from a span of numbers, all tensors of the
    /// structure in order, and writes its result to another. A call allocates nothing. As jit does, it traces f once, and keeps what is
    /// no tensor as the sample has it; tensors that f captures stay as they are now.
    /// <exception cref="T:FunctionalGrad.DTypeException">The tensors of the argument and the result are not of one float dtype.</exception>
    /// <exception cref="T:FunctionalGrad.TracingException">f looks at a value of its argument.</exception>
    /// <exception cref="T:FunctionalGrad.ShapeException">The argument or the result holds something that is neither tensor nor setting.</exception>
    let compile (f: 'A -> 'B) (sample: 'A) : CompiledFunction =
        let argument = Tree.paths sample
        let leaves = Array.map snd argument
        let body, captured, result = Flow.trace "compile" f sample leaves
        let result = Tree.paths result
        let dtype = spanType argument result
        Evaluation.force captured
        let constants = captured |> Array.map (fun x -> x.Value)

        let bind () : BoundFunction =
            let bound = Compiler.bind body.Graph.Value.Graph body.Parameters.Length 0 0
            bound.Keep(leaves.Length, constants)
            bound

        CompiledFunction(dtype, spanParts argument, spanParts result, bind)

/// What becomes of functions.
[<RequireQualifiedAccess>]
module Jit =
    /// What the function becomes when it is compiled for arguments of the sample's structure: the graph as traced and after rewriting,
    /// the steps of the program and what each takes, and the memory. Printed, it is a text; its members give the numbers. The function is
    /// traced, but nothing is run. Explain a gradient by explaining grad f.
    /// <exception cref="T:FunctionalGrad.TracingException">f looks at a value of its argument.</exception>
    /// <exception cref="T:FunctionalGrad.ShapeException">The argument or the result holds something that is neither tensor nor setting.</exception>
    let explain (f: 'A -> 'B) (sample: 'A) : Explanation =
        let leaves = Tree.paths sample |> Array.map snd
        let body, _, _ = Flow.trace "explain" f sample leaves
        Explain.graph body.Graph.Value.Graph
