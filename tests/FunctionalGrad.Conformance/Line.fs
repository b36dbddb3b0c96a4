namespace FunctionalGrad.Conformance

open System
open System.Globalization
open System.IO
open System.Text.Json
open FunctionalGrad

/// A tensor as a line gives it: row-major.
type Numbers = { Shape: int list; DType: DType; Data: float[] }

/// What a tensor should be: None where an element is not to be judged.
type Expected = { Shape: int list; DType: DType; Data: float option[] }

/// An input of an op, and whether derivatives are taken with respect to it.
type Input = { Name: string; IsDifferentiable: bool; Value: Numbers }

/// One case of an op: what goes in, and what should come out. A derivative that the line does not judge is absent or None.
[<NoComparison; NoEquality>]
type Line =
    {
        Op: string
        Case: string
        Family: string
        Args: JsonElement
        Inputs: Input[]
        Output: Expected
        Cotangent: Numbers option
        /// Place of the input, and its gradient.
        Vjp: (int * Expected) list
        /// One for each differentiable input, in their order.
        Tangents: Numbers[] option
        Jvp: Expected option
        /// Place of the input, and its second derivative along the tangents.
        Hvp: (int * Expected) list
        /// The relative tolerance that the line asks for, where the usual one is out of reach.
        Tolerance: float option
    }

