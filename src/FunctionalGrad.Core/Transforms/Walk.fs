namespace FunctionalGrad

open System.Collections.Generic

/// What every transform does with a graph: find its way, and say whether the result is known. No walk recurses.
module internal Walk =
    /// The nodes between the outputs and the inputs that depend on an input, operands first. Only nodes with the given
    /// dependence can, so others are not entered.
    let between (through: Dependence) (outputs: Tensor[]) (inputs: Tensor[]) : List<Tensor> =
        let depends = Dictionary<Tensor, bool>(HashIdentity.Reference)
        let order = List<Tensor>()
        let stack = Stack<struct (Tensor * Tensor[] * int)>()

        for input in inputs do
            depends[input] <- true

        let visit (node: Tensor) =
            if not (depends.ContainsKey node) then
                if node.Dependence &&& through = Dependence.None then
                    depends[node] <- false
                else
                    stack.Push(struct (node, node.Operands, 0))

        for output in outputs do
            visit output

            while stack.Count > 0 do
                let struct (node, operands, next) = stack.Pop()

                if next < operands.Length then
                    stack.Push(struct (node, operands, next + 1))
                    visit operands[next]
                elif not (depends.ContainsKey node) then
                    let reached = operands |> Array.exists (fun operand -> depends[operand])
                    depends[node] <- reached

                    if reached then order.Add node

        order

    /// Whether something upstream still waits: for a derivative being taken, or for a value. `clean` holds nodes that are
    /// known not to wait, and gains the new ones.
    let private isPending (clean: HashSet<Tensor>) (root: Tensor) : bool =
        let stack = Stack<Tensor>()
        stack.Push root
        let mutable pending = false

        while not pending && stack.Count > 0 do
            let node = stack.Pop()

            if node.Dependence <> Dependence.None && clean.Add node then
                match node with
                | :? Placeholder -> pending <- true
                | :? Variable as variable when variable.Scope.IsOpen -> pending <- true
                | _ -> Array.iter stack.Push node.Operands

        if pending then clean.Clear()

        pending

    /// Results whose values can be known become known, all in one evaluation; the others stay graph.
    let settle (results: Tensor[]) : Tensor[] =
        let clean = HashSet<Tensor>(HashIdentity.Reference)
        let pending = results |> Array.map (isPending clean)
        let known = Array.zip pending results |> Array.filter (fst >> not) |> Array.map snd
        Evaluation.force known
        Array.map2 (fun isPending (result: Tensor) -> if isPending then result else Tensor.OfArray result.Value) pending results

    /// Runs a function on its own identities of the arguments, which are open while it runs.
    let withVariables (transform: string) (arguments: Tensor[]) (f: Tensor[] -> 'Result) : 'Result =
        let scope = Scope transform
        // Looking is allowed inside, so what can be known is known before.
        arguments |> Array.filter (fun x -> x.Dependence &&& Dependence.Traced = Dependence.None) |> Evaluation.force

        let variables =
            arguments
            |> Array.map (fun x -> if x.DType.IsFloat() then Variable(scope, x, Dependence.Differentiated) :> Tensor else x)

        try
            f variables
        finally
            scope.IsOpen <- false
