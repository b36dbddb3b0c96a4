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

    let private float (name: string) (args: JsonElement) = args.GetProperty(name).GetDouble()
    let private int (name: string) (args: JsonElement) = args.GetProperty(name).GetInt32()
    let private optional (name: string) (args: JsonElement) = if has name args then Some(float name args) else None

    let private order (args: JsonElement) =
        match args.GetProperty "ord" with
        | text when text.ValueKind = JsonValueKind.String -> if text.GetString() = "inf" then infinity else 2.0
        | number -> number.GetDouble()

    /// Elementary functions, activations, statistics.
    let private mathFunctions: (string * (JsonElement -> (Tensor[] -> Tensor) option)) list =
        [ "acos", unary acos
          "acosh", unary acosh
          "asin", unary asin
          "asinh", unary asinh
          "atan", unary atan
          "atanh", unary atanh
          "cbrt", unary cbrt
          "cosh", unary cosh
          "sinh", unary sinh
          "digamma", unary digamma
          "lgamma", unary lgamma
          "erfc", unary erfc
          "erfinv", unary erfinv
          "exp2", unary exp2
          "log2", unary log2
          "log10", unary log10
          "logit", unary logit
          "celu", (fun args -> unary (celu (float "alpha" args)) args)
          "elu", (fun args -> unary (elu (float "alpha" args)) args)
          "gelu", (fun args -> unary (if args.GetProperty("approximate").GetString() = "tanh" then geluTanh else gelu) args)
          "hardsigmoid", unary hardsigmoid
          "hardswish", unary hardswish
          "hardtanh", (fun args -> unary (hardtanh (float "min" args) (float "max" args)) args)
          "leaky_relu", (fun args -> unary (leakyRelu (float "negative_slope" args)) args)
          "logsigmoid", unary logsigmoid
          "mish", unary mish
          "relu6", unary relu6
          "selu", unary selu
          "silu", unary silu
          "softsign", unary softsign
          "isfinite", unary isFinite
          "isinf", unary isInf
          "fmod", binary fmod
          "hypot", binary hypot
          "logaddexp", binary logaddexp
          "squared_difference", binary squaredDifference
          "xlogy", binary xlogy
          "clamp", (fun args -> unary (clamp (optional "min" args) (optional "max" args)) args)
          "masked_fill", (fun args -> binary (fun x mask -> maskedFill mask (float "value" args) x) args)
          "logsumexp", reduction logsumexpOver logsumexpKeepDims
          "norm", (fun args -> reduction (norm (order args)) (normKeepDims (order args)) args)
          "var", (fun args -> reduction (var (int "ddof" args)) (varKeepDims (int "ddof" args)) args)
          "std", (fun args -> reduction (std (int "ddof" args)) (stdKeepDims (int "ddof" args)) args) ]

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
              "take_along_axis", alongAxis (fun axis xs -> gather axis xs[1] xs[0])
              "index_select", alongAxis (fun axis xs -> take axis xs[1] xs[0])
              "embedding", binary (fun table index -> take 0 index table)
              "mse", meanOnly (fun x y -> mseLoss y x)
              "l1", meanOnly (fun x y -> l1Loss y x)
              "nll", meanOnly (fun logp target -> nllLoss target logp)
              "cross_entropy", crossEntropyOf
              "cross_entropy_soft", binary (fun logits target -> crossEntropySoft target logits) ]
        |> fun known -> List.fold (fun known (name, make) -> Map.add name make known) known mathFunctions

    /// Lines that judge what the library leaves open or settles otherwise, and why.
    let excluded =
        Map
            [ "norm, overflow_l2", "the norm is finite, and scaled so that it does not overflow"
              "logsumexp, huge", "two equal elements share the derivative, which exp (x − y) with a rounded y does not see"
              "mean, large", "the order in which a sum is taken is free, and here it decides the result"
              "log_softmax, with_inf", "beside an infinite logit the others have the limit −∞, not NaN" ]

    let private tolerance what (relative: float) (absolute: float) (expected: Tensor) (actual: Tensor) =
        let numbers (x: Tensor) = Array.init x.Count x.Value.GetDouble
        Expect.shape (List.ofSeq expected.Shape.Sizes) actual

        Array.iteri2
            (fun i (a: float) (b: float) ->
                let near = a = b || (Double.IsNaN a && Double.IsNaN b) || abs (a - b) <= relative * abs a + absolute
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
