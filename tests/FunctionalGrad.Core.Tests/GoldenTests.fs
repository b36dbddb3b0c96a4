namespace FunctionalGrad.Tests

open System
open System.IO
open FunctionalGrad.Conformance
open Xunit
open Xunit.Abstractions

/// Values and derivatives against those that other libraries give, where they lie beside the repository.
type GoldenTests(output: ITestOutputHelper) =
    static let directory = Beside.directory "golden"

    [<Fact>]
    member _.``golden vectors``() =
        match directory with
        | None -> Console.WriteLine "there are no golden vectors beside the repository; nothing was compared"
        | Some directory ->
            let outcomes =
                Runner.directory Judging.Interpreter Judging.Double directory |> List.filter (fun outcome -> not outcome.IsMissing)

            output.WriteLine $"{outcomes.Length} lines compared"
            Console.WriteLine $"{outcomes.Length} golden lines compared"

            let failures =
                [ for outcome in outcomes do
                      for failure in outcome.Failures -> $"{outcome.Op}, {outcome.Case}, {failure.What}: {failure.Text}" ]

            Assert.True(failures.IsEmpty, String.concat "\n" failures)
