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
    let numbers = List<struct (int * int64)>()
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
            elif schedule.IsStored i && not (schedule.IsPart i) then
                declare i (if outputs.Contains i then BufferKind.Output else BufferKind.Temporary)

    /// A buffer for what a step writes and nobody reads.
    member _.Unread(shape, dtype) =
        buffers.Add(BufferInfo(BufferKind.Temporary, shape, dtype))
        buffers.Count - 1

    member _.Buffers = buffers
    /// The nodes of the source graph whose arrays are read, in the order of the input buffers.
    member _.Leaves = leaves
    /// The nodes of the source graph whose numbers are read, or −1 and a number that rewriting brought in. The table begins with a
    /// zero, which fills use.
    member _.Numbers = numbers
    member _.BufferOf i = bufferOf[i]

    member _.NumberOf i =
        match numberOf.TryGetValue i with
        | true, place -> place
        | _ ->
            let known =
                match nodes[i].Lowering with
                | Splat(ValueSome bits) -> bits
                | _ -> 0L

            numbers.Add(struct (origins[i], known))
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
    /// Axes before the first folded one, the folded ones, the rest; or folded ones last when they are innermost, because then
    /// neighbours in memory are folded together.
    let choose (space: Shape) (folded: int[]) : LoopOrder =
        let axes = [| 0 .. space.Rank - 1 |]
        let kept = axes |> Array.filter (fun axis -> not (Array.contains axis folded))

        let before =
            if folded.Length = 0 then axes
            elif Rows.isInnermost space folded then kept
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
    let order = LoopOrder.choose group.Space (if isNull group.Folded then [||] else group.Folded)
    let isStaged = schedule.IsStaged group
    let body = List<Instruction>()
    /// Whether each instruction gives a value of the row, as the loop language has it.
    let ofRow = List<bool>()
    let reductions = List<Reduction>()
    let values = Dictionary<int, int>()
    let loads = Dictionary<Reading, int>(Readings.sameElements)

    let isFolded place = place >= order.ReduceFrom && place < order.ReduceFrom + order.ReduceCount

    let moves (access: Access) =
        Seq.exists (fun place -> isFolded place && access.Strides[place] <> 0L) (seq { 0 .. order.Axes.Length - 1 })

    let isOfRow (instruction: Instruction) =
        let operand place = place < 0 || ofRow[place]

        match instruction.Code with
        | Opcode.Fold
        | Opcode.Number -> true
        | Opcode.Index -> not (isFolded instruction.A)
        | Opcode.Load -> not (moves instruction.Access)
        | Opcode.Gather -> not (moves instruction.Access) && operand instruction.A
        | _ -> operand instruction.A && operand instruction.B && operand instruction.C

    let emit (instruction: Instruction) =
        body.Add instruction
        ofRow.Add(isStaged && isOfRow instruction)
        body.Count - 1

    let load (reading: Reading) =
        let dtype = nodes[reading.Base].DType

        if schedule.IsNumber reading then
            emit (Instruction(Opcode.Number, dtype, memory.NumberOf reading.Base))
        else
            emit (Instruction(Opcode.Load, dtype, Access = memory.Access(order.Axes, reading)))

    /// A read whose position along the axis is a value of the body.
    let gather i (still: Reading) index axis asker =
        Instruction(
            Opcode.Gather,
            nodes[i].DType,
            index,
            Access = memory.Access(order.Axes, still),
            Stride = schedule.StrideOf i,
            Length = int64 (nodes[nodes[i].Inputs[0]].Shape.[axis]),
            Asker = asker
        )

    /// The position along the axis that counts, if there is one.
    let position dtype axis =
        if axis < 0 then
            emit (Instruction(Opcode.Number, dtype, 0))
        else
            emit (Instruction(Opcode.Index, dtype, Array.IndexOf(order.Axes, axis)))

    /// What the node computes of operands that these loops read, where they count along an axis, if it counts.
    let rec compute i (inputs: Reading[]) along =
        match nodes[i].Lowering with
        | _ when schedule.IsCopy i -> operand inputs[0]
        | Same -> operand inputs[0]
        | Iota -> position nodes[i].DType along
        | Gather(axis, asker) ->
            let index = operand inputs[1]
            emit (gather i inputs[0] index axis asker)
        | Pointwise code ->
            let value position = if position < inputs.Length then operand inputs[position] else -1
            let a, b, c = value 0, value 1, value 2
            emit (Instruction(code, nodes[i].DType, a, b, c))
        | other -> invalidOp $"{other} is not computed in a loop body."

    and operand (reading: Reading) =
        match values.TryGetValue reading.Base with
        | true, value when schedule.IsHere(group, reading) -> value
        | _ ->
            match loads.TryGetValue reading with
            | true, value -> value
            | _ ->
                let value = if schedule.IsAgain(group, reading) then again reading else load reading
                loads[reading] <- value
                value

    /// A value of another step, computed once more.
    and again (reading: Reading) =
        let axes = schedule.AxesIn(group, reading)

        let isGather = nodes[reading.Base].Lowering.IsGather

        let through position (operand: Reading) =
            if schedule.IsNumber operand && not (isGather && position = 0) then
                operand
            else
                { operand with View = Axes.through axes operand.View }

        let along = if nodes[reading.Base].Lowering.IsIota then Array.IndexOf(axes, 0) else -1
        compute reading.Base (Array.mapi through (schedule.Operands reading.Base)) along

    /// A value of the row as one of its elements: a choice, by the position in the row, between it and itself.
    let asElement value =
        if not ofRow[value] then
            value
        else
            let any = emit (Instruction(Opcode.Index, DType.Bool, order.ReduceFrom))
            emit (Instruction(Opcode.Select, body[value].Type, any, value, value))

    let places i =
        let own () = { Base = i; View = { Offset = 0L; Strides = schedule.Places(group, i) } }
        memory.Access(order.Axes, (if schedule.IsPart i then schedule.PartOf i else own ()))

    let store i value = emit (Instruction(Opcode.Store, nodes[i].DType, value, Access = places i)) |> ignore

    let add i =
        match nodes[i].Lowering with
        | Reduce(fold, _) when schedule.IsUsed i ->
            let value = asElement (operand (schedule.Operands i).[0])
            values[i] <- emit (Instruction(Opcode.Fold, nodes[i].DType, value, int fold))
            if schedule.IsStored i then store i values[i]
        | Reduce(fold, _) -> reductions.Add(Reduction(fold, asElement (operand (schedule.Operands i).[0]), places i))
        | _ ->
            values[i] <- compute i (schedule.Operands i) 0
            if schedule.IsStored i then store i (if schedule.IsRow i then values[i] else asElement values[i])

    do
        for i in group.Members do
            if schedule.IsNeeded i then add i

    member _.Kernel =
        let extents = order.Axes |> Seq.map (fun axis -> group.Space.[axis])

        Kernel(
            ImmutableArray.CreateRange extents,
            order.ReduceFrom,
            order.ReduceCount,
            ImmutableArray.CreateRange body,
            ImmutableArray.CreateRange reductions
        )
