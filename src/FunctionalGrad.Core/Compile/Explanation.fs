namespace FunctionalGrad

open System
open System.Collections.Generic
open System.Globalization
open FunctionalGrad.Compile
open FunctionalGrad.Loops

/// Numbers as people read them, in any culture alike.
module private Plain =
    let number (n: int64) = n.ToString("N0", CultureInfo.InvariantCulture)

    /// The number with a unit, to three digits.
    let scaled (unit: string) (n: int64) =
        let rec scale (x: float) prefixes =
            match prefixes with
            | _ :: (next :: _ as rest) when x >= 999.5 && next <> "" -> scale (x / 1000.0) rest
            | prefix :: _ -> x.ToString((if prefix = "" then "0" else "G3"), CultureInfo.InvariantCulture) + " " + prefix + unit
            | [] -> string x

        scale (float n) [ ""; "k"; "M"; "G"; "T"; "P" ]

    let counted (count: int) (noun: string) = if count = 1 then $"1 {noun}" else $"{number (int64 count)} {noun}s"

/// One step of a compiled function.
[<Sealed; AllowNullLiteral>]
type StepExplanation
    internal (report: StepReport, reads: string[], writes: string[], nodes: string[], stored: KeyValuePair<string, string>[]) =
    /// Kernel, matrix product, contraction, scatterAdd or call.
    member _.Kind: string = report.Kind
    /// The step in one line, with its sizes. The reduced extents of a kernel stand between bars.
    member _.Title: string = report.Title
    /// The nodes of the rewritten graph that it computes.
    member _.Nodes: IReadOnlyList<string> = nodes
    /// Those of its nodes that go to memory, each with the reason.
    member _.Stored: IReadOnlyList<KeyValuePair<string, string>> = stored
    /// The buffers that it reads.
    member _.Reads: IReadOnlyList<string> = reads
    /// The buffers that it writes.
    member _.Writes: IReadOnlyList<string> = writes
    /// Of a kernel: how many passes it makes over a row.
    member _.Stages: int = report.Stages
    /// Of a kernel: how many instructions its body has.
    member _.Instructions: int = report.Instructions

    /// Floating-point operations: instructions that calculate with floats, a function such as exp counting as one; elements that are
    /// folded; two for each product that is summed.
    member _.Flops: int64 = report.Flops

    /// Bytes of memory that are read, each place once.
    member _.BytesRead: int64 = report.BytesRead
    /// Bytes of memory that are written, each place once.
    member _.BytesWritten: int64 = report.BytesWritten
    /// Whether it is a kernel that is run as machine code, as soon as that pays.
    member _.IsEmitted: bool = report.Parts > 0
    /// Of a kernel: why the interpreter runs it; empty if it does not.
    member _.Interpreted: string = report.Interpreted
    /// Of a kernel that is emitted: how many operations its code has; else 0.
    member _.Operations: int = report.Operations
    /// Of a kernel that is emitted: in how many parts threads may share it; else 0.
    member _.Parts: int = report.Parts

    member internal step.Lines: string list =
        let flops = Plain.scaled "flop" step.Flops
        let read, written = Plain.scaled "B" step.BytesRead, Plain.scaled "B" step.BytesWritten

        let shortened (items: string seq) =
            let items = Array.ofSeq items
            let shown = items |> Seq.truncate 12 |> String.concat "; "
            if items.Length > 12 then $"{shown}; and {items.Length - 12} more" else shown

        [ step.Title
          if nodes.Length > 0 then
              let count = Plain.counted nodes.Length "node"
              $"  {count}: {shortened nodes}"
          if reads.Length > 0 then $"  reads {shortened reads}"
          $"  writes {shortened writes}"
          for entry in Seq.truncate 12 stored do
              $"  stores {entry.Key}: {entry.Value}"
          if stored.Length > 12 then $"  and stores {stored.Length - 12} more"
          if step.IsEmitted then
              let parts = Plain.counted step.Parts "part"
              $"  machine code of {Plain.number (int64 step.Operations)} operations, in {parts}"
          elif step.Interpreted <> "" then
              $"  interpreted: {step.Interpreted}"
          $"  {flops}, {read} read, {written} written" ]

