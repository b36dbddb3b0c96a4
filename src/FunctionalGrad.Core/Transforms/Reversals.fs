namespace FunctionalGrad

open System.Collections.Generic
open FunctionalGrad.Compile
open FunctionalGrad.Loops

open TensorTypes
open LoopParts

/// A sum over all steps that is computed of stacks.
[<NoComparison; NoEquality>]
type internal Total =
    {
        /// What it reads of every step.
        Reads: Tensor list
        /// The sum, where one asks for the stack of what a step has.
        Of: (Tensor -> Tensor) -> Tensor
    }

/// What the reverse of a loop computes in each of its steps, and what it computes of all steps together.
module internal Reversals =
    /// One step back: step number, carries, slices, constants, cotangents of the float carries, cotangents of rows → cotangents of the float
    /// carries before, of constants, of slices.
    let step (loop: Loop) (rows: int[]) (slices: int[]) (constants: int[]) : Body =
        let types = loop.Body.ParameterTypes
        let struct (carryTypes, _, _) = parted loop types[1..]
        let floats = floatsOf carryTypes

        let f (inputs: Tensor[]) =
            let cotangents = Array.create loop.Body.Results.Length None
            let received = Array.append floats (rows |> Array.map ((+) loop.Carries))
            Array.iter2 (fun place g -> cotangents[place] <- Some g) received inputs[types.Length ..]

            let places =
                Array.concat [ floats; constants |> Array.map ((+) (loop.Carries + loop.Slices)); slices |> Array.map ((+) loop.Carries) ]

            let wanted = Array.init (types.Length - 1) (fun place -> Array.contains place places)
            let body xs = Body.apply loop.Body (Array.append [| inputs[0] |] xs)
            let parts = Differential.pull body inputs[1 .. types.Length - 1] wanted cotangents
            places |> Array.map (fun place -> parts[place] |> Option.defaultWith (fun () -> zeros types[1 + place]))

        Body.close loop.Name (Array.concat [ types; pick floats carryTypes; pick rows loop.RowTypes ]) f

    /// So many ops are looked at, however often they meet: what is made of more is summed step by step.
    let private mostInTotal = 1000

    /// The sum over all steps of a tensor of a step, if it is a product or a sum that takes the steps as one more axis. Sums of what `isAtHand`
    /// in stacks anyway are totals, others are not: they would have more memory than they give.
    let private totalOf
        (operands: Dictionary<Tensor, Tensor[]>)
        (isStepwise: Tensor -> bool)
        (isAtHand: Tensor -> bool)
        (part: Tensor)
        : Total option =
        let looked = ref 0

        let rec find (x: Tensor) : Total option =
            looked.Value <- looked.Value + 1

            match x.Op.Lower, operands.TryGetValue x with
            | _ when looked.Value > mostInTotal -> None
            | Splat(ValueSome 0L), _ -> Some { Reads = []; Of = fun _ -> zeros (TensorType.Of x) }
            | Pointwise Opcode.Add, (true, [| a; b |]) ->
                Option.map2 (fun a b -> { Reads = a.Reads @ b.Reads; Of = fun stackOf -> a.Of stackOf + b.Of stackOf }) (find a) (find b)
            | (View(Permute _ | Reshape) | Embed _ | Same), (true, [| a |]) ->
                find a |> Option.map (fun a -> { a with Of = fun stackOf -> Op.again x [| a.Of stackOf |] })
            | Contract(left, right, result), (true, [| a; b |]) when LoopMotion.isMatrix x && isStepwise a && isStepwise b ->
                let steps = 1 + Seq.max (Seq.append left right)
                let along labels = Array.append [| steps |] labels
                let product stackOf = Contracting.contract (along left) (along right) result (stackOf a) (stackOf b)
                Some { Reads = [ a; b ]; Of = product }
            | Reduce(Fold.Sum, axes), (true, [| a |]) when x.DType.IsFloat() && isAtHand a ->
                let axes = Array.append [| 0 |] (axes |> Array.map ((+) 1))
                Some { Reads = [ a ]; Of = fun stackOf -> Views.sum axes (stackOf a) }
            | _ -> None

        find part

    /// What a tensor is an index map of, if that is no larger, or stands in a stack.
    let private sourceOf (operands: Dictionary<Tensor, Tensor[]>) (isStacked: Tensor -> bool) (x: Tensor) : Tensor =
        let mutable source = x
        let mutable current = x

        while current.Op.Lower.IsView && operands.ContainsKey current do
            current <- operands[current].[0]
            if isStacked current || current.Count <= source.Count then source <- current

        source

    /// What is done of all steps together: for each part that reaches a constant a total, if it is one, and the tensors of a step whose stacks
    /// they read.
    let totals (loop: Loop) (body: Body) (parts: Tensor[]) (isStepwise: Tensor -> bool) (isStacked: Tensor -> bool) =
        let operands = LoopMotion.operandsIn body
        let source = sourceOf operands isStacked
        let fits (total: Total) = total.Reads |> List.forall (source >> LoopMotion.fits loop)
        let find isAtHand part = totalOf operands isStepwise isAtHand part |> Option.filter fits
        let products = parts |> Array.choose (find (fun _ -> false))
        let sources = HashSet<Tensor>(products |> Seq.collect _.Reads |> Seq.map source, HashIdentity.Reference)
        let isAtHand x = isStepwise x && (isStacked (source x) || sources.Contains(source x))
        let found = parts |> Array.map (find isAtHand)

        found, found |> Seq.choose id |> Seq.collect _.Reads |> Seq.map source |> Seq.distinct |> Array.ofSeq

    /// The stack of a tensor of a step: it is given, or an index map of one that is.
    let stackOf (operands: Dictionary<Tensor, Tensor[]>) (stacks: Dictionary<Tensor, Tensor>) (x: Tensor) : Tensor =
        let maps = Stack<Tensor>()
        let mutable source = x

        while not (stacks.ContainsKey source) do
            maps.Push source
            source <- operands[source].[0]

        Seq.fold (fun stack (map: Tensor) -> map.Op.Batch [| true |] [| stack |]) stacks[source] maps

