namespace FunctionalGrad.Workloads

open System
open FunctionalGrad

/// A program to be timed, written as a user would write it.
type Workload =
    {
        /// As in the peers' benchmark, without the peer.
        Name: string
        /// The name of the peers' workload that it is compared with.
        Against: string
        /// Floating-point operations of the matrix products in one run; 0 where they do not decide.
        Flops: float
        /// Bytes that one run must read and write; 0 where they do not decide.
        Bytes: float
        /// Whether it computes in float64.
        IsDouble: bool
        /// Makes the data, checks one result, and gives what is timed. What a run computes is its result.
        Prepare: Func<Func<obj>>
        /// What it becomes, where its memory is of interest; else null.
        Explain: Func<Explanation>
    }

/// Making workloads.
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal Workload =
    /// A workload of a name; what `prepare` gives is timed.
    let create (name: string) (prepare: unit -> unit -> obj) : Workload =
        { Name = name
          Against = name
          Flops = 0.0
          Bytes = 0.0
          IsDouble = false
          Prepare =
            Func<_>(fun () ->
                // A delegate of an expression would evaluate it in each call.
                let run = prepare ()
                Func<obj> run)
          Explain = null }

    let against (peers: string) (workload: Workload) = { workload with Against = peers }
    let flops (count: float) (workload: Workload) = { workload with Flops = count }
    /// Says what the workload becomes.
    let explained (explain: unit -> Explanation) (workload: Workload) = { workload with Explain = Func<_>(explain) }
    let bytes (count: float) (workload: Workload) = { workload with Bytes = count }

    /// A function of one argument, checked once and then called again and again.
    let calls (name: string) (prepare: unit -> 'A * ('A -> 'B) * ('B -> unit)) : Workload =
        create name (fun () ->
            let argument, f, check = prepare ()
            Tree.evaluate argument
            check (f argument)
            fun () -> box (f argument))

    /// A step from one state to the next; each run goes on from the state of the run before.
    let steps (name: string) (prepare: unit -> 'S * ('S -> 'S) * ('S -> 'S -> unit)) : Workload =
        create name (fun () ->
            let start, step, check = prepare ()
            Tree.evaluate start
            check start (step start)
            let mutable state = start

            fun () ->
                state <- step state
                box state)
