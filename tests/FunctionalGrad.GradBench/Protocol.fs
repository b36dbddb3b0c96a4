namespace FunctionalGrad.GradBench

open System
open System.Diagnostics
open System.IO
open System.Text
open System.Text.Encodings.Web
open System.Text.Json
open System.Text.Json.Nodes

/// The protocol of GradBench: a message a line, and for each an answer a line.
module Protocol =
    let evals: Eval list = [ Hello.eval; Llsq.eval; Lse.eval; Gmm.eval; Lstm.eval; Ode.eval; KMeans.eval; Det.eval ]

    let private options = JsonSerializerOptions(Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping)

    let private answer (id: JsonNode) (fields: (string * JsonNode) list) : string =
        let message = JsonObject()
        message.Add("id", id)

        for name, value in fields do
            message.Add(name, value)

        message.ToJsonString options

    let private yes () : string * JsonNode = "success", JsonValue.Create true

    let private failure (text: string) : (string * JsonNode) list = [ "success", JsonValue.Create false; "error", JsonValue.Create text ]

    let private text (name: string) (message: JsonElement) : string =
        let found =
            match message.TryGetProperty name with
            | true, value when value.ValueKind = JsonValueKind.String -> value.GetString()
            | true, value -> Input.refuse $"{name} is {value.ValueKind}, not a string"
            | false, _ -> Input.refuse $"the message has no {name}"

        found

    let private find (what: string) (name: string) (known: (string * 'T) list) : 'T =
        match List.tryFind (fst >> (=) name) known with
        | Some(_, found) -> found
        | None ->
            let names = known |> List.map fst |> String.concat ", "
            Input.refuse $"there is no {what} \"{name}\" here: there are {names}"

    let private named (message: JsonElement) : Eval =
        evals |> List.map (fun eval -> eval.Module, eval) |> find "module" (text "module" message)

    /// The evaluation of the function that a message names.
    let evaluation (eval: Eval) (name: string) (input: JsonElement) : Evaluation = find "function" name eval.Functions input

    let private limit (name: string) (input: JsonElement) : float =
        if input.ValueKind = JsonValueKind.Object && fst (input.TryGetProperty name) then Input.number name input else 0.0

    /// Runs so many times at least, and for so many seconds at least; the nanoseconds of each run.
    let time (runs: float) (seconds: float) (evaluation: Evaluation) : int64 list =
        let rec go (timings: int64 list) (spent: TimeSpan) =
            if not timings.IsEmpty && float timings.Length >= runs && spent.TotalSeconds >= seconds then
                List.rev timings
            else
                let start = Stopwatch.GetTimestamp()
                evaluation.Run()
                let elapsed = Stopwatch.GetElapsedTime start
                go (int64 elapsed.TotalNanoseconds :: timings) (spent + elapsed)

        go [] TimeSpan.Zero

    let private evaluate (message: JsonElement) : (string * JsonNode) list =
        let eval = named message
        let input = Input.field "input" message
        let runs, seconds = limit "min_runs" input, limit "min_seconds" input
        let evaluation = evaluation eval (text "function" message) input

        let timing (nanoseconds: int64) : JsonNode =
            JsonObject(dict<string, JsonNode> [ "name", JsonValue.Create "evaluate"; "nanoseconds", JsonValue.Create nanoseconds ])

        let timings = evaluation |> time runs seconds |> List.map timing |> Array.ofList
        [ yes (); "output", evaluation.Output(); "timings", JsonArray timings ]

    let private reply (message: JsonElement) : (string * JsonNode) list =
        match text "kind" message with
        | "start" -> [ "tool", JsonValue.Create "functionalgrad" ]
        | "define" ->
            named message |> ignore
            [ yes () ]
        | "evaluate" -> evaluate message
        | _ -> []

    /// The id in a line that is no JSON to its end, so that whoever waits for that answer gets it.
    let private salvagedId (line: string) : JsonNode =
        let mutable reader = Utf8JsonReader(ReadOnlySpan(Encoding.UTF8.GetBytes line))
        let mutable id: JsonNode = null

        try
            while isNull id && reader.Read() do
                if reader.TokenType = JsonTokenType.PropertyName && reader.CurrentDepth = 1 && reader.ValueTextEquals "id" then
                    id <- JsonNode.Parse(&reader)
        with :? JsonException ->
            ()

        id

    let private tryParse (line: string) : Result<JsonDocument, string> =
        try
            Ok(JsonDocument.Parse line)
        with :? JsonException as error ->
            Error error.Message

    let private idOf (message: JsonElement) : JsonNode =
        match message.TryGetProperty "id" with
        | true, id -> JsonNode.Parse(id.GetRawText())
        | false, _ -> null

    /// The answer to a line. Whatever goes wrong with a message is said in the answer to it, and in full to `log`.
    let respond (log: TextWriter) (line: string) : string =
        match tryParse line with
        | Error problem ->
            log.WriteLine $"not JSON: {problem}"
            answer (salvagedId line) (failure $"the message is not JSON: {problem}")
        | Ok document ->
            use document = document
            let message = document.RootElement

            if message.ValueKind <> JsonValueKind.Object then
                log.WriteLine $"no object: {message.ValueKind}"
                answer null (failure $"the message is {message.ValueKind}, not an object")
            else
                try
                    reply message |> answer (idOf message)
                with
                | :? InputException as error ->
                    log.WriteLine error.Message
                    answer (idOf message) (failure error.Message)
                | error ->
                    log.WriteLine error
                    answer (idOf message) (failure error.Message)

    /// Answers until the input ends.
    let serve (input: TextReader) (output: TextWriter) (log: TextWriter) : unit =
        let mutable line = input.ReadLine()

        while not (isNull line) do
            if not (String.IsNullOrWhiteSpace line) then
                output.WriteLine(respond log line)
                output.Flush()

            line <- input.ReadLine()
