namespace FunctionalGrad.Tests

open System
open System.IO
open System.Text.Json
open FunctionalGrad
open Xunit
open Xunit.Abstractions

/// What the lines of golden vectors say, and which functions they speak of.
module internal Golden =
    /// The directory, next to the repository; None where there is none.
    let directory: string option =
        let isRoot (folder: DirectoryInfo) =
            File.Exists(Path.Combine(folder.FullName, "FunctionalGrad.sln")) || Path.Exists(Path.Combine(folder.FullName, ".git"))

        Seq.unfold
            (fun (folder: DirectoryInfo) -> if isNull folder then None else Some(folder, folder.Parent))
            (DirectoryInfo AppContext.BaseDirectory)
        |> Seq.tryFind isRoot
        |> Option.map (fun root -> Path.GetFullPath(Path.Combine(root.FullName, "..", "shared", "golden")))
        |> Option.filter Directory.Exists

    let private number (json: JsonElement) =
        match json.ValueKind with
        | JsonValueKind.String -> Double.Parse(json.GetString(), Globalization.CultureInfo.InvariantCulture)
        | _ -> json.GetDouble()

    let ints (json: JsonElement) = [ for item in json.EnumerateArray() -> item.GetInt32() ]

    /// A tensor of the dtype that the line names.
    let read (json: JsonElement) : Tensor =
        let elements = [| for item in json.GetProperty("data").EnumerateArray() -> number item |]
        let x = Source.Of(Shape(ints (json.GetProperty "shape")), elements)

        match json.GetProperty("dtype").GetString() with
        | "float64" -> x
        | "int64" -> cast DType.Int64 x
        | _ -> cast DType.Bool x

    let has (name: string) (json: JsonElement) =
        match json.TryGetProperty name with
        | true, value -> value.ValueKind <> JsonValueKind.Null
        | _ -> false

    /// The output, with correctly rounded elements where the line has them.
    let private exact (line: JsonElement) (output: Tensor) : Tensor =
        if has "exact_output" line then
            let rounded = [| for item in line.GetProperty("exact_output").EnumerateArray() -> item |]
            let element i = if rounded[i].ValueKind = JsonValueKind.Null then output.Value.GetDouble i else number rounded[i]
            Source.Of(output.Shape, Array.init output.Count element)
        else
            output

    let private unary f (_: JsonElement) = Some(fun (xs: Tensor[]) -> f xs[0]: Tensor)
    let private binary f (_: JsonElement) = Some(fun (xs: Tensor[]) -> f xs[0] xs[1]: Tensor)

    /// axis null is all axes; keepdims picks the form.
    let private reduction over keeping (args: JsonElement) =
        let keep = has "keepdims" args && args.GetProperty("keepdims").GetBoolean()
        let reduce = if keep then keeping else over

        Some(fun (xs: Tensor[]) ->
            if not (has "axis" args) then
                reduce [ 0 .. xs[0].Rank - 1 ] xs[0]
            else
                match args.GetProperty "axis" with
                | axis when axis.ValueKind = JsonValueKind.Array -> reduce (ints axis) xs[0]
                | axis -> reduce [ axis.GetInt32() ] xs[0]: Tensor)

    let private alongAxis f (args: JsonElement) =
        let axis = args.GetProperty("axis").GetInt32()
        Some(fun (xs: Tensor[]) -> f axis xs: Tensor)

    /// Only the mean over all is a loss here.
    let private meanOnly f (args: JsonElement) =
        if has "reduction" args && args.GetProperty("reduction").GetString() <> "mean" then
            None
        else
            Some(fun (xs: Tensor[]) -> f xs[0] xs[1]: Tensor)

    let private crossEntropyOf (args: JsonElement) =
        if has "label_smoothing" args && args.GetProperty("label_smoothing").GetDouble() <> 0.0 then
            None
        else
            meanOnly (fun logits target -> if logits.Rank = 2 then crossEntropy target logits else raise (NotSupportedException())) args

    let private int (name: string) (args: JsonElement) = args.GetProperty(name).GetInt32()

    let private ranges (args: JsonElement) =
        let bound (item: JsonElement) = if item.ValueKind = JsonValueKind.Null then None else Some(item.GetInt32())

        [ for range in args.GetProperty("slices").EnumerateArray() ->
              match [ for item in range.EnumerateArray() -> bound item ] with
              | [ start; stop; step ] -> start, stop, step
              | other -> failwith $"a range has three parts, not {other.Length}" ]

    let private padded (args: JsonElement) =
        let mode =
            match args.GetProperty("mode").GetString() with
            | "reflect" -> PadMode.Reflect
            | "edge" -> PadMode.Edge
            | "wrap" -> PadMode.Wrap
            | _ -> PadMode.Constant(args.GetProperty("value").GetDouble())

        let widths = [ for pair in args.GetProperty("pads").EnumerateArray() -> pair[0].GetInt32(), pair[1].GetInt32() ]
        Some(fun (xs: Tensor[]) -> padMode mode widths xs[0])

    /// The function of a line's op and arguments; None where the library has no such function.
    let functions: Map<string, JsonElement -> (Tensor[] -> Tensor) option> =
        Map
            [ "abs", unary abs
              "neg", unary (~-)
              "sqrt", unary sqrt
              "rsqrt", unary rsqrt
              "exp", unary exp
              "expm1", unary expm1
              "log", unary log
              "log1p", unary log1p
              "sin", unary sin
              "cos", unary cos
              "tan", unary tan
              "tanh", unary tanh
              "sigmoid", unary sigmoid
              "softplus", unary softplus
              "erf", unary erf
              "floor", unary floor
              "ceil", unary ceil
              "round", unary round
              "trunc", unary truncate
              "sign", unary signOf
              "square", unary square
              "reciprocal", unary reciprocal
              "relu", unary relu
              "isnan", unary isNaN
              "logical_not", unary logicalNot
              "add", binary (+)
              "sub", binary (-)
              "mul", binary (*)
              "div", binary (/)
              "pow", binary pow
              "atan2", binary atan2
              "maximum", binary maximum
              "minimum", binary minimum
              "remainder", binary remainder
              "lt", binary less
              "le", binary lessEqual
              "gt", binary greater
              "ge", binary greaterEqual
              "eq", binary equal
              "ne", binary notEqual
              "logical_and", binary logicalAnd
              "logical_or", binary logicalOr
              "logical_xor", binary logicalXor
              "pow_scalar", (fun args -> let exponent = args.GetProperty("exponent").GetDouble() in Some(fun xs -> xs[0] ** exponent))
              "where", (fun _ -> Some(fun xs -> where xs[0] xs[1] xs[2]))
              "sum", reduction sum sumKeepDims
              "mean", reduction mean meanKeepDims
              "prod", reduction prod prodKeepDims
              "max", reduction amax amaxKeepDims
              "min", reduction amin aminKeepDims
              "softmax", alongAxis (fun axis xs -> softmax axis xs[0])
              "log_softmax", alongAxis (fun axis xs -> logSoftmax axis xs[0])
              "dot", binary dot
              "mv", binary mv
              "outer", binary outer
              "matmul", binary matmul
              "einsum",
              (fun args -> let equation = args.GetProperty("equation").GetString() in Some(fun xs -> einsum equation (List.ofArray xs)))
              "reshape", (fun args -> let sizes = ints (args.GetProperty "shape") in Some(fun xs -> reshape sizes xs[0]))
              "broadcast_to", (fun args -> let sizes = ints (args.GetProperty "shape") in Some(fun xs -> broadcastTo sizes xs[0]))
              "permute", (fun args -> let axes = ints (args.GetProperty "axes") in Some(fun xs -> permute axes xs[0]))
              "expand_dims", alongAxis (fun axis xs -> expandDims axis xs[0])
              "concat", alongAxis (fun axis xs -> concat axis (List.ofArray xs))
              "stack", alongAxis (fun axis xs -> stack axis (List.ofArray xs))
              "embedding", binary (fun table index -> take 0 index table)
              "mse", meanOnly (fun x y -> mseLoss y x)
              "l1", meanOnly (fun x y -> l1Loss y x)
              "nll", meanOnly (fun logp target -> nllLoss target logp)
              "cross_entropy", crossEntropyOf
              "cross_entropy_soft", binary (fun logits target -> crossEntropySoft target logits)
              "cholesky", unary cholesky
              "solve", binary solve
              "triangular_solve",
              (fun args ->
                  let flag (name: string) = args.GetProperty(name).GetBoolean()
                  Some(fun xs -> triangularSolve (flag "lower") (flag "trans") (flag "unit_diagonal") xs[0] xs[1]))
              "inverse", unary inverse
              "det", unary det
              "slogdet", unary (slogdet >> snd)
              "matrix_power", (fun args -> let n = args.GetProperty("n").GetInt32() in Some(fun xs -> matrixPower n xs[0]))
              "cross", binary cross
              "eigvalsh", unary eigvalsh
              "swapaxes", (fun args -> Some(fun xs -> swapaxes (int "axis1" args) (int "axis2" args) xs[0]))
              "transpose",
              (fun args -> Some(fun xs -> if has "axes" args then permute (ints (args.GetProperty "axes")) xs[0] else transpose xs[0]))
              "squeeze", (fun args -> Some(fun xs -> if has "axis" args then squeeze [ int "axis" args ] xs[0] else squeezeAll xs[0]))
              "flip", (fun args -> Some(fun xs -> flip (if has "axis" args then [ int "axis" args ] else [ 0 .. xs[0].Rank - 1 ]) xs[0]))
              "slice", (fun args -> Some(fun xs -> slice (ranges args) xs[0]))
              "split", (fun args -> Some(fun xs -> (split (int "axis" args) (ints (args.GetProperty "sizes")) xs[0])[int "index" args]))
              "moveaxis", (fun args -> Some(fun xs -> moveaxis (int "source" args) (int "destination" args) xs[0]))
              "roll",
              (fun args ->
                  let shift = int "shift" args
                  Some(fun xs -> if has "axis" args then roll shift (int "axis" args) xs[0] else rollAll shift xs[0]))
              "tile", (fun args -> Some(fun xs -> tile (ints (args.GetProperty "reps")) xs[0]))
              "repeat", (fun args -> Some(fun xs -> repeat (int "repeats" args) (int "axis" args) xs[0]))
              "tril", (fun args -> Some(fun xs -> tril (int "k" args) xs[0]))
              "triu", (fun args -> Some(fun xs -> triu (int "k" args) xs[0]))
              "diag", (fun args -> Some(fun xs -> diag (int "k" args) xs[0]))
              "diagonal", (fun args -> Some(fun xs -> diagonal (int "offset" args) (int "axis1" args) (int "axis2" args) xs[0]))
              "trace", unary trace
              "kron", binary kron
              "pad", padded
              "one_hot", (fun args -> Some(fun xs -> oneHotWith DType.Float64 (int "num_classes" args) xs[0]))
              "gather", alongAxis (fun axis xs -> gather axis xs[1] xs[0])
              "take_along_axis", alongAxis (fun axis xs -> takeAlongAxis axis xs[1] xs[0])
              "index_select", alongAxis (fun axis xs -> indexSelect axis xs[1] xs[0])
              "index_add", alongAxis (fun axis xs -> indexAdd axis xs[1] xs[2] xs[0])
              "scatter", alongAxis (fun axis xs -> scatter axis xs[1] xs[2] xs[0])
              "scatter_add", alongAxis (fun axis xs -> scatterAdd axis xs[1] xs[2] xs[0])
              "cumsum", alongAxis (fun axis xs -> cumsum axis xs[0])
              "cumprod", alongAxis (fun axis xs -> cumprod axis xs[0])
              "logcumsumexp", alongAxis (fun axis xs -> logcumsumexp axis xs[0])
              "argmax", reduction argmax argmaxKeepDims
              "argmin", reduction argmin argminKeepDims
              "sort", alongAxis (fun axis xs -> sort axis xs[0])
              "topk", (fun args -> Some(fun xs -> fst (topk (int "k" args) (int "axis" args) xs[0]))) ]

    /// Lines that judge what the library leaves open or settles otherwise, and why.
    let excluded =
        Map
            [ "mean, large", "the order in which a sum is taken is free, and here it decides the result"
              "log_softmax, with_inf", "beside an infinite logit the others have the limit −∞, not NaN" ]

    let private tolerance what (relative: float) (absolute: float) (expected: Tensor) (actual: Tensor) =
        let numbers (x: Tensor) = Array.init x.Count x.Value.GetDouble
        Expect.shape (List.ofSeq expected.Shape.Sizes) actual

        Array.iteri2
            (fun i (a: float) (b: float) ->
                let near = a = b || (Double.IsNaN a && Double.IsNaN b) || (Double.IsFinite a && abs (a - b) <= relative * abs a + absolute)
                Assert.True(near, $"{what}, element {i}: {b}, not {a}"))
            (numbers expected)
            (numbers actual)

    let private compareAll what relative absolute (expected: JsonElement) (places: int[]) (actual: Tensor[]) =
        let expected = Array.ofSeq (expected.EnumerateArray())
        Array.iter2 (fun place found -> tolerance $"{what} of input {place}" relative absolute (read expected[place]) found) places actual

    /// The elements that are given; null is where nothing is to be judged.
    let private compareKnown what (expected: JsonElement) (actual: Tensor) =
        let found = actual.ToArray<float>()

        let kept =
            [| for item in expected.EnumerateArray() -> item |]
            |> Array.mapi (fun i item -> if item.ValueKind = JsonValueKind.Null then found[i] else number item)

        tolerance what 1e-9 1e-12 (Source.Of(actual.Shape, kept)) actual

    /// Value, reverse, forward and second order of one line, as far as it gives them.
    let check (line: JsonElement) (f: Tensor[] -> Tensor) =
        let described = [| for input in line.GetProperty("inputs").EnumerateArray() -> input |]
        let inputs = described |> Array.map read
        tolerance "value" 1e-9 1e-12 (exact line (read (line.GetProperty "output"))) (f inputs)

        let places =
            [| for i in 0 .. inputs.Length - 1 do
                   if described[i].GetProperty("diff").GetBoolean() then i |]

        let isConvention = has "grad_convention" line && line.GetProperty("grad_convention").GetBoolean()

        if has "vjp" line && places.Length > 0 && not isConvention then
            let xs = places |> Array.map (fun place -> inputs[place])

            let partial (values: Tensor[]) =
                let all = Array.copy inputs
                Array.iter2 (fun place value -> all[place] <- value) places values
                f all

            let u = read (line.GetProperty "cotangent")
            let gradient = grad (fun xs -> sumAll (u * partial xs))

            if has "exact_grad" line then
                compareKnown "vjp" (line.GetProperty "exact_grad") (Array.head (gradient xs))
            else
                compareAll "vjp" 1e-9 1e-12 (line.GetProperty "vjp") places (gradient xs)

            if has "jvp" line then
                let tangents = [| for tangent in line.GetProperty("tangents").EnumerateArray() -> tangent |]
                let v = places |> Array.map (fun place -> read tangents[place])
                tolerance "jvp" 1e-9 1e-12 (read (line.GetProperty "jvp")) (jvp partial xs v |> snd)

                if has "hvp" line then compareAll "hvp" 1e-8 1e-11 (line.GetProperty "hvp") places (jvp gradient xs v |> snd)

