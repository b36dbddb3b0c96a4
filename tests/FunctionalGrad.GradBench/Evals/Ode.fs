/// An ordinary differential equation y′ = F(x, y) by the classical Runge–Kutta method.
module FunctionalGrad.GradBench.Ode

open FunctionalGrad

/// F₀ = x₀ and Fᵢ = xᵢ·yᵢ₋₁.
let field (x: Tensor) (y: Tensor) : Tensor = x * concat 0 [ onesWith DType.Float64 [ 1 ]; y.[.. y.Count - 2] ]

/// y(2), from y(0) = 0, in a number of steps of fourth order.
let solve (steps: int) (x: Tensor) : Tensor =
    let h = 2.0 / float steps

    let step _ y =
        let k1 = field x y
        let k2 = field x (y + h / 2.0 * k1)
        let k3 = field x (y + h / 2.0 * k2)
        let k4 = field x (y + h * k3)
        y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

    forLoop steps step (zerosLike x)

let last (steps: int) (x: Tensor) : Tensor = (solve steps x).[-1]

let private prepare f output input =
    let steps = Input.integer "s" 1 1_000_000_000 input
    Input.vector "x" input |> Evaluation.prepare (f steps) output

let eval =
    { Module = "ode"
      Functions = [ "primal", prepare solve Output.vector; "gradient", prepare (last >> grad) Output.vector ] }
