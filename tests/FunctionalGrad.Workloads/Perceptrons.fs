namespace FunctionalGrad.Workloads

open FunctionalGrad

/// An affine map: x ↦ x·W + b.
type Layer = { Weights: Tensor; Bias: Tensor }

/// Multilayer perceptrons on a minibatch of 256 images of which a fifth of the pixels is lit.
module internal Perceptrons =
    let affine (layer: Layer) (x: Tensor) : Tensor = x *@ layer.Weights + layer.Bias

    /// The last layer's scores; an activation stands between layers.
    let rec scores (activation: Tensor -> Tensor) (layers: Layer list) (x: Tensor) : Tensor =
        match layers with
        | [] -> x
        | [ last ] -> affine last x
        | layer :: rest -> x |> affine layer |> activation |> scores activation rest

    let loss (activation: Tensor -> Tensor) (pixels: Tensor, classes: Tensor) (layers: Layer list) : Tensor =
        scores activation layers pixels |> crossEntropy classes

    let initial (key: Key) (sizes: int list) : Layer list =
        let layer key (inputs, outputs) =
            { Weights = Random.normal key [ inputs; outputs ] / sqrt (float inputs); Bias = zeros [ outputs ] }

        List.map2 layer (Key.splitMany (sizes.Length - 1) key) (List.pairwise sizes)

    [<Literal>]
    let Images = 256

    let batch (key: Key) (inputs: int) (classes: int) : Tensor * Tensor =
        let pixelKey, classKey = Key.split key
        let light = Random.uniform pixelKey [ Images; inputs ]
        where (light .< 0.8) (zerosLike light) light, Random.randint classKey 0L (int64 classes) [ Images ]

    [<Literal>]
    let private Rate = 0.1

    /// Products forward, of the weights' gradients, and of what reaches each layer but the first.
    let private flopsOf (sizes: int list) (isStep: bool) =
        let products = sizes |> List.pairwise |> List.map (fun (m, n) -> 2.0 * float Images * float m * float n)
        if isStep then 3.0 * List.sum products - products.Head else List.sum products

    let private learn (data, layers) = (layers, grad (loss relu data) layers) ||> Tree.map2 (fun p g -> p - Rate * g)

    let private step name (sizes: int list) =
        let data () = batch (Key.ofSeed 1) sizes.Head (List.last sizes)

        Workload.steps name (fun () ->
            let data, learn = data (), jit learn

            let check before after =
                (before, after) ||> Tree.map2 (fun p q -> (cast DType.Float64 p - q) / Rate) |> Check.gradient (loss relu data) before

            Tree.evaluate data
            initial (Key.ofSeed 2) sizes, (fun layers -> learn (data, layers)), check)
        |> Workload.flops (flopsOf sizes true)
        |> Workload.explained (fun () -> Jit.explain learn (data (), initial (Key.ofSeed 2) sizes))

    let private forward name (sizes: int list) =
        Workload.calls name (fun () ->
            let layers = initial (Key.ofSeed 2) sizes
            let pixels, _ = batch (Key.ofSeed 1) sizes.Head (List.last sizes)
            let wide = layers |> Tree.map (cast DType.Float64)

            (layers, pixels),
            jit (fun (layers, pixels) -> scores relu layers pixels),
            (fun y -> Check.near 1e-5 y (scores relu wide pixels)))
        |> Workload.flops (flopsOf sizes false)

    let private curvature name (sizes: int list) =
        Workload.calls name (fun () ->
            let data = batch (Key.ofSeed 1) sizes.Head (List.last sizes)
            let layers, direction = initial (Key.ofSeed 2) sizes, initial (Key.ofSeed 3) sizes
            let along = jit (fun (data, layers, direction) -> hvp (loss tanh data) layers direction)
            (data, layers, direction), along, Check.hessianProduct (loss tanh data) layers direction)
        |> Workload.flops (2.0 * flopsOf sizes true)

    let all: Workload list =
        [ step "a_mlp2_784-256-10_b256_step" [ 784; 256; 10 ]
          forward "a_mlp2_784-256-10_b256_forward" [ 784; 256; 10 ]
          step "b_mlp3_784-256-128-10_b256_step" [ 784; 256; 128; 10 ]
          step "c_softmaxreg_784-10_b256_step" [ 784; 10 ]
          curvature "k_hvp_mlp2_784-256-10_tanh_b256" [ 784; 256; 10 ] ]
