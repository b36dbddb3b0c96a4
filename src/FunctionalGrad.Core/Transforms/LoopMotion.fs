namespace FunctionalGrad

open System
open System.Collections.Generic
open FunctionalGrad.Compile
open FunctionalGrad.Loops

/// The parts of what loops take and give.
module internal LoopParts =
    let pick (places: int[]) (items: 'T[]) = places |> Array.map (fun place -> items[place])
    let indexType: TensorType = { Shape = Shape.Scalar; DType = DType.Int64 }

    /// Carries, slices and constants among inputs that come in this order.
    let parted (loop: Loop) (items: 'T[]) : struct ('T[] * 'T[] * 'T[]) =
        struct (items[.. loop.Carries - 1],
                items[loop.Carries .. loop.Carries + loop.Slices - 1],
                items[loop.Carries + loop.Slices .. loop.Carries + loop.Slices + loop.Constants - 1])

/// What need not be done step by step: of many steps together it is one large product instead of many small ones.
module internal LoopMotion =
    /// Elements that a stack may have that is kept for this alone.
    let private mostElements = 1L <<< 25

    /// A sum of fewer products is done again as fast as it is read.
    let private leastTerms = 4

    /// Which tensors of a body depend on one of some tensors.
    let dependents (body: Body) (sources: Tensor seq) : HashSet<Tensor> =
        let found = HashSet<Tensor>(sources, HashIdentity.Reference)

        for struct (node, operands) in body.Nodes do
            if Array.exists found.Contains operands then found.Add node |> ignore

        found

    let operandsIn (body: Body) : Dictionary<Tensor, Tensor[]> =
        let operands = Dictionary<Tensor, Tensor[]>(HashIdentity.Reference)

        for struct (node, inputs) in body.Nodes do
            operands[node] <- inputs

        operands

    let fits (loop: Loop) (x: Tensor) = int64 loop.Length.Value * int64 x.Shape.Count <= mostElements

    /// Whether this is a product of floats with rows and columns.
    let isMatrix (x: Tensor) =
        match x.Op.Lower with
        | Contract(left, right, result) ->
            let isFree (labels: int[]) = result |> Array.exists (fun label -> not (Array.contains label labels))
            x.DType.IsFloat() && isFree left && isFree right
        | _ -> false

    /// Whether this is such a product that is worth keeping.
    let isProduct (operands: Dictionary<Tensor, Tensor[]>) (x: Tensor) =
        match x.Op.Lower with
        | Contract(left, _, result) when isMatrix x ->
            let ofSum (label, size) = if Array.contains label result then 1 else size
            let terms = Seq.zip left operands[x].[0].Shape.Sizes |> Seq.fold (fun product axis -> product * ofSum axis) 1
            terms >= leastTerms
        | _ -> false

    let private isCheap (x: Tensor) =
        x.Op.Lower.IsView || Cheap.isCheap { Lowering = x.Op.Lower; Inputs = [||]; Shape = x.Shape; DType = x.DType }

    /// The first tensors that are chosen on the ways from some tensors back to what they are made of, as long as one may pass.
    let firstOf (operands: Dictionary<Tensor, Tensor[]>) mayPass isChosen (starts: Tensor seq) : Tensor[] =
        let seen = HashSet<Tensor>(HashIdentity.Reference)
        let stack = Stack<Tensor>(Seq.rev starts)
        let found = List<Tensor>()

        while stack.Count > 0 do
            let x = stack.Pop()

            if seen.Add x then
                if isChosen x then
                    found.Add x
                elif mayPass x then
                    match operands.TryGetValue x with
                    | true, inputs -> Array.iter stack.Push inputs
                    | _ -> ()

        found.ToArray()

    /// The tensors inside of a set that wanted ones outside of it are made of, or that are wanted themselves.
    let border (body: Body) (isInside: Tensor -> bool) (wanted: Tensor[]) : Tensor seq =
        let needed = Body.neededFor body (fun _ -> false) wanted

        seq {
            for struct (node, operands) in body.Nodes do
                if needed.Contains node && not (isInside node) then yield! Seq.filter isInside operands

            yield! Seq.filter isInside wanted
        }

    /// What a step computes by products of its slices and of constants alone.
    let private sliceProducts (loop: Loop) : Tensor[] =
        let body = loop.Body
        let operands = operandsIn body
        let stepwise = dependents body body.Parameters[.. loop.Carries]
        let isFixed (x: Tensor) = operands.ContainsKey x && not (stepwise.Contains x)
        // What a call does may be seen from outside: how often, and when.
        let calls = dependents body (body.Nodes |> Seq.map (fun (struct (node, _)) -> node) |> Seq.filter _.Op.Lower.IsCall)
        let products = dependents body (operands.Keys |> Seq.filter (isProduct operands))
        let isChosen x = isFixed x && products.Contains x && not (isCheap x) && not (calls.Contains x) && fits loop x
        firstOf operands isFixed isChosen (border body isFixed body.Results)

    /// The loop with tensors of its body given instead of computed, each with its value: stacks of them, or one for all steps. It takes no
    /// more of what it took than it still reads.
    let private given (loop: Loop) (inputs: Tensor[]) (stacked: (Tensor * Tensor)[]) (still: (Tensor * Tensor)[]) : Loop * Tensor[] =
        let body = loop.Body
        let known = Array.append stacked still |> Array.map fst
        let read = Body.neededFor body (fun x -> Array.contains x known) body.Results
        let isKept i = i < loop.Carries || read.Contains body.Parameters[1 + i]
        let kept first next = [| first .. next - 1 |] |> Array.filter isKept |> Array.map (fun i -> body.Parameters[1 + i], inputs[i])
        let slicesEnd = loop.Carries + loop.Slices
        let carries, slices, constants = kept 0 loop.Carries, kept loop.Carries slicesEnd, kept slicesEnd inputs.Length
        let all = Array.concat [ carries; slices; stacked; constants; still ]
        let tensors = Array.append [| body.Parameters[0] |] (Array.map fst all)
        let step (parameters: Tensor[]) = Body.evaluate body (Seq.zip tensors parameters) body.Results

        { loop with
            Body = Body.close loop.Name (Array.map TensorType.Of tensors) step
            Slices = slices.Length + stacked.Length },
        Array.map snd all

    /// The loop, and what it takes, with the products of slices and constants alone taken out of the steps: they are computed before, for all
    /// steps at a time, and the steps read slices of them.
    let hoist (loop: Loop) (inputs: Tensor[]) : Loop * Tensor[] =
        let products = if loop.Length.IsSome && loop.Length.Value > 1 && loop.Segment.IsNone then sliceProducts loop else [||]

        if products.Length = 0 then
            loop, inputs
        else
            let body = loop.Body
            let isSlice i = i >= loop.Carries && i < loop.Carries + loop.Slices
            let mapped = Array.init body.Parameters.Length (fun i -> isSlice (i - 1))
            // No product depends on the step's number or on a carry.
            let outside = Array.append body.Parameters[.. loop.Carries] inputs[loop.Carries ..]
            let values = Array.zip products (Body.evaluateMapped body mapped outside products)
            let stacked, still = values |> Array.partition (fun (_, (_, isStacked)) -> isStacked)
            let withValue = Array.map (fun (product, (value, _)) -> product, value)
            given loop inputs (withValue stacked) (withValue still)
