/// What the user sees while the program works: a progress bar in a terminal, plain lines in a file or a pipe.
module Display

open System
open Spectre.Console

type Display =
    {
        /// One more minibatch is done, with this loss.
        Advance: float -> unit
        /// A line to keep.
        Line: string -> unit
    }

/// Runs work of so many minibatches under a display.
let run (minibatches: float) (work: Display -> 'T) : 'T =
    if Console.IsOutputRedirected then
        work { Advance = ignore; Line = printfn "%s" }
    else
        let columns: ProgressColumn[] = [| TaskDescriptionColumn(); ProgressBarColumn(); PercentageColumn(); RemainingTimeColumn() |]

        AnsiConsole
            .Progress()
            .Columns(columns)
            .Start(fun context ->
                let task = context.AddTask("loss   –   ", maxValue = minibatches)

                let advance (loss: float) =
                    task.Description <- $"loss %6.4f{loss}"
                    task.Increment 1.0

                work { Advance = advance; Line = fun line -> AnsiConsole.WriteLine line })
