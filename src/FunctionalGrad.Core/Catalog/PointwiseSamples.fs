/// The pointwise ops, with samples.
module internal FunctionalGrad.PointwiseSamples

open FunctionalGrad.Loops
open FunctionalGrad.Sample

let private unary name doc domain (f: Tensor -> Tensor) =
    entry "unary" name doc (fun source -> one "" (source.Floats(domain, source.Shape(0, 3))) f)

/// The op of an instruction, on floats where it is smooth.
let private unaryCode (code: Opcode) =
    let op = Elementwise.op code
    unary op.Name op.Doc op.Domain (Elementwise.unary code)

/// Two operands that broadcast, each with elements of its own kind.
let private pair text (left: Source -> Shape -> Tensor) (right: Source -> Shape -> Tensor) f (source: Source) =
    let whole = source.Shape(0, 3)
    two text (left source (source.Stretchable whole)) (right source (source.Stretchable whole)) f

let private floats domain (source: Source) (shape: Shape) = source.Floats(domain, shape)
let private signed domain (source: Source) (shape: Shape) = source.Signed(source.Floats(domain, shape))
let private grid offset (source: Source) (shape: Shape) = source.Grid(offset, shape)
let private fewIntegers (source: Source) (shape: Shape) = source.Integers(-3, 3, shape)
let private truths (source: Source) (shape: Shape) = source.Truths shape

/// Floats from a few whole numbers, so that some are equal.
let private wholes (source: Source) (shape: Shape) = source.Fill(shape, (fun () -> float (source.Int(-2, 2))))

let private binaryCode (code: Opcode) left right =
    let op = Elementwise.op code
    entry "binary" op.Name op.Doc (pair "" left right (Elementwise.binary code))

/// Dividends that stay away from multiples of the divisors, whichever meet.
let private remainderCase =
    let divisors (source: Source) shape =
        source.Signed(source.Fill(shape, (fun () -> source.Pick [ 0.7; 1.4; 2.8 ] + source.Float(-0.01, 0.01))))

    let dividends (source: Source) shape =
        source.Signed(source.Fill(shape, (fun () -> 0.7 * float (source.Int(0, 5)) + 0.35 + source.Float(-0.05, 0.05))))

    binaryCode Opcode.Remainder dividends divisors

let private comparison name doc f =
    entry "comparison" name doc (fun source ->
        let kind = source.Pick [ wholes; fewIntegers ]
        pair "" kind kind f source)

let private logic name doc f =
    entry "logic" name doc (fun source ->
        let kind = source.Pick [ truths; fewIntegers ]
        pair "" kind kind f source)

let private integers name doc f = entry "integers" $"{name}, integers" doc (pair "" fewIntegers fewIntegers f)

let private unaryOps =
    [ Opcode.Neg
      Opcode.Abs
      Opcode.Sqrt
      Opcode.Rsqrt
      Opcode.Exp
      Opcode.Expm1
      Opcode.Log
      Opcode.Log1p
      Opcode.Sin
      Opcode.Cos
      Opcode.Tan
      Opcode.Tanh
      Opcode.Sigmoid
      Opcode.Softplus
      Opcode.Erf
      Opcode.Floor
      Opcode.Ceil
      Opcode.Round
      Opcode.Trunc ]
    |> List.map unaryCode

let private composedUnaryOps =
    [ unary "signOf" "−1, 0 or 1; derivative 0" (AwayFrom [ 0.0 ]) signOf
      unary "square" "x²" Anywhere square
      unary "reciprocal" "1/x" (Between(0.2, 4.0)) reciprocal
      unary "relu" "max(x, 0); derivative 0 at 0" (AwayFrom [ 0.0 ]) relu
      entry "unary" "isNaN" "whether x is not a number" (fun source ->
          let x = source.Fill(source.Shape(0, 3), (fun () -> if source.Chance 2 then nan else source.Float(-1.0, 1.0)))
          one "" x isNaN)
      entry "unary" "power by a number" "x to a constant power" (fun source ->
          let exponent = source.Pick [ -2.0; -1.0; 0.0; 1.0; 2.0; 3.0 ]
          let x = source.Signed(source.Floats(Between(0.3, 2.0), source.Shape(0, 3)))
          one $"exponent {exponent}" x (fun x -> x ** exponent))
      entry "unary" "numbers as operands" "sums, products and quotients with .NET numbers" (fun source ->
          let a, b, n = source.Float(-2.0, 2.0), source.Float(-2.0, 2.0), source.Int(-3, 3)
          let x = source.Floats(Between(0.2, 4.0), source.Shape(0, 3))
          one $"{a}, {b}, {n}" x (fun x -> (a - x * b) / 2.0 + (n + x) * n - 1.0 / x)) ]

