namespace FunctionalGrad.Compile

open System
open System.Collections.Generic
open FunctionalGrad
open FunctionalGrad.Loops

/// How a node's elements are read: through a view of the buffer of the node that holds them.
[<Struct; NoComparison>]
type internal Reading = { Base: int; View: Strided }

/// Nodes that one loop nest computes together: elements of one index space; folds of them over the same axes; and, if those make rows,
/// values of rows that come of such folds.
type internal Group(number: int, space: Shape) =
    let mutable folded: int[] = null
    let mutable places: int64[] = null
    let mutable rows: Shape = null
    let mutable hasRows = false

    member _.Number = number
    member _.Space = space
    member val Members = List<int>()
    /// What the members cost, in operations.
    member val Weight = 0 with get, set

    /// The axes that this group's folds fold; null while it has none.
    member _.Folded
        with get () = folded
        and set axes =
            if isNull folded then
                folded <- axes
                rows <- Rows.shape space axes
                places <- Rows.spread space axes (rows.Strides() |> Array.map int64)
                hasRows <- Rows.areWorthwhile space axes

    /// Whether what has been folded may be used in the same loops.
    member _.HasRows = hasRows
    /// The axes that are not folded.
    member _.Rows = rows
    /// Where the fold of each index' row lies in a buffer of such folds.
    member _.RowPlaces = places

/// One step of the schedule. Steps run in order, and a step reads only what earlier ones have written.
[<NoComparison; ReferenceEquality>]
type internal Part =
    | Fused of Group
    | Single of node: int

/// A group that may compute a node, and the node's operands as its loops read them.
[<Struct; NoComparison; NoEquality>]
type internal Seat = { Group: Group; IsRow: bool; Inputs: Reading[] }

