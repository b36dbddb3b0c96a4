namespace FunctionalGrad.Tests

open System
open FunctionalGrad
open FunctionalGrad.Compile
open Xunit

/// Products that a loop makes of all its steps together: nothing changes but how many there are.
type LoopMotionTests() =
    let normal seed sizes = Random.normalWith DType.Float64 (Key.ofSeed seed) sizes

    /// Rows of x, weights of the input, of the state and of a second layer, a bias, a first state.
    let inputs length : Tensor[] =
        [| normal 1 [ length; 3; 5 ]
           normal 2 [ 5; 8 ]
           normal 3 [ 4; 8 ]
           normal 4 [ 4; 4 ]
           normal 5 [ 8 ]
           normal 6 [ 3; 4 ] |]

    /// A gated cell. Its weights are read in more than one way, one only in part, and its input goes through a function first.
    let cell (p: Tensor[]) (h: Tensor) (x: Tensor) : Tensor * Tensor =
        match tanh x *@ p[1] + h *@ p[2] + p[4] |> split 1 [ 4; 4 ] with
        | [ gate; candidate ] ->
            let h = sigmoid gate * h + tanh (candidate *@ p[3] + 0.1 * (h *@ p[3])) * p[4][0..3]
            h, h *@ p[3]
        | _ -> invalidOp "there are two parts"

    let scanned (p: Tensor[]) : Tensor =
        let last, rows = scan (cell p) p[5] p[0]
        sumAll (last * last) + sumAll (sin rows)

    let segmented (p: Tensor[]) : Tensor =
        let last, rows = scanSegmented 2 (cell p) p[5] p[0]
        sumAll (last * last) + sumAll (sin rows)

    /// The same without a loop.
    let unrolled (p: Tensor[]) : Tensor =
        let folder (h: Tensor, total: Tensor) (i: int) =
            let h, row = cell p h (p[0].[i])
            h, total + sumAll (sin row)

        let last, total = Seq.fold folder (p[5], tensor 0.0) [ 0 .. p[0].Shape.[0] - 1 ]
        sumAll (last * last) + total

    let lengths = [ 1; 2; 5 ]
    let like (p: Tensor[]) = p |> Array.mapi (fun i x -> normal (20 + i) (List.ofSeq x.Shape.Sizes))

    let directional f (p: Tensor[]) = jvp f p (like p) |> snd

    let check (what: string) (transform: (Tensor[] -> Tensor) -> Tensor[] -> Tensor[]) =
        for length in lengths do
            let p = inputs length
            let expected = transform unrolled p
            Expect.all $"{what}, {length} steps" 1e-12 expected (transform scanned p)
            Expect.all $"{what}, {length} steps, jit" 1e-12 expected (jit (transform scanned) p)
            Expect.all $"{what}, {length} steps, segments" 1e-12 expected (transform segmented p)

    let cellOf gates (input: Tensor, hidden: Tensor, bias: Tensor) (h: Tensor) (x: Tensor) =
        x *@ input + h *@ hidden + bias |> split 1 (List.replicate gates 16)

    let lstm parameters (x: Tensor) =
        let step (h: Tensor, c: Tensor) x =
            match cellOf 4 parameters h x with
            | [ input; forget; output; candidate ] ->
                let c = sigmoid forget * c + sigmoid input * tanh candidate
                let h = sigmoid output * tanh c
                (h, c), h
            | _ -> invalidOp "there are four gates"

        let quiet = zeros [ 8; 16 ]
        scan step (quiet, quiet) x |> snd

    let explained () =
        let floats seed sizes = Random.normal (Key.ofSeed seed) sizes
        let parameters = floats 1 [ 16; 64 ], floats 2 [ 16; 64 ], floats 3 [ 64 ]
        Jit.explain (fun (x, p) -> grad (fun p -> lstm p x |> square |> meanAll) p) (floats 4 [ 30; 8; 16 ], parameters)

    let count kind (explanation: Explanation) = explanation.Steps |> Seq.filter (fun step -> step.Kind = kind) |> Seq.length

    [<Fact>]
    member _.``values and derivatives are those of the steps one by one``() =
        check "value" (fun f p -> [| f p |])
        check "gradient" grad
        check "tangent" (fun f p -> [| directional f p |])
        check "gradient of a tangent" (fun f -> grad (directional f))
        check "tangent of a gradient" (fun f p -> jvp (grad f) p (like p) |> snd)
        check "gradient of a gradient" (fun f -> grad (fun p -> grad f p |> Array.map (square >> sumAll) |> Array.reduce (+)))

    [<Fact>]
    member _.``mapped over examples it is the loop for each``() =
        let p = inputs 4
        let stacked = p |> Array.map (fun x -> stack 0 [ x; x * 0.5; -x ])
        let each (i: int) = grad scanned (stacked |> Array.map (fun (x: Tensor) -> x[i]))
        let all = [ 0..2 ] |> List.map each
        let expected = Array.init p.Length (fun k -> all |> List.map (fun g -> g[k]) |> stack 0)
        Expect.all "of each its own" 1e-12 expected (vmap (grad scanned) stacked)
        let onlyRows = vmap (fun x -> grad (fun w -> scanned (Array.append [| x |] w)) p[1..]) stacked[0]
        let each (i: int) = grad (fun w -> scanned (Array.append [| stacked[0][i] |] w)) p[1..]
        let all = [ 0..2 ] |> List.map each
        Expect.all "of common weights" 1e-12 (Array.init (p.Length - 1) (fun k -> all |> List.map (fun g -> g[k]) |> stack 0)) onlyRows

    [<Fact>]
    member _.``a loop without steps reaches nothing``() =
        let p = inputs 1
        let none = Array.append [| zerosWith DType.Float64 [ 0; 3; 5 ] |] p[1..]
        let g = grad scanned none
        Expect.equal (2.0 * p[5]) g[5]

        for k in 1..4 do
            Expect.equal (zerosLike p[k]) g[k]

    [<Fact>]
    member _.``a step of the gradient of an LSTM is a product and a kernel each way``() =
        let whole = explained ()
        // All inputs by their weights, and the gradient of those.
        Assert.Equal(2, count "matrix product" whole)

        let bodies = [ for body in whole.Bodies -> body.Value ]
        let stepwise = bodies |> List.filter (fun body -> count "kernel" body = 1 && count "matrix product" body = 1)
        // The loop, the loop again for those who have no record, the step back, and the gradient of the state's weights with that of the bias.
        Assert.Equal(4, bodies.Length)
        Assert.Equal(4, stepwise.Length)
        Assert.All(bodies, fun body -> Assert.Equal(2, body.Steps.Count))

    [<Fact>]
    member _.``what a call does is done in its step``() =
        let seen = ref 0

        let counted: CustomOp =
            { Name = "counted"
              Results = id
              Forward =
                fun inputs ->
                    seen.Value <- seen.Value + 1
                    [ inputs[0] ]
              Reverse = fun _ _ g -> [ Some g[0] ] }

        let x, w = normal 1 [ 6; 2; 5 ], normal 2 [ 5; 5 ]
        let step (h: Tensor) x = let h = h + (customOp counted [ x ])[0] *@ w in h, h
        let last, _ = scan step (zerosWith DType.Float64 [ 2; 5 ]) x
        Expect.close "sum of products" 1e-12 (sum [ 0 ] x *@ w) last
        Assert.Equal(6, seen.Value)

    [<Fact>]
    member _.``cotangents that meet again and again are summed``() =
        // Each doubling gives back the sum of the two cotangents that reach it.
        let doubled (x: Tensor) = Seq.fold (fun (x: Tensor) _ -> x + x) x (seq { 1..60 }) * Math.ScaleB(1.0, -60)
        let steps = 3
        let start, x = normal 6 [ 3; 4 ], normal 1 [ steps; 3; 4 ]
        let step bias (h: Tensor) (x: Tensor) = tanh (x + doubled (h + bias))
        let scanned bias = scan (fun h x -> step bias h x, h) start x |> fst |> sumAll
        let unrolled bias = Seq.fold (fun h (i: int) -> step bias h x.[i]) start (seq { 0 .. steps - 1 }) |> sumAll
        let bias = normal 4 [ 3; 4 ]
        Expect.close "gradient" 1e-12 (grad unrolled bias) (grad scanned bias)

