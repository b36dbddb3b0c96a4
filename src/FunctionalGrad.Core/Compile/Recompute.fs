namespace FunctionalGrad.Compile

open System
open System.Collections.Generic
open FunctionalGrad
open FunctionalGrad.Loops

/// Decides which values are not stored for later steps but computed again by each of them: those for which the memory traffic of
/// storing and reading them (a write counts twice) is more than that of reading what they are made of.
type internal Recomputation(placement: Placement) =
    /// So many instructions may be done again for one value.
    static let mostInstructions = 8

    let nodes = placement.Graph.Nodes
    let count = nodes.Length
    let again = Array.zeroCreate<bool> count
    let inMemory = Array.zeroCreate<bool> count
    let demands = Dictionary<int, List<Group>>()
    let loads = HashSet<struct (int * int)>()

    let groupOf i =
        let step = placement.StepOf i

        if step < 0 then
            ValueNone
        else
            match placement.Parts[step] with
            | Fused group -> ValueSome group
            | Single _ -> ValueNone

    let bytes i = int64 nodes[i].Shape.Count * int64 (DTypes.Size nodes[i].DType)

    let isCheap i = not (placement.IsCopy i) && nodes[i].Shape.Count > 0 && Cheap.isCheap nodes[i]

    let axesIn (group: Group) (reading: Reading) = placement.AxesIn(group, reading)

    /// Whether the group would not compute the value much more often than it has elements.
    let isSparing (group: Group) (reading: Reading) =
        let elements = nodes[reading.Base].Shape.Count
        let perRow () = group.HasRows && group.Folded |> Array.forall (fun axis -> reading.View.Strides[axis] = 0L)
        elements = 1 || nodes[reading.Base].Lowering.IsIota || group.Space.Count <= 2 * elements || perRow ()

    let ask (group: Group) position (reader: int) (reading: Reading) =
        let source = reading.Base

        if not (placement.IsNumber reading || placement.IsHere(group, reading)) then
            loads.Add(struct (group.Number, source)) |> ignore

            if placement.StepOf source >= 0 && not (placement.IsFree(group, reading)) then
                let isGathered = position = 0 && nodes[reader].Lowering.IsGather && not (placement.IsCopy reader)

                if isGathered || not (isCheap source) || not (isSparing group reading) || (axesIn group reading).IsNone then
                    inMemory[source] <- true
                else
                    match demands.TryGetValue source with
                    | true, readers -> if readers[readers.Count - 1].Number <> group.Number then readers.Add group
                    | _ -> demands[source] <- List [ group ]

    let ofPart (part: Part) =
        match part with
        | Single i -> placement.Operands i |> Array.iter (fun reading -> inMemory[reading.Base] <- true)
        | Fused group ->
            for i in group.Members do
                placement.Operands i |> Array.iteri (fun position reading -> ask group position i reading)

    let isStored i =
        match groupOf i with
        | ValueNone -> true
        | ValueSome _ -> inMemory[i] || (demands.ContainsKey i && not again[i])

    /// What computing the value again takes: the instructions, its own among them, and the buffers to read; none if it is too much.
    let recipe i : struct (List<int> * List<int>) voption =
        let instructions = List<int>()
        let leaves = List<int>()

        let rec visit i =
            instructions.Contains i
            || (instructions.Count < mostInstructions
                && (instructions.Add i
                    placement.Operands i |> Array.forall (read i)))

        and read reader reading =
            let source = reading.Base

            let own = (groupOf reader).Value
            let isInside () = not (isStored source) && isCheap source && isSparing own reading && (axesIn own reading).IsSome

            if placement.IsNumber reading || placement.IsFree(own, reading) then
                true
            elif isInside () then
                visit source
            elif again[source] then
                false
            else
                (if not (leaves.Contains source) then leaves.Add source)
                true

        if visit i then ValueSome(struct (instructions, leaves)) else ValueNone

    let decide i (readers: List<Group>) =
        match recipe i with
        | ValueSome(struct (instructions, leaves)) ->
            let storing = int64 (2 + readers.Count) * bytes i
            let reads leaf = readers |> Seq.sumBy (fun group -> if loads.Contains(struct (group.Number, leaf)) then 0L else bytes leaf)
            let cost = leaves |> Seq.sumBy (fun leaf -> reads leaf + (if isStored leaf then 0L else 2L * bytes leaf))

            if cost < storing then
                instructions.ForEach(fun i -> again[i] <- true)

                for leaf in leaves do
                    inMemory[leaf] <- true
                    readers.ForEach(fun group -> loads.Add(struct (group.Number, leaf)) |> ignore)
        | ValueNone -> ()

    do
        for output in placement.Graph.Outputs do
            inMemory[(placement.Reading output).Base] <- true

        Seq.iter ofPart placement.Parts

        for i in 0 .. count - 1 do
            if not inMemory[i] then
                match demands.TryGetValue i with
                | true, readers -> decide i readers
                | _ -> ()

    /// Whether the loops of a group that does not compute the value itself compute it again.
    member _.IsAgain(group, reading) = if placement.MayBeFree reading.Base then placement.IsFree(group, reading) else again[reading.Base]
    /// Whether no step stores the value.
    member _.IsKeptNowhere i = again[i]
