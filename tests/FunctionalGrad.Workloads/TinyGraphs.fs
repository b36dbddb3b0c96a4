namespace FunctionalGrad.Workloads

open System
open FunctionalGrad

/// Programs whose arithmetic is next to nothing, so that what surrounds it is measured.
module internal TinyGraphs =
    /// Compiled for a sample and called with spans, in float64: a value and its gradient.
    let private spans name (f: 'A -> Tensor) (sample: 'A) (check: float[] -> unit) =
        Workload.create name (fun () ->
            let compiled = compile (valueAndGrad f) sample
            let x = Tree.flatten sample |> Array.map float
            let y = Array.zeroCreate<float> compiled.OutputLength
            let run () = compiled.Invoke(ReadOnlySpan x, Span y)
            run ()
            check y

            fun () ->
                run ()
                box y)

    let private f (x: Tensor, y: Tensor) : Tensor = x * y + sin x

    let private productAndSineOverSpans =
        spans "h_scalar_xy_sinx_span_fwdbwd" f (tensor 1.5, tensor 0.5) (fun y ->
            Check.number 1e-14 y[0] (0.75 + sin 1.5)
            Check.number 1e-14 y[1] (0.5 + cos 1.5)
            Check.number 1e-14 y[2] 1.5)
        |> Workload.against "h_scalar_xy_sinx_fwdbwd"

    let private productAndSine =
        Workload.calls "h_scalar_xy_sinx_fwdbwd" (fun () ->
            let check (dx: Tensor, dy: Tensor) =
                Check.number 1e-6 (float dx) (0.5 + cos 1.5)
                Check.number 1e-6 (float dy) 1.5

            (tensor 1.5f, tensor 0.5f), jit (grad f), check)

    let private links = 500

    let private slopeOfChain (x: float) =
        Seq.fold (fun (y, slope) _ -> sin (1.01 * y), slope * 1.01 * cos (1.01 * y)) (x, 1.0) (seq { 1..links }) |> snd

    let private chain name (f: Tensor -> Tensor) =
        Workload.calls name (fun () -> tensor 0.5f, jit (grad f), (fun slope -> Check.number 1e-3 (float slope) (slopeOfChain 0.5)))

    let private unrolled (x: Tensor) : Tensor = Seq.fold (fun y _ -> sin (y * 1.01)) x (seq { 1..links })

    let private looped (x: Tensor) : Tensor = forLoop links (fun _ y -> sin (y * 1.01)) x

    let private chainOverSpans =
        spans "h_scalar_chain1000_span_fwdbwd" unrolled (tensor 0.5) (fun y -> Check.number 1e-10 y[1] (slopeOfChain 0.5))
        |> Workload.against "h_scalar_chain1000_fwdbwd"

    /// The hinge loss of a small network, with decay of its weights.
    let private hinge (x: Tensor, side: Tensor) (layers: Layer list) : Tensor =
        let score = Perceptrons.scores relu layers x |> squeeze [ 1 ]
        let decay = Tree.flatten layers |> Array.sumBy (square >> sumAll)
        meanAll (relu (1.0 - side * score)) + 1e-4 * decay

    let private smallNetwork =
        Workload.calls "h_mlp_2-16-16-1_100pts_fwdbwd" (fun () ->
            let draw = Random.uniform (Key.ofSeed 2) [ 100 ]
            let data = Random.uniform (Key.ofSeed 1) [ 100; 2 ], where (draw .> 0.5) (onesLike draw) (-(onesLike draw))
            let layers = Perceptrons.initial (Key.ofSeed 3) [ 2; 16; 16; 1 ]
            (data, layers), jit (fun (data, layers) -> grad (hinge data) layers), Check.gradient (hinge data) layers)

    let all: Workload list =
        [ productAndSine
          productAndSineOverSpans
          chainOverSpans
          chain "h_scalar_chain1000_fwdbwd" unrolled
          chain "h_scalar_chain1000_loop_fwdbwd" looped |> Workload.against "h_scalar_chain1000_fwdbwd"
          smallNetwork ]