let private binaryOps =
    [ binaryCode Opcode.Add (floats Anywhere) (floats Anywhere)
      binaryCode Opcode.Sub (floats Anywhere) (floats Anywhere)
      binaryCode Opcode.Mul (floats Anywhere) (floats Anywhere)
      binaryCode Opcode.Div (signed (Between(0.2, 4.0))) (signed (Between(0.2, 4.0)))
      binaryCode Opcode.Pow (floats (Between(0.2, 3.0))) (signed (Between(0.2, 3.0)))
      entry "binary" "power by float" "x to the power y, both differentiable" (pair "" (floats (Between(0.2, 3.0))) (floats Anywhere) pow)
      binaryCode Opcode.Max (grid 0.0) (grid 0.2)
      binaryCode Opcode.Min (grid 0.0) (grid 0.2)
      remainderCase
      binaryCode Opcode.Atan2 (signed (Between(0.2, 4.0))) (signed (Between(0.2, 4.0))) ]

let private comparisons =
    [ comparison "less" "x < y" less
      comparison "lessEqual" "x ≤ y" lessEqual
      comparison "greater" "x > y" greater
      comparison "greaterEqual" "x ≥ y" greaterEqual
      comparison "equal" "x = y" equal
      comparison "notEqual" "x ≠ y" notEqual
      logic "logicalAnd" "both; of integers, bit by bit" logicalAnd
      logic "logicalOr" "either; of integers, bit by bit" logicalOr
      logic "logicalXor" "exactly one; of integers, bit by bit" logicalXor
      entry "logic" "logicalNot" "not x" (fun source ->
          one "" ((source.Pick [ truths; fewIntegers; wholes ]) source (source.Shape(0, 3))) logicalNot) ]

let private integerOps =
    [ integers "add" "x + y" (+)
      integers "sub" "x − y" (-)
      integers "mul" "x · y" (*)
      integers "maximum" "the larger" maximum
      integers "minimum" "the smaller" minimum
      entry "integers" "div, integers" "x / y as float32" (pair "" fewIntegers (fun source shape -> source.Integers(1, 4, shape)) (/))
      entry
          "integers"
          "remainder, integers"
          "x − y·⌊x/y⌋"
          (pair "" fewIntegers (fun source shape -> source.Integers(1, 4, shape)) remainder)
      entry "integers" "neg and abs, integers" "|−x| − x" (fun source ->
          one "" (fewIntegers source (source.Shape(0, 3))) (fun x -> abs -x - x)) ]

let private selections =
    [ entry "selection" "where" "x where the condition holds, else y" (fun source ->
          let whole = source.Shape(0, 3)
          let part kind = kind source (source.Stretchable whole)
          let inputs = [ part truths; part (floats Anywhere); part (floats Anywhere) ]
          case "" inputs (fun inputs -> where inputs[0] inputs[1] inputs[2]))
      entry "selection" "cast" "the same numbers in another dtype" (fun source ->
          let kind = source.Pick [ truths; fewIntegers; floats (AwayFrom [ for i in -5 .. 5 -> float i ]) ]
          let dtype = source.Pick [ DType.Float32; DType.Float64; DType.Int32; DType.Int64; DType.Bool ]
          // Differences would see the rounding to float32, so derivatives are not compared with them.
          partly $"to {dtype.Name()}" [ kind source (source.Shape(0, 3)), false ] (fun inputs -> cast dtype inputs[0]))
      entry "selection" "stopGradient" "the same values, constant to derivatives" (fun source ->
          partly "" [ source.Floats(source.Shape(0, 3)), false ] (fun inputs -> stopGradient inputs[0]))
      entry "selection" "stopGradient of a factor" "x · stopGradient y" (fun source ->
          let shape = source.Shape(0, 3)
          partly "" [ source.Floats shape, true; source.Floats shape, false ] (fun inputs -> inputs[0] * stopGradient inputs[1])) ]

let entries = List.concat [ unaryOps; composedUnaryOps; binaryOps; comparisons; integerOps; selections ]
