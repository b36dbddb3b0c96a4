/// Slow, plain, right: every lowering by its definition, index by index, in double precision, rounded to the node's dtype.
/// It shares nothing with the compiler and its kernels but the meaning of a Lowering. Integers are exact up to 2⁵³.
module internal FunctionalGrad.Reference

open System
open FunctionalGrad
open FunctionalGrad.Compile
open FunctionalGrad.Loops

let private indices (shape: Shape) : int[] seq =
    let rec under axis : int list seq =
        if axis = shape.Rank then
            Seq.singleton []
        else
            seq {
                for i in 0 .. shape.[axis] - 1 do
                    for rest in under (axis + 1) do
                        yield i :: rest
            }

    under 0 |> Seq.map Array.ofList

let private offset (shape: Shape) (index: int[]) = Array.fold2 (fun sum i stride -> sum + i * stride) 0 index (shape.Strides())

let private truth condition = if condition then 1.0 else 0.0

/// Rounds to what the dtype can hold.
let private rounded (dtype: DType) (x: float) =
    let saturated low high = if Double.IsNaN x then 0.0 else Math.Clamp(Math.Truncate x, low, high)

    match dtype with
    | DType.Float32 -> float (float32 x)
    | DType.Float64 -> x
    | DType.Int32 -> saturated (float Int32.MinValue) (float Int32.MaxValue)
    | DType.Int64 -> saturated (float Int64.MinValue) (float Int64.MaxValue)
    | _ -> truth (x <> 0.0)

/// Maclaurin's series near zero, the continued fraction of erfc further out (Abramowitz and Stegun 7.1.5 and 7.1.14).
let private erf (x: float) =
    let a = abs x

    let value =
        if Double.IsNaN x then
            x
        elif a < 2.5 then
            let mutable term = a
            let mutable sum = a

            for n in 1..80 do
                term <- -term * a * a / float n
                sum <- sum + term / float (2 * n + 1)

            2.0 / sqrt Math.PI * sum
        elif a > 6.0 then
            1.0
        else
            let mutable fraction = a

            for n in 120..-1..1 do
                fraction <- a + float n / 2.0 / fraction

            1.0 - exp (-a * a) / (sqrt Math.PI * fraction)

    Math.CopySign(value, x)

/// 1 − erf x, by the same continued fraction where that cancels.
let private erfc (x: float) =
    if not (x >= 2.5) then
        1.0 - erf x
    elif x > 30.0 then
        0.0
    else
        let mutable fraction = x

        for n in 400..-1..1 do
            fraction <- x + float n / 2.0 / fraction

        exp (-x * x) / (sqrt Math.PI * fraction)

/// The inverse of erf, by bisection.
let private erfinv (x: float) =
    if not (abs x <= 1.0) then
        nan
    elif abs x = 1.0 then
        x * infinity
    else
        let size = abs x
        let isBelow y = if size > 0.5 then erfc y > 1.0 - size else erf y < size
        let mutable low, high = 0.0, 7.0

        for _ in 1..1100 do
            let middle = (low + high) / 2.0
            if isBelow middle then low <- middle else high <- middle

        Math.CopySign(low, x)

/// ln |Γ(x)| by Γ(x + 1) = x·Γ(x), up to where Stirling's series needs three terms.
let private lgamma (x: float) =
    let rec far shift (y: float) =
        if y < 60.0 then
            far (shift + log (abs y)) (y + 1.0)
        else
            (y - 0.5) * log y - y + 0.5 * log (2.0 * Math.PI) + 1.0 / (12.0 * y) - 1.0 / (360.0 * Math.Pow(y, 3.0))
            + 1.0 / (1260.0 * Math.Pow(y, 5.0))
            - shift

    if Double.IsInfinity x then infinity else far 0.0 x

