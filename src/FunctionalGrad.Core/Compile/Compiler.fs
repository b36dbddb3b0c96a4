namespace FunctionalGrad.Compile

open System
open System.Collections.Generic
open FunctionalGrad

/// A bounded cache: what has not been asked for while as many others came is forgotten.
type internal TwoGenerationCache<'Key, 'Value when 'Key: not null>(capacity: int, comparer: IEqualityComparer<'Key>) =
    let gate = obj ()
    let mutable young = Dictionary<'Key, 'Value>(comparer)
    let mutable old = Dictionary<'Key, 'Value>(comparer)

    let remember key value =
        if young.Count >= capacity then
            old <- young
            young <- Dictionary<'Key, 'Value>(comparer)

        young[key] <- value

    let tryFind key =
        match young.TryGetValue key with
        | true, value -> ValueSome value
        | _ ->
            match old.TryGetValue key with
            | true, value ->
                remember key value
                ValueSome value
            | _ -> ValueNone

    /// The value of a key. Several threads may make it at a time; all get the one that was there first.
    member _.GetOrAdd(key: 'Key, make: 'Key -> 'Value) =
        match lock gate (fun () -> tryFind key) with
        | ValueSome value -> value
        | ValueNone ->
            let value = make key

            lock gate (fun () ->
                match tryFind key with
                | ValueSome first -> first
                | ValueNone ->
                    remember key value
                    value)

module internal Structures =
    /// Graphs compute the same when their nodes do.
    let comparer =
        { new IEqualityComparer<Graph> with
            member _.Equals(a, b) =
                a.Nodes.Length = b.Nodes.Length
                && MemoryExtensions.SequenceEqual(ReadOnlySpan a.Outputs, ReadOnlySpan b.Outputs)
                && Array.forall2 (fun x y -> Nodes.alike.Equals(x, y)) a.Nodes b.Nodes

            member _.GetHashCode graph =
                let mutable code = HashCode()

                for node in graph.Nodes do
                    code.Add(Nodes.alike.GetHashCode node)

                for output in graph.Outputs do
                    code.Add output

                code.ToHashCode() }

/// A graph as a key: compared by what it computes, hashed once.
[<Sealed; AllowNullLiteral>]
type internal Structure(graph: Graph) =
    let code = lazy Structures.comparer.GetHashCode graph

    member _.Graph = graph
    override _.GetHashCode() = code.Value

    override this.Equals other =
        Object.ReferenceEquals(this, other)
        || (match other with
            | :? Structure as that -> code.Value = that.GetHashCode() && Structures.comparer.Equals(graph, that.Graph)
            | _ -> false)

/// From graph to program, once for each structure.
module internal Compiler =
    /// Programs kept; a graph above the size limit is not worth the memory of its key.
    let private capacity = 256
    let private largestKey = 20_000

    let private cache = TwoGenerationCache<Graph, Compiled>(capacity, Structures.comparer)

    /// Rewrite, fuse, lower; results may be written over the leaves that are given away.
    let private compileDonating (isDonated: int -> bool) (graph: Graph) : Compiled =
        let rewritten, origins = Rewrite.run graph

        if Loops.Verification.IsOn then
            VerifyGraph.check "trace" graph
            VerifyGraph.check "rewrite" rewritten

        let schedule = Schedule rewritten
        if Loops.Verification.IsOn then VerifySchedule.check (ScheduleView.Of schedule)
        Lowerer(schedule, origins).Run isDonated

    /// Rewrite, fuse, lower.
    let compile (graph: Graph) : Compiled = compileDonating (fun _ -> false) graph

    let private prepare (graph: Graph) : Compiled =
        if graph.Nodes.Length <= largestKey then cache.GetOrAdd(graph, compile) else compile graph

    /// The numbers that a program reads, after the zero that fills use.
    let private numbersOf (compiled: Compiled) (number: int -> int64) =
        let find (struct (node, known)) = if node < 0 then known else number node
        Array.append [| 0L |] (Array.map find compiled.Numbers)

    /// Where the program writes over an input, it gets memory that nobody reads: the input's own if that is sure, else a copy. An array that is
    /// given away, and is another input too, is copied for that one.
    let private giveAway (program: Loops.Program) (inputs: NDArray[]) =
        let mutable donated: HashSet<NDArray> = null

        for place in 0 .. inputs.Length - 1 do
            if program.IsOverwritten place then
                let array = inputs[place]

                if array.TryDonate() then
                    if isNull donated then donated <- HashSet<NDArray>(HashIdentity.Reference)

                    donated.Add array |> ignore
                else
                    if isNull donated || not (donated.Contains array) then array.RefuseDonated()

                    inputs[place] <- array.Copy()

        if not (isNull donated) then
            for place in 0 .. inputs.Length - 1 do
                let array = inputs[place]
                if array.IsDonated && not (program.IsOverwritten place) && donated.Contains array then inputs[place] <- array.Copy()

    let private runOn (compiled: Compiled) (numbers: int64[]) (leaf: int -> NDArray) : NDArray[] =
        let inputs = compiled.Leaves |> Array.map leaf
        giveAway compiled.Program inputs
        let results = compiled.Program.Run(inputs, numbers)

        compiled.Outputs
        |> Array.mapi (fun place (struct (slot, shape)) ->
            if compiled.IsAlone[place] then results[slot].Alone shape
            elif slot < 0 then inputs[-1 - slot].WithShape shape
            else results[slot].WithShape shape)

    /// The values of the graph's outputs.
    let run (graph: Graph) (leaf: int -> NDArray) (number: int -> int64) : NDArray[] =
        let compiled = prepare graph
        runOn compiled (numbersOf compiled number) leaf

    /// What a graph whose first nodes are its leaves has been compiled to, as a function of their values.
    let functionOf (graph: Graph) (compiled: Compiled) : NDArray[] -> NDArray[] =
        let numbers = numbersOf compiled (Nodes.number graph)
        fun inputs -> runOn compiled numbers (fun i -> inputs[i])

    /// A graph whose first nodes are its leaves, as a function of their values: looked up once, run often.
    let toFunction (graph: Graph) : NDArray[] -> NDArray[] = prepare graph |> functionOf graph

    /// The same, compiled for callers who give some of the leaves away.
    let toDonatingFunction (graph: Graph) (isDonated: int -> bool) : NDArray[] -> NDArray[] =
        compileDonating isDonated graph |> functionOf graph

    /// A graph whose first nodes are its leaves, as a function bound to where its parameters and results lie; so many of the parameters, from
    /// one on, stay as they are while it is used.
    let bind (graph: Graph) (parameters: int) (firstStill: int) (stillCount: int) : Loops.BoundProgram =
        let compiled = prepare graph
        let inputs = Array.create parameters -1
        compiled.Leaves |> Array.iteri (fun place leaf -> inputs[leaf] <- place)
        let outputs = compiled.Outputs |> Array.map (fun (struct (slot, _)) -> slot)

        Loops.BoundProgram(
            compiled.Program,
            ReadOnlySpan(numbersOf compiled (Nodes.number graph)),
            ReadOnlySpan inputs,
            ReadOnlySpan outputs,
            Range(Index firstStill, Index(firstStill + stillCount))
        )
