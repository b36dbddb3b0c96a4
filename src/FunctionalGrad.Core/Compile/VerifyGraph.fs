namespace FunctionalGrad.Compile

open System
open FunctionalGrad
open FunctionalGrad.Loops

/// Refuses graphs that are none: after tracing and after rewriting, operands come before their users, and the shape and dtype of every node
/// are what its lowering makes of those of its operands.
module internal VerifyGraph =
    /// What is wrong with a node, if anything.
    type private Verdict = string voption

    let private demand (condition: bool) (what: unit -> string) : Verdict = if condition then ValueNone else ValueSome(what ())

    /// The first of several things that is wrong.
    let private all (verdicts: (unit -> Verdict) list) : Verdict =
        verdicts |> List.fold (fun found next -> if ValueOption.isSome found then found else next ()) ValueNone

    let private without (axes: int[]) (shape: Shape) =
        Shape(Seq.indexed shape.Sizes |> Seq.filter (fun (axis, _) -> not (Array.contains axis axes)) |> Seq.map snd)

    let private isShape (wanted: Shape) (node: Node) =
        demand (node.Shape.Equals wanted) (fun () -> $"its shape is {node.Shape} instead of {wanted}")

    let private isType (wanted: DType) (node: Node) =
        demand (node.DType = wanted) (fun () -> $"its dtype is {node.DType.Name()} instead of {wanted.Name()}")

    let private isLike (x: Node) (node: Node) = all [ (fun () -> isShape x.Shape node); (fun () -> isType x.DType node) ]

    let private isIndex (index: Node) =
        demand (index.DType = DType.Int32 || index.DType = DType.Int64) (fun () -> $"its index is {index.DType.Name()}")

    /// Positions start + i·step for i < count, within an axis.
    let private reach (size: int) (start: int) (step: int) (count: int) =
        let last = int64 start + int64 (count - 1) * int64 step
        count = 0 || (start >= 0 && start < size && last >= 0L && last < int64 size)

    let private reaches (whole: Shape) (part: Shape) (starts: int[]) (steps: int[]) =
        demand
            (whole.Rank = part.Rank
             && starts.Length = part.Rank
             && steps.Length = part.Rank
             && Seq.forall (fun axis -> reach whole.[axis] starts[axis] steps[axis] part.[axis]) (seq { 0 .. part.Rank - 1 }))
            (fun () -> $"a part {part} does not lie in {whole}")

    let private windows (whole: Shape) (parts: Shape) axis (stride: int) (dilation: int) =
        let last = parts.Rank - 1

        demand
            (parts.Rank = whole.Rank + 1
             && axis < whole.Rank
             && Seq.forall (fun d -> d = axis || whole.[d] = parts.[d]) (seq { 0 .. whole.Rank - 1 })
             && (parts.Count = 0
                 || int64 (parts.[axis] - 1) * int64 stride + int64 (parts.[last] - 1) * int64 dilation < int64 whole.[axis]))
            (fun () -> $"windows {parts} do not lie in {whole}")

    let private broadcasts (source: Shape) (target: Shape) =
        let added = target.Rank - source.Rank

        demand
            (added >= 0 && Seq.forall (fun d -> source.[d] = 1 || source.[d] = target.[d + added]) (seq { 0 .. source.Rank - 1 }))
            (fun () -> $"{source} does not stretch to {target}")

    let private view (map: View) (x: Node) (node: Node) : Verdict =
        let shape () =
            match map with
            | Permute axes when Array.sort axes = [| 0 .. x.Shape.Rank - 1 |] ->
                isShape (Shape(axes |> Seq.map (fun axis -> x.Shape.[axis]))) node
            | Permute axes -> ValueSome $"%A{axes} is no order of {x.Shape.Rank} axes"
            | Broadcast -> broadcasts x.Shape node.Shape
            | Reshape -> demand (x.Shape.Count = node.Shape.Count) (fun () -> $"{x.Shape} has not as many elements as {node.Shape}")
            | Slice(starts, steps) -> reaches x.Shape node.Shape starts steps
            | Window(axis, stride, dilation) -> windows x.Shape node.Shape axis stride dilation

        all [ shape; (fun () -> isType x.DType node) ]

    /// Every operand has the type, and the node the one that is said.
    let private types (operands: Node list) (wanted: DType) (result: DType) (node: Node) =
        all
            [ (fun () ->
                  demand (operands |> List.forall (fun x -> x.DType = wanted)) (fun () ->
                      let found = operands |> List.map (fun x -> x.DType.Name()) |> String.concat ", "
                      $"its operands are {found} instead of {wanted.Name()}"))
              (fun () -> isType result node) ]

    let private pointwise (code: Opcode) (operands: Node list) (node: Node) : Verdict =
        let shapes () = operands |> List.map (fun x () -> isShape x.Shape node) |> all

        let dtypes () =
            match code with
            | Opcode.Cast -> ValueNone
            | Opcode.IsNaN -> isType DType.Bool node
            | Opcode.Less
            | Opcode.LessEqual
            | Opcode.Equal
            | Opcode.NotEqual -> types operands operands[0].DType DType.Bool node
            | Opcode.Select -> all [ (fun () -> types operands.Tail node.DType node.DType node); (fun () -> isType DType.Bool operands[0]) ]
            | _ -> types operands node.DType node.DType node

        all [ shapes; dtypes ]

    let private contraction (left: int[], right: int[], result: int[]) (a: Node) (b: Node) (node: Node) : Verdict =
        let ranks () =
            demand (left.Length = a.Shape.Rank && right.Length = b.Shape.Rank && result.Length = node.Shape.Rank) (fun () ->
                "it has not a label for every axis")

        let sizes () =
            let labelled = Array.concat [ Array.zip left (Array.ofSeq a.Shape.Sizes); Array.zip right (Array.ofSeq b.Shape.Sizes) ]
            let sizeOf label = labelled |> Array.filter (fst >> (=) label) |> Array.map snd |> Array.distinct

            demand
                (Seq.forall (fun d -> sizeOf result[d] = [| node.Shape.[d] |]) (seq { 0 .. result.Length - 1 })
                 && labelled |> Array.forall (fun (label, _) -> (sizeOf label).Length = 1))
                (fun () -> "the sizes of its labels differ")

        all [ ranks; sizes; (fun () -> types [ a; b ] node.DType node.DType node) ]

    let private concatenation axis (operands: Node list) (node: Node) : Verdict =
        let sizes () =
            demand
                (axis < node.Shape.Rank
                 && operands |> List.forall (fun x -> (without [| axis |] x.Shape).Equals(without [| axis |] node.Shape))
                 && List.sumBy (fun (x: Node) -> x.Shape.[axis]) operands = node.Shape.[axis])
                (fun () -> $"its operands do not make {node.Shape}")

        all [ sizes; (fun () -> types operands node.DType node.DType node) ]

    let private item place (source: Node) (inputOf: int -> Node) (node: Node) : Verdict =
        match source.Lowering with
        | Call library when place < library.Results.Length ->
            let struct (shape, dtype) = library.Results[place]
            all [ (fun () -> isShape shape node); (fun () -> isType dtype node) ]
        | Group when place < source.Inputs.Length -> isLike (inputOf source.Inputs[place]) node
        | _ -> ValueSome $"it names result {place} of a node that has not so many"

    let private count (node: Node) : int voption =
        match node.Lowering with
        | Leaf
        | Splat _
        | Iota -> ValueSome 0
        | View _
        | Reduce _
        | Embed _
        | OverlapAdd _
        | Item _ -> ValueSome 1
        | Contract _
        | Gather _ -> ValueSome 2
        | ScatterAdd _ -> ValueSome 3
        | Pointwise code -> ValueSome(KernelValues.Operands code)
        // The first; a custom rule has others, which only its derivative reads.
        | Same
        | Concat _
        | Call _
        | Group -> ValueNone

    let private lowering (inputOf: int -> Node) (node: Node) : Verdict =
        let operands = node.Inputs |> Seq.map inputOf |> List.ofSeq

        match node.Lowering, operands with
        | Same, [] -> ValueSome "it has no operand"
        | Same, x :: _ -> isLike x node
        | Pointwise code, _ -> pointwise code operands node
        | Iota, _ -> demand (node.Shape.Rank = 1) (fun () -> $"positions have the shape {node.Shape}")
        | View map, [ x ] -> view map x node
        | Reduce(fold, axes), [ x ] ->
            let dtype = if fold = Fold.ArgMax || fold = Fold.ArgMin then DType.Int64 else x.DType
            all [ (fun () -> isShape (without axes x.Shape) node); (fun () -> isType dtype node) ]
        | Contract(left, right, result), [ a; b ] -> contraction (left, right, result) a b node
        | Gather(axis, _), [ x; index ] ->
            let others (shape: Shape) = without [| axis |] shape

            all
                [ (fun () -> isShape index.Shape node)
                  (fun () ->
                      demand ((others x.Shape).Equals(others index.Shape)) (fun () -> $"its index {index.Shape} does not fit {x.Shape}"))
                  (fun () -> isType x.DType node)
                  (fun () -> isIndex index) ]
        | ScatterAdd _, [ x; index; source ] ->
            all [ (fun () -> isLike x node); (fun () -> isShape index.Shape source); (fun () -> isIndex index) ]
        | Embed(starts, steps), [ x ] -> all [ (fun () -> reaches node.Shape x.Shape starts steps); (fun () -> isType x.DType node) ]
        | OverlapAdd(axis, stride, dilation, _), [ x ] ->
            all [ (fun () -> windows node.Shape x.Shape axis stride dilation); (fun () -> isType x.DType node) ]
        | Concat axis, _ -> concatenation axis operands node
        | Item place, [ source ] -> item place source inputOf node
        | _ -> ValueNone

    let private verdict (graph: Graph) (i: int) : Verdict =
        let node = graph.Nodes[i]
        let isEarlier input = input >= 0 && input < i

        all
            [ (fun () -> demand (Array.forall isEarlier node.Inputs) (fun () -> "an operand does not come before it"))
              (fun () ->
                  match count node with
                  | ValueSome count ->
                      demand (node.Inputs.Length = count) (fun () -> $"it has {node.Inputs.Length} operands instead of {count}")
                  | ValueNone -> ValueNone)
              (fun () -> lowering (fun input -> graph.Nodes[input]) node) ]

    /// Refuses a graph that is none.
    let check (pass: string) (graph: Graph) : unit =
        for i in 0 .. graph.Nodes.Length - 1 do
            match verdict graph i with
            | ValueSome what -> invalidOp $"{pass}: node {i} ({graph.Nodes[i].Lowering}): {what}."
            | ValueNone -> ()

        for output in graph.Outputs do
            if output < 0 || output >= graph.Nodes.Length then invalidOp $"{pass}: there is no node {output} to be an output."
