namespace FunctionalGrad.Tests

open System
open System.IO
open System.Text.Json
open FunctionalGrad
open FunctionalGrad.GradBench
open Xunit

/// Messages and answers of the program that speaks GradBench's protocol.
module internal Conversation =
    let answer (line: string) : JsonElement =
        use document = JsonDocument.Parse(Protocol.respond TextWriter.Null line)
        document.RootElement.Clone()

    let evaluate (eval: string) (name: string) (input: string) : JsonElement =
        answer $"""{{"id":7,"kind":"evaluate","module":"{eval}","function":"{name}","input":{input}}}"""

    let succeeded (answer: JsonElement) : bool = answer.GetProperty("success").GetBoolean()

    /// The numbers of a result from left to right; of an object, by name.
    let rec numbers (output: JsonElement) : float list =
        match output.ValueKind with
        | JsonValueKind.Array ->
            [ for item in output.EnumerateArray() do
                  yield! numbers item ]
        | JsonValueKind.Object ->
            [ for field in output.EnumerateObject() |> Seq.sortBy _.Name do
                  yield! numbers field.Value ]
        | _ -> [ output.GetDouble() ]

    let output (answer: JsonElement) : float list =
        if not (succeeded answer) then raise (Xunit.Sdk.XunitException(answer.GetProperty("error").GetString()))

        numbers (answer.GetProperty "output")

    /// Each number within a tolerance of the size of the largest.
    let requireNear (what: string) (tolerance: float) (expected: float list) (found: float list) : unit =
        Assert.Equal(expected.Length, found.Length)
        let scale = expected |> List.map abs |> List.fold max 0.0
        let worst = List.map2 (fun (x: float) (y: float) -> abs (x - y)) expected found |> List.fold max 0.0
        Assert.True(worst <= tolerance * scale, $"{what}: off by {worst}, the largest number is {scale}")

    /// The gradient at a vector by central differences.
    let differences (primal: float[] -> float) (at: float[]) : float list =
        let h = 1e-5

        [ for i in 0 .. at.Length - 1 ->
              let shifted by = at |> Array.mapi (fun j x -> if i = j then x + by else x)
              (primal (shifted h) - primal (shifted -h)) / (2.0 * h) ]