/// Decides what is computed together and what is only an index map.
type internal Placement(graph: Graph) =
    /// Rows pass through this many folds that need one another; the interpreter computes elements anew for each.
    static let mostStages = 8
    /// So many instructions cost nothing.
    static let mostFree = 8
    /// So many nodes in a row may wait for a reader.
    static let mostPatient = 16uy

    let nodes = graph.Nodes
    let count = nodes.Length
    let readings = Array.zeroCreate<Reading> count
    let operands = Array.zeroCreate<Reading[]> count
    let stepOf = Array.create count -1
    let copied = Array.zeroCreate<bool> count
    let isRow = Array.zeroCreate<bool> count
    /// Of a node that waits for a reader: how many do so one after the other, up to it.
    let waiting = Array.zeroCreate<byte> count
    /// Of a node that is made of numbers and positions alone, or that only checks an index: how many instructions that takes; else 0.
    let free = Array.zeroCreate<byte> count
    /// The first step in which such a node can be computed.
    let freeFrom = Array.zeroCreate<int> count
    /// How many folds, one after the other, a value of a group stands behind.
    let depth = Array.zeroCreate<byte> count
    let parts = List<Part>()
    let results = List<int>()
    let strides = Dictionary<int, int64>()
    let latest = Dictionary<Shape, Group>()

    let contiguous = Strided.Contiguous()

    let self i = { Base = i; View = contiguous.Of nodes[i].Shape }

    let isContiguous (shape: Shape) (view: Strided) = Object.ReferenceEquals(view, contiguous.Of shape) || Strided.isContiguous shape view

    let isNumber (reading: Reading) = nodes[reading.Base].Lowering.IsSplat

    let isHere (group: Group) (reading: Reading) =
        let source = reading.Base

        stepOf[source] = group.Number
        && not (isNumber reading)
        && (if isRow[source] then
                group.HasRows && Rows.sees group.Space group.RowPlaces reading.View
            else
                isContiguous group.Space reading.View)

    let places (group: Group) i = if isRow[i] then group.RowPlaces else (contiguous.Of nodes[i].Shape).Strides

    /// The axes of the node's group along which another's loops move; none if they cannot compute the node.
    let axesIn (group: Group) (reading: Reading) : int[] voption =
        let source = reading.Base

        if stepOf[source] < 0 then
            ValueNone
        else
            match parts[stepOf[source]] with
            | Fused own -> Axes.between group.Space reading.View own.Space (places own source)
            | Single _ -> ValueNone

    /// Whether the group computes the node itself rather than read it, because it costs nothing but a few instructions.
    let isFree (group: Group) (reading: Reading) =
        free[reading.Base] > 0uy && freeFrom[reading.Base] <= group.Number && (axesIn group reading).IsSome

    let weigh (group: Group) i =
        match nodes[i].Lowering with
        | Pointwise code -> KernelCost.Of(code, int64 group.Space.Count)
        | _ -> 1

    /// The first step that can read the elements from their buffer.
    let availableFrom (reading: Reading) = if isNumber reading then 0 else stepOf[reading.Base] + 1

    /// The group whose loop computes what an element of the space reads, at that very index, or what a value of its row reads.
    let seatBeside (space: Shape) (inputs: Reading[]) (reading: Reading) : Seat voption =
        let source = reading.Base

        if stepOf[source] < 0 || isNumber reading then
            ValueNone
        else
            match parts[stepOf[source]] with
            | Fused group when group.Space.Equals space && isHere group reading ->
                ValueSome { Group = group; IsRow = false; Inputs = inputs }
            | Fused group when
                isRow[source]
                && group.HasRows
                && group.Rows.Count = space.Count
                && nodes[source].Shape.Count = space.Count
                && isContiguous space reading.View
                ->
                ValueSome { Group = group; IsRow = true; Inputs = inputs }
            | _ -> ValueNone

    /// The reading of a value of rows under a shape of its own, as a reading over the group's space, if there is one; a number that
    /// need not lie in memory has no place.
    let overSpace (group: Group) (shape: Shape) fromMemory position (reading: Reading) =
        if isNumber reading && position >= fromMemory then
            ValueSome reading
        else
            match Strided.reshape shape group.Rows reading.View with
            | Some view -> ValueSome { reading with View = { view with Strides = Rows.spread group.Space group.Folded view.Strides } }
            | None -> ValueNone

    /// The seat with its operands over the group's space, if all of them can be read there; the first few must come from memory.
    let taken (shape: Shape) fromMemory (fits: Seat -> bool) i (seat: Seat) : Seat voption =
        let group = seat.Group
        let mapped = if seat.IsRow then Array.mapi (overSpace group shape fromMemory) seat.Inputs else Array.map ValueSome seat.Inputs

        if group.Weight + weigh group i > KernelCost.MostFused || not (fits seat) || Array.exists ValueOption.isNone mapped then
            ValueNone
        else
            let inputs = mapped |> Array.map ValueOption.get

            let readable position (reading: Reading) =
                if position < fromMemory then
                    stepOf[reading.Base] < group.Number
                else
                    availableFrom reading <= group.Number
                    || (isHere group reading && int depth[reading.Base] <= mostStages)
                    || isFree group reading

            if Seq.forall id (Seq.mapi readable inputs) then ValueSome { seat with Inputs = inputs } else ValueNone

    let enter i (seat: Seat) =
        let group = seat.Group
        group.Members.Add i
        group.Weight <- group.Weight + weigh group i
        operands[i] <- seat.Inputs

        for reading in seat.Inputs do
            if isHere group reading then depth[i] <- max depth[i] depth[reading.Base]

        stepOf[i] <- group.Number
        isRow[i] <- seat.IsRow
        readings[i] <- self i

    /// The seat beside an operand; if several have one, beside the last of them.
    let bestSeat (space: Shape) (inputs: Reading[]) fromMemory : Seat voption =
        let mutable best: Seat voption = ValueNone

        for position in fromMemory .. inputs.Length - 1 do
            match seatBeside space inputs inputs[position] with
            | ValueSome seat when best.IsNone || seat.Group.Number > best.Value.Group.Number -> best <- ValueSome seat
            | _ -> ()

        best

    /// A neighbour over the same space, else a new group.
    let seatAnywhere (space: Shape) (inputs: Reading[]) fromMemory fits i : Seat =
        let neighbour =
            match latest.TryGetValue space with
            | true, group -> taken space fromMemory fits i { Group = group; IsRow = false; Inputs = inputs }
            | _ -> ValueNone

        match neighbour with
        | ValueSome seat -> seat
        | ValueNone ->
            let group = Group(parts.Count, space)
            parts.Add(Fused group)
            latest[space] <- group
            { Group = group; IsRow = false; Inputs = inputs }

    /// Where a waiting node would be a value of its reader's own loops: the group, and whether it is a value of the row there.
    let wish (space: Shape) (reader: struct (Group * bool) voption) (reading: Reading) : struct (Group * bool) voption =
        let shape = nodes[reading.Base].Shape

        match reader with
        | _ when waiting[reading.Base] = 0uy -> ValueNone
        | ValueSome(struct (group, true)) when group.Rows.Count = shape.Count && isContiguous space reading.View ->
            ValueSome(struct (group, true))
        | ValueSome(struct (group, false)) when group.Space.Equals shape && isContiguous space reading.View ->
            ValueSome(struct (group, false))
        | ValueSome(struct (group, false)) when
            group.HasRows && group.Rows.Count = shape.Count && Rows.sees group.Space group.RowPlaces reading.View
            ->
            ValueSome(struct (group, true))
        | _ -> ValueNone

    /// Gives a waiting node, and what it waits for, a place: as it is wished if it can be there.
    let rec settle (wished: struct (Group * bool) voption) i =
        if waiting[i] > 0uy then
            waiting[i] <- 0uy
            let inputs = operands[i]
            let shape = nodes[i].Shape

            for reading in inputs do
                settle (wish shape wished reading) reading.Base

            let any _ = true

            let seat =
                match wished with
                | ValueSome(struct (group, isRow)) when not (isRow && nodes[i].Lowering.IsIota) ->
                    ValueSome { Group = group; IsRow = isRow; Inputs = inputs }
                | _ -> bestSeat shape inputs 0

            seat
            |> ValueOption.bind (taken shape 0 any i)
            |> ValueOption.defaultWith (fun () -> seatAnywhere shape inputs 0 any i)
            |> enter i

    /// Where to compute: beside the operands, else in a neighbour over the same space, else in a new group.
    let seatFor (space: Shape) (inputs: Reading[]) fromMemory fits i : Seat =
        for position in 0 .. fromMemory - 1 do
            settle ValueNone inputs[position].Base

        let best = bestSeat space inputs fromMemory
        let reader = best |> ValueOption.map (fun seat -> struct (seat.Group, seat.IsRow))

        for reading in inputs do
            settle (wish space reader reading) reading.Base

        best
        |> ValueOption.bind (taken space fromMemory fits i)
        |> ValueOption.defaultWith (fun () -> seatAnywhere space inputs fromMemory fits i)

    /// A node that no group has anything for waits for its first reader, because that one knows better where it belongs.
    let fuse (space: Shape) i (inputs: Reading[]) =
        let patience = inputs |> Array.fold (fun most reading -> max most (waiting[reading.Base] + 1uy)) 1uy

        if patience <= mostPatient && (bestSeat space inputs 0).IsNone then
            waiting[i] <- patience
            operands[i] <- inputs
            readings[i] <- self i
        else
            enter i (seatFor space inputs 0 (fun _ -> true) i)

    /// Gives the node a contiguous buffer of its own.
    let copy i =
        copied[i] <- true
        enter i (seatFor nodes[i].Shape [| readings[i] |] 0 (fun _ -> true) i)

    let needsBuffer i = if isNumber readings[i] && not copied[i] then copy i

    /// Whether the reading sees a whole buffer, row by row, whatever the shape of the buffer.
    let isWhole i =
        let reading = readings[i]

        not (isNumber reading && not copied[i])
        && isContiguous nodes[i].Shape reading.View
        && nodes[reading.Base].Shape.Count = nodes[i].Shape.Count

    let needsOwnBuffer i = if not (isWhole i) then copy i

    /// A library function looks at the shape of what it is given.
    let needsOwnShape i = if not (isWhole i && nodes[readings[i].Base].Shape.Equals nodes[i].Shape) then copy i

    let rec placeView i map =
        let input = nodes[i].Inputs[0]
        let reading = readings[input]

        if isNumber reading then
            readings[i] <- reading
        else
            match Strided.compose map nodes[input].Shape nodes[i].Shape reading.View with
            | Some view -> readings[i] <- { reading with View = view }
            | None ->
                copy input
                placeView i map

    let readingsOf (inputs: int[]) = inputs |> Array.map (fun input -> readings[input])

    let single i =
        operands[i] <- readingsOf nodes[i].Inputs
        operands[i] |> Array.iter (fun reading -> settle ValueNone reading.Base)
        stepOf[i] <- parts.Count
        parts.Add(Single i)
        readings[i] <- self i

    let placeReduction i (axes: int[]) =
        let input = nodes[i].Inputs[0]

        // A value of a row is one element of what is folded here, not a row of it.
        let fits (seat: Seat) =
            let folded = seat.Group.Folded
            not seat.IsRow && (isNull folded || MemoryExtensions.SequenceEqual(ReadOnlySpan folded, ReadOnlySpan axes))

        let seat = seatFor nodes[input].Shape [| readings[input] |] 0 fits i
        seat.Group.Folded <- axes
        enter i seat
        isRow[i] <- true
        depth[i] <- depth[i] + 1uy

    /// The source is read at another index, so it must be stored before this step begins. Its reading stands still along the axis.
    let placeGather i axis =
        let node = nodes[i]
        needsBuffer node.Inputs[0]
        let source = readings[node.Inputs[0]]
        strides[i] <- source.View.Strides[axis]
        let still = { source with View = { source.View with Strides = Array.updateAt axis 0L source.View.Strides } }
        let index = readings[node.Inputs[1]]
        enter i (seatFor node.Shape [| still; index |] 1 (fun _ -> true) i)

        if strides[i] = 0L && node.Shape.Count > 0 then
            free[i] <- 1uy
            freeFrom[i] <- max (stepOf[still.Base] + 1) (availableFrom index)

    /// Notes a node of numbers and free nodes, if it is one.
    let liberate i =
        let node = nodes[i]

        let cost (input: int) =
            let reading = readings[input]
            let source = reading.Base

            if isNumber reading then
                0
            elif free[source] = 0uy then
                mostFree + 1
            else
                match Axes.between nodes[input].Shape reading.View nodes[source].Shape (contiguous.Of nodes[source].Shape).Strides with
                | ValueSome _ -> int free[source]
                | ValueNone -> mostFree + 1

        let total = node.Inputs |> Array.fold (fun sum input -> sum + cost input) 1

        if total <= mostFree && node.Shape.Count > 0 && Cheap.isCheap node then
            free[i] <- byte total
            freeFrom[i] <- node.Inputs |> Array.fold (fun step input -> max step freeFrom[readings[input].Base]) 0

    let place i =
        let node = nodes[i]

        match node.Lowering with
        | Leaf
        | Splat _ -> readings[i] <- self i
        | View map -> placeView i map
        | Same
        | Iota
        | Pointwise _ ->
            liberate i
            fuse node.Shape i (readingsOf node.Inputs)
        | Gather(axis, _) -> placeGather i axis
        | Reduce(_, axes) -> placeReduction i axes
        | Call _ ->
            Array.iter needsOwnShape node.Inputs
            single i
        // Written by the call that gives it.
        | Item _ ->
            stepOf[i] <- stepOf[node.Inputs[0]]
            readings[i] <- self i
            results.Add i
        // Its items read what it groups.
        | Group -> ()
        | Contract _
        | ScatterAdd _
        | Embed _
        | OverlapAdd _
        | Concat _ ->
            Array.iter needsBuffer node.Inputs
            single i

    let live =
        let live = Array.zeroCreate<bool> count
        graph.Outputs |> Array.iter (fun output -> live[output] <- true)

        for i in count - 1 .. -1 .. 0 do
            if live[i] then nodes[i].Inputs |> Array.iter (fun input -> live[input] <- true)

        live

    do
        for i in 0 .. count - 1 do
            if live[i] then place i

        Array.iter needsOwnBuffer graph.Outputs
        graph.Outputs |> Array.iter (fun output -> settle ValueNone readings[output].Base)

    member _.Graph = graph
    member _.Parts = parts
    member _.IsLive i = live[i]
    /// How the node is read when everything has been placed.
    member _.Reading i = readings[i]
    /// How the loops of the node's group, or its own step, read its operands; one operand, itself, for a member that only copies.
    /// The source of a gather stands still along the axis.
    member _.Operands i = operands[i]
    member _.StepOf i = stepOf[i]
    /// What the index of a gather is multiplied with.
    member _.StrideOf gather = strides[gather]
    member _.IsCopy i = copied[i]
    /// Whether the node is one value a row of its group.
    member _.IsRow i = isRow[i]
    member _.IsNumber reading = isNumber reading
    /// Whether the operand is a value of the group's own loop body, so that it needs no memory.
    member _.IsHere(group, reading) = isHere group reading

    /// The nodes that name results of a call, live ones only.
    member _.Results = results

    /// Where the node's elements lie, over the space of its group.
    member _.Places(group: Group, i) = places group i
    member _.AxesIn(group, reading) = axesIn group reading
    member _.MayBeFree i = free[i] > 0uy
    /// Whether the group computes the node itself rather than read it, because it costs nothing but a few instructions.
    member _.IsFree(group, reading) = isFree group reading

    /// The group of a member.
    member _.GroupOf i =
        match parts[stepOf[i]] with
        | Fused group -> group
        | Single _ -> invalidOp $"node {i} is a step of its own."