/// The derivative of ln Γ of order n + 1, by the recurrence, up to where the asymptotic series needs few terms.
let private polygamma (order: float) (x: float) =
    let n = int order
    let sign = if n % 2 = 0 then -1.0 else 1.0
    let factorial k = Seq.fold (*) 1.0 (Seq.map float (seq { 2..k }))

    let asymptotic (y: float) =
        if n = 0 then
            log y - 0.5 / y - 1.0 / (12.0 * y * y) + 1.0 / (120.0 * Math.Pow(y, 4.0)) - 1.0 / (252.0 * Math.Pow(y, 6.0))
        else
            let term b k = b * factorial (2 * k + n - 1) / factorial (2 * k) * Math.Pow(y, -(float (2 * k + n)))
            let bernoulli = [ 1.0 / 6.0; -1.0 / 30.0; 1.0 / 42.0; -1.0 / 30.0 ]
            let series = bernoulli |> List.mapi (fun i b -> term b (i + 1)) |> List.sum
            sign * (factorial (n - 1) * Math.Pow(y, -(float n)) + factorial n / 2.0 * Math.Pow(y, -(float (n + 1))) + series)

    let rec far shift (y: float) =
        if y < 60.0 then far (shift + sign * factorial n * Math.Pow(y, -(float (n + 1)))) (y + 1.0) else asymptotic y + shift

    let isPole = x <= 0.0 && x = floor x

    if not (order >= 0.0) || order <> floor order || Double.IsInfinity order then nan
    elif Double.IsNaN x || Double.IsNegativeInfinity x then nan
    elif Double.IsPositiveInfinity x then (if n = 0 then x else 0.0)
    elif x = 0.0 && n = 0 then -1.0 / x
    elif isPole then (if n % 2 = 1 then infinity else nan)
    else far 0.0 x

/// √(x² + y²), an infinite side first.
let private hypot (x: float) (y: float) =
    let long, short = Math.Max(abs x, abs y), Math.Min(abs x, abs y)

    if Double.IsInfinity x || Double.IsInfinity y then infinity
    elif long = 0.0 then 0.0
    else long * sqrt (1.0 + short / long * (short / long))

let private log1p (x: float) =
    let y = 1.0 + x

    if y = 1.0 then x
    elif Double.IsPositiveInfinity y then y
    else log y * (x / (y - 1.0))

let private expm1 (x: float) =
    if abs x < 1e-5 then x + x * x / 2.0 + x * x * x / 6.0
    elif abs x < 0.5 then 2.0 * sinh (x / 2.0) * exp (x / 2.0)
    else exp x - 1.0

/// The remainder with the sign of the divisor, also where x/y or y is infinite.
let private remainder (x: float) (y: float) =
    let truncated = x % y
    if truncated <> 0.0 && (truncated < 0.0) <> (y < 0.0) then truncated + y else truncated

let private unary (code: Opcode) (x: float) =
    match code with
    | Opcode.Cast -> x
    | Opcode.Not -> truth (x = 0.0)
    | Opcode.Neg -> -x
    | Opcode.Abs -> abs x
    | Opcode.Sign -> if Double.IsNaN x then x else float (sign x)
    | Opcode.Sqrt -> sqrt x
    | Opcode.Rsqrt -> 1.0 / sqrt x
    | Opcode.Exp -> exp x
    | Opcode.Expm1 -> expm1 x
    | Opcode.Log -> log x
    | Opcode.Log1p -> log1p x
    | Opcode.Sin -> sin x
    | Opcode.Cos -> cos x
    | Opcode.Tan -> tan x
    | Opcode.Tanh -> tanh x
    | Opcode.Sigmoid -> if x >= 0.0 then 1.0 / (1.0 + exp -x) else exp x / (1.0 + exp x)
    | Opcode.Softplus -> Math.Max(x, 0.0) + log1p (exp (-(abs x)))
    | Opcode.Erf -> erf x
    | Opcode.Erfc -> erfc x
    | Opcode.Erfinv -> erfinv x
    | Opcode.Asin -> Math.Atan2(x, sqrt ((1.0 - x) * (1.0 + x)))
    | Opcode.Acos -> Math.Atan2(sqrt ((1.0 - x) * (1.0 + x)), x)
    | Opcode.Atan -> Math.Atan2(x, 1.0)
    | Opcode.Log2 -> log x / log 2.0
    | Opcode.Log10 -> log x / log 10.0
    | Opcode.Cbrt -> Math.CopySign(Math.Pow(abs x, 1.0 / 3.0), x)
    | Opcode.Lgamma -> lgamma x
    | Opcode.Floor -> floor x
    | Opcode.Ceil -> ceil x
    | Opcode.Round -> Math.Round(x, MidpointRounding.ToEven)
    | Opcode.Trunc -> Math.Truncate x
    | Opcode.IsNaN -> truth (Double.IsNaN x)
    | other -> invalidArg (nameof code) $"{other} does not take one operand."

