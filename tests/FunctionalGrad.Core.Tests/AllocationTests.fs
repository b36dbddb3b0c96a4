namespace FunctionalGrad.Tests

open System
open FunctionalGrad
open FunctionalGrad.Loops
open Xunit

/// What a step that has been compiled allocates on the managed heap.
[<Collection("settings")>]
type AllocationTests() =
    let classes = Random.randint (Key.ofSeed 2) 0L 10L [ 64 ]

    let loss (x: Tensor, weights: Tensor, bias: Tensor) =
        let hidden = relu (x *@ weights + bias)
        meanAll (square hidden) + (hidden.[*, ..9] |> crossEntropy classes)

    /// Products, rows, columns and elements, large enough for several threads.
    let step (x: Tensor, weights: Tensor, bias: Tensor) =
        let _, dw, db = grad loss (x, weights, bias)
        weights - 0.1 * dw, bias - 0.1 * db

    let sample () =
        let draw seed shape = Random.normalWith DType.Float64 (Key.ofSeed seed) shape / 10.0
        let sample = draw 1 [ 64; 300 ], draw 3 [ 300; 400 ], draw 4 [ 400 ]
        Tree.evaluate sample
        sample

    let least (runs: int) (f: unit -> unit) =
        let once _ =
            let before = GC.GetAllocatedBytesForCurrentThread()
            f ()
            GC.GetAllocatedBytesForCurrentThread() - before

        List.init runs once |> List.min

    let under (tier: Tier) (threads: int) (f: unit -> unit) =
        let tierBefore, threadsBefore = Tiers.Chosen, Parallelism.Degree

        try
            Tiers.Chosen <- tier
            Parallelism.Degree <- threads
            f ()
        finally
            Tiers.Chosen <- tierBefore
            Parallelism.Degree <- threadsBefore

    [<Theory; InlineData(1, 1); InlineData(1, 2); InlineData(2, 1); InlineData(2, 2)>]
    member _.``a compiled step allocates nothing``(tier: int, threads: int) =
        under (enum<Tier> tier) threads (fun () ->
            let f = compile step (sample ())
            let input = Array.init f.InputLength (fun i -> float (i % 7) / 10.0)
            let output = Array.zeroCreate<float> f.OutputLength
            Assert.Equal(0L, least 12 (fun () -> f.Invoke(ReadOnlySpan input, Span output)))
            Assert.Contains(output, (fun y -> y <> 0.0)))

    [<Theory; InlineData(1, 1); InlineData(1, 2); InlineData(2, 1); InlineData(2, 2)>]
    member _.``a step through tensors allocates its results and a few objects``(tier: int, threads: int) =
        under (enum<Tier> tier) threads (fun () ->
            let x, weights, bias = sample ()
            let f = jit step
            // Memory comes in sizes of up to an eighth more.
            let results = int64 (9 * (weights.Count + bias.Count))
            Assert.InRange(least 12 (fun () -> f (x, weights, bias) |> ignore), 0L, results + 8_000L)
            let donating = jitDonating (fun (_, weights, bias) -> weights, bias) step
            let mutable parameters = weights, bias
            let next () = parameters <- donating (x, fst parameters, snd parameters)
            Assert.InRange(least 12 next, 0L, 8_000L))
