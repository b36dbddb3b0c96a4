namespace FunctionalGrad.Workloads

open FunctionalGrad

/// The network of LeCun et al., "Gradient-based learning applied to document recognition", 1998.
type LeNet = { First: Layer; Second: Layer; Dense: Layer list }

/// Training steps of a convolutional network on a minibatch of 64 images.
module internal LeNets =
    let private images = 64

    let private same = { Convolution.Default with Padding = Padding.Zeros [ 2 ] }

    let private scores activation pool (net: LeNet) (x: Tensor) : Tensor =
        x
        |> conv2dWith same net.First.Weights (Some net.First.Bias)
        |> activation
        |> pool
        |> conv2d net.Second.Weights net.Second.Bias
        |> activation
        |> pool
        |> reshape [ images; 400 ]
        |> Perceptrons.scores activation net.Dense

    let private initial (key: Key) : LeNet =
        let filters key (outputs: int) (inputs: int) =
            { Weights = Random.normal key [ outputs; inputs; 5; 5 ] / sqrt (25.0 * float inputs)
              Bias = zeros [ outputs ] }

        match Key.splitMany 3 key with
        | [ first; second; dense ] ->
            { First = filters first 6 1
              Second = filters second 16 6
              Dense = Perceptrons.initial dense [ 400; 120; 84; 10 ] }
        | _ -> invalidOp "three keys were asked for"

    let private step name activation pool =
        let data () = Random.uniform (Key.ofSeed 1) [ images; 1; 28; 28 ], Random.randint (Key.ofSeed 2) 0L 10L [ images ]
        let loss (x, y) net = scores activation pool net x |> crossEntropy y
        let learn (data, net) = (net, grad (loss data) net) ||> Tree.map2 (fun p g -> p - 0.1 * g)

        Workload.steps name (fun () ->
            let data, learn = data (), jit learn

            let check before after =
                (before, after) ||> Tree.map2 (fun p q -> (cast DType.Float64 p - q) / 0.1) |> Check.gradient (loss data) before

            Tree.evaluate data
            initial (Key.ofSeed 3), (fun net -> learn (data, net)), check)
        |> Workload.explained (fun () -> Jit.explain learn (data (), initial (Key.ofSeed 3)))

    let all: Workload list =
        [ step "i_lenet_sigmoid_avgpool_b64_step" sigmoid (avgPool2d [ 2; 2 ])
          step "i_lenet_relu_maxpool_b64_step" relu (maxPool2d [ 2; 2 ]) ]
