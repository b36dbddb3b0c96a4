namespace FunctionalGrad.GradBench

open System
open System.Text.Json
open FunctionalGrad

/// A message that asks for something impossible; the text says what is wrong with it.
type InputException(message: string) =
    inherit Exception(message)

/// Reads numbers and tensors out of the input of a message, or says what is wrong with it.
module Input =
    let refuse (text: string) : 'T = raise (InputException text)

    /// The element of a name.
    let field (name: string) (input: JsonElement) : JsonElement =
        if input.ValueKind <> JsonValueKind.Object then
            refuse $"the input is {input.ValueKind}, not an object with the field {name}"

        match input.TryGetProperty name with
        | true, found -> found
        | false, _ -> refuse $"the input has no field {name}"

    let private finite (name: string) (element: JsonElement) : float =
        if element.ValueKind <> JsonValueKind.Number then refuse $"{name} is {element.ValueKind}, not a number"
        let number = element.GetDouble()
        if not (Double.IsFinite number) then refuse $"{name} is {number}, not a finite number"
        number

    let private elements (name: string) (element: JsonElement) : JsonElement[] =
        if element.ValueKind <> JsonValueKind.Array then refuse $"{name} is {element.ValueKind}, not an array"
        [| for item in element.EnumerateArray() -> item |]

    let private ofFlat (shape: int list) (numbers: float[]) : Tensor =
        Tensor.ofArray (NDArray.Create<float>(Shape shape, ReadOnlySpan numbers))

    /// The input itself as a number.
    let bare (input: JsonElement) : Tensor = tensor (finite "the input" input)

    /// A number.
    let number (name: string) (input: JsonElement) : float = finite name (field name input)

    /// An integer from a lowest to a highest that make sense.
    let integer (name: string) (lowest: int) (highest: int) (input: JsonElement) : int =
        let number = number name input
        if number <> Math.Floor number then refuse $"{name} is {number}, not an integer"

        if number < float lowest || number > float highest then
            refuse $"{name} is {number}; it must be from {lowest} to {highest}"

        int number

    /// A vector of at least one number.
    let vector (name: string) (input: JsonElement) : Tensor =
        let numbers = field name input |> elements name |> Array.map (finite name)
        if numbers.Length = 0 then refuse $"{name} is empty"
        ofFlat [ numbers.Length ] numbers

    /// A vector of so many numbers.
    let vectorOf (size: int) (name: string) (input: JsonElement) : Tensor =
        let found = vector name input
        if found.Count <> size then refuse $"{name} has {found.Count} numbers; it must have {size}"
        found

    let private rows (name: string) (input: JsonElement) : float[][] =
        let found = field name input |> elements name |> Array.map (elements name >> Array.map (finite name))
        if found.Length = 0 then refuse $"{name} is empty"
        let columns = found[0].Length
        let odd = found |> Array.tryFindIndex (fun row -> row.Length <> columns)

        odd |> Option.iter (fun i -> refuse $"row {i} of {name} has {found[i].Length} numbers, row 0 has {columns}")

        found

    /// A matrix of at least one number.
    let matrix (name: string) (input: JsonElement) : Tensor =
        let rows = rows name input
        if rows[0].Length = 0 then refuse $"the rows of {name} are empty"
        ofFlat [ rows.Length; rows[0].Length ] (Array.concat rows)

    /// A matrix of so many rows and columns; there may be no columns.
    let matrixOf (height: int) (width: int) (name: string) (input: JsonElement) : Tensor =
        let rows = rows name input

        if rows.Length <> height || rows[0].Length <> width then
            refuse $"{name} has {rows.Length} rows of {rows[0].Length} numbers; it must have {height} rows of {width}"

        ofFlat [ height; width ] (Array.concat rows)