let private binary (dtype: DType) (code: Opcode) (x: float) (y: float) =
    match code with
    | Opcode.Add -> x + y
    | Opcode.Sub -> x - y
    | Opcode.Mul -> x * y
    | Opcode.Div -> if dtype.IsInteger() then Math.Truncate(x / y) else x / y
    | Opcode.Pow -> Math.Pow(x, y)
    | Opcode.Max -> Math.Max(x, y)
    | Opcode.Min -> Math.Min(x, y)
    | Opcode.Remainder -> remainder x y
    | Opcode.Atan2 -> Math.Atan2(x, y)
    | Opcode.Hypot -> hypot x y
    | Opcode.Polygamma -> polygamma x y
    | Opcode.Less -> truth (x < y)
    | Opcode.LessEqual -> truth (x <= y)
    | Opcode.Equal -> truth (x = y)
    | Opcode.NotEqual -> truth (x <> y)
    | Opcode.And -> if dtype = DType.Bool then x * y else float (int64 x &&& int64 y)
    | Opcode.Or -> if dtype = DType.Bool then Math.Max(x, y) else float (int64 x ||| int64 y)
    | Opcode.Xor -> if dtype = DType.Bool then truth (x <> y) else float (int64 x ^^^ int64 y)
    | other -> invalidArg (nameof code) $"{other} does not take two operands."

/// Operand index of a result index.
let private viewed (map: View) (source: Shape) (target: Shape) (index: int[]) : int =
    match map with
    | Reshape -> offset target index
    | Permute axes ->
        let from = Array.zeroCreate source.Rank
        axes |> Array.iteri (fun i axis -> from[axis] <- index[i])
        offset source from
    | Broadcast ->
        let added = target.Rank - source.Rank
        offset source (Array.init source.Rank (fun axis -> if source.[axis] = 1 then 0 else index[axis + added]))
    | Window(axis, stride, dilation) ->
        let place = Array.take source.Rank index
        place[axis] <- index[axis] * stride + index[source.Rank] * dilation
        offset source place
    | Slice(starts, steps) -> offset source (Array.map3 (fun i start step -> start + i * step) index starts steps)

/// The identity of a fold over no elements.
let private identity (dtype: DType) fold =
    match fold, dtype with
    | Fold.Sum, _ -> 0.0
    | Fold.Prod, _ -> 1.0
    | Fold.Max, (DType.Float32 | DType.Float64) -> Double.NegativeInfinity
    | Fold.Max, DType.Int32 -> float Int32.MinValue
    | Fold.Max, DType.Int64 -> float Int64.MinValue
    | Fold.Max, _ -> 0.0
    | Fold.Min, (DType.Float32 | DType.Float64) -> Double.PositiveInfinity
    | Fold.Min, DType.Int32 -> float Int32.MaxValue
    | Fold.Min, DType.Int64 -> float Int64.MaxValue
    | Fold.Min, _ -> 1.0
    | _ -> -1.0

