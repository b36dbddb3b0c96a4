namespace FunctionalGrad.Compile

open System.Collections.Generic
open System.Collections.Immutable
open FunctionalGrad
open FunctionalGrad.Loops

/// A program and how its inputs and outputs stand to the graph it was made from.
[<NoComparison; NoEquality>]
type internal Compiled =
    {
        Program: Program
        /// The nodes of the source graph whose arrays are the program's inputs.
        Leaves: int[]
        /// The nodes of the source graph whose numbers the program reads, or −1 and a number; they come after a zero that fills use.
        Numbers: struct (int * int64)[]
        /// For each output of the graph: an output of the program, or −1 − an input that it is, under the given shape.
        Outputs: struct (int * Shape)[]
        /// Whether nothing else holds the memory of an output.
        IsAlone: bool[]
    }

/// Turns a schedule into the loop language.
type internal Lowerer(schedule: Schedule, origins: int[]) =
    let nodes = schedule.Graph.Nodes
    let memory = Memory(schedule, origins)
    let steps = List<Step>()
    let partOf = List<int>()

    let immutable (items: 'T seq) = ImmutableArray.CreateRange items

    /// One value to every index of part of a buffer.
    let moveStep (shape: Shape) (source: Instruction) (target: Access) =
        let store = Instruction(Opcode.Store, source.Type, 0, Access = target)
        steps.Add(KernelStep(Kernel(immutable shape.Sizes, 0, 0, immutable [ source; store ], ImmutableArray.Empty)))

    /// Copies what the reading sees into part of a buffer.
    let copyInto (reading: Reading) (shape: Shape) dtype (target: Access) =
        let order = [| 0 .. shape.Rank - 1 |]
        moveStep shape (Instruction(Opcode.Load, dtype, Access = memory.Access(order, reading))) target

    /// Adds what the reading sees to part of a buffer, which the target reaches element by element, each once.
    let addInto (reading: Reading) (shape: Shape) dtype (target: Access) =
        let source = memory.Access([| 0 .. shape.Rank - 1 |], reading)

        let body =
            [ Instruction(Opcode.Load, dtype, Access = target)
              Instruction(Opcode.Load, dtype, Access = source)
              Instruction(Opcode.Add, dtype, 0, 1)
              Instruction(Opcode.Store, dtype, 2, Access = target) ]

        steps.Add(KernelStep(Kernel(immutable shape.Sizes, 0, 0, immutable body, ImmutableArray.Empty)))

    let fillZero i =
        let node = nodes[i]
        let target = memory.Access([| 0 .. node.Shape.Rank - 1 |], schedule.Reading i)
        moveStep node.Shape (Instruction(Opcode.Number, node.DType, 0)) target

    /// Whether the operand's own step has written it where it belongs.
    let isInPlace i position = schedule.IsPartOf((schedule.Operands i).[position], i)

    /// Zeros around what a group writes into a larger array.
    let fillAround (group: Group) =
        for i in group.Members do
            if schedule.IsPart i then
                let whole = (schedule.PartOf i).Base
                if nodes[whole].Lowering.IsEmbed && nodes[i].Shape.Count < nodes[whole].Shape.Count then fillZero whole

    let lowerEmbed i (starts: int[]) (steps: int[]) =
        let node = nodes[i]
        let source = nodes[node.Inputs[0]].Shape

        if not (isInPlace i 0) then
            if source.Count < node.Shape.Count then fillZero i

            let target = memory.Access([| 0 .. source.Rank - 1 |], { Base = i; View = Parts.embedded node.Shape source starts steps })
            copyInto (schedule.Operands i).[0] source node.DType target

    /// Adds windows in passes that reach no element twice: either one element of every window at a time, or whole windows that
    /// are too far apart to meet, whichever takes fewer passes.
    let lowerOverlapAdd i axis (stride: int) (dilation: int) =
        let node = nodes[i]
        let reading = (schedule.Operands i).[0]
        let source = nodes[node.Inputs[0]].Shape
        let last = source.Rank - 1
        let apart = 1L + (int64 source.[last] - 1L) * int64 dilation / int64 stride |> min (int64 source.[axis])
        let along, passes = if apart < int64 source.[last] then axis, int apart else last, source.[last]
        let target = Strided.compose (Window(axis, stride, dilation)) node.Shape source (Strided.contiguous node.Shape) |> Option.get
        let steps = Array.init source.Rank (fun d -> if d = along then passes else 1)

        let pass add start =
            let starts = Array.init source.Rank (fun d -> if d = along then start else 0)
            let size d n = if d = along then (n - start + passes - 1) / passes else n
            let shape = Shape(Seq.mapi size source.Sizes)
            let part view = Strided.compose (Slice(starts, steps)) source shape view |> Option.get
            let place = memory.Access([| 0..last |], { Base = i; View = part target })
            add { reading with View = part reading.View } shape node.DType place

        if passes <> 1 || source.Count < node.Shape.Count then fillZero i

        if source.Count > 0 then if passes = 1 then pass copyInto 0 else Seq.iter (pass addInto) (seq { 0 .. passes - 1 })

    let lowerConcat i axis =
        let node = nodes[i]
        let mutable start = 0

        node.Inputs
        |> Array.iteri (fun position input ->
            let shape = nodes[input].Shape

            if not (isInPlace i position) then
                let target = memory.Access([| 0 .. shape.Rank - 1 |], { Base = i; View = Parts.concatenated node.Shape axis start })
                copyInto (schedule.Operands i).[position] shape node.DType target

            start <- start + shape.[axis])

    let lowerScatterAdd i axis asker =
        let node = nodes[i]
        let inputs = schedule.Operands i
        let order = [| 0 .. node.Shape.Rank - 1 |]
        copyInto inputs[0] node.Shape node.DType (memory.Access(order, schedule.Reading i))
        let strides = (Strided.contiguous node.Shape).Strides
        let along = strides[axis]
        strides[axis] <- 0L
        let still = { Base = i; View = { Offset = 0L; Strides = strides } }
        let extents = immutable nodes[node.Inputs[1]].Shape.Sizes

        steps.Add(
            ScatterAddStep(
                extents,
                memory.Access(order, inputs[1]),
                memory.Access(order, inputs[2]),
                memory.Access(order, still),
                along,
                int64 (node.Shape.[axis]),
                asker
            )
        )

    let lowerProduct i (a: int[]) (b: int[]) (result: int[]) =
        let inputs = schedule.Operands i

        let operand labels (reading: Reading) : Products.Operand =
            { Buffer = memory.BufferOf reading.Base
              Offset = reading.View.Offset
              Labels = labels
              Strides = reading.View.Strides }

        let sizes = Dictionary<int, int>()
        a |> Array.iteri (fun axis label -> sizes[label] <- nodes[nodes[i].Inputs[0]].Shape.[axis])
        b |> Array.iteri (fun axis label -> sizes[label] <- nodes[nodes[i].Inputs[1]].Shape.[axis])
        steps.Add(Products.step nodes[i].DType sizes (operand a inputs[0]) (operand b inputs[1]) (operand result (schedule.Reading i)))

    let lowerCall i (library: Library) =
        let inputs = schedule.Operands i |> Seq.map (fun reading -> memory.BufferOf reading.Base)

        let outputs =
            if library.Results.Length = 0 then
                [| memory.BufferOf i |]
            else
                let items = schedule.ItemsOf i |> Seq.map (fun item -> nodes[item].Lowering, memory.BufferOf item) |> dict

                library.Results
                |> Array.mapi (fun place (struct (shape, dtype)) ->
                    match items.TryGetValue(Item place) with
                    | true, buffer when buffer >= 0 -> buffer
                    | _ -> memory.Unread(shape, dtype))

        steps.Add(CallStep(fst library.Key, library.Function, immutable inputs, immutable outputs))

    let lowerSingle i =
        match nodes[i].Lowering with
        | Embed(starts, steps) -> lowerEmbed i starts steps
        | OverlapAdd(axis, stride, dilation, _) -> lowerOverlapAdd i axis stride dilation
        | Concat axis -> lowerConcat i axis
        | ScatterAdd(axis, asker) -> lowerScatterAdd i axis asker
        | Contract(a, b, result) -> lowerProduct i a b result
        | Call library -> lowerCall i library
        | other -> invalidOp $"{other} is not a step of its own."

    /// The steps as the program was given them, and the part of the schedule that each belongs to.
    member _.Steps = Seq.zip steps partOf

    /// The program; what it computes may be written over those leaves of the source graph that are given away.
    member _.Run(isDonated: int -> bool) =
        let mutable lowered = 0

        for part in schedule.Parts do
            match part with
            | Fused group ->
                fillAround group
                steps.Add(KernelStep(LoopBody(schedule, memory, group).Kernel))
            | Single i -> lowerSingle i

            while partOf.Count < steps.Count do
                partOf.Add lowered

            lowered <- lowered + 1

        let outputs = memory.Slots()
        let isHandedOn place = outputs |> Array.exists (fun (struct (slot, _)) -> slot = -1 - place)

        let donated =
            [| for place in 0 .. memory.Leaves.Count - 1 do
                   if isDonated memory.Leaves[place] && not (isHandedOn place) then place |]

        { Program = Program(immutable memory.Buffers, 1 + memory.Numbers.Count, immutable steps, donated)
          Leaves = memory.Leaves.ToArray()
          Numbers = memory.Numbers.ToArray()
          Outputs = outputs
          IsAlone =
            outputs
            |> Array.map (fun (struct (slot, _)) ->
                slot >= 0 && (outputs |> Seq.filter (fun (struct (other, _)) -> other = slot) |> Seq.length) = 1) }