/// Reading lines of golden vectors.
module Line =
    let private malformed message = raise (InvalidDataException message)

    let private tryField (name: string) (json: JsonElement) : JsonElement option =
        if json.ValueKind <> JsonValueKind.Object then malformed $"\"{name}\" is looked for in what is no object."

        match json.TryGetProperty name with
        | true, value when value.ValueKind <> JsonValueKind.Null -> Some value
        | _ -> None

    let private field name json : JsonElement = tryField name json |> Option.defaultWith (fun () -> malformed $"there is no \"{name}\".")

    let private items name (json: JsonElement) : JsonElement[] =
        if json.ValueKind <> JsonValueKind.Array then malformed $"\"{name}\" is no array."

        Array.ofSeq (json.EnumerateArray())

    let private text name json : string =
        match field name json with
        | value when value.ValueKind = JsonValueKind.String -> value.GetString()
        | _ -> malformed $"\"{name}\" is no string."

    let private truth name json : bool =
        match (tryField name json |> Option.map (fun value -> value.ValueKind)) with
        | Some JsonValueKind.True -> true
        | None
        | Some JsonValueKind.False -> false
        | _ -> malformed $"\"{name}\" is neither true nor false."

    let private number (json: JsonElement) : float =
        match json.ValueKind with
        | JsonValueKind.Number -> json.GetDouble()
        | JsonValueKind.String ->
            match json.GetString() with
            | "NaN" -> nan
            | "Infinity" -> infinity
            | "-Infinity" -> -infinity
            | other -> malformed $"\"{other}\" is no number."
        | kind -> malformed $"{kind} stands where a number belongs."

    let private optionalNumber (json: JsonElement) : float option = if json.ValueKind = JsonValueKind.Null then None else Some(number json)

    let private size (json: JsonElement) : int =
        match json.ValueKind with
        | JsonValueKind.Number ->
            match json.TryGetInt32() with
            | true, size when size >= 0 -> size
            | _ -> malformed $"{json.GetRawText()} is no size."
        | _ -> malformed $"{json.GetRawText()} is no size."

    let private dtypeOf (json: JsonElement) : DType =
        match text "dtype" json with
        | "float64" -> DType.Float64
        | "int64" -> DType.Int64
        | "bool" -> DType.Bool
        | other -> malformed $"the dtype \"{other}\" is none of float64, int64, bool."

    let private numbers (json: JsonElement) : Numbers =
        let shape = field "shape" json |> items "shape" |> Array.map size |> List.ofArray
        let data = field "data" json |> items "data" |> Array.map number
        let count = shape |> List.fold (fun count size -> count * int64 size) 1L

        if count <> int64 data.LongLength then malformed $"{data.Length} elements do not fill the shape {Shape shape}."

        { Shape = shape; DType = dtypeOf json; Data = data }

    let private judged (given: Numbers) : Expected = { Shape = given.Shape; DType = given.DType; Data = Array.map Some given.Data }

    /// The elements, with others in their place.
    let private replaced what (elements: float option[]) (given: Expected) : Expected =
        if elements.Length <> given.Data.Length then
            malformed $"\"{what}\" has {elements.Length} elements where there are {given.Data.Length}."

        { given with Data = elements }

    /// Correctly rounded elements are preferred to those of the line.
    let private output (line: JsonElement) : Expected =
        let given = field "output" line |> numbers |> judged

        match tryField "exact_output" line with
        | None -> given
        | Some exact ->
            let rounded = items "exact_output" exact |> Array.map optionalNumber
            let preferred = Array.mapi (fun i element -> Option.orElse given.Data[min i (max 0 (given.Data.Length - 1))] element) rounded
            replaced "exact_output" preferred given

    /// What a line says of each input; null where it says nothing.
    let private perInput name (inputs: Input[]) (line: JsonElement) : (int * Numbers) list =
        match tryField name line with
        | None -> []
        | Some given ->
            let given = items name given

            if given.Length <> inputs.Length then
                malformed $"\"{name}\" speaks of {given.Length} inputs; there are {inputs.Length}."

            [ for i in 0 .. given.Length - 1 do
                  if given[i].ValueKind <> JsonValueKind.Null && inputs[i].IsDifferentiable then i, numbers given[i] ]

    /// The gradients that may be judged. exact_grad speaks of the first input, or of each if it is a list of lists.
    let private gradients (inputs: Input[]) (line: JsonElement) : (int * Expected) list =
        let given = perInput "vjp" inputs line |> List.map (fun (place, value) -> place, judged value)
        let isNamed, exact = line.TryGetProperty "exact_grad"

        if truth "grad_convention" line || isNamed && exact.ValueKind = JsonValueKind.Null then
            []
        elif not isNamed then
            given
        else
            let rows = items "exact_grad" exact
            let isNested = rows |> Array.exists (fun row -> row.ValueKind = JsonValueKind.Array)

            [ for order, (place, value) in List.indexed given do
                  if isNested && place < rows.Length && rows[place].ValueKind <> JsonValueKind.Null then
                      place, replaced "exact_grad" (items "exact_grad" rows[place] |> Array.map optionalNumber) value
                  elif not isNested && order = 0 then
                      place, replaced "exact_grad" (Array.map optionalNumber rows) value ]

    let private input (json: JsonElement) : Input = { Name = text "name" json; IsDifferentiable = truth "diff" json; Value = numbers json }

    /// A note "compare at 1e-6" is the word of who wrote the line that its numbers are no better.
    let private tolerance (line: JsonElement) : float option =
        match tryField "note" line with
        | Some note when note.ValueKind = JsonValueKind.String ->
            let found = System.Text.RegularExpressions.Regex.Match(note.GetString(), @"compare at (\d\S*)")
            let isNumber, value = Double.TryParse((found.Groups[1].Value: string), NumberStyles.Float, CultureInfo.InvariantCulture)
            if found.Success && isNumber then Some value else None
        | _ -> None

    let private ofJson (line: JsonElement) : Line =
        let inputs = field "inputs" line |> items "inputs" |> Array.map input
        let tangents = perInput "tangents" inputs line |> List.map snd |> Array.ofList
        let differentiable = inputs |> Array.filter (fun input -> input.IsDifferentiable)

        { Op = text "op" line
          Case = text "case" line
          Family = text "family" line
          Args = field "args" line
          Inputs = inputs
          Output = output line
          Cotangent = tryField "cotangent" line |> Option.map numbers
          Vjp = gradients inputs line
          Tangents = if tangents.Length = differentiable.Length then Some tangents else None
          Jvp = tryField "jvp" line |> Option.map (numbers >> judged)
          Hvp = perInput "hvp" inputs line |> List.map (fun (place, value) -> place, judged value)
          Tolerance = tolerance line }

    /// One line of a file.
    /// <exception cref="T:System.IO.InvalidDataException">It is not JSON, or something is missing or contradicts itself.</exception>
    let parse (text: string) : Line =
        try
            use document = JsonDocument.Parse text
            ofJson (document.RootElement.Clone())
        with :? JsonException as error ->
            malformed $"this is not JSON: {error.Message}"
