/// A language model: layers of long short-term memory whose weights are diagonal, judged by how it foresees a sequence.
module FunctionalGrad.GradBench.Lstm

open System.Text.Json.Nodes
open FunctionalGrad

/// One vector [b] for each gate of a layer.
type Gates = { Forget: Tensor; Ingate: Tensor; Outgate: Tensor; Change: Tensor }

type Layer = { Weight: Gates; Bias: Gates }

type State = { Hidden: Tensor; Cell: Tensor }

type Parameters =
    {
        /// For each layer a row of weights and a row of biases, gate by gate: [2·layers, 4·b].
        Main: Tensor
        /// Weights of the input, weights and biases of the output: [3, b].
        Extra: Tensor
    }

let private gates (row: Tensor) : Gates =
    match split 0 (List.replicate 4 (row.Count / 4)) row with
    | [ forget; ingate; outgate; change ] -> { Forget = forget; Ingate = ingate; Outgate = outgate; Change = change }
    | _ -> invalidArg (nameof row) "a row of parameters holds four gates"

let private layers (main: Tensor) : Layer list =
    [ for layer in 0 .. main.Shape.[0] / 2 - 1 -> { Weight = gates main.[2 * layer]; Bias = gates main.[2 * layer + 1] } ]

let private states (rows: Tensor) : State list =
    [ for layer in 0 .. rows.Shape.[0] / 2 - 1 -> { Hidden = rows.[2 * layer]; Cell = rows.[2 * layer + 1] } ]

/// One layer at one time: what it gives to the next layer, and its state.
let private cell (v: Tensor) (layer: Layer, state: State) : State * Tensor =
    let w, b = layer.Weight, layer.Bias
    let forget = sigmoid (v * w.Forget + b.Forget)
    let ingate = sigmoid (state.Hidden * w.Ingate + b.Ingate)
    let outgate = sigmoid (v * w.Outgate + b.Outgate)
    let change = tanh (state.Hidden * w.Change + b.Change)
    let cell = state.Cell * forget + ingate * change
    let hidden = outgate * tanh cell
    { Hidden = hidden; Cell = cell }, hidden

/// How badly the sequence is foreseen, a number of nats for each element.
let objective (start: Tensor) (sequence: Tensor) (parameters: Parameters) : Tensor =
    let layers = layers parameters.Main
    let inWeight, outWeight, outBias = parameters.Extra.[0], parameters.Extra.[1], parameters.Extra.[2]
    let step states input = List.zip layers states |> List.mapFold cell (input * inWeight)

    // Nothing flows back from a prediction into the next state, so that all predictions are made after the last step.
    let _, hidden = scan step (states start) sequence.[.. sequence.Shape.[0] - 2, *]
    let predicted = hidden * outWeight + outBias
    let normalized = predicted - log (2.0 + sumKeepDims [ 1 ] (exp predicted))
    let next = sequence.[1.., *]
    -(sumAll (next * normalized)) / float next.Count

let private flat (gradient: Parameters) : JsonNode = concat 0 [ flatten gradient.Main; flatten gradient.Extra ] |> Output.vector

let private prepare transform output input =
    let sequence = Input.matrix "sequence" input
    if sequence.Shape.[0] < 2 then Input.refuse "the sequence has one row; it needs at least two"
    let width = sequence.Shape.[1]
    let main = Input.matrix "main_params" input
    let rows = main.Shape.[0]

    if rows % 2 <> 0 then Input.refuse $"main_params has {rows} rows; each layer has two"

    let parameters =
        { Main = Input.matrixOf rows (4 * width) "main_params" input
          Extra = Input.matrixOf 3 width "extra_params" input }

    (Input.matrixOf rows width "state" input, sequence, parameters)
    |> Evaluation.prepare (fun (start, sequence, parameters) -> transform (objective start sequence) parameters) output

let eval =
    { Module = "lstm"
      Functions = [ "objective", prepare id Output.scalar; "jacobian", prepare grad flat ] }
