namespace FunctionalGrad.Compile

open System.Collections.Generic
open FunctionalGrad

/// A schedule as the verifier sees it.
[<NoComparison; NoEquality>]
type internal ScheduleView =
    {
        Graph: Graph
        Parts: Part list
        IsLive: int -> bool
        IsCopy: int -> bool
        IsStored: int -> bool
        Reading: int -> Reading
        Operands: int -> Reading[]
        /// Whether the group's loops have the value themselves.
        IsInBody: Group -> Reading -> bool
        /// Whether a step stores the node or other members of its group read it; a member that is neither is not computed there.
        IsNeeded: int -> bool
        /// Whether the node may be computed by all who read it, and by nobody else.
        MayBeAgain: int -> bool
        /// Whether the group computes the value once more instead of reading it.
        IsAgain: Group -> Reading -> bool
        GroupOf: int -> Group
    }

    static member Of(schedule: Schedule) =
        { Graph = schedule.Graph
          Parts = List.ofSeq schedule.Parts
          IsLive = schedule.IsLive
          IsCopy = schedule.IsCopy
          IsStored = schedule.IsStored
          Reading = schedule.Reading
          Operands = schedule.Operands
          IsInBody = fun group reading -> schedule.IsInBody(group, reading)
          IsNeeded = schedule.IsNeeded
          MayBeAgain = schedule.MayBeAgain
          IsAgain = fun group reading -> schedule.IsAgain(group, reading)
          GroupOf = schedule.GroupOf }

/// Refuses schedules that would not compute their graph: after fusing, every live node has one place, or is computed where it is read;
/// and whatever a step reads is a value of its own loops, an input, a number, stored by an earlier step, or made of such values once more.
module internal VerifySchedule =
    let private refuse what = invalidOp $"fuse: {what}."

    let private places (view: ScheduleView) =
        let stepOf = Dictionary<int, int>()

        let enter step i = if not (stepOf.TryAdd(i, step)) then refuse $"node {i} is computed in steps {stepOf[i]} and {step}"

        view.Parts
        |> List.iteri (fun step part ->
            match part with
            | Single i -> enter step i
            | Fused group -> group.Members.ForEach(enter step))

        stepOf

    let private isComputed (view: ScheduleView) i =
        match view.Graph.Nodes[i].Lowering with
        | Leaf
        | Splat _
        | View _
        | Item _
        | Group -> view.IsCopy i
        | _ -> true

    /// Refuses a schedule that would not compute its graph.
    let check (view: ScheduleView) : unit =
        let nodes = view.Graph.Nodes
        let stepOf = places view

        for i in 0 .. nodes.Length - 1 do
            if view.IsLive i && isComputed view i && not (stepOf.ContainsKey i || view.MayBeAgain i) then
                refuse $"node {i} has no place"

            if stepOf.ContainsKey i && not (view.IsLive i) then refuse $"node {i} has a place, but nobody needs it"

        let writer (source: int) =
            match nodes[source].Lowering with
            | Item _ -> nodes[source].Inputs[0]
            | _ -> source

        let demandStored reader step (reading: Reading) =
            let source = reading.Base

            if not nodes[source].Lowering.IsLeaf then
                if not (view.IsStored source) then refuse $"node {reader} reads node {source}, which is not stored"

                match stepOf.TryGetValue(writer source) with
                | true, own when own < step -> ()
                | _ -> refuse $"node {reader} reads node {source}, which no earlier step has written"

        let rows = HashSet<int>()
        let made = HashSet<int>()

        let isGathered i position = position = 0 && nodes[i].Lowering.IsGather && not (view.IsCopy i)

        /// What a group reads that its own loops do not have.
        let rec demand (reader: int) step (group: Group) (reading: Reading) =
            if nodes[reading.Base].Lowering.IsSplat then
                ()
            elif not (view.IsAgain group reading) then
                demandStored reader step reading
            elif made.Add reading.Base then
                let own = view.GroupOf reading.Base

                view.Operands reading.Base
                |> Array.iteri (fun position operand ->
                    if isGathered reading.Base position then
                        demandStored reading.Base step operand
                    else
                        demand reading.Base step own operand)

        let ofGroup step (group: Group) =
            rows.Clear()
            made.Clear()

            for i in group.Members do
                if view.IsNeeded i then
                    view.Operands i
                    |> Array.iteri (fun position reading ->
                        if isGathered i position then
                            demandStored i step reading
                        elif not (view.IsInBody group reading) then
                            // Loops have numbers at hand, whoever else has them stored.
                            demand i step group reading
                        elif not (rows.Contains reading.Base) then
                            refuse $"node {i} reads node {reading.Base}, which comes after it")

                    rows.Add i |> ignore

        view.Parts
        |> List.iteri (fun step part ->
            match part with
            | Single i -> view.Operands i |> Array.iter (demandStored i step)
            | Fused group -> ofGroup step group)

        for output in view.Graph.Outputs do
            demandStored output view.Parts.Length (view.Reading output)
