namespace FunctionalGrad.Compile

open System
open System.Collections.Generic
open System.Collections.Immutable
open FunctionalGrad
open FunctionalGrad.Loops

/// The memory of a program under construction: a buffer for every stored node, a place in the table for every number.
type internal Memory(schedule: Schedule, origins: int[]) =
    let nodes = schedule.Graph.Nodes
    let buffers = List<BufferInfo>()
    let bufferOf = Array.create nodes.Length -1
    let leaves = List<int>()
    let numbers = List<int>()
    let numberOf = Dictionary<int, int>()

    let declare i kind =
        bufferOf[i] <- buffers.Count
        buffers.Add(BufferInfo(kind, nodes[i].Shape, nodes[i].DType))

    do
        let outputs = HashSet(schedule.Graph.Outputs |> Seq.map (fun output -> (schedule.Reading output).Base))

        for i in 0 .. nodes.Length - 1 do
            if schedule.IsLive i && nodes[i].Lowering.IsLeaf then
                leaves.Add origins[i]
                declare i BufferKind.Input
            elif schedule.IsStored i then
                declare i (if outputs.Contains i then BufferKind.Output else BufferKind.Temporary)

    /// A buffer for what a step writes and nobody reads.
    member _.Unread(shape, dtype) =
        buffers.Add(BufferInfo(BufferKind.Temporary, shape, dtype))
        buffers.Count - 1

    member _.Buffers = buffers
    /// The nodes of the source graph whose arrays are read, in the order of the input buffers.
    member _.Leaves = leaves
    /// The nodes of the source graph whose numbers are read. The table begins with a zero, which fills use.
    member _.Numbers = numbers
    member _.BufferOf i = bufferOf[i]

    member _.NumberOf i =
        match numberOf.TryGetValue i with
        | true, place -> place
        // A zero that rewriting has made.
        | _ when origins[i] < 0 -> 0
        | _ ->
            numbers.Add origins[i]
            numberOf[i] <- numbers.Count
            numbers.Count

    /// The index map of a reading, for loops over its axes in the given order.
    member _.Access(order: int[], reading: Reading) =
        let strides = order |> Seq.map (fun axis -> reading.View.Strides[axis])
        Access(bufferOf[reading.Base], reading.View.Offset, ImmutableArray.CreateRange strides)

    /// The place of each output among the program's outputs, or −1 − its place among the inputs.
    member _.Slots() =
        let places kind =
            let numbering = Dictionary<int, int>()

            bufferOf
            |> Array.iteri (fun node buffer -> if buffer >= 0 && buffers[buffer].Kind = kind then numbering[node] <- numbering.Count)

            numbering

        let outputs, inputs = places BufferKind.Output, places BufferKind.Input

        schedule.Graph.Outputs
        |> Array.map (fun output ->
            let source = (schedule.Reading output).Base

            match outputs.TryGetValue source with
            | true, slot -> struct (slot, nodes[output].Shape)
            | _ -> struct (-1 - inputs[source], nodes[output].Shape))

/// The order in which a group's loops nest.
[<NoComparison>]
type internal LoopOrder = { Axes: int[]; ReduceFrom: int; ReduceCount: int }

module internal LoopOrder =
    /// Axes before the first folded one, the folded ones, the rest; or folded ones last when the last axis is one, because then
    /// neighbours in memory are folded together.
    let choose (space: Shape) (folded: int[]) : LoopOrder =
        let axes = [| 0 .. space.Rank - 1 |]
        let kept = axes |> Array.filter (fun axis -> not (Array.contains axis folded))

        let before =
            if folded.Length = 0 then axes
            elif Array.last folded = space.Rank - 1 then kept
            else kept |> Array.filter (fun axis -> axis < folded[0])

        { Axes = Array.concat [ before; folded; Array.skip (min kept.Length before.Length) kept ]
          ReduceFrom = before.Length
          ReduceCount = folded.Length }

