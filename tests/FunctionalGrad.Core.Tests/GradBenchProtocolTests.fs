namespace FunctionalGrad.Tests

open System
open System.IO
open System.Text.Json
open FunctionalGrad
open FunctionalGrad.GradBench
open Xunit

/// What is no proper message is answered, and the program goes on.
module GradBenchProtocolTests =
    open Conversation

    let private respond (line: string) = Protocol.respond TextWriter.Null line

    [<Fact>]
    let ``start, define and the rest`` () =
        Assert.Equal("""{"id":1,"tool":"functionalgrad"}""", respond """{"id":1,"kind":"start","eval":"det"}""")
        Assert.Equal("""{"id":2,"success":true}""", respond """{"id":2,"kind":"define","module":"gmm"}""")
        Assert.Equal("""{"id":"three"}""", respond """{"id":"three","kind":"analysis","of":2,"valid":true}""")
        Assert.Equal("""{"id":4}""", respond """{"kind":"something new","id":4}""")

    let refused: TheoryData<string> =
        let bad = TheoryData<string>()

        for line in
            [ """{"id":7,"kind":"define","module":"nosuch"}"""
              """{"id":7,"kind":"define"}"""
              """{"id":7,"kind":"define","module":3}"""
              """{"id":7}"""
              """{"id":7,"kind":null}"""
              """{"id":7,"kind":"evaluate"}"""
              """{"id":7,"kind":"evaluate","module":"lse","function":"primal"}"""
              """{"id":7,"kind":"evaluate","module":"lse","function":"nosuch","input":{"x":[1]}}"""
              """{"id":7,"kind":"evaluate","module":"nosuch","function":"primal","input":{"x":[1]}}"""
              """{"id":7,"kind":"evaluate","module":"lse","function":"primal","input":{"x":[1,2}"""
              """{"id":7,"kind":"evaluate","module":"lse","function":"primal","input":{"x":[NaN]}}"""
              """{"id":7,"kind":"evaluate","module":"lse","function":"primal","input":{"x":[1""" ] do
            bad.Add line

        bad

    [<Theory; MemberData(nameof refused)>]
    let ``a message that asks for nothing sensible`` (line: string) =
        let answer = answer line
        Assert.False(succeeded answer)
        Assert.NotEmpty(answer.GetProperty("error").GetString())
        Assert.Equal(7, answer.GetProperty("id").GetInt32())

    [<Theory>]
    [<InlineData("garbage")>]
    [<InlineData("[1,2]")>]
    [<InlineData("3")>]
    [<InlineData("null")>]
    [<InlineData("\"text\"")>]
    [<InlineData("{\"kind\":\"define\",\"module\":\"none\"}")>]
    [<InlineData("{")>]
    let ``without an id the answer has none`` (line: string) =
        let answer = answer line
        Assert.False(succeeded answer)
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("id").ValueKind)

    [<Theory>]
    [<InlineData("hello", "square", "\"1\"")>]
    [<InlineData("hello", "square", "{}")>]
    [<InlineData("hello", "square", "null")>]
    [<InlineData("hello", "square", "1e999")>]
    [<InlineData("hello", "square", "1e300")>]
    [<InlineData("llsq", "primal", "{\"x\":[1]}")>]
    [<InlineData("llsq", "primal", "{\"n\":4}")>]
    [<InlineData("llsq", "primal", "{\"x\":\"oops\",\"n\":4}")>]
    [<InlineData("llsq", "primal", "{\"x\":[],\"n\":4}")>]
    [<InlineData("llsq", "primal", "{\"x\":[1],\"n\":1}")>]
    [<InlineData("llsq", "primal", "{\"x\":[1],\"n\":2.5}")>]
    [<InlineData("llsq", "primal", "{\"x\":[1],\"n\":1e300}")>]
    [<InlineData("llsq", "primal", "{\"x\":[1],\"n\":4,\"min_runs\":\"many\"}")>]
    [<InlineData("lse", "gradient", "{\"x\":[1,null]}")>]
    [<InlineData("lse", "gradient", "{\"x\":[1,[2]]}")>]
    [<InlineData("lse", "gradient", "{\"x\":[1,\"NaN\"]}")>]
    [<InlineData("lse", "gradient", "[1,2]")>]
    [<InlineData("gmm",
                 "objective",
                 "{\"d\":1,\"k\":1,\"n\":1,\"m\":0,\"gamma\":1,\"x\":[[1]],\"alpha\":[1,2],\"mu\":[[1]],\"q\":[[1]],\"l\":[[]]}")>]
    [<InlineData("gmm",
                 "objective",
                 "{\"d\":1,\"k\":1,\"n\":1,\"m\":0,\"gamma\":0,\"x\":[[1]],\"alpha\":[1],\"mu\":[[1]],\"q\":[[1]],\"l\":[[]]}")>]
    [<InlineData("gmm",
                 "objective",
                 "{\"d\":2,\"k\":1,\"n\":1,\"m\":0,\"gamma\":1,\"x\":[[1,2]],\"alpha\":[1],\"mu\":[[1,2]],\"q\":[[1,2]],\"l\":[[]]}")>]
    [<InlineData("gmm", "jacobian", "{\"d\":-1,\"k\":1,\"n\":1}")>]
    [<InlineData("lstm", "objective", "{\"main_params\":[[1,1,1,1]],\"extra_params\":[[1],[1],[1]],\"state\":[[1]],\"sequence\":[[1],[1]]}")>]
    [<InlineData("lstm",
                 "objective",
                 "{\"main_params\":[[1,1,1],[1,1,1]],\"extra_params\":[[1],[1],[1]],\"state\":[[1],[1]],\"sequence\":[[1],[1]]}")>]
    [<InlineData("lstm",
                 "jacobian",
                 "{\"main_params\":[[1,1,1,1],[1,1,1,1]],\"extra_params\":[[1],[1],[1]],\"state\":[[1],[1]],\"sequence\":[[1]]}")>]
    [<InlineData("ode", "primal", "{\"x\":[1],\"s\":0}")>]
    [<InlineData("ode", "gradient", "{\"x\":[1]}")>]
    [<InlineData("kmeans", "cost", "{\"points\":[[1,2],[3]],\"centroids\":[[1,2]]}")>]
    [<InlineData("kmeans", "dir", "{\"points\":[[1,2]],\"centroids\":[[1]]}")>]
    [<InlineData("kmeans", "dir", "{\"points\":[],\"centroids\":[[1]]}")>]
    [<InlineData("kmeans", "dir", "{\"points\":[[]],\"centroids\":[[]]}")>]
    [<InlineData("det", "primal", "{\"A\":[1,2,3],\"ell\":2}")>]
    [<InlineData("det", "primal", "{\"A\":[],\"ell\":0}")>]
    [<InlineData("det", "gradient", "{\"A\":[1],\"ell\":1000}")>]
    let ``an input that does not fit is refused`` (eval: string) (name: string) (input: string) =
        let answer = evaluate eval name input
        Assert.False(succeeded answer)
        Assert.NotEmpty(answer.GetProperty("error").GetString())
        Assert.Equal(7, answer.GetProperty("id").GetInt32())

    [<Fact>]
    let ``as many timings as runs were asked for`` () =
        let timings input = (evaluate "lse" "gradient" input).GetProperty("timings")
        Assert.Equal(5, (timings """{"x":[1,2],"min_runs":5}""").GetArrayLength())
        Assert.Equal(1, (timings """{"x":[1,2]}""").GetArrayLength())

        for timing in (timings """{"x":[1,2],"min_runs":2,"min_seconds":0.001}""").EnumerateArray() do
            Assert.Equal("evaluate", timing.GetProperty("name").GetString())
            Assert.True(timing.GetProperty("nanoseconds").GetInt64() > 0L)

        let nanoseconds =
            [ for t in (timings """{"x":[1,2],"min_seconds":0.05}""").EnumerateArray() -> t.GetProperty("nanoseconds").GetInt64() ]

        Assert.True(List.sum nanoseconds >= 50_000_000L)

    [<Fact>]
    let ``every run computes anew`` () =
        let runs = ref 0

        let count: CustomOp =
            { Name = "count"
              Results = fun types -> types
              Forward =
                fun inputs ->
                    runs.Value <- runs.Value + 1
                    inputs
              Reverse = fun _ _ cotangents -> List.map Some cotangents }

        let evaluation = Evaluation.prepare (fun x -> customOp count [ x ] |> List.head) Output.scalar (tensor 2.0)
        let before = runs.Value

        for _ in 1..3 do
            evaluation.Run()

        Assert.Equal(before + 3, runs.Value)

    [<Fact>]
    let ``a session goes on after bad lines, and ends with its input`` () =
        let lines =
            [ "nonsense"
              ""
              """{"id":1,"kind":"evaluate","module":"hello","function":"double","input":4}"""
              "{"
              """{"id":2,"kind":"start"}""" ]

        use output = new StringWriter()
        Protocol.serve (new StringReader(String.concat "\n" lines)) output TextWriter.Null
        let answers = output.ToString().TrimEnd().Split Environment.NewLine
        Assert.Equal(4, answers.Length)
        Assert.Contains("\"output\":8", answers[1])
        Assert.Equal("""{"id":2,"tool":"functionalgrad"}""", answers[3])

    [<Fact>]
    let ``every size that is timed can be made`` () =
        for eval, sizes in Sizes.largest do
            let small = sizes |> List.map (fun size -> min size 3)
            let functions = (Protocol.evals |> List.find (fun known -> known.Module = eval)).Functions

            for _, prepare in functions do
                (prepare (Sizes.input eval small)).Run()
