/// Reading the arguments of a case. An argument that is missing or null has its default.
[<AutoOpen>]
module FunctionalGrad.Conformance.Arguments

open System.IO
open System.Text.Json

let private refuse name (json: JsonElement) wanted =
    raise (InvalidDataException $"the argument \"{name}\" is {json.GetRawText()}, not {wanted}.")

/// Whether an argument is there and not null.
let has (name: string) (args: JsonElement) : bool =
    match args.TryGetProperty name with
    | true, value -> value.ValueKind <> JsonValueKind.Null
    | _ -> false

/// The whole numbers of an array.
let ints (json: JsonElement) : int list =
    if json.ValueKind <> JsonValueKind.Array then refuse "sizes" json "a list of whole numbers"

    [ for item in json.EnumerateArray() -> item.GetInt32() ]

let private valueOr name fallback (read: JsonElement -> 'T) (args: JsonElement) =
    if has name args then read (args.GetProperty name) else fallback

/// A whole number.
let intOr (name: string) (fallback: int) (args: JsonElement) : int =
    let read (json: JsonElement) =
        if json.ValueKind = JsonValueKind.Number then int (json.GetDouble()) else refuse name json "a whole number"

    valueOr name fallback read args

/// A number, if there is one; non-finite ones are strings.
let tryFloat (name: string) (args: JsonElement) : float option =
    let read (json: JsonElement) =
        match json.ValueKind with
        | JsonValueKind.Number -> Some(json.GetDouble())
        | JsonValueKind.String ->
            match json.GetString() with
            | "Infinity"
            | "inf" -> Some infinity
            | "-Infinity"
            | "-inf" -> Some -infinity
            | "NaN" -> Some nan
            | _ -> refuse name json "a number"
        | _ -> refuse name json "a number"

    valueOr name None read args

/// A number.
let floatOr (name: string) (fallback: float) (args: JsonElement) : float = tryFloat name args |> Option.defaultValue fallback

/// A truth value.
let boolOr (name: string) (fallback: bool) (args: JsonElement) : bool =
    valueOr
        name
        fallback
        (fun json ->
            match json.ValueKind with
            | JsonValueKind.True -> true
            | JsonValueKind.False -> false
            | _ -> refuse name json "a truth value")
        args

/// A word.
let textOr (name: string) (fallback: string) (args: JsonElement) : string =
    valueOr name fallback (fun json -> if json.ValueKind = JsonValueKind.String then json.GetString() else refuse name json "a word") args

/// Several whole numbers; a single one stands for itself.
let intsOr (name: string) (fallback: int list) (args: JsonElement) : int list =
    valueOr name fallback (fun json -> if json.ValueKind = JsonValueKind.Number then [ json.GetInt32() ] else ints json) args

/// One whole number for each of two axes; a single one serves both.
let pairOr (name: string) (fallback: int) (args: JsonElement) : int * int =
    match intsOr name [ fallback ] args with
    | [ both ] -> both, both
    | [ rows; columns ] -> rows, columns
    | _ -> refuse name (args.GetProperty name) "one or two whole numbers"

/// The axes that an argument names; None is all of them.
let tryAxes (name: string) (args: JsonElement) : int list option = if has name args then Some(intsOr name [] args) else None

/// The axis that an argument must name.
let axisOf (args: JsonElement) : int =
    if has "axis" args then intOr "axis" 0 args else raise (InvalidDataException "the argument \"axis\" is missing.")
