namespace FunctionalGrad.Compile

open System
open System.Collections.Generic
open FunctionalGrad

/// Why values go to memory, as the schedule has decided.
module internal Reasons =
    let private isFold (schedule: Schedule) (nodes: Node[]) i = nodes[i].Lowering.IsReduce && not (schedule.IsCopy i)

    /// Why a member of a group reads from memory what another group computes.
    let private betweenGroups
        (schedule: Schedule)
        (stepOf: int -> int)
        (own: Group)
        (group: Group)
        (reader: int)
        (reading: Reading)
        : string =
        let nodes = schedule.Graph.Nodes
        let source = reading.Base

        let isLater (other: Reading) =
            not (schedule.IsNumber other)
            && other.Base <> source
            && stepOf other.Base >= stepOf source
            && not (own.Members.Contains other.Base)

        let isOfRows = own.HasRows && schedule.IsRow source

        if isFold schedule nodes source && not isOfRows then "what it folds is complete only when its loops have ended"
        elif not (own.Space.Equals group.Space) then $"computed over {own.Space}, read by loops over {group.Space}"
        elif not (isOfRows || Strided.isContiguous group.Space reading.View) then "read at another index than it is computed at"
        elif Array.exists isLater (schedule.Operands reader) then "who reads it needs something else that is ready only later"
        elif isFold schedule nodes reader then "read by a fold over other axes than its own loops fold"
        else "one kernel of all would be too large"

    let private ofSingle (node: Node) =
        match node.Lowering with
        | Contract _ -> "a matrix product"
        | Call library -> $"the call of {fst library.Key}"
        | _ -> NodeText.kind node

    /// The stored nodes, each with why it is stored: for whom it has to be in memory.
    let find (schedule: Schedule) : Dictionary<int, string> =
        let nodes = schedule.Graph.Nodes
        let partOf = Dictionary<int, Part>()
        let found = Dictionary<int, List<string>>()

        let add i (reason: string) =
            if schedule.IsStored i then
                match found.TryGetValue i with
                | true, reasons -> if reasons.Count < 4 && not (reasons.Contains reason) then reasons.Add reason
                | _ -> found[i] <- List [ reason ]

        for part in schedule.Parts do
            match part with
            | Single i -> partOf[i] <- part
            | Fused group -> group.Members.ForEach(fun i -> partOf[i] <- part)

        let steps = Dictionary<int, int>()

        schedule.Parts
        |> Seq.iteri (fun step part ->
            match part with
            | Single i -> steps[i] <- step
            | Fused group -> group.Members.ForEach(fun i -> steps[i] <- step))

        let stepOf i =
            match steps.TryGetValue i with
            | true, step -> step
            | _ -> -1

        let ofReader (group: Group) reader position (reading: Reading) =
            let isGathered = position = 0 && nodes[reader].Lowering.IsGather && not (schedule.IsCopy reader)

            match partOf.TryGetValue reading.Base with
            | true, Fused _ when isGathered -> add reading.Base "read at places that indexes name"
            | true, Fused own when not (Object.ReferenceEquals(own, group)) ->
                add reading.Base (betweenGroups schedule stepOf own group reader reading)
            | _ -> ()

        for output in schedule.Graph.Outputs do
            add (schedule.Reading output).Base "it is an output"

        for part in schedule.Parts do
            match part with
            | Single i ->
                schedule.Operands i |> Array.iter (fun reading -> add reading.Base $"{ofSingle nodes[i]} reads it whole")

                add i $"{ofSingle nodes[i]} gives it whole"
            | Fused group ->
                for i in group.Members do
                    if schedule.IsNeeded i then schedule.Operands i |> Array.iteri (ofReader group i)

        let texts = Dictionary<int, string>()

        for entry in found do
            texts[entry.Key] <- String.Join("; ", entry.Value)

        texts
