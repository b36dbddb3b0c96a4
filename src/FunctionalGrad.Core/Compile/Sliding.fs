namespace FunctionalGrad.Compile

open System.Collections.Generic
open FunctionalGrad
open FunctionalGrad.Loops

/// Laws of sliding windows: what folds windows, or adds them up, without laying them out.
module internal Sliding =
    open IndexMaps

    let private withSize axis size (shape: Shape) = Shape(Seq.updateAt axis size shape.Sizes)

    let private shapeOf (graph: GraphBuilder) (node: int) = graph.Nodes[node].Shape

    /// The operand with so many zeros on both sides of an axis; beneath windows of other axes, so that they stay index maps.
    let rec private padded (graph: GraphBuilder) axis width (input: int) : int =
        let node = graph.Nodes[input]
        let shape = withSize axis (node.Shape.[axis] + 2 * width) node.Shape

        match node.Lowering with
        | View(Window(along, _, _)) when along <> axis && axis < node.Shape.Rank - 1 ->
            graph.Add(node.Lowering, [| padded graph axis width node.Inputs[0] |], shape, node.DType)
        | Embed(starts, steps) when steps[axis] = 1 ->
            graph.Add(Embed(Array.updateAt axis (starts[axis] + width) starts, steps), node.Inputs, shape, node.DType)
        | _ ->
            let starts = Array.init node.Shape.Rank (fun d -> if d = axis then width else 0)
            graph.Add(Embed(starts, Array.create node.Shape.Rank 1), [| input |], shape, node.DType)

    let private flipped (graph: GraphBuilder) axis (input: int) =
        let node = graph.Nodes[input]
        let starts = Array.init node.Shape.Rank (fun d -> if d = axis then node.Shape.[d] - 1 else 0)
        let steps = Array.init node.Shape.Rank (fun d -> if d = axis then -1 else 1)
        graph.Add(View(Slice(starts, steps)), [| input |], node.Shape, node.DType)

    /// The node behind reshapes, if its last axes are the same, and how many axes more it has.
    let rec private behindReshape (graph: GraphBuilder) axis (input: int) : int * int =
        let node = graph.Nodes[input]

        match node.Lowering with
        | View Reshape ->
            let source = shapeOf graph node.Inputs[0]
            let more = source.Rank - node.Shape.Rank

            if axis + more >= 0 && Seq.forall (fun d -> source.[d + more] = node.Shape.[d]) (seq { axis .. node.Shape.Rank - 1 }) then
                let found, further = behindReshape graph (axis + more) node.Inputs[0]
                found, more + further
            else
                input, 0
        | _ -> input, 0

    /// overlapAdd(Σ x[p]·w[k]) = Σ windows(padded x)·flipped w, if the places p and the window k come from different operands and the stride is 1.
    /// Zeros around x take part in the sums, as they do in a padded convolution; with twice as many places that costs more than it saves.
    let private correlated (graph: GraphBuilder) (node: Node) axis dilation : int voption =
        let product, more = behindReshape graph axis node.Inputs[0]
        let contraction = graph.Nodes[product]
        let axis' = axis + more

        match contraction.Lowering with
        | Contract(a, b, result) when contraction.DType.IsFloat() && contraction.Shape.Count > 0 ->
            let place, window = result[axis'], Array.last result
            let places, size = contraction.Shape.[axis'], contraction.Shape.[result.Length - 1]
            let width = (int64 size - 1L) * int64 dilation
            let isIn (labels: int[]) label = Array.contains label labels

            let separate (mine: int[]) (other: int[]) =
                isIn mine place && not (isIn other place) && isIn other window && not (isIn mine window)

            if int64 node.Shape.[axis] <> int64 places + width || width > int64 places then
                ValueNone
            elif separate a b || separate b a then
                let swap (x, y) = if separate a b then x, y else y, x
                let (mine, labels), (other, otherLabels) = swap ((contraction.Inputs[0], a), (contraction.Inputs[1], b))
                let along = System.Array.IndexOf(labels, place)
                let wide = padded graph along (int width) mine
                let sizes = Seq.append (Seq.updateAt along node.Shape.[axis] (shapeOf graph mine).Sizes) [ size ]
                let windows = graph.Add(View(Window(along, 1, dilation)), [| wide |], Shape sizes, node.DType)
                let kernel = flipped graph (System.Array.IndexOf(otherLabels, window)) other
                let left, right = swap (windows, kernel)
                let leftLabels, rightLabels = swap (Array.append labels [| window |], otherLabels)
                let kept = result[.. result.Length - 2]
                let shape = Seq.take kept.Length contraction.Shape.Sizes |> Seq.updateAt axis' node.Shape.[axis] |> Shape
                let summed = graph.Add(Contract(leftLabels, rightLabels, kept), [| left; right |], shape, node.DType)
                ValueSome(reshaped graph summed node.Shape.Sizes)
            else
                ValueNone
        | _ -> ValueNone

    /// For each axis of a shape the axes of a finer one that it is made of.
    let private groups (fine: Shape) (coarse: Shape) : int[][] option =
        let mutable next = 0

        let take size =
            let first = next
            let mutable product = 1

            while next < fine.Rank && product < size do
                product <- product * fine.[next]
                next <- next + 1

            if product = size then Some [| first .. next - 1 |] else None

        let taken = if fine.Count = 0 then [] else [ for size in coarse.Sizes -> take size ]

        if taken.Length = coarse.Rank && next = fine.Rank && List.forall Option.isSome taken then
            Some(taken |> Seq.map Option.get |> Array.ofSeq)
        else
            None

    let private isCheap (lowering: Lowering) =
        match lowering with
        | Pointwise(Opcode.Cast | Opcode.Select | Opcode.And | Opcode.Or | Opcode.Not | Opcode.IsNaN) -> true
        | Pointwise(Opcode.Equal | Opcode.NotEqual | Opcode.Less | Opcode.LessEqual) -> true
        | _ -> false

    /// So many comparisons and choices, one made of the other, are made anew.
    let private deepest = 16

    /// A node anew, of operands under an index map.
    let private computed (graph: GraphBuilder) (under: int -> int) (node: Node) : int =
        let inputs = Array.map under node.Inputs
        graph.Add(node.Lowering, inputs, shapeOf graph inputs[0], node.DType)

    /// Something under an index map; comparisons and choices are made anew from operands under that map, so that nobody need store them.
    let private under (graph: GraphBuilder) (map: int -> int) : int -> int =
        let known = Dictionary<int, int>()

        let rec visit depth input =
            match known.TryGetValue input with
            | true, mapped -> mapped
            | _ ->
                let node = graph.Nodes[input]
                let isAnew = depth < deepest && isCheap node.Lowering
                let mapped = if isAnew then computed graph (visit (depth + 1)) node else map input
                known[input] <- mapped
                mapped

        visit 0

    /// The axes in another order: of what is computed element by element from operands in that order, beneath reshapes that join axes. So
    /// one copy at most is left, where strides cannot express the whole.
    let rec private arranged (graph: GraphBuilder) (axes: int[]) (input: int) : int =
        let node = graph.Nodes[input]

        let joined =
            match node.Lowering with
            | View Reshape ->
                groups (shapeOf graph node.Inputs[0]) node.Shape
                |> Option.map (fun groups -> axes |> Array.collect (fun axis -> groups[axis]))
            | _ -> None

        match joined, node.Lowering with
        | Some fine, _ -> reshaped graph (arranged graph fine node.Inputs[0]) (axes |> Seq.map (fun axis -> node.Shape.[axis]))
        | None, Pointwise _ -> computed graph (under graph (fun x -> permuted graph x axes)) node
        | _ -> permuted graph input axes

    /// Windows side by side: the places and the window are one axis, and what is left at its end is zero.
    let private sideBySide (graph: GraphBuilder) (node: Node) axis : int =
        let source = shapeOf graph node.Inputs[0]
        let last = source.Rank - 1
        let order = Array.concat [ [| 0..axis |]; [| last |]; [| axis + 1 .. last - 1 |] ]
        let covered = withSize axis (source.[axis] * source.[last]) node.Shape
        let joined = reshaped graph (arranged graph order node.Inputs[0]) covered.Sizes

        if covered.Equals node.Shape then
            joined
        else
            graph.Add(Embed(Array.zeroCreate node.Shape.Rank, Array.create node.Shape.Rank 1), [| joined |], node.Shape, node.DType)

    /// Overlap-add as something cheaper, if it is.
    let overlapAdd (graph: GraphBuilder) (node: Node) (axis, stride, dilation, isTranspose) : int voption =
        let source = shapeOf graph node.Inputs[0]
        let size = source.[source.Rank - 1]

        if source.Count > 0 && dilation = 1 && size = stride then ValueSome(sideBySide graph node axis)
        elif stride = 1 && isTranspose then correlated graph node axis dilation
        else ValueNone

    /// The most elements that are folded one by one.
    let private largestFold = 9

    let rec private isWindow (graph: GraphBuilder) (input: int) =
        match graph.Nodes[input].Lowering with
        | View(Window _) -> true
        | View _ -> isWindow graph graph.Nodes[input].Inputs[0]
        | _ -> false

    let rec private inPairs (join: int -> int -> int) (values: int list) : int =
        let rec pairs values =
            match values with
            | x :: y :: rest -> join x y :: pairs rest
            | rest -> rest

        match values with
        | [ value ] -> value
        | _ -> inPairs join (pairs values)

    /// The fold of few elements that lie apart, small windows above all: element by element, so that results side by side are the lanes of
    /// vectors. Sums come in the order of a row: adjacent pairs, then 0 is added.
    let fold (graph: GraphBuilder) (node: Node) fold (axes: int[]) : int voption =
        let input = node.Inputs[0]
        let source = graph.Nodes[input]
        let long = axes |> Array.filter (fun axis -> source.Shape.[axis] > 1)
        let isLast = Array.contains (source.Shape.Rank - 1) long
        let count = long |> Array.fold (fun n axis -> n * int64 source.Shape.[axis]) 1L

        let code =
            match fold with
            | Fold.Sum -> ValueSome Opcode.Add
            | Fold.Max -> ValueSome Opcode.Max
            | Fold.Min -> ValueSome Opcode.Min
            | _ -> ValueNone

        if
            node.DType.IsFloat()
            && source.DType = node.DType
            && code.IsSome
            && isLast
            && node.Shape.Count >= 2 * largestFold
            && count <= int64 largestFold
            && (long.Length > 1 || isWindow graph input)
        then
            let one = Shape(Seq.mapi (fun axis size -> if Array.contains axis axes then 1 else size) source.Shape.Sizes)
            let combine code x y = graph.Add(Pointwise code, [| x; y |], node.Shape, node.DType)

            let element place =
                let starts = Array.zeroCreate source.Shape.Rank
                let mutable rest = place

                for axis in Array.rev long do
                    starts[axis] <- rest % source.Shape.[axis]
                    rest <- rest / source.Shape.[axis]

                let slice x =
                    let part = graph.Add(View(Slice(starts, Array.create source.Shape.Rank 1)), [| x |], one, graph.Nodes[x].DType)
                    reshaped graph part node.Shape.Sizes

                under graph slice input

            let folded = inPairs (combine code.Value) (List.init (int count) element)

            if fold = Fold.Sum then
                ValueSome(combine Opcode.Add folded (graph.Add(Splat(ValueSome 0L), [||], node.Shape, node.DType)))
            else
                ValueSome folded
        else
            ValueNone
