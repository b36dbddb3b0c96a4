namespace FunctionalGrad

open System
open System.Collections.Generic
open FunctionalGrad.Compile
open FunctionalGrad.Loops

/// Loops as nodes, with their derivatives. Both modes stay within loops, so that every order follows.
module internal Looping =
    open TensorTypes

    open LoopParts

    /// The body with its derivative along tangents: carries, their tangents, slices, tangents of those that move, constants, tangents of
    /// those that move → next carries, tangents, rows, tangents.
    let private pushedLoop (loop: Loop) (moving: bool[]) : Loop =
        let types = loop.Body.ParameterTypes[1..]
        let struct (carries, slices, constants) = parted loop types
        let struct (_, movingSlices, movingConstants) = parted loop moving
        let floats = floatsOf carries
        let movedSlices, movedConstants = placesWhere movingSlices, placesWhere movingConstants

        let parameters =
            Array.concat
                [ [| indexType |]
                  carries
                  pick floats carries
                  slices
                  pick movedSlices slices
                  constants
                  pick movedConstants constants ]

        let f (inputs: Tensor[]) =
            let queue = Queue<Tensor>(Seq.skip 1 inputs)
            let take count = Array.init count (fun _ -> queue.Dequeue())

            let takeGroup (types: TensorType[]) (places: int[]) =
                let xs = take types.Length
                let tangents = Array.create types.Length None
                places |> Array.iter (fun place -> tangents[place] <- Some(queue.Dequeue()))
                xs, tangents

            let c, dc = takeGroup carries floats
            let s, ds = takeGroup slices movedSlices
            let k, dk = takeGroup constants movedConstants
            let body xs = Body.apply loop.Body (Array.append [| inputs[0] |] xs)
            let ys, moves = Differential.push body (Array.concat [ c; s; k ]) (Array.concat [ dc; ds; dk ])
            let move place = moves[place] |> Option.defaultWith (fun () -> zeros (TensorType.Of ys[place]))
            let rowFloats = floatsOf loop.RowTypes

            Array.concat
                [ ys[.. loop.Carries - 1]
                  Array.map move floats
                  ys[loop.Carries ..]
                  rowFloats |> Array.map (fun row -> move (loop.Carries + row)) ]

        { loop with
            Body = Body.close loop.Name parameters f
            Carries = loop.Carries + floats.Length
            Slices = loop.Slices + movedSlices.Length }

    /// What the pushed loop takes.
    let private pushedInputs (loop: Loop) (inputs: Tensor[]) (tangents: Tensor option[]) : Tensor[] =
        let struct (c, s, k) = parted loop inputs
        let struct (dc, ds, dk) = parted loop tangents
        let floats = floatsOf loop.CarryTypes

        Array.concat
            [ c
              floats |> Array.map (fun place -> dc[place] |> Option.defaultWith (fun () -> zeros (TensorType.Of c[place])))
              s
              Array.choose id ds
              k
              Array.choose id dk ]

    /// Where the tangent of each result of a loop stands among the results of the pushed loop.
    let private tangentPlaces (loop: Loop) : int option[] =
        let floats, rowFloats = floatsOf loop.CarryTypes, floatsOf loop.RowTypes

        let place (floats: int[]) start i =
            match Array.IndexOf(floats, i) with
            | -1 -> None
            | found -> Some(start + found)

        Array.append
            (Array.init loop.Carries (place floats loop.Carries))
            (Array.init loop.Rows (place rowFloats (loop.Carries + floats.Length + loop.Rows)))

    /// The loop mapped over examples. `everything`: all floats carry the new axis, whether they must or not.
    let private mappedLoop (loop: Loop) (size: int) (mapped: bool[]) (everything: bool) : Loop * bool[] * bool[] =
        let types = loop.Body.ParameterTypes[1..]
        let struct (carryTypes, _, _) = parted loop types
        let struct (startMapped, sliceMapped, constantMapped) = parted loop mapped
        let inFront isMapped (t: TensorType) = if isMapped then { t with Shape = Typing.inFront size t.Shape } else t
        let forced (t: TensorType) isMapped = isMapped || (everything && isFloat t)
        let mutable flags = Array.map2 forced carryTypes startMapped
        let mutable rows = Array.map (fun t -> forced t false) loop.RowTypes
        let mutable body = loop.Body
        let mutable isSettled = false

        let spread isWanted (x: Tensor, isMapped) =
            if isWanted && not isMapped then Views.broadcastTo (Typing.inFront size x.Shape) x else x

        while not isSettled do
            let current = flags
            let all = Array.concat [ current; sliceMapped; constantMapped ]
            let mutable found: bool[] = [||]
            let mutable foundRows: bool[] = [||]
            // Examples that are done keep what they carry; the loop goes on as long as any example does.
            let isPerExample = loop.Length.IsNone && current[0]
            let parameters = Array.append [| indexType |] (Array.map2 inFront all types)

            let parameters =
                if isPerExample then
                    Array.append [| parameters[0]; { indexType with DType = DType.Bool } |] parameters[1..]
                else
                    parameters

            let f (inputs: Tensor[]) =
                let inputs' = if isPerExample then Array.append [| inputs[0] |] inputs[2..] else inputs
                let flagged = Array.append [| false |] all

                let arguments =
                    if isPerExample then
                        Array.map2 (fun isMapped x -> if isMapped then Examples.borrow inputs'[1] x else x) flagged inputs'
                    else
                        inputs'

                let results = Body.applyMapped loop.Body flagged arguments
                let carries, rowResults = results[.. loop.Carries - 1], results[loop.Carries ..]
                found <- Array.map2 (fun isMapped (_, isNow) -> isMapped || isNow || isPerExample) current carries
                foundRows <- Array.map2 (fun isMapped (_, isNow) -> isMapped || isNow) rows rowResults
                let next = Array.map2 spread found carries

                if isPerExample then
                    let active = inputs'[1]

                    let kept i =
                        if i = 0 then
                            Elementwise.binary Opcode.And active next[0]
                        else
                            Examples.select active next[i] (spread found[i] (inputs'[1 + i], current[i]))

                    let kept = Array.init next.Length kept
                    Array.append [| Folding.any [| 0 |] kept[0] |] kept
                else
                    Array.append next (Array.map2 spread foundRows rowResults)

            body <- Body.close loop.Name parameters f
            isSettled <- found = current && foundRows = rows
            flags <- found
            rows <- foundRows

        { loop with
            Body = body
            Carries = (if loop.Length.IsNone && flags[0] then loop.Carries + 1 else loop.Carries) },
        flags,
        rows

    /// The first two axes change places: examples of steps, steps of examples.
    let exchange (x: Tensor) : Tensor = Shaping.permute (Array.append [| 1; 0 |] [| 2 .. x.Rank - 1 |]) x

    /// Inputs of a mapped loop: what it wants mapped is spread, and stacks are cut along their own axis, so the new one comes second.
    let private mappedInputs (loop: Loop) (size: int) (flags: bool[]) (mapped: bool[]) (inputs: Tensor[]) : Tensor[] =
        let struct (carries, slices, constants) = parted loop inputs
        let struct (carriesMapped, slicesMapped, _) = parted loop mapped

        let spread isWanted isMapped (x: Tensor) = if isWanted && not isMapped then Views.broadcastTo (Typing.inFront size x.Shape) x else x

        let carries = Array.map3 spread flags carriesMapped carries
        let isPerExample = loop.Length.IsNone && flags[0]

        Array.concat
            [ (if isPerExample then [| Folding.any [| 0 |] carries[0] |] else [||])
              carries
              Array.map2 (fun isMapped x -> if isMapped then exchange x else x) slicesMapped slices
              constants ]

    let private sizeOf (mapped: bool[]) (inputs: Tensor[]) =
        Array.zip mapped inputs |> Array.pick (fun (isMapped, x) -> if isMapped then Some x.Shape.[0] else None)

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

    /// Cotangents of the float carries, then of the slices and of the constants that are asked for.
    and private reverse (spec: Reversal) (inputs: Tensor[]) : Bundle =
        let source = spec.Loop
        let width = source.Carries + source.Slices + source.Constants
        let floats = floatsOf source.CarryTypes
        let inputTypes = inputs[.. width - 1] |> Array.map TensorType.Of
        let struct (_, sliceTypes, constantTypes) = parted source inputTypes

        let types =
            Array.concat
                [ pick floats source.CarryTypes
                  pick (placesWhere spec.Slices) sliceTypes
                  pick (placesWhere spec.Constants) constantTypes ]

        /// Places of the results among the loop's inputs.
        let places =
            Array.concat
                [ floats
                  placesWhere spec.Slices |> Array.map ((+) source.Carries)
                  placesWhere spec.Constants |> Array.map ((+) (source.Carries + source.Slices)) ]

        let wanted = Array.init width (fun i -> Array.contains i places)
        let rowPlaces = placesWhere spec.Rows |> Array.map ((+) source.Carries)
        /// Where the record begins.
        let given = width + floats.Length + rowPlaces.Length

        /// The cotangents among the inputs, by result of the loop.
        let cotangentsOf (inputs: 'T[]) (lift: 'T -> Tensor option) : Tensor option[] =
            let parts = Array.create (source.Carries + source.Rows) None
            Array.iteri (fun i place -> parts[place] <- lift inputs[width + i]) (Array.append floats rowPlaces)
            parts

        /// How the results move when the loop's inputs move along tangents: by symmetry of second derivatives, the gradient of ⟨g, J·t⟩.
        let curvature (inputs: Tensor[]) (tangents: Tensor option[]) (needed: bool[]) : Tensor option[] =
            let pushed = pushedLoop source (Array.map Option.isSome tangents)
            let all = pushedInputs source inputs[.. width - 1] tangents
            let cotangents = Array.create (pushed.Carries + pushed.Rows) None

            Array.iter2
                (fun place g -> Option.iter (fun place -> cotangents[place] <- g) place)
                (tangentPlaces source)
                (cotangentsOf inputs Some)

            // Where each input of the loop stands among those of the pushed one.
            let struct (carries, slices, constants) = parted source [| 0 .. width - 1 |]
            let struct (_, movingSlices, _) = parted source (Array.map Option.isSome tangents)
            let movingCount = movingSlices |> Array.filter id |> Array.length
            let sliceStart = source.Carries + floats.Length
            let constantStart = sliceStart + source.Slices + movingCount

            let home =
                Array.concat
                    [ carries
                      slices |> Array.mapi (fun i _ -> sliceStart + i)
                      constants |> Array.mapi (fun i _ -> constantStart + i) ]

            let asked = Array.create all.Length false
            Array.iteri (fun i isNeeded -> if isNeeded then asked[home[i]] <- true) needed
            let parts = reversed pushed asked all cotangents
            Array.map2 (fun isNeeded place -> if isNeeded then parts[place] else None) needed home

        let jvp (inputs: Tensor[]) _ (tangents: Tensor option[]) =
            let moved = tangents[.. width - 1]

            let ofCotangents =
                if Array.exists Option.isSome tangents[width .. given - 1] then
                    reversed source wanted inputs[.. width - 1] (cotangentsOf tangents id)
                else
                    Array.create width None

            let ofInputs = if Array.exists Option.isSome moved then curvature inputs moved wanted else Array.create width None
            Some(Bundle.OfParts(places |> Array.map (fun place -> Op.total [ ofCotangents[place]; ofInputs[place] ])) :> Tensor)

        let vjp (inputs: Tensor[]) _ (g: Tensor) (needed: bool[]) =
            let tangents = Array.create width None
            Array.iter2 (fun place part -> tangents[place] <- part) places (g :?> Bundle).Parts

            let toCotangents =
                if Array.exists id needed[width .. given - 1] then
                    let pushed = pushedLoop source (Array.map Option.isSome tangents)
                    let items = (loop pushed (pushedInputs source inputs[.. width - 1] tangents)).Items
                    let moves = tangentPlaces source
                    Array.append floats rowPlaces |> Array.map (fun place -> moves[place] |> Option.map (fun move -> items[move]))
                else
                    Array.create (given - width) None

            let asked = Array.map2 (fun isNeeded (x: Tensor) -> isNeeded && x.DType.IsFloat()) needed[.. width - 1] inputs[.. width - 1]
            let toInputs = if Array.exists id asked then curvature inputs tangents asked else Array.create width None
            Array.concat [ toInputs; toCotangents; Array.create (inputs.Length - given) None ]

        let batch (mapped: bool[]) (inputs: Tensor[]) =
            let size = sizeOf mapped inputs
            let spread isMapped (x: Tensor) = if isMapped then x else Views.broadcastTo (Typing.inFront size x.Shape) x
            // What is asked for each example must be each example's own.
            let own i isMapped = isMapped || i >= width || wanted[i]
            let spreadInputs = Array.init given (fun i -> if own i mapped[i] then spread mapped[i] inputs[i] else inputs[i])
            let flags = Array.init width (fun i -> own i mapped[i])
            let mappedSpec, carryFlags, _ = mappedLoop source size flags true
            let extra = mappedSpec.Carries - source.Carries
            let all = mappedInputs source size carryFlags flags spreadInputs[.. width - 1]
            let cotangents = Array.create (mappedSpec.Carries + mappedSpec.Rows) None

            cotangentsOf spreadInputs Some
            |> Array.iteri (fun place g -> cotangents[extra + place] <- if place < source.Carries then g else Option.map exchange g)

            let asked = Array.append (Array.create extra false) wanted
            let parts = reversed mappedSpec asked all cotangents

            let part place =
                match parts[extra + place] with
                | Some g when place >= source.Carries && place < source.Carries + source.Slices -> Some(exchange g)
                | Some g -> Some g
                | None -> Some(zeros (TensorType.Of spreadInputs[place]))

            Bundle.OfParts(Array.map part places) :> Tensor

        let op: Op =
            { Name = source.Name
              Doc = "the reverse of a loop"
              Domain = Anywhere
              Lower =
                call
                    "reverse of loop"
                    (box (
                        source.Body.Graph.Value,
                        spec.Body.Graph.Value,
                        (spec.Totals |> Option.map _.Graph.Value |> Option.toObj),
                        (source.Length, source.Segment, source.Carries, source.Slices),
                        (List.ofArray spec.Rows, List.ofArray spec.Slices, List.ofArray spec.Constants)
                    ))
                    types
                    (LoopPrograms.reverse spec)
              Type = fun _ -> invalidOp "the reverse of a loop gives several results."
              Jvp = jvp
              Vjp = vjp
              Batch = batch }

        Op.applyMany op types inputs
