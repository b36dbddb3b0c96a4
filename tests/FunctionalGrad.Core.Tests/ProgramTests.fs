namespace FunctionalGrad.Tests

open FunctionalGrad
open Xunit

/// Random programs of many ops: what the compiler fuses, reads through and shares, against the reference evaluator.
module internal Programs =
    let private sizesOf (x: Tensor) = List.ofSeq x.Shape.Sizes

    /// Ops that keep numbers small, so that no rounding grows.
    let private calm: (Tensor -> Tensor) list =
        [ sin; cos; tanh; sigmoid; (fun x -> -x); (fun x -> x * 0.5); (fun x -> 1.0 - x); erf; (fun x -> x / 3.0) ]

    /// Another look at the same elements, or at some of them.
    let private view (source: Source) (x: Tensor) : Tensor =
        let n = x.Rank

        match source.Int(0, 8) with
        | 0 -> transpose x
        | 1 -> permute (List.ofArray (source.Order n)) x
        | 2 -> flip (source.Axes n) x
        | 3 -> reshape [ -1 ] (if x.Count = 0 then onesLike x |> sumAll |> cast x.DType else x)
        | 4 -> expandDims (source.Axis(n + 1)) x
        | 5 when n > 0 -> slice [ Some(source.Int(-1, 1)), None, source.Pick [ None; Some 2; Some -1 ] ] x
        | 6 when n < 4 -> broadcastTo (source.Int(1, 2) :: sizesOf x) x
        | 7 when n > 0 && x.Shape.[0] % 2 = 0 && x.Count > 0 -> reshape (2 :: -1 :: List.tail (sizesOf x)) x
        | _ -> pad [ for _ in 1..n -> source.Int(0, 1), 0 ] x

    let private fold (source: Source) (x: Tensor) : Tensor =
        let axes = source.Axes x.Rank

        match source.Int(0, 4) with
        | 0 -> sum axes x
        | 1 -> sumKeepDims axes x
        | 2 when x.Count > 0 -> amaxKeepDims axes x
        | 3 when x.Rank > 0 && x.Count > 0 -> softmax (source.Axis x.Rank) x
        | _ -> x - (if x.Count > 0 then meanKeepDims axes x else x)

    /// A second operand of the pool that broadcasts with x, else x itself in another form.
    let private partner (source: Source) (pool: ResizeArray<Tensor>) (x: Tensor) =
        let fits (y: Tensor) =
            try
                (x + y).Count <= 200
            with :? ShapeException ->
                false

        match pool |> Seq.filter fits |> List.ofSeq with
        | [] -> cos x
        | others -> source.Pick others

    let private join (source: Source) (pool: ResizeArray<Tensor>) (x: Tensor) : Tensor =
        let y = partner source pool x

        match source.Int(0, 6) with
        | 0 -> x + y
        | 1 -> x * y
        | 2 -> maximum x y
        | 3 -> where (less x y) x (y * 0.5)
        | 4 when x.Rank > 0 -> concat (source.Axis x.Rank) [ x; x ]
        | 5 when x.Rank >= 2 -> matmul x (swapaxes -1 -2 x) * 0.1
        | 6 when x.Rank > 0 && x.Shape.[0] > 0 -> take 0 (source.Positions(x.Shape.[0], source.Shape(0, 1))) x
        | _ -> x - y

    /// The results of a program over the inputs; the same source gives the same program.
    let build (source: Source) (inputs: Tensor[]) : Tensor[] =
        let pool = ResizeArray<Tensor>(inputs)

        for _ in 1 .. source.Int(3, 25) do
            let x = source.Pick(List.ofSeq pool)

            let y =
                match source.Int(0, 5) with
                | 0
                | 1 -> (source.Pick calm) x
                | 2 -> view source x
                | 3 -> fold source x
                | _ -> join source pool x

            if y.Count <= 200 && y.Rank <= 5 then pool.Add y

        Array.init (source.Int(1, 3)) (fun i -> pool[pool.Count - 1 - i])

    let inputs (source: Source) : Tensor[] = Array.init (source.Int(1, 3)) (fun _ -> source.Floats(Between(-1.0, 1.0), source.Shape(0, 3)))

    /// One number of all that a program gives.
    let total (program: Tensor[] -> Tensor[]) (xs: Tensor[]) : Tensor =
        program xs |> Array.map (fun y -> sumAll (sin y)) |> Array.reduce (+)

    let gradient (program: Tensor[] -> Tensor[]) : Tensor[] -> Tensor[] = grad (total program)

    /// The results with their values, computed in one go.
    let together (results: Tensor[]) : Tensor[] =
        Tensor.evaluate (List.ofArray results)
        results

/// The compiler on whole programs.
type ProgramTests() =
    let compare what tolerance convert derive =
        Property.forSeeds 600 (fun seed ->
            let run () =
                let source = Source seed
                let inputs = Programs.inputs source |> Array.map convert
                derive seed (fun xs -> Programs.build (Source(seed + 1)) xs) inputs

            try
                Expect.all what tolerance (Evaluation.byReference (run >> Programs.together)) (Programs.together (run ()))
            with error ->
                raise (Xunit.Sdk.XunitException($"program {seed}: {error.Message}", error)))

    let value _ (program: Tensor[] -> Tensor[]) inputs = program inputs
    let gradient _ = Programs.gradient

    [<Fact>]
    member _.``values, float64``() = compare "program" 1e-11 id value

    [<Fact>]
    member _.``values, float32``() = compare "program" 1e-4 (cast DType.Float32) value

    [<Fact>]
    member _.``gradients``() = compare "gradient" 1e-9 id gradient

    [<Fact>]
    member _.``both modes agree``() =
        Property.forSeeds 300 (fun seed ->
            let source = Source seed
            let inputs = Programs.inputs source
            let f = Programs.total (fun xs -> Programs.build (Source(seed + 1)) xs)
            let v = inputs |> Array.map (fun x -> source.Floats x.Shape)
            let forward = (jvp f inputs v |> snd).ToDouble()
            let reverse = Array.map2 (fun g v -> (sumAll (g * v)).ToDouble()) (grad f inputs) v |> Array.sum
            Assert.True(abs (forward - reverse) <= 1e-9 * max 1.0 (abs forward), $"program {seed}: {forward} and {reverse}"))

    [<Fact>]
    member _.``a batch is a loop``() =
        Property.forSeeds 300 (fun seed ->
            let source = Source seed
            let inputs = Programs.inputs source
            let f xs = Programs.build (Source(seed + 1)) xs
            let rows = Array.init 3 (fun _ -> inputs |> Array.map source.Variant)
            let stacked (rows: Tensor[][]) = Array.init rows[0].Length (fun i -> stack 0 [ for row in rows -> row[i] ])

            try
                Expect.all "batch" 1e-11 (stacked (Array.map f rows)) (vmap f (stacked rows))
            with error ->
                raise (Xunit.Sdk.XunitException($"program {seed}: {error.Message}", error)))
