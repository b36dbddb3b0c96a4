namespace FunctionalGrad.Compile

open System.Collections.Generic
open FunctionalGrad

/// Where the parts of a larger array lie in it.
module internal Parts =
    /// The operand of an embedding of shape source in a whole.
    let embedded (whole: Shape) (source: Shape) starts steps =
        Strided.compose (Slice(starts, steps)) whole source (Strided.contiguous whole) |> Option.get

    /// The operand that begins at a position along the axis.
    let concatenated (whole: Shape) axis (start: int) =
        let view = Strided.contiguous whole
        { view with Offset = int64 start * view.Strides[axis] }

/// What is computed in which step, and what is stored: outputs, and what later steps read.
type internal Schedule(graph: Graph) =
    let nodes = graph.Nodes
    let placement = Placement graph
    let recomputation = Recomputation placement
    let stored = Array.zeroCreate<bool> nodes.Length
    let used = Array.zeroCreate<bool> nodes.Length
    let visited = Array.zeroCreate<bool> nodes.Length
    let staged = HashSet<int>()
    /// The step that needs the node in memory, if only one does, once: the node of a single step; −1 for others.
    let onlyReader = Array.create nodes.Length -1
    let partOf = Dictionary<int, Reading>()

    let put i =
        if placement.StepOf i >= 0 then
            stored[i] <- true
            onlyReader[i] <- -1

    let putFor reader i =
        if placement.StepOf i >= 0 then
            onlyReader[i] <- if stored[i] then -1 else reader
            stored[i] <- true

    /// What a group needs of a node that it does not compute on the way: the node in memory, or what it is made of.
    let rec require (group: Group) (reading: Reading) =
        let source = reading.Base

        if placement.StepOf source >= 0 then
            if not (recomputation.IsAgain(group, reading)) then
                put source
            elif not visited[source] then
                visited[source] <- true
                let own = placement.GroupOf source
                placement.Operands source |> Array.iteri (requireOperand own source)

    and requireOperand (group: Group) i position (reading: Reading) =
        if position = 0 && nodes[i].Lowering.IsGather && not (placement.IsCopy i) then put reading.Base
        elif not (placement.IsNumber reading) then require group reading

    let requireMember (group: Group) i =
        placement.Operands i
        |> Array.iteri (fun position reading ->
            let isGathered = position = 0 && nodes[i].Lowering.IsGather && not (placement.IsCopy i)

            if not isGathered && placement.IsHere(group, reading) then
                used[reading.Base] <- true
                if nodes[reading.Base].Lowering.IsReduce then staged.Add group.Number |> ignore
            else
                requireOperand group i position reading)

    let isNeeded i = stored[i] || used[i]

    do
        for output in graph.Outputs do
            put (placement.Reading output).Base

        for step in placement.Parts.Count - 1 .. -1 .. 0 do
            match placement.Parts[step] with
            | Single i ->
                for reading in placement.Operands i do
                    putFor i reading.Base
            | Fused group ->
                for place in group.Members.Count - 1 .. -1 .. 0 do
                    let i = group.Members[place]
                    if isNeeded i then requireMember group i

    /// If all that becomes of an element of a group is a part of a larger array, its own step writes it there.
    let writeInPlace whole (input: int) (view: Strided) =
        let reading = placement.Reading input
        let i = reading.Base

        if stored[i] && onlyReader[i] = whole && not (placement.IsRow i) && nodes[i].Shape.Count = nodes[input].Shape.Count then
            match placement.Parts[placement.StepOf i] with
            | Fused _ when Strided.isContiguous nodes[input].Shape reading.View ->
                match Strided.reshape nodes[input].Shape nodes[i].Shape view with
                | Some view -> partOf[i] <- { Base = whole; View = view }
                | None -> ()
            | _ -> ()

    do
        for part in placement.Parts do
            match part with
            | Single whole ->
                let node = nodes[whole]

                match node.Lowering with
                | Embed(starts, steps) ->
                    writeInPlace whole node.Inputs[0] (Parts.embedded node.Shape nodes[node.Inputs[0]].Shape starts steps)
                | Concat axis ->
                    let mutable start = 0

                    for input in node.Inputs do
                        writeInPlace whole input (Parts.concatenated node.Shape axis start)
                        start <- start + nodes[input].Shape.[axis]
                | _ -> ()
            | Fused _ -> ()

    let parts =
        placement.Parts
        |> Seq.filter (function
            | Fused group -> group.Members.Exists isNeeded
            | Single _ -> true)
        |> Array.ofSeq

    member _.Graph = graph
    member _.Parts = parts
    member _.IsLive i = placement.IsLive i
    /// Whether the node's elements are written to a buffer.
    member _.IsStored i = stored[i]
    /// Whether the node is stored as a part of a larger array.
    member _.IsPart i = partOf.ContainsKey i
    /// Where it is stored in that array, over its own shape.
    member _.PartOf i = partOf[i]
    member _.IsPartOf(reading: Reading, whole) = partOf.ContainsKey reading.Base && partOf[reading.Base].Base = whole
    /// Whether other members of the node's group read it.
    member _.IsUsed i = used[i]
    /// Whether a member is computed in its group at all: others may compute it again where they read it.
    member _.IsNeeded i = isNeeded i
    /// Whether the loops of the group go on with what they have folded.
    member _.IsStaged(group: Group) = staged.Contains group.Number
    member _.Reading i = placement.Reading i
    member _.Operands i = placement.Operands i
    member _.StrideOf gather = placement.StrideOf gather
    /// Whether the node is one value a row of its group.
    member _.IsRow i = placement.IsRow i
    member _.IsCopy i = placement.IsCopy i
    member _.IsNumber reading = placement.IsNumber reading
    member _.IsHere(group, reading) = placement.IsHere(group, reading)
    /// Whether the operand is a value of the group's own loop body.
    member _.IsInBody(group, reading) = placement.IsHere(group, reading)
    /// Whether the node may be computed by all who read it, and by nobody else.
    member _.MayBeAgain i = placement.MayBeFree i || recomputation.IsKeptNowhere i
    member _.GroupOf i = placement.GroupOf i
    /// Where the node's elements lie in their buffer, over the space of its group.
    member _.Places(group, i) = placement.Places(group, i)

    /// The nodes that name results of a call, live ones only.
    member _.ItemsOf i = placement.Results |> Seq.filter (fun item -> nodes[item].Inputs[0] = i)
    /// Whether a group that does not compute the node itself computes it again where it reads it.
    member _.IsAgain(group, reading: Reading) = recomputation.IsAgain(group, reading)
    member _.AxesIn(group, reading) = placement.AxesIn(group, reading) |> ValueOption.get
