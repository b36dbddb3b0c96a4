namespace FunctionalGrad.Tests

open FunctionalGrad
open Xunit

/// Graphs that are deep: every walk has a stack of its own.
type ChainTests() =
    let chain length (x: Tensor) =
        let mutable y = x

        for i in 1..length do
            y <- if i % 2 = 0 then y * 2.0 else y * 0.5

        y

    [<Fact>]
    member _.``a chain of ten thousand ops has a value, both derivatives and a batch``() =
        let f = chain 10_000
        Expect.number 3.0 (f (tensor 3.0))
        Expect.number 1.0 (grad f (tensor 3.0))
        Expect.number 1.0 (jvp f (tensor 3.0) (tensor 1.0) |> snd)
        Expect.near (tensor [ 3.0; 4.0 ]) (vmap f (tensor [ 3.0; 4.0 ]))

    [<Fact>]
    member _.``a chain of a million ops has a value and a derivative``() =
        let y, slope = valueAndGrad (chain 1_000_000) (tensor 3.0)
        Expect.number 3.0 y
        Expect.number 1.0 slope

    [<Fact>]
    member _.``a million terms added in front of their sum have a value``() =
        let mutable y = tensor 0.0
        let x = tensor 0.5

        for i in 1..1_000_000 do
            y <- x * float (i % 3) + y

        Expect.number 500_000.0 y
