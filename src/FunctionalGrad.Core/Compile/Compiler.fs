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

    member _.GetOrAdd(key: 'Key, make: 'Key -> 'Value) =
        let found =
            lock gate (fun () ->
                match young.TryGetValue key with
                | true, value -> ValueSome value
                | _ ->
                    match old.TryGetValue key with
                    | true, value ->
                        remember key value
                        ValueSome value
                    | _ -> ValueNone)

        match found with
        | ValueSome value -> value
        | ValueNone ->
            let value = make key
            lock gate (fun () -> remember key value)
            value

/// From graph to program, once for each structure.
module internal Compiler =
    /// Programs kept; a graph above the size limit is not worth the memory of its key.
    let private capacity = 256
    let private largestKey = 20_000

    let private sameStructure =
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

    let private cache = TwoGenerationCache<Graph, Compiled>(capacity, sameStructure)

    /// Rewrite, fuse, lower.
    let compile (graph: Graph) : Compiled =
        let rewritten, origins = Rewrite.run graph
        Lowerer(Schedule rewritten, origins).Run()

    /// The values of the graph's outputs.
    let run (graph: Graph) (leaf: int -> NDArray) (number: int -> int64) : NDArray[] =
        let compiled = if graph.Nodes.Length <= largestKey then cache.GetOrAdd(graph, compile) else compile graph

        let inputs = compiled.Leaves |> Array.map leaf
        let numbers = Array.append [| 0L |] (compiled.Numbers |> Array.map number)
        let results = compiled.Program.Run(inputs, numbers)

        compiled.Outputs
        |> Array.map (fun (struct (slot, shape)) ->
            let array = if slot < 0 then inputs[-1 - slot] else results[slot]
            array.WithShape shape)