let private folded dtype fold (elements: float[]) =
    let position better =
        let nan = elements |> Array.tryFindIndex Double.IsNaN

        match nan with
        | Some i -> float i
        | None when elements.Length = 0 -> -1.0
        | None -> float (Array.IndexOf(elements, Array.reduce better elements))

    match fold with
    | Fold.Sum -> Array.fold (+) 0.0 elements
    | Fold.Prod -> Array.fold (*) 1.0 elements
    | Fold.Max -> Array.fold (fun a b -> Math.Max(a, b)) (identity dtype fold) elements
    | Fold.Min -> Array.fold (fun a b -> Math.Min(a, b)) (identity dtype fold) elements
    | Fold.ArgMax -> position (fun a b -> Math.Max(a, b))
    | _ -> position (fun a b -> Math.Min(a, b))

type private Value = { Type: Node; Numbers: float[] }

let private at (value: Value) index = value.Numbers[offset value.Type.Shape index]

let private reduce (node: Node) fold (axes: int[]) (x: Value) =
    let kept = [| 0 .. x.Type.Shape.Rank - 1 |] |> Array.filter (fun axis -> not (Array.contains axis axes))
    let inner = Shape(axes |> Seq.map (fun axis -> x.Type.Shape.[axis]))

    indices node.Shape
    |> Seq.map (fun index ->
        indices inner
        |> Seq.map (fun summed ->
            let full = Array.zeroCreate x.Type.Shape.Rank
            kept |> Array.iteri (fun i axis -> full[axis] <- index[i])
            axes |> Array.iteri (fun i axis -> full[axis] <- summed[i])
            at x full)
        |> Array.ofSeq
        |> folded x.Type.DType fold)
    |> Array.ofSeq

let private contract (node: Node) (a: int[]) (b: int[]) (result: int[]) (x: Value) (y: Value) =
    let sizes = Array.append (Array.zip a (Array.ofSeq x.Type.Shape.Sizes)) (Array.zip b (Array.ofSeq y.Type.Shape.Sizes)) |> dict
    let summed = Array.append a b |> Array.distinct |> Array.filter (fun label -> not (Array.contains label result))
    let inner = Shape(summed |> Seq.map (fun label -> sizes[label]))

    let numbers =
        indices node.Shape
        |> Seq.map (fun outer ->
            indices inner
            |> Seq.sumBy (fun index ->
                let position label =
                    match Array.IndexOf(result, label) with
                    | -1 -> index[Array.IndexOf(summed, label)]
                    | i -> outer[i]

                at x (Array.map position a) * at y (Array.map position b)))

    Array.ofSeq numbers

let private checkedIndex (asker: string) (node: Node) axis (size: int) (i: float) =
    if i < 0.0 || i >= float size then
        raise (IndexException $"{asker}: index {int64 i} is out of range for axis {axis} of size {size}, result {node.Shape}.")

    int i

let private compute (node: Node) (inputs: Value[]) : float[] =
    let perIndex f = indices node.Shape |> Seq.map f |> Array.ofSeq

    match node.Lowering with
    | Same -> inputs[0].Numbers
    | Pointwise Opcode.Select -> Array.map3 (fun c x y -> if c <> 0.0 then x else y) inputs[0].Numbers inputs[1].Numbers inputs[2].Numbers
    | Pointwise code when inputs.Length = 1 -> Array.map (unary code) inputs[0].Numbers
    | Pointwise code -> Array.map2 (binary inputs[0].Type.DType code) inputs[0].Numbers inputs[1].Numbers
    | Iota -> Array.init node.Shape.Count float
    | View map -> perIndex (fun index -> inputs[0].Numbers[viewed map inputs[0].Type.Shape node.Shape index])
    | Reduce(fold, axes) -> reduce node fold axes inputs[0]
    | Contract(a, b, result) -> contract node a b result inputs[0] inputs[1]
    | Gather(axis, asker) ->
        perIndex (fun index ->
            let from = Array.copy index
            from[axis] <- checkedIndex asker node axis inputs[0].Type.Shape.[axis] (at inputs[1] index)
            at inputs[0] from)
    | ScatterAdd(axis, asker) ->
        let result = Array.copy inputs[0].Numbers

        for index in indices inputs[1].Type.Shape do
            let target = Array.copy index
            target[axis] <- checkedIndex asker node axis node.Shape.[axis] (at inputs[1] index)
            let position = offset node.Shape target
            result[position] <- rounded node.DType (result[position] + at inputs[2] index)

        result
    | Embed(starts, steps) ->
        let result = Array.zeroCreate node.Shape.Count

        for index in indices inputs[0].Type.Shape do
            let target = Array.map3 (fun i start step -> start + i * step) index starts steps
            result[offset node.Shape target] <- at inputs[0] index

        result
    | OverlapAdd(axis, stride, dilation, _) ->
        let result = Array.zeroCreate node.Shape.Count

        for index in indices inputs[0].Type.Shape do
            let target = Array.take node.Shape.Rank index
            target[axis] <- index[axis] * stride + Array.last index * dilation
            let position = offset node.Shape target
            result[position] <- result[position] + at inputs[0] index

        result
    | Concat axis ->
        perIndex (fun index ->
            let rec find part i =
                let size = inputs[part].Type.Shape.[axis]
                if i < size then part, i else find (part + 1) (i - size)

            let part, i = find 0 index[axis]
            let from = Array.copy index
            from[axis] <- i
            at inputs[part] from)
    | other -> invalidOp $"the reference evaluator does not compute {other}."

