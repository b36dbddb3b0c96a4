/// Whether an op gives what a line says.
module FunctionalGrad.Conformance.Judging

open System
open FunctionalGrad

/// What computes the values.
type Evaluator =
    | Reference
    | Interpreter

/// The floats that go in.
type Precision =
    | Double
    /// The line must hold in float64 first; then its inputs go in as float32.
    | Single

/// One answer that was not as expected: which, and how.
type Failure = { What: string; Text: string }

/// One thing that a line asks for.
[<NoComparison; NoEquality>]
type private Question = { What: string; IsSecondOrder: bool; Expected: Expected; Answer: unit -> Tensor }

/// How far an element may be off: a function of its place and of what is expected there.
type private Tolerance = int -> float -> float

let private create<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> shape (data: 'T[]) =
    Tensor.ofArray (NDArray.Create<'T>(Shape(shape: int list), ReadOnlySpan data))

/// The tensor of a line's numbers. The floats go through a function first.
let private toTensor (float: Shape -> float[] -> Tensor) (numbers: Numbers) : Tensor =
    match numbers.DType with
    | DType.Float64 -> float (Shape numbers.Shape) numbers.Data
    | DType.Int64 -> numbers.Data |> Array.map int64 |> create numbers.Shape
    | _ -> numbers.Data |> Array.map ((<>) 0.0) |> create numbers.Shape

let private doubles (shape: Shape) (data: float[]) = create (List.ofSeq shape.Sizes) data
let private singles (shape: Shape) (data: float[]) = create (List.ofSeq shape.Sizes) (Array.map float32 data)
let private rounded (shape: Shape) (data: float[]) = doubles shape (data |> Array.map (float32 >> float))

/// Everything that a line asks of its op, in the order: output, vjp, jvp, hvp.
let private questions (op: Tensor[] -> Tensor) (floats: Shape -> float[] -> Tensor) (line: Line) : Question list =
    let read = toTensor floats
    let inputs = line.Inputs |> Array.map (fun input -> read input.Value)

    let places =
        [| for i in 0 .. inputs.Length - 1 do
               if line.Inputs[i].IsDifferentiable then i |]

    let xs = places |> Array.map (fun place -> inputs[place])

    let f (values: Tensor[]) =
        let all = Array.copy inputs
        Array.iter2 (fun place value -> all[place] <- value) places values
        op all

    let ask what isSecondOrder expected answer = { What = what; IsSecondOrder = isSecondOrder; Expected = expected; Answer = answer }

    let ofInput what isSecondOrder (place, expected) (answers: Lazy<Tensor[]>) =
        ask $"{what} {line.Inputs[place].Name}" isSecondOrder expected (fun () -> answers.Force()[Array.IndexOf(places, place)])

    let pull u (xs: Tensor[]) = (snd (vjp f xs)) u: Tensor[]

    [ ask "output" false line.Output (fun () -> op inputs)
      match line.Cotangent with
      | Some u ->
          let gradient = lazy (pull (read u) xs)

          for given in line.Vjp do
              ofInput "vjp" false given gradient
      | None -> ()
      match line.Tangents, line.Jvp with
      | Some v, Some expected -> ask "jvp" false expected (fun () -> jvp f xs (Array.map read v) |> snd)
      | _ -> ()
      match line.Cotangent, line.Tangents with
      | Some u, Some v ->
          let second = lazy (jvp (pull (read u)) xs (Array.map read v) |> snd)

          for given in line.Hvp do
              ofInput "hvp" true given second
      | _ -> () ]

let private text (x: float) = x.ToString("R", Globalization.CultureInfo.InvariantCulture)

/// The position of an element, axis by axis.
let private position (shape: int list) (element: int) =
    let index, _ = List.foldBack (fun size (index, rest) -> rest % size :: index, rest / size) shape ([], element)
    "[" + String.concat ", " (List.map string index) + "]"

let private few (elements: string[]) =
    let shown = elements |> Array.truncate 8 |> String.concat ", "
    if elements.Length > 8 then $"[{shown}, …]" else $"[{shown}]"

/// NaN is NaN, an infinity is itself only, the sign of a zero is free.
let private agrees (allowed: float) (expected: float) (found: float) =
    if Double.IsFinite expected then
        abs (found - expected) <= allowed
    else
        found = expected || Double.IsNaN expected && Double.IsNaN found

/// What is wrong with the elements, if anything is: the largest deviation, where it is, and both tensors.
let private elementsWrong (allowed: Tolerance) (expected: Expected) (found: float[]) : string option =
    let isWrong i wanted = not (agrees (allowed i wanted) wanted found[i])

    let wrong =
        [| for i, wanted in Array.indexed expected.Data do
               match wanted with
               | Some w when isWrong i w -> i, w
               | _ -> () |]

    if wrong.Length = 0 then
        None
    else
        let excess (i, wanted) =
            let deviation = abs (found[i] - wanted)
            if Double.IsFinite deviation then deviation / (allowed i wanted + Double.Epsilon) else infinity

        let i, wanted = wrong |> Array.maxBy excess
        let wantedAll = expected.Data |> Array.map (Option.map text >> Option.defaultValue "any")

        Some(
            $"expected {few wantedAll}, got {few (Array.map text found)}; {wrong.Length} of {found.Length} elements are off, most at "
            + $"{position expected.Shape i}: expected {text wanted}, got {text found[i]}, off by {abs (found[i] - wanted):g3}"
        )

let private isFloat (dtype: DType) = dtype = DType.Float64 || dtype = DType.Float32

/// What is wrong with an answer, if anything is.
let private wrong (precision: Precision) (allowed: Tolerance) (expected: Expected) (answer: Tensor) : string option =
    let shape = Shape expected.Shape

    if not (shape.Equals answer.Shape) then
        Some $"expected shape {shape}, got {answer.Shape}"
    elif not (answer.DType = expected.DType || precision = Single && isFloat answer.DType && isFloat expected.DType) then
        Some $"expected {expected.DType.Name()}, got {answer.DType.Name()}"
    else
        let value = answer.Value
        elementsWrong allowed expected (Array.init answer.Count value.GetDouble)

let private failureOf (question: Question) (judge: Tensor -> string option) : Failure option =
    try
        question.Answer() |> judge |> Option.map (fun text -> { What = question.What; Text = text })
    with error ->
        Some { What = question.What; Text = $"raised {error.GetType().Name}: {error.Message}" }

/// |a − b| ≤ 10⁻⁹·|b| + 10⁻¹², second order 10⁻⁸·|b| + 10⁻¹¹.
let private inDouble (line: Line) (question: Question) : Failure option =
    let relative = line.Tolerance |> Option.defaultValue (if question.IsSecondOrder then 1e-8 else 1e-9)
    let absolute = if question.IsSecondOrder then 1e-11 else 1e-12
    failureOf question (wrong Double (fun _ wanted -> relative * abs wanted + absolute) question.Expected)

/// A float32 beyond this may be infinite, or may come from parts that were.
let private nearlyInfinite = 1e37

/// The float32 answers. Rounding has 6·10⁻⁸; ten steps of a few units each, over sums of some fifty terms, make 10⁻⁴ of the value, and
/// 10⁻⁵ of the largest element of the tensor where terms cancel; second order ten times as much. On top comes what rounding the
/// inputs does to the exact result, which the same question at rounded inputs in float64 shows: `shifted`. Where that is of another
/// kind (finite or not), the element has no meaning in float32. Points of special values are elementwise, and so is their scale.
let private inSingle (line: Line) (question: Question) (shifted: Question) : Failure option =
    let factor = if question.IsSecondOrder then 10.0 else 1.0
    let known = question.Expected.Data |> Array.choose id
    let finite = known |> Array.filter Double.IsFinite |> Array.map abs
    let scale = if line.Family = "special" then 1.0 else Array.fold max 1.0 finite
    let relative = max 1e-4 (line.Tolerance |> Option.defaultValue 0.0) * factor
    let hasRoom = Array.forall (fun size -> size < nearlyInfinite) finite

    let judge (answer: Tensor) =
        let atRounded = let value = shifted.Answer().Value in Array.init value.Count value.GetDouble

        let meaningful i (wanted: float) =
            let isSameKind = wanted = atRounded[i] || Double.IsNaN wanted && Double.IsNaN atRounded[i]
            let fits = not (Double.IsFinite wanted) || abs wanted < nearlyInfinite
            fits && (isSameKind || Double.IsFinite(wanted - atRounded[i]))

        let expected =
            if atRounded.Length <> question.Expected.Data.Length then
                question.Expected
            else
                { question.Expected with
                    Data = question.Expected.Data |> Array.mapi (fun i wanted -> Option.filter (meaningful i) wanted) }

        let allowed i wanted = relative * abs wanted + 1e-5 * factor * scale + 4.0 * abs (wanted - atRounded[i])
        wrong Single allowed expected answer

    if question.IsSecondOrder && not hasRoom then
        None
    else
        failureOf { question with What = $"float32 {question.What}" } judge

/// An output that fails says enough: what follows from it is not asked.
let private failuresOf (judgements: (unit -> Failure option) list) : Failure list =
    match judgements with
    | [] -> []
    | output :: others ->
        match output () with
        | Some failure when failure.Text.StartsWith("raised", StringComparison.Ordinal) -> [ failure ]
        | first -> Option.toList first @ List.choose (fun judge -> judge ()) others

let private inSingles op line =
    List.zip (questions op singles line) (questions op rounded line)
    |> List.map (fun (question, shifted) -> fun () -> inSingle line question shifted)
    |> failuresOf

/// What a function gets wrong of a line; nothing if it conforms.
let judgeFunction (precision: Precision) (line: Line) (op: Tensor[] -> Tensor) : Failure list =
    match failuresOf [ for question in questions op doubles line -> fun () -> inDouble line question ], precision with
    | [], Single -> inSingles op line
    | failures, _ -> failures

/// What fails where the library has no function for an op with its arguments.
let missing = "op"

/// What a line's op gets wrong; nothing if it conforms. An op or arguments that the library does not know are a failure.
let judge (evaluator: Evaluator) (precision: Precision) (line: Line) : Failure list =
    let refuse text = [ { What = missing; Text = text } ]

    let judgeHere () =
        try
            match Map.tryFind line.Op Table.functions with
            | Some make ->
                match make line.Args with
                | Some op -> judgeFunction precision line op
                | None -> refuse $"the library has no {line.Op} with the arguments {line.Args.GetRawText()}"
            | None -> refuse "nobody knows this op"
        with error ->
            [ { What = "line"; Text = $"raised {error.GetType().Name}: {error.Message}" } ]

    if evaluator = Reference then Evaluation.byReference judgeHere else judgeHere ()
