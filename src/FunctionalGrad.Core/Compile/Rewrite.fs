namespace FunctionalGrad.Compile

open System
open System.Collections.Generic
open FunctionalGrad
open FunctionalGrad.Loops

/// Laws that keep every bit of an IEEE result, applied while the graph is copied: equal nodes become one, dead ones are not visited.
module internal Rewrite =
    /// Contractions that are no matrix products.
    module Contraction =
        open IndexMaps

        let private positions (labels: int[]) (wanted: int[]) = wanted |> Array.map (fun label -> Array.IndexOf(labels, label))

        /// Products summed in a loop nest: for what is no matrix product (integers, inner products of many pairs).
        let asLoops (graph: GraphBuilder) (sizeOf: int -> int) left right (a: int[]) (b: int[]) (result: int[]) dtype =
            let summed = a |> Array.filter (fun label -> not (Array.contains label result))
            let all = Array.append result summed
            let space = Shape(Seq.map sizeOf all)

            let spread (input: int) (labels: int[]) =
                let present = all |> Array.filter (fun label -> Array.contains label labels)
                let ordered = permuted graph input (positions labels present)

                let sizes = all |> Array.map (fun label -> if Array.contains label labels then sizeOf label else 1)

                let aligned = reshaped graph ordered sizes

                if graph.Nodes[aligned].Shape.Equals space then aligned else graph.Add(View Broadcast, [| aligned |], space, dtype)

            let multiply = if dtype = DType.Bool then Opcode.And else Opcode.Mul
            let fold = if dtype = DType.Bool then Fold.Max else Fold.Sum
            let product = graph.Add(Pointwise multiply, [| spread left a; spread right b |], space, dtype)

            if summed.Length = 0 then
                product
            else
                let axes = [| result.Length .. all.Length - 1 |]
                graph.Add(Reduce(fold, axes), [| product |], Shape(Seq.map sizeOf result), dtype)

        let expand (graph: GraphBuilder) left right (a: int[]) (b: int[]) (result: int[]) (dtype: DType) =
            let sizes = Dictionary<int, int>()
            a |> Array.iteri (fun axis label -> sizes[label] <- graph.Nodes[left].Shape.[axis])
            b |> Array.iteri (fun axis label -> sizes[label] <- graph.Nodes[right].Shape.[axis])
            let sizeOf label = sizes[label]

            let free (mine: int[]) (other: int[]) =
                mine |> Array.exists (fun label -> Array.contains label result && not (Array.contains label other))

            if not (dtype.IsFloat()) || not (free a b || free b a) then
                asLoops graph sizeOf left right a b result dtype
            else
                graph.Add(Contract(a, b, result), [| left; right |], Shape(Seq.map sizeOf result), dtype)

    /// Reading and adding at one position of each row, as loops over whole rows: so they join the loops that compute the rows.
    module Picks =
        let private isOne (graph: GraphBuilder) axis index = graph.Nodes[index].Shape.[axis] = 1

        let private broadcast (graph: GraphBuilder) input (shape: Shape) =
            let node = graph.Nodes[input]
            if node.Shape.Equals shape then input else graph.Add(View Broadcast, [| input |], shape, node.DType)

        /// Whether each element stands at the index of its row; the index is checked in the asker's name, by reading itself at itself.
        let private isChosen (graph: GraphBuilder) axis asker index (shape: Shape) =
            let node = graph.Nodes[index]
            let known = graph.Add(Gather(axis, asker), [| broadcast graph index shape; index |], node.Shape, node.DType)
            let positions = graph.Add(Iota, [||], Shape.Of shape.[axis], node.DType)
            let alongAxis = Shape(Seq.init shape.Rank (fun d -> if d = axis then shape.[d] else 1))
            let aligned = IndexMaps.reshaped graph positions alongAxis.Sizes
            graph.Add(Pointwise Opcode.Equal, [| broadcast graph aligned shape; broadcast graph known shape |], shape, DType.Bool)

        /// x + source where the element is chosen, else x; if the index chooses one element a row.
        let tryScatter (graph: GraphBuilder) (node: Node) axis asker : int voption =
            let x, index, source = node.Inputs[0], node.Inputs[1], node.Inputs[2]

            if isOne graph axis index && node.Shape.Count > 0 then
                let chosen = isChosen graph axis asker index node.Shape
                let sum = graph.Add(Pointwise Opcode.Add, [| x; broadcast graph source node.Shape |], node.Shape, node.DType)
                ValueSome(graph.Add(Pointwise Opcode.Select, [| chosen; sum; x |], node.Shape, node.DType))
            else
                ValueNone

        /// The largest of what is chosen of x and −∞ elsewhere, which is the chosen one whatever its bits; if x is computed row by row,
        /// so that it need not be stored for this.
        let tryGather (graph: GraphBuilder) (node: Node) axis asker : int voption =
            let x, index = node.Inputs[0], node.Inputs[1]
            let source = graph.Nodes[x]

            if
                isOne graph axis index
                && source.Lowering.IsPointwise
                && node.DType.IsFloat()
                && source.Shape.Count > 0
                && Rows.areWorthwhile source.Shape [| axis |]
            then
                let chosen = isChosen graph axis asker index source.Shape
                let bits = BitConverter.DoubleToInt64Bits Double.NegativeInfinity
                let least = graph.Add(Splat(ValueSome bits), [||], source.Shape, node.DType)
                let row = graph.Add(Pointwise Opcode.Select, [| chosen; x; least |], source.Shape, node.DType)
                let picked = graph.Add(Reduce(Fold.Max, [| axis |]), [| row |], Rows.shape source.Shape [| axis |], node.DType)
                ValueSome(IndexMaps.reshaped graph picked node.Shape.Sizes)
            else
                ValueNone

    /// A fold over axes of one element each: 0 + x, or x.
    let private foldOfOne (graph: GraphBuilder) fold (node: Node) =
        let input = node.Inputs[0]

        match fold with
        | Fold.ArgMax
        | Fold.ArgMin -> graph.Add(Splat(ValueSome 0L), [||], node.Shape, node.DType)
        | Fold.Sum when node.DType.IsFloat() ->
            let nothing = graph.Add(Splat(ValueSome 0L), [||], node.Shape, node.DType)
            graph.Add(Pointwise Opcode.Add, [| nothing; IndexMaps.reshaped graph input node.Shape.Sizes |], node.Shape, node.DType)
        | _ -> IndexMaps.reshaped graph input node.Shape.Sizes

    let private isSplat (bits: int64) (node: Node) =
        match node.Lowering with
        | Splat(ValueSome special) -> special = bits
        | _ -> false

    /// The node that already is the result, if a law says so.
    let private simplify (graph: GraphBuilder) (node: Node) : int voption =
        let input i = graph.Nodes[node.Inputs[i]]

        match node.Lowering with
        | Same -> ValueSome node.Inputs[0]
        // 1·x = x, x·1 = x, x/1 = x
        | Pointwise Opcode.Mul when isSplat (Nodes.one node.DType) (input 0) -> ValueSome node.Inputs[1]
        | Pointwise(Opcode.Mul | Opcode.Div) when isSplat (Nodes.one node.DType) (input 1) -> ValueSome node.Inputs[0]
        // −(−x) = x
        | Pointwise Opcode.Neg when (input 0).Lowering = Pointwise Opcode.Neg -> ValueSome (input 0).Inputs[0]
        | Pointwise Opcode.Cast when (input 0).DType = node.DType -> ValueSome node.Inputs[0]
        // An index map that changes no shape changes nothing.
        | View(Broadcast | Reshape) when (input 0).Shape.Equals node.Shape -> ValueSome node.Inputs[0]
        | Reduce(_, [||]) -> ValueSome node.Inputs[0]
        | Concat _ when node.Inputs.Length = 1 -> ValueSome node.Inputs[0]
        | Item i when (input 0).Lowering = Group -> ValueSome (input 0).Inputs[i]
        | _ -> ValueNone

    let private plain (graph: GraphBuilder) (node: Node) = graph.Add(node.Lowering, node.Inputs, node.Shape, node.DType)

    let private add (graph: GraphBuilder) (node: Node) =
        match simplify graph node with
        | ValueSome index -> index
        | ValueNone ->
            match node.Lowering with
            | ScatterAdd(axis, asker) -> Picks.tryScatter graph node axis asker |> ValueOption.defaultWith (fun () -> plain graph node)
            | Gather(axis, asker) -> Picks.tryGather graph node axis asker |> ValueOption.defaultWith (fun () -> plain graph node)
            | Reduce(fold, axes) when axes |> Array.forall (fun axis -> graph.Nodes[node.Inputs[0]].Shape.[axis] = 1) ->
                foldOfOne graph fold node
            | Contract(a, b, result) -> Contraction.expand graph node.Inputs[0] node.Inputs[1] a b result node.DType
            | OverlapAdd(axis, stride, dilation, isTranspose) ->
                Sliding.overlapAdd graph node (axis, stride, dilation, isTranspose)
                |> ValueOption.defaultWith (fun () -> plain graph node)
            | Pointwise Opcode.Add -> Cutting.trySum graph node |> ValueOption.defaultWith (fun () -> plain graph node)
            | Reduce(fold, axes) -> Sliding.fold graph node fold axes |> ValueOption.defaultWith (fun () -> plain graph node)
            | _ -> plain graph node

    /// Of calls whose results begin with those of another call, on the same operands: that other call becomes one of them.
    let private included (source: Graph) : Node -> Node =
        let including = Dictionary<struct ((string * obj) * int list), Node>()

        let operands (node: Node) =
            [ for input in node.Inputs do
                  let mutable origin = input

                  while source.Nodes[origin].Lowering.IsSame do
                      origin <- source.Nodes[origin].Inputs[0]

                  origin ]

        for node in source.Nodes do
            match node.Lowering with
            | Call library when library.Includes.IsSome -> including.TryAdd(struct (library.Includes.Value, operands node), node) |> ignore
            | _ -> ()

        let find (node: Node) =
            match node.Lowering with
            | Call library ->
                match including.TryGetValue(struct (library.Key, operands node)) with
                | true, larger -> { larger with Inputs = node.Inputs }
                | _ -> node
            | _ -> node

        if including.Count = 0 then id else find

    /// The graph after all laws, and for each node that is an input of the program which node it was.
    let run (source: Graph) : Graph * int[] =
        let graph = GraphBuilder source.Nodes.Length
        let included = included source
        let inParts = Cutting.onlyInParts source
        let renamed = Array.zeroCreate<int> source.Nodes.Length

        for i in 0 .. source.Nodes.Length - 1 do
            let node = included source.Nodes[i]

            renamed[i] <-
                match node.Lowering with
                | Leaf
                | Splat ValueNone -> graph.Fresh(i, node)
                | Splat(ValueSome _) ->
                    let index = graph.Add(node.Lowering, [||], node.Shape, node.DType)
                    graph.Origins[index] <- i
                    index
                | View(Slice _) when inParts[node.Inputs[0]] -> Cutting.part source inParts (add graph) renamed node
                | _ -> add graph { node with Inputs = node.Inputs |> Array.map (fun input -> renamed[input]) }

        { Nodes = graph.Nodes.ToArray()
          Outputs = source.Outputs |> Array.map (fun output -> renamed[output]) },
        graph.Origins.ToArray()
