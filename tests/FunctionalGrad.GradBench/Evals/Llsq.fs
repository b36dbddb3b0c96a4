/// Least squares: a polynomial with coefficients x against the sign function, at n points from −1 to 1.
module FunctionalGrad.GradBench.Llsq

open FunctionalGrad

/// Σⱼ xⱼ·tʲ for each t, by Horner's rule.
let polynomial (x: Tensor) (t: Tensor) : Tensor = Seq.foldBack (fun j sum -> sum * t + x.[j: int]) (seq { 0 .. x.Count - 1 }) (zerosLike t)

/// ½ Σᵢ (sign tᵢ − Σⱼ xⱼ·tᵢʲ)².
let objective (n: int) (x: Tensor) : Tensor =
    let t = linspaceWith DType.Float64 -1.0 1.0 n
    0.5 * sumAll (square (Tensor.sign t - polynomial x t))

let private prepare f output input =
    let n = Input.integer "n" 2 100_000_000 input
    Input.vector "x" input |> Evaluation.prepare (f (objective n)) output

let eval =
    { Module = "llsq"
      Functions = [ "primal", prepare id Output.scalar; "gradient", prepare grad Output.vector ] }