module internal Readings =
    /// Readings of the same elements are one load.
    let sameElements =
        { new IEqualityComparer<Reading> with
            member _.Equals(a, b) =
                a.Base = b.Base
                && a.View.Offset = b.View.Offset
                && MemoryExtensions.SequenceEqual(ReadOnlySpan a.View.Strides, ReadOnlySpan b.View.Strides)

            member _.GetHashCode reading = HashCode.Combine(reading.Base, reading.View.Offset) }

/// The loop nest of one group: each member becomes instructions of the body, and perhaps a store or a reduction.
type internal LoopBody(schedule: Schedule, memory: Memory, group: Group) =
    let nodes = schedule.Graph.Nodes
    let order = LoopOrder.choose group.Space (if isNull group.Reduced then [||] else group.Reduced)
    let body = List<Instruction>()
    let reductions = List<Reduction>()
    let values = Dictionary<int, int>()
    let loads = Dictionary<Reading, int>(Readings.sameElements)

    let emit instruction =
        body.Add instruction
        body.Count - 1

    let load (reading: Reading) =
        match loads.TryGetValue reading with
        | true, value -> value
        | _ ->
            let dtype = nodes[reading.Base].DType

            let value =
                if schedule.IsNumber reading then
                    emit (Instruction(Opcode.Number, dtype, memory.NumberOf reading.Base))
                else
                    emit (Instruction(Opcode.Load, dtype, Access = memory.Access(order.Axes, reading)))

            loads[reading] <- value
            value

    let operand (reading: Reading) = if schedule.IsInBody(group, reading) then values[reading.Base] else load reading

    /// A read whose position along the axis is a value of the body.
    let gather i (inputs: Reading[]) axis asker =
        let view = inputs[0].View
        let still = { view with Strides = Array.updateAt axis 0L view.Strides }

        Instruction(
            Opcode.Gather,
            nodes[i].DType,
            operand inputs[1],
            Access = memory.Access(order.Axes, { inputs[0] with View = still }),
            Stride = view.Strides[axis],
            Length = int64 (nodes[nodes[i].Inputs[0]].Shape.[axis]),
            Asker = asker
        )

    let compute i =
        let node = nodes[i]
        let inputs: Reading[] = schedule.Operands i

        match node.Lowering with
        | _ when schedule.IsCopy i -> operand inputs[0]
        | Same -> operand inputs[0]
        | Iota -> emit (Instruction(Opcode.Index, node.DType, 0))
        | Gather(axis, asker) -> emit (gather i inputs axis asker)
        | Pointwise code ->
            let value position = if position < inputs.Length then operand inputs[position] else -1
            emit (Instruction(code, node.DType, value 0, value 1, value 2))
        | other -> invalidOp $"{other} is not computed in a loop body."

    /// The result of a reduction, as the loops over the whole space write it: folded axes stay where they are.
    let foldedReading (i: int) (axes: int[]) =
        let strides = nodes[i].Shape.Strides()
        let mutable kept = 0

        let stride axis =
            if Array.contains axis axes then
                0L
            else
                kept <- kept + 1
                int64 strides[kept - 1]

        let view = { Offset = 0L; Strides = Array.init group.Space.Rank stride }
        { Base = i; View = view }

    let add i =
        match nodes[i].Lowering with
        | Reduce(fold, axes) when not (schedule.IsCopy i) ->
            if schedule.IsStored i then
                let value = operand (schedule.Operands i).[0]
                reductions.Add(Reduction(fold, value, memory.Access(order.Axes, foldedReading i axes)))
        | _ ->
            values[i] <- compute i

            if schedule.IsStored i then
                let target = memory.Access(order.Axes, schedule.Reading i)
                emit (Instruction(Opcode.Store, nodes[i].DType, values[i], Access = target)) |> ignore

    do group.Members.ForEach add

    member _.Kernel =
        let extents = order.Axes |> Seq.map (fun axis -> group.Space.[axis])

        Kernel(
            ImmutableArray.CreateRange extents,
            order.ReduceFrom,
            order.ReduceCount,
            ImmutableArray.CreateRange body,
            ImmutableArray.CreateRange reductions
        )
