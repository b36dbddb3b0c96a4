namespace FunctionalGrad.Tests

open System
open FunctionalGrad
open FunctionalGrad.Compile
open FunctionalGrad.Loops
open Xunit

/// What Jit.explain says of functions whose programs are known, and that schedules are checked.
[<Collection("settings")>]
type ExplainTests() =
    // What is said of machine code holds where it is made.
    let before = Tiers.Chosen
    do Tiers.Chosen <- Tier.Automatic

    let floats sizes = zerosWith DType.Float32 sizes
    let contains (part: string) (text: string) = Assert.Contains(part, text, StringComparison.Ordinal)

    let reasons (explanation: Explanation) =
        [ for step in explanation.Steps do
              for entry in step.Stored -> entry.Value ]

    let view (f: 'A -> 'B) (x: 'A) =
        let leaves = Tree.paths x |> Array.map snd
        let body, _, _ = Flow.trace "test" f x leaves
        let rewritten, _ = Rewrite.run body.Graph.Value.Graph
        ScheduleView.Of(Schedule rewritten)

    let layer (w: Tensor, x: Tensor) = tanh (x @@ w) * 2.0 |> sum [ 0 ]

    let refuse (what: string) (view: ScheduleView) =
        let error = Assert.Throws<InvalidOperationException>(fun () -> VerifySchedule.check view)
        contains what error.Message

    interface IDisposable with
        member _.Dispose() = Tiers.Chosen <- before

    [<Fact>]
    member _.``an elementwise chain is one kernel``() =
        let explained = Jit.explain (fun (x: Tensor) -> exp (x * 3.0) + sin x) (floats [ 1000 ])
        let step = Assert.Single explained.Steps
        Assert.Equal("kernel", step.Kind)
        Assert.Equal(1, explained.Kernels)
        Assert.Equal(4, step.Nodes.Count)
        Assert.Equal(4000L, step.Flops)
        Assert.Equal(4000L, step.BytesRead)
        Assert.Equal(4000L, step.BytesWritten)
        Assert.Equal(8000L, explained.BytesMoved)
        Assert.Equal(0L, explained.ArenaBytes)
        Assert.Equal<string list>([ "it is an output" ], reasons explained)
        Assert.True(step.Operations > 20)
        Assert.True step.IsEmitted
        Assert.Equal("", step.Interpreted)

    [<Fact>]
    member _.``a layer is a product and a kernel, and says why it stores``() =
        let explained = Jit.explain layer (floats [ 30; 20 ], floats [ 50; 30 ])
        let kinds = [ for step in explained.Steps -> step.Kind ]
        Assert.Contains("matrix product", kinds)
        let product = explained.Steps |> Seq.find (fun step -> step.Kind = "matrix product")
        Assert.Equal("matrix product 50×30×20 float32", product.Title)
        Assert.Equal(2L * 50L * 30L * 20L, product.Flops)
        Assert.Contains("a matrix product gives it whole", reasons explained)
        // 4,000 bytes, in whole cache lines
        Assert.Equal(4032L, explained.LeastBytes)
        Assert.True(explained.ArenaBytes >= explained.LeastBytes)
        Assert.True(explained.TemporaryBytes >= explained.LeastBytes)
        Assert.Equal(explained.Flops, explained.Steps |> Seq.sumBy _.Flops)

    [<Fact>]
    member _.``reasons are those of the schedule``() =
        // The product needs the whole of tanh x.
        let product = Jit.explain (fun (x: Tensor) -> tanh x @@ tanh x) (floats [ 40; 40 ])
        Assert.Contains("a matrix product reads it whole", reasons product)
        // Rows that are chosen must lie in memory.
        let positions = tensor [ 3L; 1L; 3L ]
        let chosen = Jit.explain (fun (x: Tensor) -> take 0 positions (exp x * 2.0)) (floats [ 10; 4 ])
        Assert.Contains("read at places that indexes name", reasons chosen)

    [<Fact>]
    member _.``the text has all of it``() =
        let explained = Jit.explain (grad (fun x -> layer (x, floats [ 50; 30 ]) |> sumAll)) (floats [ 30; 20 ])
        let text = string explained

        for part in
            [ "traced: "
              "rewritten: "
              "steps: "
              "kernel ["
              "matrix product"
              "arena: "
              "in all: "
              "machine code of"
              "stores" ] do
            contains part text

        let isStep (line: string) = System.Text.RegularExpressions.Regex.IsMatch(line, @"^ {0,3}\d+  \S")
        Assert.Equal(explained.Steps.Count, text.Split('\n') |> Array.filter isStep |> Array.length)
        Assert.True(explained.NodesTraced >= explained.NodesRewritten)

    [<Fact>]
    member _.``a large graph is counted, not listed``() =
        let explained = Jit.explain (fun x -> Seq.fold (fun y i -> sin y * float i) x (seq { 1..200 })) (floats [ 5 ])
        let text = string explained
        contains "200 sin" text
        Assert.DoesNotContain("%150 =", text)
        Assert.True(text.Length < 20_000)

    [<Fact>]
    member _.``loops show their bodies``() =
        let f (x: Tensor) = scan (fun carry (row: Tensor) -> tanh (carry + row), carry) (floats [ 8 ]) x
        let explained = Jit.explain f (floats [ 20; 8 ])
        let body = Assert.Single explained.Bodies
        Assert.Equal("call", (Seq.last explained.Steps).Kind)
        Assert.Equal(1, body.Value.Kernels)
        contains "body of %" (string explained)

    [<Fact>]
    member _.``nothing to do is explained, and what cannot be traced is refused``() =
        Assert.Empty (Jit.explain id (floats [ 3 ])).Steps
        Assert.Contains("it has no elements", (Jit.explain exp (floats [ 0 ])).Steps |> Seq.map _.Interpreted)

        Expect.error<TracingException, _> [ "explain" ] (fun () ->
            Jit.explain (fun (x: Tensor) -> if float x > 0.0 then x else -x) (floats []) |> string)

    [<Fact>]
    member _.``schedules that would not compute their graph are refused``() =
        let view = view layer (floats [ 30; 20 ], floats [ 50; 30 ])
        VerifySchedule.check view
        refuse "has no place" { view with Parts = List.tail view.Parts }
        refuse "is computed in steps" { view with Parts = view.Parts @ [ List.head view.Parts ] }
        refuse "no earlier step has written" { view with Parts = List.rev view.Parts }
        refuse "is not stored" { view with IsStored = fun _ -> false }
        refuse "nobody needs it" { view with IsLive = fun _ -> false }

        let backwards =
            view.Parts
            |> List.map (function
                | Fused group ->
                    let reversed = new Group(group.Number, group.Space)
                    reversed.Members.AddRange(Seq.rev group.Members)
                    Fused reversed
                | part -> part)

        refuse "comes after it" { view with Parts = backwards }

    [<Fact>]
    member _.``schedules and explanations of random programs hold together``() =
        Property.forSeeds 200 (fun seed ->
            let inputs = Programs.inputs (Source seed)

            let loss (xs: Tensor[]) = Programs.build (Source(seed + 1)) xs |> Array.map (fun y -> sumAll (sin y)) |> Array.reduce (+)

            VerifySchedule.check (view (grad loss) inputs)
            let explained = Jit.explain (grad loss) inputs
            Assert.True(explained.ArenaBytes >= explained.LeastBytes)

            for step in explained.Steps do
                Assert.NotEmpty step.Writes
                Assert.Equal(step.Kind = "kernel" && step.Interpreted = "", step.IsEmitted)

                if step.Kind <> "call" then Assert.NotEmpty step.Nodes)
