namespace FunctionalGrad

open System
open System.Collections.Generic
open FunctionalGrad.Compile
open FunctionalGrad.Loops

/// Loops as nodes, with their derivatives. Both modes stay within loops, so that every order follows.
module internal Looping =
    open TensorTypes

    open LoopParts
    open LoopVariants

    let private call name key types f = Call(Library.Giving(results types, name, key, f))

    let private keyOf (spec: Loop) = "loop", box (spec.Body.Graph.Value, spec.Length, spec.Carries, spec.Slices)

    /// The results of a loop.
    let rec loop (spec: Loop) (inputs: Tensor[]) : Bundle =
        let jvp (inputs: Tensor[]) _ (tangents: Tensor option[]) =
            let pushed = pushedLoop spec (Array.map Option.isSome tangents)
            let items = (loop pushed (pushedInputs spec inputs tangents)).Items
            Some(Bundle.OfParts(tangentPlaces spec |> Array.map (Option.map (fun place -> items[place]))) :> Tensor)

        let vjp (inputs: Tensor[]) _ (g: Tensor) (needed: bool[]) = reversed spec needed inputs (g :?> Bundle).Parts

        let op: Op =
            { Name = spec.Name
              Doc = "a loop whose body is a graph"
              Domain = Anywhere
              Lower = call (fst (keyOf spec)) (snd (keyOf spec)) spec.ResultTypes (LoopPrograms.forward spec)
              Type = fun _ -> invalidOp "a loop gives several results."
              Jvp = jvp
              Vjp = vjp
              Batch = fun mapped inputs -> Bundle.OfParts(mappedResults spec loop mapped inputs |> Array.map Some) }

        Op.applyMany op spec.ResultTypes inputs

    /// The results of a loop that gives further rows, then a record of its carries. Derivatives do not look at either: the reverse that
    /// reads them knows how they move with the loop's inputs.
    and private recorded (spec: Loop) (larger: Loop) (inputs: Tensor[]) : Bundle =
        let all = Array.append larger.ResultTypes larger.RecordTypes
        let key = box (snd (keyOf larger), larger.Segment)

        let library =
            { Library.Giving(results all, "recorded loop", key, LoopPrograms.forward larger) with
                Includes = ValueSome(keyOf spec) }

        let op: Op =
            { Name = spec.Name
              Doc = "a loop that keeps what it carries"
              Domain = Anywhere
              Lower = Call library
              Type = fun _ -> invalidOp "a loop gives several results."
              Jvp = Op.still
              Vjp = Op.silent
              Batch =
                fun mapped inputs -> Bundle.OfParts(mappedResults larger (fun loop -> recorded loop loop) mapped inputs |> Array.map Some) }

        Op.applyMany op all inputs

    /// The results of a loop over examples, and its record if it is run with one, each with the new axis in front.
    and private mappedResults (spec: Loop) (run: Loop -> Tensor[] -> Bundle) (mapped: bool[]) (inputs: Tensor[]) : Tensor[] =
        let size = sizeOf mapped inputs
        let mappedSpec, flags, rows = mappedLoop spec size mapped false
        let items = (run mappedSpec (mappedInputs spec size flags mapped inputs)).Items
        let items = items[mappedSpec.Carries - spec.Carries ..]
        let spread (x: Tensor) = Views.broadcastTo (Typing.inFront size x.Shape) x
        let carry isMapped x = if isMapped then x else spread x
        let row isMapped x = if isMapped then exchange x else spread x
        let stacked = if items.Length > spec.Carries + spec.Rows then Array.append rows flags else rows
        Array.append (Array.map2 carry flags items[.. spec.Carries - 1]) (Array.map2 row stacked items[spec.Carries ..])

    /// What reaches the inputs of a loop when its results receive cotangents.
    and private reversed (spec: Loop) (needed: bool[]) (inputs: Tensor[]) (cotangents: Tensor option[]) : Tensor option[] =
        let carryTypes = spec.CarryTypes
        let floats = floatsOf carryTypes
        let wanted = Array.map2 (fun isNeeded (x: Tensor) -> isNeeded && x.DType.IsFloat()) needed inputs
        let struct (_, slices, constants) = parted spec wanted
        let rows = Array.init spec.Rows (fun row -> cotangents[spec.Carries + row].IsSome)
        let carried = floats |> Array.map (fun place -> cotangents[place] |> Option.defaultWith (fun () -> zeros carryTypes[place]))

        let plan = ReversalPlan(spec, rows, slices, constants)
        let reversal = plan.Reversal

        let record =
            if spec.HasRecord then
                let items = (recorded spec plan.Forward inputs).Items[spec.Carries + spec.Rows ..]
                let kept, carries = Array.splitAt reversal.Kept.Length items
                Array.append carries kept
            else
                [||]

        let items = (reverse reversal (Array.concat [ inputs; carried; Array.choose id cotangents[spec.Carries ..]; record ])).Items
        let queue = Queue<Tensor>(items)
        let parts = Array.create inputs.Length None
        let receive start (places: int[]) = places |> Array.iter (fun place -> parts[start + place] <- Some(queue.Dequeue()))
        receive 0 floats
        receive spec.Carries (placesWhere slices)
        receive (spec.Carries + spec.Slices) (placesWhere constants)
        parts

    /// How what a reverse gives moves when the loop's inputs move along tangents: by symmetry of second derivatives, the gradient of ⟨g, J·t⟩.
    and private curvature (places: ReversePlaces) (inputs: Tensor[]) (tangents: Tensor option[]) (needed: bool[]) : Tensor option[] =
        let source = places.Loop
        let isMoving = Array.map Option.isSome tangents
        let pushed = pushedLoop source isMoving
        let all = pushedInputs source inputs[.. places.Width - 1] tangents
        let cotangents = Array.create (pushed.Carries + pushed.Rows) None

        Array.iter2
            (fun place g -> Option.iter (fun place -> cotangents[place] <- g) place)
            (tangentPlaces source)
            (places.CotangentsOf(inputs, Some))

        let home = pushedPlaces source isMoving
        let asked = Array.create all.Length false
        Array.iteri (fun i isNeeded -> if isNeeded then asked[home[i]] <- true) needed
        let parts = reversed pushed asked all cotangents
        Array.map2 (fun isNeeded place -> if isNeeded then parts[place] else None) needed home

    and private pushReverse (places: ReversePlaces) (inputs: Tensor[]) (tangents: Tensor option[]) : Tensor option[] =
        let width = places.Width
        let moved = tangents[.. width - 1]

        let ofCotangents =
            if Array.exists Option.isSome tangents[width .. places.Given - 1] then
                reversed places.Loop places.Wanted inputs[.. width - 1] (places.CotangentsOf(tangents, id))
            else
                Array.create width None

        let ofInputs = if Array.exists Option.isSome moved then curvature places inputs moved places.Wanted else Array.create width None

        places.Results |> Array.map (fun place -> Op.total [ ofCotangents[place]; ofInputs[place] ])

    and private pullReverse (places: ReversePlaces) (inputs: Tensor[]) (cotangents: Tensor option[]) (needed: bool[]) : Tensor option[] =
        let source, width = places.Loop, places.Width
        let tangents = Array.create width None
        Array.iter2 (fun place part -> tangents[place] <- part) places.Results cotangents

        let toCotangents =
            if Array.exists id needed[width .. places.Given - 1] then
                let pushed = pushedLoop source (Array.map Option.isSome tangents)
                let items = (loop pushed (pushedInputs source inputs[.. width - 1] tangents)).Items
                let moves = tangentPlaces source
                places.Received |> Array.map (fun place -> moves[place] |> Option.map (fun move -> items[move]))
            else
                Array.create (places.Given - width) None

        let asked = Array.map2 (fun isNeeded (x: Tensor) -> isNeeded && x.DType.IsFloat()) needed[.. width - 1] inputs[.. width - 1]
        let toInputs = if Array.exists id asked then curvature places inputs tangents asked else Array.create width None
        Array.concat [ toInputs; toCotangents; Array.create (inputs.Length - places.Given) None ]

    and private mapReverse (places: ReversePlaces) (mapped: bool[]) (inputs: Tensor[]) : Tensor option[] =
        let source, width = places.Loop, places.Width
        let size = sizeOf mapped inputs
        let spread isMapped (x: Tensor) = if isMapped then x else Views.broadcastTo (Typing.inFront size x.Shape) x
        // What is asked for each example must be each example's own.
        let own i isMapped = isMapped || i >= width || places.Wanted[i]
        let spreadInputs = Array.init places.Given (fun i -> if own i mapped[i] then spread mapped[i] inputs[i] else inputs[i])
        let flags = Array.init width (fun i -> own i mapped[i])
        let mappedSpec, carryFlags, _ = mappedLoop source size flags true
        let extra = mappedSpec.Carries - source.Carries
        let all = mappedInputs source size carryFlags flags spreadInputs[.. width - 1]
        let cotangents = Array.create (mappedSpec.Carries + mappedSpec.Rows) None

        places.CotangentsOf(spreadInputs, Some)
        |> Array.iteri (fun place g -> cotangents[extra + place] <- if place < source.Carries then g else Option.map exchange g)

        let asked = Array.append (Array.create extra false) places.Wanted
        let parts = reversed mappedSpec asked all cotangents

        let part place =
            match parts[extra + place] with
            | Some g when place >= source.Carries && place < source.Carries + source.Slices -> Some(exchange g)
            | Some g -> Some g
            | None -> Some(zeros (TensorType.Of spreadInputs[place]))

        Array.map part places.Results

    /// Cotangents of the float carries, then of the slices and of the constants that are asked for.
    and private reverse (spec: Reversal) (inputs: Tensor[]) : Bundle =
        let source = spec.Loop
        let places = ReversePlaces spec
        let types = places.Results |> Array.map (fun place -> TensorType.Of inputs[place])

        let key =
            source.Body.Graph.Value,
            spec.Body.Graph.Value,
            (spec.Totals |> Option.map _.Graph.Value |> Option.toObj),
            (source.Length, source.Segment, source.Carries, source.Slices),
            (List.ofArray spec.Rows, List.ofArray spec.Slices, List.ofArray spec.Constants)

        let bundle parts = Bundle.OfParts parts :> Tensor

        let op: Op =
            { Name = source.Name
              Doc = "the reverse of a loop"
              Domain = Anywhere
              Lower = call "reverse of loop" (box key) types (LoopPrograms.reverse spec)
              Type = fun _ -> invalidOp "the reverse of a loop gives several results."
              Jvp = fun inputs _ tangents -> pushReverse places inputs tangents |> bundle |> Some
              Vjp = fun inputs _ g needed -> pullReverse places inputs (g :?> Bundle).Parts needed
              Batch = fun mapped inputs -> mapReverse places mapped inputs |> bundle }

        Op.applyMany op types inputs
