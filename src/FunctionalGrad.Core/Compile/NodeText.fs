namespace FunctionalGrad.Compile

open FunctionalGrad
open FunctionalGrad.Loops

/// Nodes as people read them.
module internal NodeText =
    let private list (numbers: int seq) = numbers |> Seq.map string |> String.concat ", "

    let private camel (name: string) = name[..0].ToLowerInvariant() + name[1..]

    /// What a node does, without its parameters.
    let kind (node: Node) : string =
        match node.Lowering with
        | Leaf -> "array"
        | Splat _ -> "number"
        | Same -> "same"
        | Pointwise code -> camel (string code)
        | Iota -> "positions"
        | View(Permute _) -> "permute"
        | View Broadcast -> "broadcast"
        | View Reshape -> "reshape"
        | View(Slice _) -> "slice"
        | View(Window _) -> "windows"
        | Reduce(fold, _) -> camel (string fold)
        | Contract _ -> "contract"
        | Gather _ -> "gather"
        | ScatterAdd _ -> "scatterAdd"
        | Embed _ -> "embed"
        | OverlapAdd _ -> "overlapAdd"
        | Concat _ -> "concat"
        | Call library -> fst library.Key
        | Group -> "tuple"
        | Item _ -> "item"

    /// What a node does, with its parameters.
    let private operation (node: Node) : string =
        let labels (numbers: int[]) = numbers |> Array.map (fun label -> string (char (int 'a' + label % 26))) |> String.concat ""

        match node.Lowering with
        | View(Permute axes) -> $"permute ({list axes})"
        | View(Slice(starts, steps)) -> $"slice from ({list starts}) by ({list steps})"
        | View(Window(axis, stride, dilation)) -> $"windows of axis {axis}, stride {stride}, dilation {dilation}"
        | Reduce(_, axes) -> $"{kind node} over ({list axes})"
        | Contract(left, right, result) -> $"contract {labels left},{labels right}→{labels result}"
        | Gather(axis, _)
        | ScatterAdd(axis, _)
        | Concat axis -> $"{kind node} along {axis}"
        | Embed(starts, steps) -> $"embed from ({list starts}) by ({list steps})"
        | OverlapAdd(axis, stride, dilation, _) -> $"overlapAdd along {axis}, stride {stride}, dilation {dilation}"
        | Splat(ValueSome 0L) -> "number 0"
        | Splat(ValueSome bits) when bits = Nodes.one node.DType -> "number 1"
        | Item place -> $"item {place}"
        | _ -> kind node

    /// A node in a few words: its number and what it does.
    let brief (graph: Graph) (i: int) : string = $"%%{i} {kind graph.Nodes[i]}"

    /// A node with operands, dtype and shape.
    let full (graph: Graph) (i: int) : string =
        let node = graph.Nodes[i]
        let operands = node.Inputs |> Seq.map (fun input -> $" %%{input}") |> String.concat ""
        $"%%{i} = {operation node}{operands} : {node.DType.Name()} {node.Shape}"
