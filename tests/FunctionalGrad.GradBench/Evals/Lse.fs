/// ln Σ eˣ.
module FunctionalGrad.GradBench.Lse

open FunctionalGrad

/// ln Σ eˣ = m + ln Σ eˣ⁻ᵐ for any m; the largest x keeps every exponential below 1. As nothing depends on m, neither does the derivative.
let logSumExp (x: Tensor) : Tensor =
    let largest = stopGradient (Tensor.maxAll x)
    largest + log (sumAll (exp (x - largest)))

let eval =
    { Module = "lse"
      Functions =
        [ "primal", Input.vector "x" >> Evaluation.prepare logSumExp Output.scalar
          "gradient", Input.vector "x" >> Evaluation.prepare (grad logSumExp) Output.vector ] }
