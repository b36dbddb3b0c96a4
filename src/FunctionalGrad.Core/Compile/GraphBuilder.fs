namespace FunctionalGrad.Compile

open System
open System.Collections.Generic
open FunctionalGrad

module internal Nodes =
    /// The bits of the number one, as Splat carries them.
    let one (dtype: DType) = if dtype.IsFloat() then BitConverter.DoubleToInt64Bits 1.0 else 1L

    /// The bits of a number of a graph that reads none from outside.
    let number (graph: Graph) (i: int) : int64 =
        match graph.Nodes[i].Lowering with
        | Splat(ValueSome bits) -> bits
        | other -> invalidOp $"{other} is no number."

    /// Two nodes compute the same when lowering, operands, shape and dtype agree.
    let alike =
        { new IEqualityComparer<Node> with
            member _.Equals(a, b) =
                a.DType = b.DType
                && MemoryExtensions.SequenceEqual(ReadOnlySpan a.Inputs, ReadOnlySpan b.Inputs)
                && a.Shape.Equals b.Shape
                && a.Lowering.Equals b.Lowering

            member _.GetHashCode node =
                let mutable code = node.Lowering.GetHashCode() * 31 + int node.DType

                for input in node.Inputs do
                    code <- code * 31 + input

                code * 31 + node.Shape.GetHashCode() }

/// A graph under construction in which no node stands twice.
type internal GraphBuilder(capacity: int) =
    let nodes = List<Node>(capacity)
    let origins = List<int>(capacity)
    let known = Dictionary<Node, int>(capacity, Nodes.alike)

    member _.Nodes = nodes
    /// The node of the graph before, for leaves and numbers; −1 for others.
    member _.Origins = origins

    member _.Fresh(origin: int, node: Node) =
        nodes.Add node
        origins.Add origin
        nodes.Count - 1

    member this.Add(lowering, inputs: int[], shape: Shape, dtype) =
        let node = { Lowering = lowering; Inputs = inputs; Shape = shape; DType = dtype }

        match known.TryGetValue node with
        | true, index -> index
        | _ ->
            let index = this.Fresh(-1, node)
            known[node] <- index
            index

/// Index maps of nodes; those that change nothing are no nodes.
module internal IndexMaps =
    let permuted (graph: GraphBuilder) (input: int) (axes: int[]) =
        let node = graph.Nodes[input]

        if axes = [| 0 .. axes.Length - 1 |] then
            input
        else
            let shape = Shape(axes |> Seq.map (fun axis -> node.Shape.[axis]))
            graph.Add(View(Permute axes), [| input |], shape, node.DType)

    let reshaped (graph: GraphBuilder) (input: int) (sizes: int seq) =
        let node = graph.Nodes[input]
        let shape = Shape sizes

        if shape.Equals node.Shape then input else graph.Add(View Reshape, [| input |], shape, node.DType)
