/// x² and its derivative.
module FunctionalGrad.GradBench.Hello

open FunctionalGrad

let square (x: Tensor) : Tensor = x * x

let double (x: Tensor) : Tensor = diff square x

let eval =
    { Module = "hello"
      Functions =
        [ "square", Input.bare >> Evaluation.prepare square Output.scalar
          "double", Input.bare >> Evaluation.prepare double Output.scalar ] }