/// The evals of GradBench at sizes where the answer is known.
module GradBenchTests =
    open Conversation

    let private found eval name input = evaluate eval name input |> output
    let private near what expected found = requireNear what 1e-12 expected found
    let private list (numbers: float seq) = JsonSerializer.Serialize numbers

    let private rows (width: int) (numbers: float[]) =
        numbers |> Array.chunkBySize width |> Array.map Array.toSeq |> JsonSerializer.Serialize

    [<Fact>]
    let ``hello: a square and its derivative`` () =
        near "square" [ 9.0 ] (found "hello" "square" "3")
        near "double" [ 6.0 ] (found "hello" "double" "3.0")

    [<Fact>]
    let ``llsq: by hand at three points`` () =
        // At −1, 0, 1 the sign is −1, 0, 1 and 1 + 2t is −1, 1, 3: residuals 0, −1, −2.
        let input = """{"x":[1.0,2.0],"n":3}"""
        near "primal" [ 2.5 ] (found "llsq" "primal" input)
        near "gradient" [ 3.0; 2.0 ] (found "llsq" "gradient" input)

    [<Fact>]
    let ``lse: of equal numbers, and of large ones`` () =
        near "primal" [ 3.0 + log 4.0 ] (found "lse" "primal" """{"x":[3,3,3,3]}""")
        near "gradient" [ 0.25; 0.25; 0.25; 0.25 ] (found "lse" "gradient" """{"x":[3,3,3,3]}""")
        near "large" [ 1000.0 + log 2.0 ] (found "lse" "primal" """{"x":[1000,1000]}""")
        near "gradient of large" [ 0.5; 0.5 ] (found "lse" "gradient" """{"x":[1000,1000]}""")

    [<Fact>]
    let ``gmm: one component in one dimension, by hand`` () =
        // β = α − ½(e^q(x − μ))² + q; the log-sum-exps of one number are that number; ν = 2, Γ₁(1) = 1.
        let x, mu, q, gamma = 1.5, 0.5, 0.25, 2.0
        let square = (exp q * (x - mu)) ** 2.0
        let likelihood = -0.5 * log (2.0 * Math.PI) - 0.5 * square + q
        let prior = 2.0 * log (gamma / sqrt 2.0) - 0.5 * gamma * gamma * exp (2.0 * q)
        let input = $"""{{"d":1,"k":1,"n":1,"m":0,"gamma":{gamma},"x":[[{x}]],"alpha":[0.75],"mu":[[{mu}]],"q":[[{q}]],"l":[[]]}}"""
        near "objective" [ likelihood + prior ] (found "gmm" "objective" input)
        let dq = 1.0 - square - gamma * gamma * exp (2.0 * q)
        near "jacobian" [ 0.0; exp (2.0 * q) * (x - mu); dq ] (found "gmm" "jacobian" input)

    [<Fact>]
    let ``gmm: the gradient is that of differences, in every parameter`` () =
        let d, k, n, m = 3, 2, 4, 2
        let random = Random 3
        let draw count = Array.init count (fun _ -> random.NextDouble() - 0.3)
        let x = draw (n * d)
        // In the order of the answer's names: alpha, l, mu, q.
        let at = draw (k + k * 3 + k * d + k * d)

        let input (p: float[]) =
            $"""{{"d":{d},"k":{k},"n":{n},"m":{m},"gamma":0.7,"x":{rows d x},"alpha":{list p[..1]},"l":{rows 3 p[2..7]},"""
            + $""""mu":{rows d p[8..13]},"q":{rows d p[14..]}}}"""

        let primal p = found "gmm" "objective" (input p) |> List.exactlyOne
        requireNear "jacobian" 1e-8 (differences primal at) (found "gmm" "jacobian" (input at))

    /// The model of the lstm eval, number by number.
    let private foresee (layers: int) (width: int) (parameters: float[]) (state: float[]) (sequence: float[][]) : float =
        let sigmoid x = 1.0 / (1.0 + exp -x)
        let state = Array.copy state
        let weight layer gate j = parameters[layer * 8 * width + gate * width + j]
        let bias layer gate j = parameters[layer * 8 * width + 4 * width + gate * width + j]
        let extra row j = parameters[layers * 8 * width + row * width + j]
        let mutable total = 0.0

        for t in 0 .. sequence.Length - 2 do
            let predicted =
                [| for j in 0 .. width - 1 do
                       let mutable v = sequence[t][j] * extra 0 j

                       for layer in 0 .. layers - 1 do
                           let h, c = 2 * layer * width + j, (2 * layer + 1) * width + j
                           let gate number x = weight layer number j * x + bias layer number j
                           let change = tanh (gate 3 state[h])
                           state[c] <- state[c] * sigmoid (gate 0 v) + sigmoid (gate 1 state[h]) * change
                           state[h] <- sigmoid (gate 2 v) * tanh state[c]
                           v <- state[h]

                       v * extra 1 j + extra 2 j |]

            let normal = log (2.0 + Array.sumBy exp predicted)
            total <- total + Array.sum (Array.map2 (fun next p -> next * (p - normal)) sequence[t + 1] predicted)

        -total / float (width * (sequence.Length - 1))

    [<Fact>]
    let ``lstm: number by number, and the gradient is that of differences`` () =
        let layers, width, length = 2, 3, 5
        let random = Random 5
        let draw count = Array.init count (fun _ -> random.NextDouble())
        let at, state = draw (layers * 8 * width + 3 * width), draw (2 * layers * width)
        let sequence = Array.init length (fun _ -> draw width)
        let main, extra = Array.splitAt (layers * 8 * width) at

        let input =
            $"""{{"main_params":{rows (4 * width) main},"extra_params":{rows width extra},"state":{rows width state},"""
            + $""""sequence":{JsonSerializer.Serialize sequence}}}"""

        let primal parameters = foresee layers width parameters state sequence
        near "objective" [ primal at ] (found "lstm" "objective" input)
        requireNear "jacobian" 1e-8 (differences primal at) (found "lstm" "jacobian" input)

    [<Fact>]
    let ``ode: polynomials of the fourth degree are exact`` () =
        // y₀ = x₀t, y₁ = x₀x₁t²/2, y₂ = x₀x₁x₂t³/6 at t = 2.
        near "primal" [ 6.0; 30.0; 140.0 ] (found "ode" "primal" """{"x":[3,5,7],"s":1}""")
        near "gradient" [ 140.0 / 3.0; 28.0; 20.0 ] (found "ode" "gradient" """{"x":[3,5,7],"s":1}""")
        near "gradient, steps" [ 140.0 / 3.0; 28.0; 20.0 ] (found "ode" "gradient" """{"x":[3,5,7],"s":9}""")
        near "one number" [ 2.0 ] (found "ode" "gradient" """{"x":[3],"s":2}""")

    [<Fact>]
    let ``ode: beyond the order of the method the gradient is that of what was computed`` () =
        // The last of eight is x₀·…·x₇ times what the method makes of t⁸/8!, and that is not exact.
        let x = [ 1.1; 0.9; 1.3; 0.7; 1.2; 0.8; 1.05; 0.95 ]
        let input = $"""{{"x":{list x},"s":3}}"""
        let last = found "ode" "primal" input |> List.last
        Assert.NotInRange(last / (List.reduce (*) x * 256.0 / 40320.0), 0.99, 1.01)
        near "gradient" (x |> List.map (fun x -> last / x)) (found "ode" "gradient" input)

    [<Fact>]
    let ``kmeans: by hand on a line`` () =
        let input = """{"points":[[0],[2],[10]],"centroids":[[1.5],[8],[-50]]}"""
        near "cost" [ 6.5 ] (found "kmeans" "cost" input)
        // J = (2, −4, 0), H = (4, 2, 0): nobody is nearest to the last.
        near "dir" [ 0.5; -2.0; 0.0 ] (found "kmeans" "dir" input)

    [<Fact>]
    let ``det: by hand`` () =
        near "one" [ 5.0 ] (found "det" "primal" """{"A":[5],"ell":1}""")
        near "gradient of one" [ 1.0 ] (found "det" "gradient" """{"A":[5],"ell":1}""")
        near "two" [ -2.0 ] (found "det" "primal" """{"A":[1,2,3,4],"ell":2}""")
        near "gradient of two" [ 4.0; -3.0; -2.0; 1.0 ] (found "det" "gradient" """{"A":[1,2,3,4],"ell":2}""")
        near "three" [ 66.0 ] (found "det" "primal" """{"A":[2,0,1,5,4,-3,1,2,6],"ell":3}""")

    [<Theory>]
    [<InlineData 7>]
    [<InlineData 8>]
    [<InlineData 9>]
    let ``det: the gradient holds the cofactors, det·A⁻ᵀ`` (size: int) =
        let random = Random 8
        let a = Array.init (size * size) (fun _ -> random.NextDouble())
        let matrix = tensor a |> reshape [ size; size ]
        let cofactors = FunctionalGrad.LinearAlgebra.det matrix * transpose (inverse matrix)
        let input = $"""{{"A":{list a},"ell":{size}}}"""
        requireNear "primal" 1e-11 [ float (FunctionalGrad.LinearAlgebra.det matrix) ] (found "det" "primal" input)
        requireNear "gradient" 1e-11 (List.ofArray ((flatten cofactors).ToArray<float>())) (found "det" "gradient" input)