/// Arrays that are cut, and put together again.
type CuttingTests() =
    let ofParts (x: Tensor) (y: Tensor) (z: Tensor) =
        let whole starts shape part = Shaping.embed starts [| 1; 1 |] (Shape(shape: int list)) part
        whole [| 0; 3 |] [ 2; 6 ] y + whole [| 0; 0 |] [ 2; 6 ] x + whole [| 0; 5 |] [ 2; 6 ] z

    let bits (x: Tensor) = x.ToArray<float>() |> Array.map BitConverter.DoubleToInt64Bits

    let parts =
        tensor [ [ -0.0; 1.0; nan ]; [ 0.0; infinity; -2.0 ] ], tensor [ [ -0.0; 3.0 ]; [ 4.0; -0.0 ] ], tensor [ [ -0.0 ]; [ -infinity ] ]

    let steps f (xs: Tensor[]) = Fused.stepsOf f xs

    [<Fact>]
    member _.``parts that fill the whole add up to the parts side by side, bit for bit``() =
        let x, y, z = parts
        let expected = concat 1 [ x; y; z ] + 0.0
        Assert.Equal<int64[]>(bits expected, bits (ofParts x y z))
        let found = steps (fun p -> [| ofParts (exp p[0]) (exp p[1]) (exp p[2]) |]) [| x; y; z |]
        Assert.Equal(3, found.Length)

    [<Fact>]
    member _.``parts that leave something free, or meet, are added``() =
        let x, y, _ = parts
        let add start = Shaping.embed [| 0; start |] [| 1; 1 |] (Shape.Of(2, 6)) y + Shaping.embed [| 0; 0 |] [| 1; 1 |] (Shape.Of(2, 6)) x

        for start in 0..4 do
            let at (row: int) column =
                let from (part: Tensor) offset =
                    let place = column - offset
                    if place < 0 || place >= part.Shape.[1] then 0.0 else part.Value.GetDouble(row * part.Shape.[1] + place)

                from y start + from x 0

            let expected = Array.init 12 (fun i -> at (i / 6) (i % 6)) |> Array.map BitConverter.DoubleToInt64Bits
            Assert.Equal<int64[]>(expected, bits (add start))

    [<Fact>]
    member _.``what is read in parts only is computed in parts``() =
        let f (p: Tensor[]) =
            match p[0] + p[1] * 2.0 |> split 1 [ 2; 4 ] with
            | [ a; b ] -> [| exp a; sum [ 1 ] b |]
            | _ -> invalidOp "there are two parts"

        let x, y = tensor [ [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ] ], tensor [ [ 0.5; -1.0; 2.0; 0.0; 1.0; 3.0 ] ]
        Assert.Equal(2, (steps f [| x; y |]).Length)
        let z = x + y * 2.0
        Expect.all "parts" 1e-15 [| exp z[0..0, 0..1]; sum [ 1 ] z[0..0, 2..5] |] (f [| x; y |])
