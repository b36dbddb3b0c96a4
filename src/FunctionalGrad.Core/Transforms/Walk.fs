namespace FunctionalGrad

open System.Collections.Generic

/// What every transform does with a graph: find its way, and say whether the result is known. No walk recurses.
module internal Walk =
    /// The nodes between the outputs and the inputs that depend on an input, operands first, each with its operands: whoever keeps
    /// this keeps the history, whatever is forced later. Only nodes with the given dependence count, so others are not entered.
    let between (through: Dependence) (outputs: Tensor[]) (inputs: Tensor[]) : List<struct (Tensor * Tensor[])> =
        let depends = Dictionary<Tensor, bool>(HashIdentity.Reference)
        let order = List<struct (Tensor * Tensor[])>()
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

                    if reached then order.Add(struct (node, operands))

        order

    /// Results whose values can be known become known, all in one evaluation; what a running transform waits for stays graph.
    let settle (results: Tensor[]) : Tensor[] =
        results |> Array.filter (fun result -> not result.IsPending) |> Evaluation.force
        results |> Array.map (fun result -> if result.IsPending then result else Tensor.OfArray result.Value)

    /// Runs a function on its own identities of the arguments, which are open while it runs.
    let withVariables (transform: string) (arguments: Tensor[]) (f: Tensor[] -> 'Result) : 'Result =
        let scope = Scope transform
        // Looking is allowed inside, so what can be known is known before.
        arguments |> Array.filter (fun x -> x.Dependence &&& Dependence.Traced = Dependence.None) |> Evaluation.force

        let variables = arguments |> Array.map (fun x -> if x.DType.IsFloat() then Variable(scope, x) :> Tensor else x)

        try
            f variables
        finally
            scope.IsOpen <- false