/// The real messages, where they lie beside the repository.
module GradBenchSampleTests =
    open Conversation

    let private directory = Beside.directory "gradbench/samples"

    /// The gradients that the samples give for ode are those of the exact solution, x₀·…·xₙ₋₁·2ⁿ/n! at its end, which a few steps of the method do not come to.
    let private isOfExactSolution (eval: string, name: string) = (eval, name) = ("ode", "gradient")

    let private withSteps (steps: int) (input: JsonElement) : string = $"""{{"x":{input.GetProperty("x").GetRawText()},"s":{steps}}}"""

    let private check (line: string) : unit =
        use document = JsonDocument.Parse line
        let text (name: string) = document.RootElement.GetProperty(name).GetString()
        let eval, name, input = text "module", text "function", document.RootElement.GetProperty "input"
        let expected = numbers (document.RootElement.GetProperty "output")
        let what = $"""{eval} {name} {text "description"}"""

        if isOfExactSolution (eval, name) then
            evaluate eval name (withSteps 400 input) |> output |> requireNear what 1e-7 expected
        else
            evaluate eval name (input.GetRawText()) |> output |> requireNear what 1e-12 expected

    [<Fact>]
    let ``every sample`` () =
        match directory with
        | None -> Console.WriteLine "there are no samples of GradBench beside the repository; nothing was compared"
        | Some directory ->
            let lines =
                [ for file in Directory.GetFiles(directory, "*.jsonl") do
                      if Path.GetFileName file <> "session.jsonl" then yield! File.ReadLines file ]

            List.iter check lines
            Console.WriteLine $"{lines.Length} GradBench samples compared"

    [<Fact>]
    let ``a whole session`` () =
        directory
        |> Option.iter (fun directory ->
            use input = new StreamReader(Path.Combine(directory, "session.jsonl"))
            use output = new StringWriter()
            Protocol.serve input output TextWriter.Null
            let messages = File.ReadAllLines(Path.Combine(directory, "session.jsonl"))
            let answers = output.ToString().TrimEnd().Split '\n'
            Assert.Equal(messages.Length, answers.Length)
            let ids (lines: string[]) = [ for line in lines -> JsonDocument.Parse(line).RootElement.GetProperty("id").GetInt32() ]
            Assert.Equal<int list>(ids messages, ids answers)
            // The last three ask for a module, a function and a size that are not there.
            let failed =
                [ for line in answers do
                      if line.Contains "\"success\":false" then JsonDocument.Parse(line).RootElement.GetProperty("id").GetInt32() ]

            Assert.Equal<int list>([ 48; 49; 50 ], failed))
