namespace FunctionalGrad.Workloads

open FunctionalGrad

/// What a layer normalization learns.
type Scale = { Weight: Tensor; Bias: Tensor }

/// Programs over the rows of a matrix: softmax, cross entropy, layer normalization.
module internal Rows =
    let private rows = 4096
    let private classes = 1000
    let private width = 768

    let private scoresAndClasses () =
        Random.normal (Key.ofSeed 1) [ rows; classes ], Random.randint (Key.ofSeed 2) 0L (int64 classes) [ rows ]

    let private lossGradient name (loss: Tensor -> Tensor -> Tensor) =
        Workload.calls name (fun () ->
            let x, y = scoresAndClasses ()
            (x, y), jit (fun (x, y) -> grad (loss y) x), Check.gradient (loss y) x)
        |> Workload.bytes (8.0 * float (rows * classes))

    let private softmaxForward =
        Workload.calls "e_softmax_4096x1000_forward" (fun () ->
            let x, _ = scoresAndClasses ()

            let check y =
                let powers = exp (cast DType.Float64 x)
                Check.near 1e-6 y (powers / sumKeepDims [ 1 ] powers)

            x, jit (softmax 1), check)
        |> Workload.bytes (8.0 * float (rows * classes))

    let private normalize (x: Tensor, scale: Scale) : Tensor = layerNorm 1e-5 scale.Weight scale.Bias x

    let private normalization () = Random.normal (Key.ofSeed 1) [ rows; width ], { Weight = ones [ width ]; Bias = zeros [ width ] }

    let private normalizeForward =
        Workload.calls "f_layernorm_4096x768_forward" (fun () ->
            let check (y: Tensor) =
                let y = cast DType.Float64 y
                Check.require "rows have no mean" (mean [ 1 ] y |> abs |> amaxAll |> float < 1e-5)
                Check.near 1e-4 (mean [ 1 ] (square y)) (ones [ rows ])

            normalization (), jit normalize, check)
        |> Workload.bytes (8.0 * float (rows * width))

    let private normalizeBackward =
        Workload.calls "f_layernorm_4096x768_fwdbwd" (fun () ->
            let point = normalization ()
            let g = Random.normal (Key.ofSeed 2) [ rows; width ]
            let pull = jit (fun (point, g) -> (vjp normalize point |> snd) g)
            (point, g), pull, Check.gradient (fun point -> normalize point * g |> sumAll) point)
        |> Workload.bytes (12.0 * float (rows * width))

    let all: Workload list =
        [ lossGradient "e_softmax_log_nll_4096x1000_fwdbwd" (fun y x -> softmax 1 x |> log |> nllLoss y)
          lossGradient "e_crossentropy_fused_4096x1000_fwdbwd" crossEntropy
          softmaxForward
          normalizeBackward
          normalizeForward ]
