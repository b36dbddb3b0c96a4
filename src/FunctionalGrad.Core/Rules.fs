namespace FunctionalGrad

open System
open FunctionalGrad.Loops

/// Where an op is smooth, and so where its derivative may be tested.
type internal Domain =
    /// Every real number.
    | Anywhere
    | Between of low: float * high: float
    /// Everywhere but at these points: jumps and kinks.
    | AwayFrom of kinks: float list

/// A derivative rule as data: the image of a tangent (or of a cotangent), as an expression of instructions. It can be applied,
/// differentiated again, and read.
type internal Rule =
    | Operand of int
    | Result
    | Tangent
    | Number of float
    | Apply of Opcode * Rule list

/// The dtype of an elementwise result.
type internal ResultType =
    /// That of the operands; of a choice, that of the sides.
    | AsOperands
    /// That of the operands, which are floats.
    | AsFloats
    | AsTruth

/// What is known of an elementwise op.
[<NoComparison>]
type internal PointwiseRules =
    {
        Name: string
        Doc: string
        Domain: Domain
        Type: ResultType
        /// The image of each operand's tangent; an operand that is not listed moves nothing.
        Slopes: Rule option list
    }

/// The elementwise ops: one line each, by the instruction that computes them. The derivative is diagonal, so that one rule for each
/// operand serves both modes.
module internal Rules =
    let private still name doc domain result = { Name = name; Doc = doc; Domain = domain; Type = result; Slopes = [] }

    /// y = f(x), with the tangent's image from x, y and the tangent.
    let private smooth name doc domain (rule: Rule -> Rule -> Rule -> Rule) =
        { still name doc domain AsFloats with Slopes = [ Some(rule (Operand 0) Result Tangent) ] }

    /// z = f(x, y), with the image of each operand's tangent from x, y, z and the tangent.
    let private smooth2 name doc domain (ruleX: Rule -> Rule -> Rule -> Rule -> Rule) (ruleY: Rule -> Rule -> Rule -> Rule -> Rule) =
        let slope (rule: Rule -> Rule -> Rule -> Rule -> Rule) = Some(rule (Operand 0) (Operand 1) Result Tangent)
        { still name doc domain AsOperands with Slopes = [ slope ruleX; slope ruleY ] }

    let private rounding name doc = still name doc (AwayFrom [ for i in -8 .. 8 -> float i / 2.0 ]) AsOperands
    let private comparison name doc = still name doc (AwayFrom [ 0.0 ]) AsTruth
    let private logical name doc = still name doc Anywhere AsOperands

    let private twoOverRootPi = 2.0 / sqrt Math.PI
    let private halfRootPi = sqrt Math.PI / 2.0
    let private perBit, perDigit = 1.0 / log 2.0, 1.0 / log 10.0

    // From here on these are rules, not numbers.
    let private (~-) x = Apply(Opcode.Neg, [ x ])
    let private (+) x y = Apply(Opcode.Add, [ x; y ])
    let private (-) x y = Apply(Opcode.Sub, [ x; y ])
    let private (*) x y = Apply(Opcode.Mul, [ x; y ])
    let private (/) x y = Apply(Opcode.Div, [ x; y ])
    let private exp x = Apply(Opcode.Exp, [ x ])
    let private log x = Apply(Opcode.Log, [ x ])
    let private sin x = Apply(Opcode.Sin, [ x ])
    let private cos x = Apply(Opcode.Cos, [ x ])
    let private sqrt x = Apply(Opcode.Sqrt, [ x ])
    let private floor x = Apply(Opcode.Floor, [ x ])
    let private zero, half, one, two = Number 0.0, Number 0.5, Number 1.0, Number 2.0
    let private sigmoid x = Apply(Opcode.Sigmoid, [ x ])
    let private less x y = Apply(Opcode.Less, [ x; y ])
    let private equal x y = Apply(Opcode.Equal, [ x; y ])
    let private both x y = Apply(Opcode.And, [ x; y ])
    let private hypot x y = Apply(Opcode.Hypot, [ x; y ])
    let private polygamma order x = Apply(Opcode.Polygamma, [ order; x ])
    let private power x y = Apply(Opcode.Pow, [ x; y ])
    let private select condition x y = Apply(Opcode.Select, [ condition; x; y ])

    /// The slope of |x| times t, chosen and not multiplied: 0 at 0 even where t is infinite.
    let private towards x t = select (less x zero) -t (select (equal x zero) zero t)

    /// What reaches the side that wins; ties share.
    let private share wins ties t = select wins t (select ties (t * half) zero)

    /// A divisor that is never 0.
    let private orOne z = select (equal z zero) one z

    /// d/dx xʸ = y·xʸ⁻¹, which is 0 and not 0·∞ where both are 0.
    let private powerBase x y _ t = select (both (equal x zero) (equal y zero)) zero (t * y * power x (y - one))

    /// d/dy xʸ = xʸ·ln x, which is 0 where x is 0 and y ≥ 0.
    let private powerExponent x _ z t = t * z * log (select (equal x zero) one x)

    /// The op that an instruction computes.
    let declare (code: Opcode) : PointwiseRules =
        match code with
        | Opcode.Neg -> { still "neg" "−x" Anywhere AsOperands with Slopes = [ Some -Tangent ] }
        | Opcode.Abs ->
            { still "abs" "|x|; derivative 0 at 0" (AwayFrom [ 0.0 ]) AsOperands with
                Slopes = [ Some(towards (Operand 0) Tangent) ] }
        | Opcode.Sign -> still "sign" "−1, 0 or 1; derivative 0" (AwayFrom [ 0.0 ]) AsOperands
        | Opcode.Sqrt -> smooth "sqrt" "square root" (Between(0.1, 4.0)) (fun _ y t -> t / (y * two))
        | Opcode.Rsqrt -> smooth "rsqrt" "1/√x" (Between(0.1, 4.0)) (fun x y t -> t * y * Number -0.5 / x)
        | Opcode.Exp -> smooth "exp" "e to the x" Anywhere (fun _ y t -> t * y)
        | Opcode.Expm1 -> smooth "expm1" "eˣ − 1, accurate near 0" Anywhere (fun x _ t -> t * exp x)
        | Opcode.Log -> smooth "log" "natural logarithm" (Between(0.1, 4.0)) (fun x _ t -> t / x)
        | Opcode.Log1p -> smooth "log1p" "ln(1 + x), accurate near 0" (Between(-0.9, 4.0)) (fun x _ t -> t / (x + one))
        | Opcode.Sin -> smooth "sin" "sine of x radians" Anywhere (fun x _ t -> t * cos x)
        | Opcode.Cos -> smooth "cos" "cosine of x radians" Anywhere (fun x _ t -> -(t * sin x))
        | Opcode.Tan -> smooth "tan" "tangent of x radians" (Between(-1.4, 1.4)) (fun _ y t -> t * (y * y + one))
        // 1 − y² and y·(1 − y) would lose the tails, where y is rounded to 1.
        | Opcode.Tanh -> smooth "tanh" "hyperbolic tangent" Anywhere (fun x _ t -> t * (sigmoid (x + x) * sigmoid -(x + x)) * Number 4.0)
        | Opcode.Sigmoid -> smooth "sigmoid" "1/(1 + e⁻ˣ)" Anywhere (fun x y t -> t * (y * sigmoid -x))
        | Opcode.Softplus -> smooth "softplus" "ln(1 + eˣ), exact for any x" Anywhere (fun x _ t -> t * sigmoid x)
        | Opcode.Erf -> smooth "erf" "error function" Anywhere (fun x _ t -> t * exp (-(x * x)) * Number twoOverRootPi)
        | Opcode.Erfc -> smooth "erfc" "1 − erf x, far into the tail" Anywhere (fun x _ t -> t * exp (-(x * x)) * -(Number twoOverRootPi))
        | Opcode.Erfinv ->
            smooth "erfinv" "the inverse of the error function" (Between(-0.95, 0.95)) (fun _ y t -> t * exp (y * y) * Number halfRootPi)
        | Opcode.Asin -> smooth "asin" "the angle whose sine is x" (Between(-0.9, 0.9)) (fun x _ t -> t / sqrt ((one - x) * (x + one)))
        | Opcode.Acos -> smooth "acos" "the angle whose cosine is x" (Between(-0.9, 0.9)) (fun x _ t -> -t / sqrt ((one - x) * (x + one)))
        | Opcode.Atan -> smooth "atan" "the angle whose tangent is x" Anywhere (fun x _ t -> t / (x * x + one))
        | Opcode.Log2 -> smooth "log2" "logarithm to base 2" (Between(0.1, 4.0)) (fun x _ t -> t / x * Number perBit)
        | Opcode.Log10 -> smooth "log10" "logarithm to base 10" (Between(0.1, 4.0)) (fun x _ t -> t / x * Number perDigit)
        | Opcode.Cbrt -> smooth "cbrt" "the real cube root" (Between(0.1, 4.0)) (fun _ y t -> t / (y * y * Number 3.0))
        | Opcode.Lgamma -> smooth "lgamma" "ln |Γ(x)|" (Between(0.2, 4.0)) (fun x _ t -> t * polygamma zero x)
        | Opcode.Floor -> rounding "floor" "the greatest integer not above x; derivative 0"
        | Opcode.Ceil -> rounding "ceil" "the least integer not below x; derivative 0"
        | Opcode.Round -> rounding "round" "the nearest integer, halves to even; derivative 0"
        | Opcode.Trunc -> rounding "trunc" "x without its fraction; derivative 0"
        | Opcode.IsNaN -> still "isNaN" "whether x is not a number" Anywhere AsTruth
        | Opcode.Not -> logical "logicalNot" "not x"
        | Opcode.Add -> smooth2 "add" "x + y" Anywhere (fun _ _ _ t -> t) (fun _ _ _ t -> t)
        | Opcode.Sub -> smooth2 "sub" "x − y" Anywhere (fun _ _ _ t -> t) (fun _ _ _ t -> -t)
        | Opcode.Mul -> smooth2 "mul" "x · y" Anywhere (fun _ y _ t -> t * y) (fun x _ _ t -> t * x)
        | Opcode.Div -> smooth2 "div" "x / y" (Between(0.1, 4.0)) (fun _ y _ t -> t / y) (fun _ y z t -> -(t * z) / y)
        | Opcode.Pow -> smooth2 "pow" "x to the power y; 0⁰ = 1" (Between(0.1, 4.0)) powerBase powerExponent
        | Opcode.Max ->
            smooth2
                "maximum"
                "the larger of x and y; ties share the derivative"
                Anywhere
                (fun x y _ t -> share (less y x) (equal x y) t)
                (fun x y _ t -> share (less x y) (equal x y) t)
        | Opcode.Min ->
            smooth2
                "minimum"
                "the smaller of x and y; ties share the derivative"
                Anywhere
                (fun x y _ t -> share (less x y) (equal x y) t)
                (fun x y _ t -> share (less y x) (equal x y) t)
        | Opcode.Remainder ->
            smooth2 "remainder" "x − y·⌊x/y⌋, with the sign of y" (Between(0.1, 4.0)) (fun _ _ _ t -> t) (fun x y _ t ->
                -(t * floor (x / y)))
        | Opcode.Atan2 ->
            smooth2
                "atan2"
                "angle of the point with height x and width y"
                (Between(0.1, 4.0))
                (fun x y _ t -> t * (y / hypot x y) / hypot x y)
                (fun x y _ t -> -(t * (x / hypot x y)) / hypot x y)
        | Opcode.Hypot ->
            smooth2
                "hypot"
                "√(x² + y²) without overflow; derivative 0 at the origin"
                (Between(0.1, 4.0))
                (fun x _ z t -> t * (x / orOne z))
                (fun _ y z t -> t * (y / orOne z))
        | Opcode.Polygamma ->
            { still "polygamma" "derivative of ln Γ, of order x + 1, at y" (Between(0.2, 4.0)) AsOperands with
                Slopes = [ None; Some(Tangent * polygamma (Operand 0 + one) (Operand 1)) ] }
        | Opcode.Less -> comparison "less" "x < y"
        | Opcode.LessEqual -> comparison "lessEqual" "x ≤ y"
        | Opcode.Equal -> comparison "equal" "x = y"
        | Opcode.NotEqual -> comparison "notEqual" "x ≠ y"
        | Opcode.And -> logical "logicalAnd" "x and y"
        | Opcode.Or -> logical "logicalOr" "x or y"
        | Opcode.Xor -> logical "logicalXor" "either x or y"
        | Opcode.Select ->
            { still "where" "c ? x : y; a cotangent goes to the chosen side only" Anywhere AsOperands with
                Slopes = [ None; Some(select (Operand 0) Tangent zero); Some(select (Operand 0) zero Tangent) ] }
        | Opcode.Cast -> still "cast" "the same numbers in another dtype" Anywhere AsOperands
        | other -> invalidArg (nameof code) $"{other} is not an elementwise op."

    /// The instructions that have an op, for the catalog.
    let codes = Enum.GetValues<Opcode>() |> Array.filter (fun code -> code > Opcode.Store && code <> Opcode.Fold)

