namespace FunctionalGrad.Compile

open System.Collections
open System.Collections.Generic
open System.Runtime.CompilerServices
open FunctionalGrad
open FunctionalGrad.Loops

/// The compiler's passes once more, with what they did written down.
module internal Explain =
    /// The graphs of bodies in the key of a call.
    let rec private bodies (key: obj) : Graph list =
        match key with
        | :? Structure as structure -> [ structure.Graph ]
        | :? string -> []
        | :? ITuple as tuple ->
            [ for place in 0 .. tuple.Length - 1 do
                  yield! bodies tuple[place] ]
        | :? IEnumerable as items ->
            [ for item in items do
                  yield! bodies item ]
        | _ -> []

    let private membersOf (schedule: Schedule) (part: Part) : int seq =
        match part with
        | Single i -> [ i ]
        | Fused group -> Seq.filter schedule.IsNeeded group.Members

    /// What a graph becomes.
    let rec graph (source: Graph) : Explanation =
        let rewritten, origins = Rewrite.run source
        let schedule = Schedule rewritten
        let lowerer = Lowerer(schedule, origins)
        let program = lowerer.Run(fun _ -> false).Program
        let report = ProgramReport program
        let reasons = Reasons.find schedule
        let parts = Array.ofSeq schedule.Parts
        // A kernel that is too large for one method has become several.
        let partOf =
            [| for step, part in lowerer.Steps do
                   for _ in 1 .. program.StepsOf step -> part |]

        let explain place (step: StepReport) =
            let members = membersOf schedule parts[partOf[place]]

            let stored =
                [| for i in members do
                       match reasons.TryGetValue i with
                       | true, reason -> KeyValuePair(NodeText.brief rewritten i, reason)
                       | _ -> () |]

            let names (buffers: int seq) = buffers |> Seq.map report.NameOf |> Array.ofSeq
            let nodes = members |> Seq.map (NodeText.brief rewritten) |> Array.ofSeq
            StepExplanation(step, names step.Reads, names step.Writes, nodes, stored)

        let inner =
            [| for i in 0 .. rewritten.Nodes.Length - 1 do
                   match rewritten.Nodes[i].Lowering with
                   | Call library when schedule.IsLive i ->
                       for body in bodies (snd library.Key) do
                           KeyValuePair(NodeText.brief rewritten i, graph body)
                   | _ -> () |]

        Explanation(source, rewritten, report.Steps |> Seq.mapi explain |> Array.ofSeq, report.Plan, inner)
