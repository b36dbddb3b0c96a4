namespace FunctionalGrad.Workloads

open System
open FunctionalGrad

/// A program that has not been compiled yet.
type ColdStart =
    {
        Name: string
        /// Seconds in which it should be compiled.
        Limit: float
        /// Makes the program of a number, which differs from those of other numbers; its first run compiles it.
        Make: Func<int, Func<obj>>
    }

/// Programs to be compiled.
module internal ColdStarts =
    let private cold name limit (make: int -> 'A * ('A -> 'B)) : ColdStart =
        { Name = name
          Limit = limit
          Make =
            Func<_, _>(fun number ->
                let argument, f = make number
                Tree.evaluate argument
                Func<obj>(fun () -> box (f argument))) }

    let private trainingStep number =
        let sizes = [ 784; 128 + number; 64; 10 ]
        let data = Perceptrons.batch (Key.ofSeed 1) 784 10

        let step (data, layers) = (layers, grad (Perceptrons.loss relu data) layers) ||> Tree.map2 (fun p g -> p - 0.1 * g)

        (data, Perceptrons.initial (Key.ofSeed 2) sizes), jit step

    /// Elementwise nodes one after the other.
    let private chain nodes number =
        let f (x: Tensor) = Seq.fold (fun y _ -> sin (y * 1.01)) x (seq { 1 .. nodes / 2 })
        Random.normal (Key.ofSeed 1) [ 16 + number ], jit f

    /// Layers of a product, a sum over rows and a few elementwise nodes: six nodes each.
    let private layers nodes number =
        let f (w: Tensor, x: Tensor) =
            let layer h _ =
                let y = tanh (h *@ w + x)
                y - meanKeepDims [ 1 ] y

            Seq.fold layer x (seq { 1 .. nodes / 6 })

        let size = 8 + number
        (Random.normal (Key.ofSeed 1) [ size; size ] / 3.0, Random.normal (Key.ofSeed 2) [ 4; size ]), jit f

    let all: ColdStart list =
        [ cold "cold_mlp_step" 0.15 trainingStep
          cold "cold_chain_10000" 1.0 (chain 10_000)
          cold "cold_layers_10000" 1.0 (layers 10_000)
          cold "cold_chain_100000" 10.0 (chain 100_000)
          cold "cold_layers_100000" 10.0 (layers 100_000) ]
