namespace FunctionalGrad.Compile

open System.Collections.Generic
open FunctionalGrad
open FunctionalGrad.Loops

/// Laws of arrays that are cut into parts, and put together of parts.
module internal Cutting =
    /// So many parts, and sums of them, are looked at: every sum of a long chain is asked.
    let private most = 32

    let private isWhole (steps: int[]) = Array.forall ((=) 1) steps

    /// The arrays that a sum embeds in zeros, with where each begins; none if it is made of anything else, or of too many.
    let private embedded (graph: GraphBuilder) (node: Node) : List<struct (int[] * int)> =
        let found = List<struct (int[] * int)>()
        let stack = Stack<int>(node.Inputs)
        let mutable sums = 1

        while stack.Count > 0 && found.Count < most && sums < most do
            let part = graph.Nodes[stack.Pop()]

            match part.Lowering with
            | Embed(starts, steps) when isWhole steps -> found.Add(struct (starts, part.Inputs[0]))
            | Pointwise Opcode.Add ->
                sums <- sums + 1
                Array.iter stack.Push part.Inputs
            | _ ->
                stack.Clear()
                found.Clear()

        if stack.Count = 0 then found else List<struct (int[] * int)>()

    /// Along which axis parts stand side by side and fill the whole, if they do; in their order.
    let private alongAxis (graph: GraphBuilder) (whole: Shape) (parts: struct (int[] * int) seq) : struct (int * int[]) voption =
        let sizeOf part axis = graph.Nodes[part].Shape.[axis]
        let isCut (struct (_, part)) axis = sizeOf part axis < whole.[axis]

        match [| 0 .. whole.Rank - 1 |] |> Array.filter (fun axis -> Seq.exists (fun part -> isCut part axis) parts) with
        | [| axis |] ->
            let ordered = parts |> Seq.sortBy (fun (struct (starts, _)) -> starts[axis]) |> Array.ofSeq
            let mutable reached = 0

            for struct (starts, part) in ordered do
                reached <- if starts[axis] = reached then reached + sizeOf part axis else -1

            if reached = whole.[axis] then
                ValueSome(struct (axis, ordered |> Array.map (fun (struct (_, part)) -> part)))
            else
                ValueNone
        | _ -> ValueNone

    /// Arrays that are zero outside of parts which fill the whole add up to the parts, one after the other. Each is added to zero, as it is in the
    /// sum: of −0 that makes 0.
    let trySum (graph: GraphBuilder) (node: Node) : int voption =
        let parts = embedded graph node

        if parts.Count < 2 then
            ValueNone
        else
            match alongAxis graph node.Shape parts with
            | ValueSome(struct (axis, parts)) ->
                let plusZero part =
                    let shape = graph.Nodes[part].Shape
                    let zero = graph.Add(Splat(ValueSome 0L), [||], shape, node.DType)
                    graph.Add(Pointwise Opcode.Add, [| part; zero |], shape, node.DType)

                ValueSome(graph.Add(Concat axis, Array.map plusZero parts, node.Shape, node.DType))
            | ValueNone -> ValueNone

    /// Instructions that parts are computed with one by one.
    let private deepest = 6

    /// Which nodes of a graph are computed of what stands in memory, by few instructions, and are only read by parts: the instructions may as
    /// well be done for each part, so that they join what else is done with it.
    let onlyInParts (graph: Graph) : bool[] =
        let nodes = graph.Nodes
        let depths = Array.zeroCreate<int> nodes.Length
        let tooDeep = deepest + 1

        for i in 0 .. nodes.Length - 1 do
            let node = nodes[i]

            depths[i] <-
                match node.Lowering with
                | Leaf
                | Splat _
                | Contract _
                | Item _ -> 0
                | View _
                | Same -> depths[node.Inputs[0]]
                | Pointwise _ -> 1 + (node.Inputs |> Seq.map (fun input -> depths[input]) |> Seq.max)
                | _ -> tooDeep

        let read = Array.zeroCreate<int64> nodes.Length
        let isElsewhere = Array.zeroCreate<bool> nodes.Length

        for output in graph.Outputs do
            isElsewhere[output] <- true

        let isInParts i = read[i] > 0L && not isElsewhere[i] && read[i] <= int64 nodes[i].Shape.Count

        for i in nodes.Length - 1 .. -1 .. 0 do
            let node = nodes[i]

            match node.Lowering with
            | View(Slice(_, steps)) when isWhole steps && node.Shape.Count < nodes[node.Inputs[0]].Shape.Count ->
                let input = node.Inputs[0]
                read[input] <- read[input] + int64 node.Shape.Count
            | Same
            | Pointwise _ when depths[i] < tooDeep && isInParts i ->
                for input in node.Inputs do
                    read[input] <- max read[input] read[i]
            | _ ->
                for input in node.Inputs do
                    isElsewhere[input] <- true

        Array.init nodes.Length (fun i -> (nodes[i].Lowering.IsPointwise || nodes[i].Lowering.IsSame) && depths[i] < tooDeep && isInParts i)

    /// A part of a node of the source that is computed in parts only: what computes it, of parts of its operands.
    let rec part (source: Graph) (inParts: bool[]) (add: Node -> int) (renamed: int[]) (node: Node) : int =
        let input = node.Inputs[0]
        let whole = source.Nodes[input]

        if inParts[input] then
            let operands =
                whole.Inputs
                |> Array.map (fun operand ->
                    part source inParts add renamed { node with Inputs = [| operand |]; DType = source.Nodes[operand].DType })

            if whole.Lowering.IsSame then operands[0] else add { whole with Inputs = operands; Shape = node.Shape }
        else
            add { node with Inputs = [| renamed[input] |] }