/// How to go back through a loop whose rows, by their flags, have cotangents, for the slices and the constants that are asked for.
type internal ReversalPlan(loop: Loop, rows: bool[], slices: bool[], constants: bool[]) =
    let types = loop.Body.ParameterTypes
    let floats = floatsOf loop.CarryTypes
    let rowPlaces, constantPlaces = placesWhere rows, placesWhere constants
    let step = Reversals.step loop rowPlaces (placesWhere slices) constantPlaces
    let operands = LoopMotion.operandsIn step

    // What a step back takes and gives.
    let source, received = Array.splitAt types.Length step.Parameters
    let moving, rowsIn = Array.splitAt floats.Length received
    let struct (carriesIn, slicesIn, constantsIn) = parted loop source[1..]
    let carriesOut, reached = Array.splitAt floats.Length step.Results
    let parts, slicesOut = Array.splitAt constantPlaces.Length reached

    /// Whether steps may leave something behind for all of them together.
    let isTogether = loop.HasRecord && loop.Segment.IsNone

    /// The totals, and what they read of a step that stands in no stack yet.
    let found, further =
        if isTogether then
            let constant = HashSet<Tensor>(constantsIn, HashIdentity.Reference)
            let stepwise = LoopMotion.dependents step (Seq.filter (constant.Contains >> not) step.Parameters)
            let stacked = HashSet<Tensor>(Seq.concat [ carriesIn; slicesIn; rowsIn; slicesOut ], HashIdentity.Reference)
            let found, reads = Reversals.totals loop step parts stepwise.Contains stacked.Contains
            found, Array.filter (stacked.Contains >> not) reads
        else
            Array.map (fun _ -> None) parts, [||]

    let sums = Array.zip found parts |> Array.filter (fst >> Option.isNone) |> Array.map snd
    let wanted = Array.concat [ carriesOut; sums; slicesOut; further ]

    /// Products of the step forward that the step back would do again.
    let kept =
        if isTogether then
            let backward = LoopMotion.dependents step received
            let isForward x = not (backward.Contains x)
            let isKept x = LoopMotion.isProduct operands x && LoopMotion.fits loop x
            LoopMotion.border step isForward wanted |> LoopMotion.firstOf operands (fun _ -> true) isKept
        else
            [||]

    /// One step back, with sums so far, and with what is kept instead of what it is made of.
    let walk (inputs: Tensor[]) =
        let given, rest = Array.splitAt (types.Length + floats.Length) inputs
        let before, rest = Array.splitAt sums.Length rest
        let known = Seq.zip (Seq.concat [ source; moving; rowsIn; kept ]) (Seq.append given rest)
        let values = Body.evaluate step known wanted
        let first = floats.Length
        let added = Array.mapi (fun i sum -> sum + values[first + i]) before
        Array.concat [ values[.. first - 1]; added; values[first + sums.Length ..] ]

    /// Everything that is there after the last step back, and of which tensor of a step it is the stack.
    let remains () : (Tensor option * TensorType)[] =
        let single = Array.map (fun (x: Tensor) -> None, TensorType.Of x)
        let stack = Array.map (fun (x: Tensor) -> Some x, loop.Stacked(TensorType.Of x))

        let taken =
            [ single carriesIn
              stack slicesIn
              single constantsIn
              single moving
              stack rowsIn
              stack carriesIn
              stack kept ]

        Array.concat (taken @ [ stack slicesOut; stack further ])

    let total (inputs: Tensor[]) =
        let stacks = Dictionary<Tensor, Tensor>(HashIdentity.Reference)
        Array.iter2 (fun (tensor, _) input -> tensor |> Option.iter (fun tensor -> stacks[tensor] <- input)) (remains ()) inputs
        found |> Array.choose id |> Array.map (fun total -> total.Of(Reversals.stackOf operands stacks))

    let typesOf = Array.map TensorType.Of

    /// The loop, which gives as further rows what is kept.
    member _.Forward: Loop =
        if kept.Length = 0 then
            loop
        else
            let f inputs = Array.append (Body.apply loop.Body inputs) (Body.evaluate step (Seq.zip source inputs) kept)
            { loop with Body = Body.close loop.Name types f }

    member _.Reversal: Reversal =
        let taken = Array.concat [ source; moving; sums; rowsIn; kept ]

        { Loop = loop
          Body = Body.close loop.Name (typesOf taken) walk
          Rows = rows
          Slices = slices
          Constants = constants
          Sums = Array.map Option.isNone found
          Kept = typesOf kept
          Stacked = typesOf further
          Totals = if Array.forall Option.isNone found then None else Some(Body.close loop.Name (Array.map snd (remains ())) total) }

