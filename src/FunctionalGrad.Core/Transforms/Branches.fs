namespace FunctionalGrad

open FunctionalGrad.Compile
open FunctionalGrad.Loops

/// A choice among functions of the same operands: of several it computes one. One alone is a function that is computed apart, so that
/// its derivative computes it again instead of keeping what it met on the way.
module internal Branching =
    open TensorTypes

    let private run (name: string) (bodies: Body[]) : LibraryFunction =
        let idle = bodies |> Array.map (fun body -> BoundBody body)

        LibraryFunction(fun inputs outputs ->
            let chosen = inputs[0].GetInt64 0

            if chosen < 0L || chosen >= int64 bodies.Length then
                raise (IndexException $"{name}: the index {chosen} names none of the {bodies.Length} branches, 0 to {bodies.Length - 1}.")

            let body = idle[int chosen]
            let bound = body.Rent()

            try
                bound.Run(inputs.Slice 1, outputs)
            finally
                body.Return bound)

    /// The results of the body that the index (int64) names, of all the operands.
    let rec choose (name: string) (bodies: Body[]) (index: Tensor) (operands: Tensor[]) : Bundle =
        let operandTypes = bodies[0].ParameterTypes
        let types = bodies[0].ResultTypes
        let floats = floatsOf types
        let again types f = bodies |> Array.map (fun body -> Body.close name types (f body))

        let jvp (inputs: Tensor[]) _ (tangents: Tensor option[]) =
            let moving = tangents[1..] |> Array.map Option.isSome
            let given = Array.choose id tangents[1..]

            let pushed body (xs: Tensor[]) =
                let n = operandTypes.Length
                let mutable next = n - 1

                let tangents =
                    moving
                    |> Array.map (fun isMoving ->
                        if isMoving then
                            next <- next + 1
                            Some xs[next]
                        else
                            None)

                let _, moves = Differential.push (Body.apply body) xs[.. n - 1] tangents
                let moves = orZeros types moves
                floats |> Array.map (fun place -> moves[place])

            let bodies = again (Array.append operandTypes (Array.map TensorType.Of given)) pushed
            let items = (choose name bodies inputs[0] (Array.append inputs[1..] given)).Items
            let parts = Array.create types.Length None
            Array.iter2 (fun place item -> parts[place] <- Some item) floats items
            Some(Bundle.OfParts parts :> Tensor)

        let vjp (inputs: Tensor[]) _ (g: Tensor) (needed: bool[]) =
            let wanted = Array.map2 (fun isNeeded t -> isNeeded && isFloat t) needed[1..] operandTypes
            let places = placesWhere wanted
            let cotangents = (g :?> Bundle).Parts
            let present = cotangents |> Array.map Option.isSome |> placesWhere
            let given = Array.choose id cotangents

            let pulled body (xs: Tensor[]) =
                let n = operandTypes.Length
                let cotangents = Array.create types.Length None
                present |> Array.iteri (fun i place -> cotangents[place] <- Some xs[n + i])
                let parts = orZeros operandTypes (Differential.pull (Body.apply body) xs[.. n - 1] wanted cotangents)
                places |> Array.map (fun place -> parts[place])

            let bodies = again (Array.append operandTypes (Array.map TensorType.Of given)) pulled
            let items = (choose name bodies inputs[0] (Array.append inputs[1..] given)).Items
            let result = Array.create inputs.Length None
            Array.iter2 (fun place item -> result[1 + place] <- Some item) places items
            result

        let op: Op =
            { Name = name
              Doc = "one of several functions, chosen by an index"
              Domain = Anywhere
              Lower = Call(Library.Giving(results types, "branch", box (name, [ for body in bodies -> body.Graph.Value ]), run name bodies))
              Type = fun _ -> invalidOp "a choice gives several results."
              Jvp = jvp
              Vjp = vjp
              Batch = fun mapped inputs -> Bundle.OfParts(overExamples name bodies mapped inputs |> Array.map Some) }

        Op.applyMany op types (Array.append [| index |] operands)

    /// Over examples: of one index the bodies are mapped; of an index for each example every body runs that some example asks for, and
    /// each example takes its own.
    and private overExamples name (bodies: Body[]) (mapped: bool[]) (inputs: Tensor[]) : Tensor[] =
        let size = Array.zip mapped inputs |> Array.pick (fun (isMapped, x) -> if isMapped then Some x.Shape.[0] else None)
        let operands = inputs[1..]
        let types = operands |> Array.map TensorType.Of
        let spread (x: Tensor, isMapped) = if isMapped then x else Views.broadcastTo (Typing.inFront size x.Shape) x
        let over (body: Body) = Body.close name types (fun operands -> Body.applyMapped body mapped[1..] operands |> Array.map spread)

        if mapped[0] then
            let index = checkedIndex name bodies.Length inputs[0]
            let nothing = Body.close name types (fun _ -> bodies[0].ResultTypes |> Array.map (fun t -> spread (zeros t, false)))

            let taken place (body: Body) =
                let isThis = Elementwise.binary Opcode.Equal index (Tensor.Splat(index.Shape, DType.Int64, float place))
                let isAny = Folding.any [| 0 |] isThis |> Elementwise.castTo DType.Int64
                let borrowed = Array.map2 (fun isMapped x -> if isMapped then Examples.borrow isThis x else x) mapped[1..] operands
                isThis, (choose name [| nothing; over body |] isAny borrowed).Items

            let take (before: Tensor[]) (isThis, items) = Array.map2 (Examples.select isThis) items before
            let all = Array.mapi taken bodies
            Array.fold take (snd all[0]) all[1..]
        else
            (choose name (Array.map over bodies) inputs[0] operands).Items

    /// Indices for each example, which raise when they are computed if one of them names no branch.
    and private checkedIndex name count (index: Tensor) : Tensor =
        let bound (value: int) = Tensor.Splat(index.Shape, DType.Int64, float value)

        let isOutside =
            Elementwise.binary
                Opcode.Or
                (Elementwise.binary Opcode.Less index (bound 0))
                (Elementwise.binary Opcode.LessEqual (bound count) index)

        // A truth value is 0 or 1.
        let isSure = count = 2 && index.Operands.Length = 1 && index.Operands[0].DType = DType.Bool

        if isSure || index.Count = 0 then
            index
        else
            let suspect = Views.reshape Shape.Scalar (Examples.at (Examples.first isOutside) index)
            let same = Body.close name [| TensorType.Of index |] id
            (choose name (Array.create count same) suspect [| index |]).Items[0]