let private ofArray node (array: NDArray) = { Type = node; Numbers = Array.init array.Count array.GetDouble }

let private toArray (value: Value) =
    let numbers = value.Numbers

    match value.Type.DType with
    | DType.Float32 -> NDArray.Create<float32>(value.Type.Shape, ReadOnlySpan(Array.map float32 numbers))
    | DType.Float64 -> NDArray.Create<float>(value.Type.Shape, ReadOnlySpan numbers)
    | DType.Int32 -> NDArray.Create<int>(value.Type.Shape, ReadOnlySpan(Array.map int numbers))
    | DType.Int64 -> NDArray.Create<int64>(value.Type.Shape, ReadOnlySpan(Array.map int64 numbers))
    | _ -> NDArray.Create<bool>(value.Type.Shape, ReadOnlySpan(Array.map (fun x -> x <> 0.0) numbers))

/// What a library function gives: one value, or as many as it says.
let private call (node: Node) (library: Library) (inputs: Value[]) : Value[] =
    let types =
        if library.Results.Length = 0 then
            [| node |]
        else
            library.Results |> Array.map (fun (struct (shape, dtype)) -> { node with Shape = shape; DType = dtype })

    let results = types |> Array.map (fun result -> NDArray.Zeros(result.Shape, result.DType))
    library.Function.Invoke(ReadOnlySpan(Array.map toArray inputs), ReadOnlySpan results)
    Array.map2 ofArray types results

/// The values of the graph's outputs.
let run (graph: Graph) (leaf: int -> NDArray) (number: int -> int64) : NDArray[] =
    // Of each node its value, or its values.
    let values = Array.zeroCreate<Value[]> graph.Nodes.Length

    let single (node: Node) numbers = [| { Type = node; Numbers = Array.map (rounded node.DType) numbers } |]

    graph.Nodes
    |> Array.iteri (fun i node ->
        let inputs () = node.Inputs |> Array.map (fun input -> values[input].[0])

        values[i] <-
            match node.Lowering with
            | Leaf -> single node (ofArray node (leaf i)).Numbers
            | Splat _ ->
                let bits = number i
                let value = if node.DType.IsFloat() then BitConverter.Int64BitsToDouble bits else float bits
                single node (Array.create node.Shape.Count value)
            | Group -> inputs ()
            | Item place -> [| values[node.Inputs[0]].[place] |]
            | Call library -> call node library (inputs ())
            | _ -> single node (compute node (inputs ())))

    graph.Outputs |> Array.map (fun output -> toArray values[output].[0])

/// A graph whose first nodes are its leaves, as a function of their values.
let toFunction (graph: Graph) : NDArray[] -> NDArray[] = fun inputs -> run graph (fun i -> inputs[i]) (Nodes.number graph)
