namespace FunctionalGrad.Tests

open System
open System.Threading.Tasks
open FunctionalGrad
open Xunit

type private AffineLayer = { Weights: Tensor; Bias: Tensor }

/// What happens to arguments that are given away.
type DonationTests() =
    let elements (x: Tensor) = x.ToArray<float>()

    let layers () =
        [ for i, (inputs, outputs) in List.indexed [ 30, 20; 20, 5 ] ->
              { Weights = Random.normalWith DType.Float64 (Key.ofSeed (10 + i)) [ inputs; outputs ]
                Bias = Random.normalWith DType.Float64 (Key.ofSeed (20 + i)) [ outputs ] } ]

    let data () = Random.normalWith DType.Float64 (Key.ofSeed 1) [ 16; 30 ], Random.randint (Key.ofSeed 2) 0L 5L [ 16 ]

    let loss (x, classes) (layers: AffineLayer list) =
        let hidden = tanh (x *@ layers[0].Weights + layers[0].Bias)
        hidden *@ layers[1].Weights + layers[1].Bias |> crossEntropy classes

    let step (layers, batch) = (layers, grad (loss batch) layers) ||> Tree.map2 (fun p g -> p - 0.1 * g)

    let momentum (p: Tensor, v: Tensor, g: Tensor) =
        let v = 0.9 * v + g
        p - 0.1 * v, v

    let computed (x: Tensor) =
        Tree.evaluate x
        x

    /// A fresh tensor whose memory nobody else holds.
    let fresh seed = computed (Random.normalWith DType.Float64 (Key.ofSeed seed) [ 1000 ])
    let shift = jitDonating id (fun (x: Tensor) -> x + 1.0)

    /// A copy of a pinned array's memory is told by its address.
    let address (x: Tensor) = x.KnownValue.Address

    let gone (name: string) (f: unit -> unit) =
        let refusal = Assert.Throws<DonationException> f
        Assert.StartsWith(name + ": ", refusal.Message)
        Assert.Contains("do not donate", refusal.Message)

    [<Fact>]
    member _.``steps give the same with and without donation``() =
        let batch = data ()
        let kept, donating = jit step, jitDonating fst step
        let mutable a, b = layers (), layers ()

        for _ in 1..6 do
            a <- kept (a, batch)
            b <- donating (b, batch)

        Assert.Equal<float[][]>(Tree.flatten a |> Array.map elements, Tree.flatten b |> Array.map elements)

    [<Fact>]
    member _.``results lie where the donated tensors lay``() =
        let p, v, g = fresh 1, fresh 2, fresh 3
        let places = set [ address p; address v ]
        let expected = momentum (p, v, g) |> fun (p, v) -> elements p, elements v
        let p, v = jitDonating (fun (p, v, _) -> p, v) momentum (p, v, g)
        Assert.Equal<Set<nativeint>>(places, set [ address p; address v ])
        Assert.Equal(expected, (elements p, elements v))
        Assert.Equal(1000, g.ToArray<float>().Length)

    [<Fact>]
    member _.``a donated tensor is refused, wherever it is read``() =
        let x = fresh 1
        let waiting = x * 2.0
        let captured = jit (fun (y: Tensor) -> x + y)
        captured (fresh 2) |> ignore
        shift x |> ignore
        gone "value" (fun () -> x.ToArray<float>() |> ignore)
        gone "value" (fun () -> x.Value |> ignore)
        gone "sin" (fun () -> sin x |> ignore)
        gone "mul" (fun () -> waiting.Value |> ignore)
        gone "jit" (fun () -> shift x |> ignore)
        gone "jit" (fun () -> jit sin x |> ignore)
        gone "jit" (fun () -> captured (fresh 2) |> ignore)
        Assert.Throws<DonationException>(fun () -> grad sumAll x |> ignore) |> ignore
        Assert.Equal("tensor(donated, shape=[1000], dtype=float64)", string x)

    [<Fact>]
    member _.``what shares the memory keeps its values``() =
        let sharing: (string * (Tensor -> unit -> float[])) list =
            [ "a view", (fun x -> let y = reshape [ 10; 100 ] x in fun () -> elements y)
              "a part",
              (fun x ->
                  let y = x[3..7] in

                  (computed y |> ignore
                   fun () -> elements y))
              "an array", (fun x -> let array = x.Value in fun () -> array.ToArray<float>())
              "a result that is the argument", (fun x -> let y = jit id x in fun () -> elements y)
              "a variable", (fun x -> let y = vjp id x |> fst in fun () -> elements y)
              "a compiled constant",
              (fun x ->
                  let f = compile (fun (y: Tensor) -> x + y) (zerosWith DType.Float64 [ 1000 ])

                  fun () ->
                      let y = Array.zeroCreate<float> 1000
                      f.Invoke(ReadOnlySpan(Array.zeroCreate<float> 1000), Span y)
                      y) ]

        for name, share in sharing do
            let x = fresh 7
            let before = x.ToArray<float>()
            let read = share x
            let first = read ()
            let place = address x
            let y = shift x
            Assert.True((address y <> place), name)
            Assert.Equal<float[]>(first, read ())
            Assert.Equal<float[]>(Array.map ((+) 1.0) before, elements y)

    [<Fact>]
    member _.``tensors of data that nobody computed are copied``() =
        let numbers = [| 1.0; 2.0; 3.0 |]
        let array = NDArray.Create<float>(Shape.Of 3, ReadOnlySpan numbers)
        let y = shift (Tensor.ofArray array)
        Assert.Equal<float[]>([| 2.0; 3.0; 4.0 |], elements y)
        Assert.Equal<float[]>(numbers, array.ToArray<float>())

    [<Fact>]
    member _.``one tensor in two places``() =
        let both = jitDonating fst (fun (x: Tensor, y: Tensor) -> x + 1.0, x * y)
        let x = fresh 1
        let before = elements x
        let sum, product = both (x, x)
        Assert.Equal<float[]>(Array.map ((+) 1.0) before, elements sum)
        Assert.Equal<float[]>(Array.map (fun x -> x * x) before, elements product)
        gone "value" (fun () -> x.Value |> ignore)
        let twice = jitDonating id (fun (x: Tensor, y: Tensor) -> x + 1.0, y * 3.0)
        let x = fresh 1
        let sum, product = twice (x, x)
        Assert.Equal<float[]>(Array.map ((+) 1.0) before, elements sum)
        Assert.Equal<float[]>(Array.map ((*) 3.0) before, elements product)
        Assert.NotEqual(address sum, address product)

    [<Fact>]
    member _.``results that are arguments, or each other``() =
        let f = jitDonating id (fun (x: Tensor, y: Tensor) -> y, x, x + y, x + y)
        let x, y = fresh 1, fresh 2
        let before = elements x, elements y
        let a, b, c, d = f (x, y)
        let sums = Array.map2 (+) (fst before) (snd before)
        Assert.Equal<float[] list>([ snd before; fst before; sums; sums ], [ elements a; elements b; elements c; elements d ])
        // The last two are one array: neither may be written over.
        let shifted = shift c
        Assert.Equal<float[]>(sums, elements d)
        Assert.Equal<float[]>(Array.map ((+) 1.0) sums, elements shifted)

    [<Fact>]
    member _.``numbers that are not stored are given up too``() =
        let x = onesWith DType.Float64 [ 1000 ]
        Assert.Equal(2000.0, float (sumAll (shift x)))
        gone "value" (fun () -> x.Value |> ignore)
        gone "exp" (fun () -> exp x |> ignore)

    [<Fact>]
    member _.``nothing is given up inside another transform``() =
        let x = fresh 1
        let slope = grad (fun x -> sumAll (shift x * x)) x
        Assert.Equal<float[]>(Array.map (fun x -> x + 1.0 + x) (elements x), elements slope)
        Assert.Equal<float[]>(Array.map (fun x -> x + 1.0 + 1.0) (elements x), elements (jit (fun x -> shift (shift x)) x))

    [<Fact>]
    member _.``only parts of the argument can be donated``() =
        let f = jitDonating (fun (x: Tensor) -> x + 1.0) (fun x -> x * 2.0)
        let refusal = Assert.Throws<DonationException>(fun () -> f (fresh 1) |> ignore)
        Assert.StartsWith("jitDonating: ", refusal.Message)

    [<Fact>]
    member _.``results of another size or order take new memory``() =
        let x = fresh 1
        let before, place = elements x, address x
        let y = jitDonating id (fun (x: Tensor) -> flip [ 0 ] x * 2.0) x
        Assert.Equal<float[]>(Array.rev before |> Array.map ((*) 2.0), elements y)
        Assert.NotEqual(place, address y)
        let total = jitDonating id sumAll (fresh 1)
        Assert.Equal(Array.sum before, float total, 9)

    [<Fact>]
    member _.``a long chain of steps stays in one place``() =
        let mutable x = computed (zerosWith DType.Float64 [ 1_000 ] + 0.0)

        for _ in 1..200 do
            x <- shift x

        let place = address x

        for _ in 1..200 do
            x <- shift x

        Assert.Equal(place, address x)
        Assert.Equal<float[]>(Array.replicate 1_000 400.0, elements x)

    [<Fact>]
    member _.``of threads that give one tensor away, one gets a result and the others a refusal``() =
        for seed in 1..50 do
            let x = fresh seed
            let expected = Array.map ((+) 1.0) (elements x)
            let results = Array.zeroCreate<float[]> 4

            Parallel.For(
                0,
                4,
                fun i ->
                    try
                        results[i] <- elements (shift x)
                    with :? DonationException ->
                        ()
            )
            |> ignore

            let given = results |> Array.filter (isNull >> not)
            Assert.NotEmpty given
            Assert.All(given, (fun result -> Assert.Equal<float[]>(expected, result)))

    [<Fact>]
    member _.``a step that donates allocates nothing but objects``() =
        let wide = Random.normal (Key.ofSeed 1) [ 500; 400 ] |> computed
        let update = jitDonating fst (fun (w: Tensor, g: Tensor) -> w - 0.1 * g)
        let g = Random.normal (Key.ofSeed 2) [ 500; 400 ] |> computed
        let mutable w = wide

        let bytes () =
            let before = GC.GetAllocatedBytesForCurrentThread()
            w <- update (w, g)
            GC.GetAllocatedBytesForCurrentThread() - before

        Assert.InRange(List.min [ for _ in 1..40 -> bytes () ], 0L, 2000L)