/// Values and derivatives against those that other libraries give, where they lie beside the repository.
type GoldenTests(output: ITestOutputHelper) =
    [<Fact>]
    member _.``golden vectors``() =
        match Golden.directory with
        | None -> Console.WriteLine "there are no golden vectors beside the repository; nothing was compared"
        | Some directory ->
            let mutable compared = 0

            let tryLine (text: string) =
                use document = JsonDocument.Parse text
                let line = document.RootElement
                let name = line.GetProperty("op").GetString()

                let title = name + ", " + line.GetProperty("case").GetString()

                match Map.tryFind name Golden.functions |> Option.bind (fun make -> make (line.GetProperty "args")) with
                | None -> None
                | Some _ when Golden.excluded.ContainsKey title -> None
                | Some f ->
                    try
                        Golden.check line f
                        compared <- compared + 1
                        None
                    with
                    | :? NotSupportedException -> None
                    | error -> Some $"{title}: {error.Message}"

            let failures = Directory.GetFiles(directory, "*.jsonl") |> Seq.collect File.ReadLines |> Seq.choose tryLine |> List.ofSeq
            output.WriteLine $"{compared} lines compared"
            Console.WriteLine $"{compared} golden lines compared"
            Assert.True(failures.IsEmpty, String.concat "\n" failures)
