namespace FunctionalGrad.Compile

open System
open System.Collections.Generic
open System.Collections.Immutable
open FunctionalGrad
open FunctionalGrad.Loops

/// A program and how its inputs and outputs stand to the graph it was made from.
[<NoComparison; NoEquality>]
type internal Compiled =
    { Program: Program
      /// The nodes of the source graph whose arrays are the program's inputs.
      Leaves: int[]
      /// The nodes of the source graph whose numbers the program reads, after a zero that fills use.
      Numbers: int[]
      /// For each output of the graph: an output of the program, or −1 − an input that it is, under the given shape.
      Outputs: struct (int * Shape)[] }

/// Turns a schedule into the loop language.
type internal Lowerer(schedule: Schedule, origins: int[]) =
    /// Readings of the same elements are one load.
    static let sameReading =
        { new IEqualityComparer<Reading> with
            member _.Equals(a, b) =
                a.Base = b.Base
                && a.View.Offset = b.View.Offset
                && MemoryExtensions.SequenceEqual(ReadOnlySpan a.View.Strides, ReadOnlySpan b.View.Strides)

            member _.GetHashCode reading =
                HashCode.Combine(reading.Base, reading.View.Offset) }

    let nodes = schedule.Graph.Nodes
    let buffers = List<BufferInfo>()
    let bufferOf = Array.create nodes.Length -1
    /// The value that holds a member of a group, in that group's loop body.
    let valueOf = Array.create nodes.Length -1
    let leaves = List<int>()
    let numbers = List<int>()
    let numberOf = Dictionary<int, int>()
    let steps = List<Step>()

    let addBuffer i kind =
        bufferOf[i] <- buffers.Count
        buffers.Add(BufferInfo(kind, nodes[i].Shape, nodes[i].DType))

    let numberIndex i =
        match numberOf.TryGetValue i with
        | true, index -> index
        | _ ->
            numbers.Add origins[i]
            let index = numbers.Count
            numberOf[i] <- index
            index

    let immutable (items: 'T seq) = ImmutableArray.CreateRange items

    let access (order: int[]) (reading: Reading) =
        Access(
            bufferOf[reading.Base],
            reading.View.Offset,
            order |> Seq.map (fun axis -> reading.View.Strides[axis]) |> immutable
        )

    /// Loop order: axes before the first folded one, the folded ones, the rest; or folded ones last when the last axis is one,
    /// because then neighbours in memory are folded together.
    let loopOrder (space: Shape) (reduced: int[]) =
        let axes = [| 0 .. space.Rank - 1 |]

        if isNull reduced || reduced.Length = 0 then
            axes, 0, 0
        else
            let kept = axes |> Array.filter (fun axis -> not (Array.contains axis reduced))

            let before =
                if Array.last reduced = space.Rank - 1 then
                    kept
                else
                    kept |> Array.filter (fun axis -> axis < reduced[0])

            let after = kept |> Array.skip before.Length
            Array.concat [ before; reduced; after ], before.Length, reduced.Length

    /// The result of a reduction, as the loop over the space writes it: folded axes stay where they are.
    let foldedTarget (i: int) (reduced: int[]) rank =
        let strides = nodes[i].Shape.Strides()
        let mutable next = 0

        let stride axis =
            if Array.contains axis reduced then
                0L
            else
                next <- next + 1
                int64 strides[next - 1]

        { Base = i
          View =
            { Offset = 0L
              Strides = Array.init rank stride } }

    let lowerGroup (group: Group) =
        let order, reduceFrom, reduceCount = loopOrder group.Space group.Reduced
        let body = List<Instruction>()
        let reductions = List<Reduction>()
        let loads = Dictionary<Reading, int>(sameReading)

        let emit instruction =
            body.Add instruction
            body.Count - 1

        let load (reading: Reading) =
            match loads.TryGetValue reading with
            | true, value -> value
            | _ ->
                let value =
                    if schedule.IsNumber reading then
                        emit (Instruction(Opcode.Number, nodes[reading.Base].DType, numberIndex reading.Base))
                    else
                        emit (Instruction(Opcode.Load, nodes[reading.Base].DType, Access = access order reading))

                loads[reading] <- value
                value

        let operand (reading: Reading) =
            if schedule.IsInBody(group, reading) then
                valueOf[reading.Base]
            else
                load reading

        let gather i (inputs: Reading[]) axis =
            let source = inputs[0]
            let strides = Array.copy source.View.Strides
            strides[axis] <- 0L
            let still = { source with View = { source.View with Strides = strides } }

            Instruction(
                Opcode.Gather,
                nodes[i].DType,
                operand inputs[1],
                Access = access order still,
                Stride = source.View.Strides[axis],
                Length = int64 (nodes[nodes[i].Inputs[0]].Shape.[axis])
            )

        let compute i =
            let node = nodes[i]
            let inputs = schedule.Operands i

            match node.Lowering with
            | _ when schedule.IsCopy i -> operand inputs[0]
            | Same -> operand inputs[0]
            | Iota -> emit (Instruction(Opcode.Index, node.DType, 0))
            | Gather axis -> emit (gather i inputs axis)
            | Pointwise code ->
                let value position =
                    if position < inputs.Length then operand inputs[position] else -1

                emit (Instruction(code, node.DType, value 0, value 1, value 2))
            | other -> invalidOp $"{other} is not computed in a loop body."

        for i in group.Members do
            match nodes[i].Lowering with
            | Reduce(fold, axes) when not (schedule.IsCopy i) ->
                if schedule.IsStored i then
                    let value = operand (schedule.Operands i).[0]
                    let target = foldedTarget i axes group.Space.Rank
                    reductions.Add(Reduction(fold, value, access order target))
            | _ ->
                valueOf[i] <- compute i

                if schedule.IsStored i then
                    emit (Instruction(Opcode.Store, nodes[i].DType, valueOf[i], Access = access order (schedule.Reading i)))
                    |> ignore

        let extents = order |> Seq.map (fun axis -> group.Space.[axis]) |> immutable
        steps.Add(KernelStep(Kernel(extents, reduceFrom, reduceCount, immutable body, immutable reductions)))

    /// One value to every index of part of a buffer.
    let moveStep (shape: Shape) (source: Instruction) (target: Access) =
        let store = Instruction(Opcode.Store, source.Type, 0, Access = target)
        steps.Add(KernelStep(Kernel(immutable shape.Sizes, 0, 0, immutable [ source; store ], ImmutableArray.Empty)))

    /// Copies what the reading sees into part of a buffer.
    let copyInto (reading: Reading) (shape: Shape) dtype (target: Access) =
        let order = [| 0 .. shape.Rank - 1 |]
        moveStep shape (Instruction(Opcode.Load, dtype, Access = access order reading)) target

    let fillZero i =
        let node = nodes[i]
        let target = access [| 0 .. node.Shape.Rank - 1 |] (schedule.Reading i)
        moveStep node.Shape (Instruction(Opcode.Number, node.DType, 0)) target

    let lowerEmbed i (starts: int[]) (steps: int[]) =
        let node = nodes[i]
        let source = nodes[node.Inputs[0]].Shape

        if source.Count < node.Shape.Count then
            fillZero i

        let whole = Strided.contiguous node.Shape
        let part = Strided.compose (Slice(starts, steps)) node.Shape source whole |> Option.get
        let target = access [| 0 .. source.Rank - 1 |] { Base = i; View = part }
        copyInto (schedule.Operands i).[0] source node.DType target

    let lowerConcat i axis =
        let node = nodes[i]
        let whole = Strided.contiguous node.Shape
        let mutable start = 0L

        node.Inputs
        |> Array.iteri (fun position input ->
            let shape = nodes[input].Shape

            let part =
                { whole with
                    Offset = start * whole.Strides[axis] }

            let target = access [| 0 .. shape.Rank - 1 |] { Base = i; View = part }
            copyInto (schedule.Operands i).[position] shape node.DType target
            start <- start + int64 shape.[axis])

    let lowerScatterAdd i axis =
        let node = nodes[i]
        let inputs = schedule.Operands i
        let order = [| 0 .. node.Shape.Rank - 1 |]
        copyInto inputs[0] node.Shape node.DType (access order (schedule.Reading i))
        let strides = (Strided.contiguous node.Shape).Strides
        let along = strides[axis]
        strides[axis] <- 0L
        let still = { Base = i; View = { Offset = 0L; Strides = strides } }
        let extents = immutable nodes[node.Inputs[1]].Shape.Sizes

        steps.Add(
            ScatterAddStep(extents, access order inputs[1], access order inputs[2], access order still, along, int64 (node.Shape.[axis]))
        )

    let lowerProduct i =
        let node = nodes[i]
        let inputs = schedule.Operands i
        let rank = node.Shape.Rank

        let matrix (reading: Reading) =
            let strides = reading.View.Strides

            MatrixOperand(
                bufferOf[reading.Base],
                reading.View.Offset,
                immutable (Array.take (rank - 2) strides),
                strides[rank - 2],
                strides[rank - 1]
            )

        let inner = nodes[node.Inputs[0]].Shape.[rank - 1]
        let batch = immutable (Seq.take (rank - 2) node.Shape.Sizes)

        steps.Add(
            MatrixProductStep(
                node.DType,
                batch,
                node.Shape.[rank - 2],
                node.Shape.[rank - 1],
                inner,
                matrix inputs[0],
                matrix inputs[1],
                matrix (schedule.Reading i)
            )
        )

    let lowerCall i (library: Library) =
        let inputs = schedule.Operands i |> Seq.map (fun reading -> bufferOf[reading.Base])
        steps.Add(CallStep(fst library.Key, library.Function, immutable inputs, ImmutableArray.Create bufferOf[i]))

    let lowerSingle i =
        match nodes[i].Lowering with
        | Embed(starts, steps) -> lowerEmbed i starts steps
        | Concat axis -> lowerConcat i axis
        | ScatterAdd axis -> lowerScatterAdd i axis
        | Contract _ -> lowerProduct i
        | Call library -> lowerCall i library
        | other -> invalidOp $"{other} is not a step of its own."

    let declareBuffers () =
        let outputs =
            HashSet(schedule.Graph.Outputs |> Seq.map (fun output -> (schedule.Reading output).Base))

        for i in 0 .. nodes.Length - 1 do
            if schedule.IsLive i && nodes[i].Lowering.IsLeaf then
                leaves.Add origins[i]
                addBuffer i BufferKind.Input
            elif schedule.IsStored i then
                addBuffer i (if outputs.Contains i then BufferKind.Output else BufferKind.Temporary)

    let outputs () =
        let numbering = Dictionary<int, int>()

        // Buffers are numbered in the order of their nodes.
        bufferOf
        |> Array.iteri (fun node buffer ->
            if buffer >= 0 && buffers[buffer].Kind = BufferKind.Output then
                numbering[node] <- numbering.Count)

        let inputs = leaves |> Seq.mapi (fun position origin -> origin, position) |> dict

        schedule.Graph.Outputs
        |> Array.map (fun output ->
            let source = (schedule.Reading output).Base

            let slot =
                match numbering.TryGetValue source with
                | true, slot -> slot
                | _ -> -1 - inputs[origins[source]]

            struct (slot, nodes[output].Shape))

    member _.Run() =
        declareBuffers ()

        for part in schedule.Parts do
            match part with
            | Fused group -> lowerGroup group
            | Single i -> lowerSingle i

        { Program = Program(immutable buffers, 1 + numbers.Count, immutable steps)
          Leaves = leaves.ToArray()
          Numbers = numbers.ToArray()
          Outputs = outputs () }