/// What the reverse of a loop takes and gives, by place. It takes the loop's inputs, cotangents, and perhaps a record.
type internal ReversePlaces(spec: Reversal) =
    let loop = spec.Loop
    let width = loop.Carries + loop.Slices + loop.Constants
    let floats = floatsOf loop.CarryTypes
    let received = Array.append floats (placesWhere spec.Rows |> Array.map ((+) loop.Carries))

    let results =
        Array.concat
            [ floats
              placesWhere spec.Slices |> Array.map ((+) loop.Carries)
              placesWhere spec.Constants |> Array.map ((+) (loop.Carries + loop.Slices)) ]

    let wanted = Array.init width (fun i -> Array.contains i results)

    member _.Loop = loop
    /// How many inputs the loop has.
    member _.Width = width
    /// The results of the loop that have cotangents.
    member _.Received = received
    /// Where the record begins.
    member _.Given = width + received.Length
    /// The inputs of the loop whose cotangents are the results.
    member _.Results = results
    /// Which inputs those are.
    member _.Wanted = wanted

    /// The cotangents among the inputs of the reverse, or what belongs to them, by result of the loop.
    member _.CotangentsOf(inputs: 'T[], lift: 'T -> Tensor option) : Tensor option[] =
        let parts = Array.create (loop.Carries + loop.Rows) None
        received |> Array.iteri (fun i place -> parts[place] <- lift inputs[width + i])
        parts
