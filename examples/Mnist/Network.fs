/// A multilayer perceptron and how it learns: the part to read.
module Network

open FunctionalGrad

/// An affine map: x ↦ x·W + b.
type Layer = { Weights: Tensor; Bias: Tensor }

/// All that is learned. Any record of tensors will do: gradients come back as the same record.
type Parameters = { First: Layer; Second: Layer; Output: Layer }

/// Random weights of the size that keeps the spread of the signal through relu (He et al., "Delving deep into rectifiers", 2015).
let private initialLayer key inputs outputs =
    { Weights = Random.normal key [ inputs; outputs ] * sqrt (2.0 / float inputs)
      Bias = zeros [ outputs ] }

/// Parameters to start from; the same key gives the same ones.
let initial (key: Key) : Parameters =
    let first, rest = Key.split key
    let second, output = Key.split rest

    { First = initialLayer first 784 128
      Second = initialLayer second 128 64
      Output = initialLayer output 64 10 }

let private affine layer x = x *@ layer.Weights + layer.Bias

/// The network: rows of pixels [N, 784] → one score for each class [N, 10].
let scores (parameters: Parameters) (pixels: Tensor) : Tensor =
    pixels |> affine parameters.First |> relu |> affine parameters.Second |> relu |> affine parameters.Output

let private weights parameters = [ parameters.First.Weights; parameters.Second.Weights; parameters.Output.Weights ]

/// The loss: cross entropy of the scores with the classes, and λ/2·Σ‖W‖², which pulls weights towards 0.
let loss (l2: float) (pixels: Tensor) (labels: Tensor) (parameters: Parameters) : Tensor =
    let fit = scores parameters pixels |> crossEntropy labels

    if l2 = 0.0 then fit else fit + l2 / 2.0 * (weights parameters |> List.map (square >> sumAll) |> List.reduce (+))

/// Parameters on their way: the velocity is what momentum remembers of the steps before.
type State = { Parameters: Parameters; Velocity: Parameters }

let start (key: Key) : State =
    let parameters = initial key

    { Parameters = parameters; Velocity = Tree.map zerosLike parameters }

/// One step of gradient descent with momentum: the loss of the minibatch, and the state after the step.
let step (l2: float) (rate: float) (pixels: Tensor) (labels: Tensor) (state: State) : float * State =
    let value, gradient = valueAndGrad (loss l2 pixels labels) state.Parameters
    let velocity = (state.Velocity, gradient) ||> Tree.map2 (fun v g -> 0.9 * v - rate * g)

    let next = { Parameters = (state.Parameters, velocity) ||> Tree.map2 (+); Velocity = velocity }

    // Tensors are expressions until somebody looks. Looking at all of them after each step keeps the expressions short.
    Tree.evaluate next
    float value, next

/// The share of images whose highest score is that of their class.
let accuracy (parameters: Parameters) (pixels: Tensor) (labels: Tensor) : float =
    scores parameters pixels |> argmax [ 1 ] |> equal labels |> meanAll |> float