/// Rules in the notation of mathematics, for the documentation.
module internal RuleText =
    /// How tightly a text holds together: sums 1, products 2, functions and signs 3, names 4.
    let private bracketed (least: int) (strength: int, text: string) = if strength < least then $"({text})" else text

    let private number (value: float) =
        let known = [ 2.0 / sqrt Math.PI, "2/√π"; sqrt Math.PI / 2.0, "√π/2"; 1.0 / log 2.0, "1/ln 2"; 1.0 / log 10.0, "1/ln 10" ]

        match List.tryFind (fun (constant, _) -> constant = value) known with
        | Some(_, text) -> 2, text
        | None when value < 0.0 -> 3, "−" + (-value).ToString Globalization.CultureInfo.InvariantCulture
        | None -> 4, value.ToString Globalization.CultureInfo.InvariantCulture

    let private functions =
        Map
            [ Opcode.Exp, "exp"
              Opcode.Log, "ln"
              Opcode.Sin, "sin"
              Opcode.Cos, "cos"
              Opcode.Sqrt, "√"
              Opcode.Sigmoid, "sigmoid"
              Opcode.Hypot, "hypot"
              Opcode.Polygamma, "polygamma" ]

    let rec private format (names: int -> string) (result: string) (rule: Rule) : int * string =
        let text least rule = bracketed least (format names result rule)

        match rule with
        | Operand i -> 4, names i
        | Result -> 4, result
        | Tangent -> 4, "t"
        | Number value -> number value
        | Apply(Opcode.Neg, [ x ]) -> 3, "−" + text 3 x
        | Apply(Opcode.Add, [ x; y ]) -> 1, $"{text 1 x} + {text 1 y}"
        | Apply(Opcode.Sub, [ x; y ]) -> 1, $"{text 1 x} − {text 2 y}"
        | Apply(Opcode.Mul, [ x; y ]) -> 2, $"{text 2 x}·{text 3 y}"
        | Apply(Opcode.Div, [ x; y ]) -> 2, $"{text 2 x}/{text 3 y}"
        | Apply(Opcode.Pow, [ x; y ]) -> 3, $"{text 4 x}^{bracketed 4 (format names result y)}"
        | Apply(Opcode.Less, [ x; y ]) -> 0, $"{text 1 x} < {text 1 y}"
        | Apply(Opcode.Equal, [ x; y ]) -> 0, $"{text 1 x} = {text 1 y}"
        | Apply(Opcode.And, [ x; y ]) -> 0, $"{text 0 x} and {text 0 y}"
        | Apply(Opcode.Floor, [ x ]) -> 4, $"⌊{text 0 x}⌋"
        | Apply(Opcode.Select, [ condition; x; y ]) -> 0, $"{text 0 x} where {text 1 condition}, else {text 0 y}"
        | Apply(code, operands) ->
            let name = Map.tryFind code functions |> Option.defaultValue ((Rules.declare code).Name)
            let arguments = operands |> List.map (text 0) |> String.concat ", "
            4, $"{name}({arguments})"

    /// What a change t of each operand does to the result, operand by operand; empty for what does not move.
    let slopes (op: PointwiseRules) : (string * string) list =
        let names i = if op.Slopes.Length = 3 then [| "c"; "x"; "y" |][i] else [| "x"; "y" |][i]
        let result = if op.Slopes.Length > 1 then "z" else "y"

        [ for i, slope in List.indexed op.Slopes do
              match slope with
              | Some rule -> names i, snd (format names result rule)
              | None -> () ]
