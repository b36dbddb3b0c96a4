namespace FunctionalGrad

open System
open System.Collections.Generic

/// Checks and traces behind the functions of control flow.
module internal Flow =
    let private describe (path: string, x: Tensor) =
        let place = if path = "" then "it" else path
        $"{place} : {x.DType.Name()} {x.Shape}"

    let describeAll (leaves: (string * Tensor)[]) = leaves |> Array.map describe |> String.concat ", "

    /// Refuses a structure whose paths, shapes or dtypes are not those that are expected.
    let requireAlike (name: string) (what: string) (expected: 'S) (found: 'S) : unit =
        let a, b = Tree.paths expected, Tree.paths found

        if Array.map fst a <> Array.map fst b then
            raise (ShapeException $"{name}: {what} must have one structure: [{describeAll a}] is not [{describeAll b}].")

        Array.iter2
            (fun (path: string, x: Tensor) (_, y: Tensor) ->
                let change = $"{describe (path, x)} is not {y.DType.Name()} {y.Shape}"

                if not (x.Shape.Equals y.Shape) then
                    raise (ShapeException $"{name}: {what} must have one shape: {change}. Broadcast or reduce it inside.")

                if x.DType <> y.DType then
                    raise (DTypeException $"{name}: {what} must have one dtype: {change}. Convert with cast, or begin with that dtype."))
            a
            b

        // Settings are part of the graph; if they differed, all but one would be lost.
        Seq.zip (Tree.settings expected) (Tree.settings found)
        |> Seq.tryFind (fun ((path, before), (place, after)) -> path <> place || not (Object.Equals(before, after)))
        |> Option.iter (fun ((path, before), (_, after)) ->
            raise (
                ShapeException
                    $"{name}: {what} must have one structure: {path} is {before}, then {after}. What changes must be a tensor: make it one with tensor."
            ))

    /// A predicate as a bool scalar.
    let requirePredicate (name: string) (predicate: Tensor) : Tensor =
        if isNull predicate then nullArg $"{name}: the predicate is null"

        if predicate.Rank <> 0 then
            raise (
                ShapeException
                    $"{name}: the predicate has shape {predicate.Shape}; it must be one truth value. Reduce it with any or all, or choose element by element with where."
            )

        Elementwise.castTo DType.Bool predicate

    let types (leaves: Tensor[]) : TensorType[] = leaves |> Array.map TensorType.Of

    /// A function of a tree as body: with the tensors that it reads from outside, and what it gives of the body's placeholders.
    let trace (name: string) (f: 'X -> 'Y) (x: 'X) (leaves: Tensor[]) : Body * Tensor[] * 'Y =
        let mutable result = Unchecked.defaultof<'Y>

        let body, captured =
            Body.trace name (types leaves) (fun inputs ->
                result <- f (Tree.withLeaves x inputs)
                Tree.flatten result)

        body, captured, result

    /// The results of one of several functions of nothing.
    let choose (name: string) (index: Tensor) (branches: (unit -> 'S) list) : 'S =
        let mutable trees: 'S list = []

        let traced =
            [ for branch in branches ->
                  Body.traceThunk name (fun () ->
                      let tree = branch ()
                      trees <- trees @ [ tree ]
                      Tree.flatten tree) ]

        for tree in trees.Tail do
            requireAlike name "what the branches give" trees.Head tree

        let operands = List<Tensor>()
        let places = Dictionary<Tensor, int>(HashIdentity.Reference)

        for _, captured in traced do
            for tensor in captured do
                if places.TryAdd(tensor, operands.Count) then operands.Add tensor

        let operands = operands.ToArray()

        let bodies =
            [| for body, captured in traced ->
                   Body.withParameters name (types operands) (captured |> Array.map (fun tensor -> places[tensor])) body |]

        let results = Branching.choose name bodies index operands
        Tree.withLeaves trees.Head results.Items

    /// A loop as a node: a body of step number, carries and slices, traced with what else it reads.
    let loop name length (segment: int option) (start: Tensor[]) (stacks: Tensor[]) (body: Tensor[] -> Tensor[]) : Tensor[] =
        let slice (stack: Tensor) : TensorType = { Shape = Shape(Seq.skip 1 stack.Shape.Sizes); DType = stack.DType }
        let index: TensorType = { Shape = Shape.Scalar; DType = DType.Int64 }
        let parameters = Array.concat [ [| index |]; types start; Array.map slice stacks ]
        let body, constants = Body.trace name parameters body

        let spec =
            { Name = name
              Body = body
              Length = length
              Carries = start.Length
              Slices = stacks.Length
              Segment = segment }

        let spec, inputs = LoopMotion.hoist spec (Array.concat [ start; stacks; constants ])
        (Looping.loop spec inputs).Items

    let requireSegment (name: string) (segment: int) =
        if segment < 1 then
            raise (ArgumentOutOfRangeException(nameof segment, segment, $"{name}: a segment has at least one step."))

    /// The one size of axis 0 of what is scanned.
    let requireLength (name: string) (stacks: (string * Tensor)[]) : int =
        let lengths = stacks |> Array.map (fun (_, x) -> if x.Rank = 0 then -1 else x.Shape.[0]) |> Array.distinct

        match lengths with
        | [| length |] when length >= 0 -> length
        | [||] -> raise (ShapeException $"{name}: there is nothing to scan. Give at least one tensor, or use forLoop with a count.")
        | _ -> raise (ShapeException $"{name}: every tensor that is scanned needs an axis 0 of one size: [{describeAll stacks}].")

    let scan (segment: int option) (f: 'C -> 'X -> 'C * 'Y) (start: 'C) (xs: 'X) : 'C * 'Y =
        Option.iter (requireSegment "scan") segment
        let carries, stacks = Tree.flatten start, Tree.flatten xs
        let length = requireLength "scan" (Tree.paths xs)
        let mutable rows: 'Y voption = ValueNone

        let body (inputs: Tensor[]) =
            let carry = Tree.withLeaves start inputs[1 .. carries.Length]
            let next, row = f carry (Tree.withLeaves xs inputs[1 + carries.Length ..])
            requireAlike "scan" "the carry before and after a step" start next
            rows <- ValueSome row
            Array.append (Tree.flatten next) (Tree.flatten row)

        let results = loop "scan" (Some length) segment carries stacks body
        Tree.withLeaves start results[.. carries.Length - 1], Tree.withLeaves rows.Value results[carries.Length ..]

    let forLoop (segment: int option) (count: int) (body: Tensor -> 'S -> 'S) (start: 'S) : 'S =
        Option.iter (requireSegment "forLoop") segment

        if count < 0 then raise (ArgumentOutOfRangeException(nameof count, count, "forLoop: the count must not be negative."))

        let step (inputs: Tensor[]) =
            let next = body inputs[0] (Tree.withLeaves start inputs[1..])
            requireAlike "forLoop" "the state before and after a step" start next
            Tree.flatten next

        Tree.withLeaves start (loop "forLoop" (Some count) segment (Tree.flatten start) [||] step)

    let whileLoop (segment: int option) (keepGoing: 'S -> Tensor) (body: 'S -> 'S) (start: 'S) : 'S =
        Option.iter (requireSegment "whileLoop") segment
        let test state = requirePredicate "whileLoop" (keepGoing state)

        let step (inputs: Tensor[]) =
            let next = body (Tree.withLeaves start inputs[2..])
            requireAlike "whileLoop" "the state before and after a step" start next
            Array.append [| test next |] (Tree.flatten next)

        let results = loop "whileLoop" None segment (Array.append [| test start |] (Tree.flatten start)) [||] step
        Tree.withLeaves start results[1..]

/// Control flow as part of the graph. Bodies are traced once, however often they run, so that looking at a value in them raises a
/// TracingException; all of it differentiates in both modes and maps over examples. States are any structures of tensors.
[<AutoOpen>]
module ControlFlow =
    /// ifTrue () where the predicate, one truth value, is true, else ifFalse (). Only one of them is computed.
    /// <exception cref="T:FunctionalGrad.ShapeException">The predicate is no scalar, or the branches give different structures or shapes.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">The branches give different dtypes.</exception>
    let cond (predicate: Tensor) (ifTrue: unit -> 'S) (ifFalse: unit -> 'S) : 'S =
        let index = Elementwise.castTo DType.Int64 (Flow.requirePredicate "cond" predicate)
        Flow.choose "cond" index [ ifFalse; ifTrue ]

    /// What the branch of a number gives, counted from 0. Only that one is computed.
    /// <exception cref="T:FunctionalGrad.ShapeException">The index is no scalar, there are no branches, or they give different structures or shapes.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">The index is no integer, or the branches give different dtypes.</exception>
    /// <exception cref="T:FunctionalGrad.IndexException">There is no branch of that number; raised when the value is computed.</exception>
    let switch (index: Tensor) (branches: (unit -> 'S) list) : 'S =
        if List.isEmpty branches then raise (ShapeException "switch: there are no branches. Give at least one.")

        if index.Rank <> 0 then
            raise (ShapeException $"switch: the index has shape {index.Shape}; it must be one integer. Map over several with vmap.")

        if not (index.DType.IsInteger()) then
            raise (DTypeException $"switch: the index is {index.DType.Name()}; it must be int32 or int64. Convert with cast.")

        Flow.choose "switch" (Elementwise.castTo DType.Int64 index) branches

    /// The state after a number of steps: body gets the number of the step (int64, from 0) and the state.
    /// <exception cref="T:FunctionalGrad.ShapeException">A step changes the structure or a shape of the state.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">A step changes a dtype.</exception>
    /// <exception cref="T:System.ArgumentOutOfRangeException">The count is negative.</exception>
    let forLoop (count: int) (body: Tensor -> 'S -> 'S) (start: 'S) : 'S = Flow.forLoop None count body start

    /// The first state of which keepGoing, one truth value, does not hold. Reverse mode works: the steps are recorded, however many.
    /// <exception cref="T:FunctionalGrad.ShapeException">A step changes the structure or a shape of the state, or the predicate is no scalar.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">A step changes a dtype.</exception>
    let whileLoop (keepGoing: 'S -> Tensor) (body: 'S -> 'S) (start: 'S) : 'S = Flow.whileLoop None keepGoing body start

    /// Runs f over the slices of xs along axis 0: from a carry and a slice to the next carry and a row. Gives the last carry and the rows,
    /// stacked along axis 0.
    /// <exception cref="T:FunctionalGrad.ShapeException">A step changes the structure or a shape of the carry, or axes 0 differ in size.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">A step changes a dtype of the carry.</exception>
    let scan (f: 'C -> 'X -> 'C * 'Y) (start: 'C) (xs: 'X) : 'C * 'Y = Flow.scan None f start xs

    /// scan whose derivative by reverse mode keeps the carry of every so many steps only, and computes those between again: with segments
    /// of √n steps the memory is that of 2·√n carries, for one more pass.
    /// <exception cref="T:System.ArgumentOutOfRangeException">The segment is not positive.</exception>
    let scanSegmented (segment: int) (f: 'C -> 'X -> 'C * 'Y) (start: 'C) (xs: 'X) : 'C * 'Y = Flow.scan (Some segment) f start xs

    /// forLoop whose derivative by reverse mode keeps the state of every so many steps only, and computes those between again.
    /// <exception cref="T:System.ArgumentOutOfRangeException">The segment is not positive, or the count is negative.</exception>
    let forLoopSegmented (segment: int) (count: int) (body: Tensor -> 'S -> 'S) (start: 'S) : 'S =
        Flow.forLoop (Some segment) count body start

    /// f, whose derivative by reverse mode computes what it needs of f again instead of keeping it.
    let checkpoint (f: 'X -> 'Y) : 'X -> 'Y =
        fun x ->
            let leaves = Tree.flatten x
            let body, captured, result = Flow.trace "checkpoint" f x leaves
            let first = Tensor.Splat(Shape.Scalar, DType.Int64, 0.0)
            Tree.withLeaves result (Branching.choose "checkpoint" [| body |] first (Array.append leaves captured)).Items
