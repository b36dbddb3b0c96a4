namespace FunctionalGrad.Tests

open System
open FunctionalGrad
open Xunit

/// How loops run: what a step allocates, where its results go, how often the loop runs.
type LoopRunTests() =
    /// Bytes on the managed heap that a call takes once everything is compiled, which happens on the way.
    let allocated (f: unit -> unit) : int64 =
        let once () =
            let before = GC.GetAllocatedBytesForCurrentThread()
            f ()
            GC.GetAllocatedBytesForCurrentThread() - before

        List.min [ for _ in 1..30 -> once () ]

    /// A call with many steps takes no more than one with few, but for the larger results and for the pages that small arrays share: less
    /// than a third of what one object for each step would be.
    let allocatesNothingPerStep (results: int -> int) (build: int -> Tensor[] -> Tensor[]) (inputs: int -> Tensor[]) =
        let bytes count =
            let f = jit (build count)
            let xs = inputs count
            Tensor.evaluate (List.ofArray xs)
            allocated (fun () -> f xs |> ignore)

        let few, many = bytes 100, bytes 3100
        Assert.True(many - few < int64 (results 3100) + 24_000L, $"{few} bytes for 100 steps, {many} for 3,100")

    let vector (n: int) (seed: int) =
        let random = Random seed
        tensor [ for _ in 1..n -> random.NextDouble() ]

    let matrix (n: int) (m: int) (seed: int) = reshape [ n; m ] (vector (n * m) seed)

    let decay count (xs: Tensor[]) =
        [| forLoop count (fun i (s: Tensor) -> s * 0.999 + sin (s * xs[1]) * 1e-3 + cast DType.Float64 i * 1e-9) xs[0] |]

    let recurrence (xs: Tensor[]) =
        let step (h: Tensor) (x: Tensor) =
            let next = tanh (matmul xs[1] h + x)
            next, next * 2.0

        let last, rows = scan step xs[0] xs[2]
        [| last; rows |]

    let chosen count (xs: Tensor[]) =
        [| forLoop count (fun _ (s: Tensor) -> cond (less (sumAll s) (tensor 2.0)) (fun () -> s + xs[1]) (fun () -> s * 0.5)) xs[0] |]

    let until (limit: int) (xs: Tensor[]) =
        let _, s =
            whileLoop
                (fun (i: Tensor, _) -> less i (tensor (float limit)))
                (fun (i: Tensor, s: Tensor) -> i + 1.0, s * xs[1])
                (tensor 0.0, xs[0])

        [| s |]

    let gradient (f: Tensor[] -> Tensor[]) (xs: Tensor[]) =
        let value, slopes = valueAndGrad (fun xs -> f xs |> Array.map (fun y -> sumAll (y * y)) |> Array.reduce (+)) xs
        Array.append [| value |] slopes

    [<Fact>]
    member _.``no step of a loop allocates``() =
        let two _ = [| vector 5 1; vector 5 2 |]
        allocatesNothingPerStep (fun _ -> 0) decay two
        allocatesNothingPerStep (fun _ -> 0) (fun count -> gradient (decay count)) two
        allocatesNothingPerStep (fun _ -> 0) chosen two
        allocatesNothingPerStep (fun _ -> 0) (fun count -> gradient (chosen count)) two
        allocatesNothingPerStep (fun _ -> 0) until two

    [<Fact>]
    member _.``no step of a scan allocates``() =
        let three count = [| vector 4 1; matrix 4 4 2; matrix count 4 3 |]
        allocatesNothingPerStep (fun count -> count * 4 * 8) (fun _ -> recurrence) three
        allocatesNothingPerStep (fun count -> count * 4 * 8) (fun _ -> gradient recurrence) three

    [<Fact>]
    member _.``what a step leaves as it is, swaps or repeats is carried``() =
        let x, y, z = tensor [ 1.0; 2.0 ], tensor [ 3.0; 4.0 ], tensor [ 5.0; 6.0 ]

        for count in 0..5 do
            let a, b, c, d = forLoop count (fun _ (a, b, c, d) -> b, a, c, c) (x, y, z, x + y)
            Expect.all "carries" 0.0 (if count % 2 = 0 then [| x; y; z |] else [| y; x; z |]) [| a; b; c |]
            Expect.equal (if count = 0 then x + y else z) d

            let f (a, b, c, d) =
                let a, b, c, d = forLoop count (fun _ (a, b, c, d) -> b, a, c, c) (a, b, c, d) in sumAll (a * x + b * y + c + d * z)

            let ga, gb, gc, gd = grad f (x, y, z, x)
            Expect.all "gradient" 0.0 (if count % 2 = 0 then [| x; y |] else [| y; x |]) [| ga; gb |]
            Expect.equal (if count = 0 then onesLike z else 1.0 + z) gc
            Expect.equal (if count = 0 then z else zerosLike z) gd

    [<Fact>]
    member _.``a loop whose end is not known is recorded however long it is``() =
        // More steps than the record holds in one piece.
        let steps = 200_000
        let inputs = [| tensor 1.5; tensor (1.0 + 1.0 / float steps) |]
        let ofWhile = gradient (until steps) inputs
        let ofFor = gradient (fun xs -> [| forLoop steps (fun _ (s: Tensor) -> s * xs[1]) xs[0] |]) inputs
        Expect.all "gradient" 1e-12 ofFor ofWhile

    [<Fact>]
    member _.``segments of any length give the same gradient``() =
        let inputs = [| vector 3 1; matrix 3 3 2 |]

        for count in 0..9 do
            let xs = matrix (max count 1) 3 4
            let plain = gradient (fun p -> recurrence [| p[0]; p[1]; xs |]) inputs

            for segment in 1..11 do
                let f (p: Tensor[]) =
                    let step (h: Tensor) (x: Tensor) = let next = tanh (matmul p[1] h + x) in next, next * 2.0
                    let last, rows = scanSegmented segment step p[0] xs
                    [| last; rows |]

                Expect.all $"{count} steps by {segment}" 1e-13 plain (gradient f inputs)

    [<Fact>]
    member _.``value and gradient share one run of the loop``() =
        let runs = ref 0

        let twice: CustomOp =
            { Name = "twice"
              Results = id
              Forward =
                fun inputs ->
                    runs.Value <- runs.Value + 1
                    [ NDArray.Create<float>(inputs[0].Shape, ReadOnlySpan(inputs[0].ToArray<float>() |> Array.map ((*) 2.0))) ]
              Reverse = fun _ _ g -> [ Some(g[0] * 2.0) ] }

        let loss (x: Tensor) = sumAll (sin (forLoop 7 (fun _ (s: Tensor) -> (customOp twice [ s ])[0] * 0.6) x))
        let x = tensor [ 0.1; 0.2 ]

        let check (value: Tensor, slope: Tensor) =
            Expect.close "value" 1e-12 (sumAll (sin (x * 1.2 ** 7.0))) value
            Expect.close "gradient" 1e-12 (cos (x * 1.2 ** 7.0) * 1.2 ** 7.0) slope

        check (valueAndGrad loss x)
        Assert.Equal(7, runs.Value)
        let f = jit (valueAndGrad loss)
        check (f x)
        runs.Value <- 0
        check (f (x + 0.0))
        Assert.Equal(7, runs.Value)
