namespace FunctionalGrad

open System
open System.Collections.Generic
open FunctionalGrad.Compile

/// What evaluation needs to know of a tensor.
[<AllowNullLiteral>]
type internal IExpression =
    abstract OpName: string
    abstract Lowering: Lowering
    /// Empty for data, and once the value has been computed.
    abstract Operands: IExpression[]
    abstract Shape: Shape
    abstract DType: DType
    /// The bits of the one number that fills a splat.
    abstract Number: int64
    /// The value if it has been computed, else null.
    abstract KnownValue: NDArray
    /// Whether an evaluation has computed this on its way, without keeping it.
    abstract Visited: bool with get, set
    /// The results of the same op, this one among them, if it gives several; else none. They become known together.
    abstract Siblings: IExpression[]
    /// Keeps the value.
    abstract Collapse: NDArray -> unit
    /// Whether its memory has been given away, so that its value is gone.
    abstract IsDonated: bool
    /// Of what has neither operands nor a value: why, and the way out.
    abstract WhyUnknown: string

/// Looking at values.
module internal Evaluation =
    /// While it is true, on this flow of control, values come from the reference evaluator.
    let useReference = System.Threading.AsyncLocal<bool>()

    /// What an action gives while values come from the reference evaluator.
    let byReference (action: unit -> 'Result) : 'Result =
        useReference.Value <- true

        try
            action ()
        finally
            useReference.Value <- false

    let private refuse (node: IExpression) (root: IExpression) =
        raise (TracingException $"{root.OpName}: the value of this {root.Shape} tensor is not known: {node.WhyUnknown}.")

    let private refuseDonated (node: IExpression) (root: IExpression) =
        raise (
            DonationException
                $"{root.OpName}: it needs the value of a {node.DType.Name()} {node.Shape} tensor that was donated to a function: its memory was given away. Use the function's result, compute this before, or do not donate the tensor."
        )

    /// A node as an evaluation finds it: with the operands as they stand, and whether an earlier evaluation came by.
    [<Struct; NoComparison; NoEquality>]
    type private Found = { Tensor: IExpression; Operands: IExpression[]; Again: bool }

    /// The nodes that the roots need, operands first, and the place of each.
    let private order (roots: IExpression[]) : struct (List<Found> * Dictionary<IExpression, int>) =
        let places = Dictionary<IExpression, int>(HashIdentity.Reference)
        let nodes = List<Found>()
        let stack = Stack<struct (IExpression * IExpression[] * int)>()

        let visit (node: IExpression) =
            if not (places.ContainsKey node) then
                // A value may appear while we look, so it is asked for after the operands.
                let operands = node.Operands
                let isKnown = not (isNull node.KnownValue)
                if not isKnown && node.IsDonated then refuseDonated node roots[0]
                stack.Push(struct (node, (if isKnown then [||] else operands), 0))

        for root in roots do
            visit root

            while stack.Count > 0 do
                let struct (node, operands, next) = stack.Pop()

                if next < operands.Length then
                    stack.Push(struct (node, operands, next + 1))
                    visit operands[next]
                elif places.TryAdd(node, nodes.Count) then
                    nodes.Add { Tensor = node; Operands = operands; Again = node.Visited }
                    node.Visited <- true

        struct (nodes, places)

    /// Whether keeping the value saves work: an index map or a number costs nothing to read again.
    let private isWorthKeeping (node: Found) =
        match node.Tensor.Lowering with
        | Leaf
        | Splat _
        | Same
        | Group
        | View _ -> false
        | Call library when library.Results.Length > 0 -> false
        | _ -> node.Again && node.Operands.Length > 0

    /// What an earlier evaluation has computed on its way and new nodes need once more: whoever wrote the program holds on to it,
    /// so from now on its value is kept.
    let private shared (nodes: List<Found>) (places: Dictionary<IExpression, int>) (roots: IExpression[]) : IExpression[] =
        let mutable kept: HashSet<IExpression> = null

        for node in nodes do
            if not (isWorthKeeping node) then
                for operand in node.Operands do
                    if isWorthKeeping nodes[places[operand]] then
                        if isNull kept then kept <- HashSet<IExpression>(HashIdentity.Reference)

                        kept.Add operand |> ignore

        if isNull kept then
            [||]
        else
            kept.ExceptWith roots
            Array.ofSeq kept

    let private toNode (places: Dictionary<IExpression, int>) (node: Found) : Node =
        let tensor = node.Tensor
        let isData = not (isNull tensor.KnownValue) && node.Operands.Length = 0 && not tensor.Lowering.IsSplat

        { Lowering = (if isData then Leaf else tensor.Lowering)
          Inputs = node.Operands |> Array.map (fun operand -> places[operand])
          Shape = tensor.Shape
          DType = tensor.DType }

    let private compute (roots: IExpression[]) =
        let struct (nodes, places) = order roots
        let wanted = Array.append roots (shared nodes places roots)

        let graph =
            { Nodes = Array.init nodes.Count (fun i -> toNode places nodes[i])
              Outputs = wanted |> Array.map (fun tensor -> places[tensor]) }

        let array i =
            match nodes[i].Tensor.KnownValue with
            | null -> refuse nodes[i].Tensor roots[0]
            | known -> known

        let number i = nodes[i].Tensor.Number
        let run = if useReference.Value then Reference.run else Compiler.run
        Array.iter2 (fun (tensor: IExpression) value -> tensor.Collapse value) wanted (run graph array number)

    /// Computes the values of all the tensors together.
    let force (roots: #IExpression[]) : unit =
        let unknown =
            [| for root in roots do
                   if isNull root.KnownValue then root :> IExpression |]

        let withSiblings =
            if Array.exists (fun (root: IExpression) -> root.Siblings.Length > 0) unknown then
                let all = unknown |> Array.collect (fun root -> Array.append [| root |] root.Siblings)
                HashSet(Seq.filter (fun (root: IExpression) -> isNull root.KnownValue) all, HashIdentity.Reference) |> Array.ofSeq
            else
                unknown

        if withSiblings.Length > 0 then compute withSiblings
