namespace FunctionalGrad

open System
open System.Collections.Generic
open FunctionalGrad.Compile
open FunctionalGrad.Loops

open TensorTypes
open LoopParts

/// Loops that are made of a loop: one that computes its derivative too, and one over many examples.
module internal LoopVariants =
    /// The body with its derivative along tangents: carries, their tangents, slices, tangents of those that move, constants, tangents of
    /// those that move → next carries, tangents, rows, tangents.
    let pushedLoop (loop: Loop) (moving: bool[]) : Loop =
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
    let pushedInputs (loop: Loop) (inputs: Tensor[]) (tangents: Tensor option[]) : Tensor[] =
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

    /// Where each input of a loop stands among those of the pushed loop.
    let pushedPlaces (loop: Loop) (isMoving: bool[]) : int[] =
        let struct (carries, slices, constants) = parted loop [| 0 .. isMoving.Length - 1 |]
        let struct (_, movingSlices, _) = parted loop isMoving
        let sliceStart = loop.Carries + (floatsOf loop.CarryTypes).Length
        let constantStart = sliceStart + loop.Slices + (placesWhere movingSlices).Length

        Array.concat
            [ carries
              slices |> Array.mapi (fun i _ -> sliceStart + i)
              constants |> Array.mapi (fun i _ -> constantStart + i) ]

    /// Where the tangent of each result of a loop stands among the results of the pushed loop.
    let tangentPlaces (loop: Loop) : int option[] =
        let floats, rowFloats = floatsOf loop.CarryTypes, floatsOf loop.RowTypes

        let place (floats: int[]) start i =
            match Array.IndexOf(floats, i) with
            | -1 -> None
            | found -> Some(start + found)

        Array.append
            (Array.init loop.Carries (place floats loop.Carries))
            (Array.init loop.Rows (place rowFloats (loop.Carries + floats.Length + loop.Rows)))

    /// The loop mapped over examples. `everything`: all floats carry the new axis, whether they must or not.
    let mappedLoop (loop: Loop) (size: int) (mapped: bool[]) (everything: bool) : Loop * bool[] * bool[] =
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
    let mappedInputs (loop: Loop) (size: int) (flags: bool[]) (mapped: bool[]) (inputs: Tensor[]) : Tensor[] =
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

    let sizeOf (mapped: bool[]) (inputs: Tensor[]) =
        Array.zip mapped inputs |> Array.pick (fun (isMapped, x) -> if isMapped then Some x.Shape.[0] else None)
