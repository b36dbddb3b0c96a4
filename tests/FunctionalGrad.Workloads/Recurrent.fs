namespace FunctionalGrad.Workloads

open FunctionalGrad

/// How a recurrent cell reads its input and its own state.
type Cell = { Input: Tensor; Hidden: Tensor; Bias: Tensor }

/// A gated recurrent unit, whose candidate has a bias inside of the reset gate.
type GatedCell = { Gates: Cell; HiddenBias: Tensor }

/// Recurrent networks over 100 steps, a minibatch of 32, and 128 numbers in input and state.
module internal Recurrent =
    let private length = 100
    let private examples = 32
    let private width = 128

    /// The state before the first step.
    let private quiet (cell: Cell) = zerosWith cell.Bias.DType [ examples; width ]

    let private series () = Random.normal (Key.ofSeed 1) [ length; examples; width ]

    let private cell (gates: int) : Cell =
        let draw seed sizes = 0.05 * Random.normal (Key.ofSeed seed) sizes

        { Input = draw 2 [ width; gates * width ]
          Hidden = draw 3 [ width; gates * width ]
          Bias = draw 4 [ gates * width ] }

    let private parts count x = split 1 (List.replicate count width) x

    let private elman (cell: Cell) (x: Tensor) : Tensor =
        let step h x =
            let h = tanh (x *@ cell.Input + h *@ cell.Hidden + cell.Bias)
            h, h

        scan step (quiet cell) x |> snd

    /// Hochreiter and Schmidhuber, "Long short-term memory", 1997, with the forget gate of Gers et al., 2000.
    let private lstm (cell: Cell) (x: Tensor) : Tensor =
        let step (h: Tensor, c: Tensor) x =
            match x *@ cell.Input + h *@ cell.Hidden + cell.Bias |> parts 4 with
            | [ input; forget; output; candidate ] ->
                let c = sigmoid forget * c + sigmoid input * tanh candidate
                let h = sigmoid output * tanh c
                (h, c), h
            | _ -> invalidOp "there are four gates"

        scan step (quiet cell, quiet cell) x |> snd

    /// Cho et al., "Learning phrase representations using RNN encoder–decoder", 2014.
    let private gru (cell: GatedCell) (x: Tensor) : Tensor =
        let step (h: Tensor) x =
            let ofInput = x *@ cell.Gates.Input + cell.Gates.Bias |> parts 3
            let ofState = h *@ cell.Gates.Hidden + cell.HiddenBias |> parts 3

            match ofInput, ofState with
            | [ r; z; n ], [ rOfState; zOfState; nOfState ] ->
                let reset, update = sigmoid (r + rOfState), sigmoid (z + zOfState)
                let candidate = tanh (n + reset * nOfState)
                let h = (1.0 - update) * candidate + update * h
                h, h
            | _ -> invalidOp "there are three gates"

        scan step (quiet cell.Gates) x |> snd

    /// Five products a step: forward by two matrices, the gradients of both, and what reaches the state before.
    let private flopsOf gates = 2.0 * float length * float examples * float width * float (gates * width) * 5.0

    let private gradient name gates (cell: unit -> 'P) (network: 'P -> Tensor -> Tensor) =
        let loss x parameters = network parameters x |> square |> meanAll
        let gradient (x, parameters) = grad (loss x) parameters

        Workload.calls name (fun () ->
            let x, parameters = series (), cell ()
            (x, parameters), jit gradient, Check.gradient (loss x) parameters)
        |> Workload.flops (flopsOf gates)
        |> Workload.explained (fun () -> Jit.explain gradient (series (), cell ()))

    let private tanhLoss x cell = elman cell x |> square |> mean [ 1; 2 ] |> sumAll

    let private tanhNetwork =
        let gradient (x, cell) = grad (tanhLoss x) cell

        Workload.calls "j_tanhrnn_T100_h128_b32_fwdbwd" (fun () ->
            let x, cell = series (), cell 1
            (x, cell), jit gradient, Check.gradient (tanhLoss x) cell)
        |> Workload.flops (flopsOf 1)
        |> Workload.explained (fun () -> Jit.explain gradient (series (), cell 1))

    let all: Workload list =
        [ gradient "j_lstm_T100_h128_b32_fwdbwd" 4 (fun () -> cell 4) lstm
          gradient "j_gru_T100_h128_b32_fwdbwd" 3 (fun () -> { Gates = cell 3; HiddenBias = zeros [ 3 * width ] }) gru
          tanhNetwork ]