/// What a function becomes: its graph before and after rewriting, and the steps of the program.
[<Sealed; AllowNullLiteral>]
type Explanation
    internal (traced: Graph, rewritten: Graph, steps: StepExplanation[], memory: MemoryPlan, bodies: KeyValuePair<string, Explanation>[]) =
    /// A larger graph is counted, not listed.
    static let mostListed = 60

    let describe title (graph: Graph) : string list =
        let counts =
            graph.Nodes
            |> Seq.countBy NodeText.kind
            |> Seq.sortBy (fun (kind, count) -> -count, kind)
            |> Seq.map (fun (kind, count) -> $"{Plain.number (int64 count)} {kind}")
            |> String.concat ", "

        [ let count = Plain.counted graph.Nodes.Length "node"
          $"{title}: {count}: {counts}"

          if graph.Nodes.Length <= mostListed then
              for i in 0 .. graph.Nodes.Length - 1 do
                  let mark = if Array.contains i graph.Outputs then "  (output)" else ""
                  $"  {NodeText.full graph i}{mark}" ]

    /// How many nodes the graph had when it was traced.
    member _.NodesTraced: int = traced.Nodes.Length
    /// How many nodes it has after rewriting.
    member _.NodesRewritten: int = rewritten.Nodes.Length
    /// The steps, in order.
    member _.Steps: IReadOnlyList<StepExplanation> = steps
    /// The programs of loops and branches, by the name of the call that runs them.
    member _.Bodies: IReadOnlyList<KeyValuePair<string, Explanation>> = bodies
    /// How many of the steps are kernels.
    member _.Kernels: int = steps |> Seq.filter (fun step -> step.Kind = "kernel") |> Seq.length
    /// Bytes of the arena in which temporary values live.
    member _.ArenaBytes: int64 = memory.Bytes
    /// Bytes of all temporary values together.
    member _.TemporaryBytes: int64 = memory.Total
    /// The most bytes of temporary values that are needed at one step: no arena does with less in this order of steps.
    member _.LeastBytes: int64 = memory.Least
    /// Floating-point operations of all steps; see StepExplanation.
    member _.Flops: int64 = steps |> Array.sumBy _.Flops
    /// Bytes that all steps read and write.
    member _.BytesMoved: int64 = steps |> Array.sumBy (fun step -> step.BytesRead + step.BytesWritten)

    member private this.Lines: string list =
        let bytes = Plain.number

        let ratio = if this.LeastBytes = 0L then 1.0 else float this.ArenaBytes / float this.LeastBytes

        let ratio = ratio.ToString("0.00", CultureInfo.InvariantCulture)

        [ yield! describe "traced" traced
          yield! describe "rewritten" rewritten
          yield $"steps: {steps.Length}, of which kernels: {this.Kernels}"

          for i in 0 .. steps.Length - 1 do
              let number = $"{i}".PadLeft 4
              yield! steps[i].Lines |> List.mapi (fun line text -> (if line = 0 then $"{number}  " else "      ") + text)

          yield
              $"arena: {bytes this.ArenaBytes} bytes, {ratio} × the most that is needed at one step ({bytes this.LeastBytes}); all temporaries: {bytes this.TemporaryBytes}"

          yield $"""in all: {Plain.scaled "flop" this.Flops}, {Plain.scaled "B" this.BytesMoved} moved"""

          for body in bodies do
              yield $"body of {body.Key}:"
              yield! body.Value.Lines |> List.map (fun line -> "  " + line) ]

    /// All of it, for people.
    override this.ToString() = String.Join("\n", this.Lines)
