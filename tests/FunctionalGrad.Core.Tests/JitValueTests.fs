namespace FunctionalGrad.Tests

open FunctionalGrad
open Xunit

/// Values, in every evaluator and through every transform.
type JitValueTests() =
    let x, matrix = Jitted.x, Jitted.matrix

    let weights = { Matrix = matrix; Shift = tensor [ 0.1; -0.2; 0.3 ]; Rate = 0.05 }

    /// Scalar functions of a vector of three.
    let scalars: (string * (Tensor -> Tensor)) list =
        [ "sum of squares", fun x -> sumAll (x * x)
          "log-sum-exp", logsumexp [ 0 ]
          "quadratic form", fun x -> dot x (matrix @@ x)
          "norm", fun x -> sqrt (sumAll (x * x))
          "tanh of a layer", fun x -> sumAll (tanh ((matrix @@ x) + 1.0))
          "softmax times positions", fun x -> dot (softmax 0 x) (tensor [ 1.0; 2.0; 3.0 ])
          "where", fun x -> sumAll (where (x .> 0.0) (exp x) (x * x * x))
          "sorted and weighed", fun x -> sumAll (sort 0 x * tensor [ 3.0; 2.0; 1.0 ])
          "products", fun x -> prod [ 0 ] (x + 3.0)
          "inner gradient", fun x -> sumAll (grad (fun y -> sumAll (sin (x * y))) (x + 1.0))
          "scan", fun x -> fst (scan (fun c x -> c * sin x + x, c) (tensor 1.0) x)
          "forLoop", fun x -> sumAll (forLoop 4 (fun _ s -> tanh (cast x.DType matrix @@ s)) x)
          "cond", fun x -> cond (sumAll x .> 0.0) (fun () -> sumAll (exp x)) (fun () -> sumAll x)
          "whileLoop", fun x -> sumAll (whileLoop (fun s -> sumAll (s * s) .< 100.0) (fun s -> s * 1.5) x)
          "jit inside", fun x -> sumAll (jit (fun y -> y * x) (x * 2.0))
          "constant", fun _ -> tensor 2.0
          "a number", fun x -> zerosWith DType.Float64 [] + sumAll x * 0.0 ]

    let same name (f: 'A -> Tensor) (g: 'A -> Tensor) (argument: 'A) =
        let expected = f argument
        let actual = g argument
        Expect.close name 1e-10 expected actual
        Expect.close $"{name}, again" 1e-10 expected (g argument)
        Expect.close $"{name}, by reference" 1e-10 expected (Evaluation.byReference (fun () -> Tensor.ofArray (g argument).Value))

    /// The same, where the result is a transform's.
    let agree name (f: 'A -> Tensor) (g: 'A -> Tensor) (argument: 'A) =
        let y = g argument
        Assert.NotNull y.KnownValue
        same name f g argument

    [<Fact>]
    member _.``a compiled function is the plain one``() =
        for name, f in scalars do
            agree name f (jit f) x
            agree $"jit of jit of {name}" f (jit (jit f)) x
            let single = cast DType.Float32 x
            Expect.close $"{name} in float32" 1e-5 (f single) (jit f single)

    [<Fact>]
    member _.``gradients inside and outside``() =
        for name, f in scalars do
            agree $"jit of grad of {name}" (grad f) (jit (grad f)) x
            agree $"grad of jit of {name}" (grad f) (grad (jit f)) x
            agree $"jit of grad of jit of {name}" (grad f) (jit (grad (jit f))) x
            let pushed f x = jvp f x (x * x) |> snd
            agree $"jvp of jit of {name}" (pushed f) (pushed (jit f)) x
            agree $"jit of jvp of {name}" (pushed f) (jit (pushed f)) x

    [<Fact>]
    member _.``second derivatives inside and outside``() =
        for name, f in scalars do
            agree $"Hessian of jit of {name}" (hessian f) (hessian (jit f)) x
            agree $"jit of Hessian of {name}" (hessian f) (jit (hessian f)) x
            agree $"reverse over reverse of jit of {name}" (jacrev (grad f)) (jacrev (grad (jit f))) x
            agree $"jacfwd of jit of grad of {name}" (hessian f) (jacfwd (jit (grad f))) x

    [<Fact>]
    member _.``maps inside and outside``() =
        for name, f in scalars do
            agree $"vmap of jit of {name}" (vmap f) (vmap (jit f)) matrix
            agree $"jit of vmap of {name}" (vmap f) (jit (vmap f)) matrix
            agree $"vmap of grad of jit of {name}" (vmap (grad f)) (vmap (grad (jit f))) matrix
            agree $"grad of vmap of jit of {name}" (grad (vmap f >> sumAll)) (grad (vmap (jit f) >> sumAll)) matrix

    [<Fact>]
    member _.``bodies of loops, branches and checkpoints may be compiled functions``() =
        let plain (c: Tensor) (x: Tensor) = c * sin x + x
        let total step (x: Tensor) = scan (fun c x -> step c x, c) (tensor 1.0) x |> fst
        let tupled = jit (fun (c: Tensor, x: Tensor) -> plain c x)
        let step c x = tupled (c, x)
        same "in scan" (total plain) (total step) x
        same "in scan, differentiated" (grad (total plain)) (grad (total step)) x
        let square = jit (fun (x: Tensor) -> x * x)
        let repeated (f: Tensor -> Tensor) (x: Tensor) = forLoop 3 (fun _ s -> f s * 0.5 + x) x |> sumAll
        same "in forLoop" (grad (repeated (fun (x: Tensor) -> x * x))) (grad (repeated square)) x
        let until (f: Tensor -> Tensor) (x: Tensor) = whileLoop (fun s -> sumAll (f s) .< 100.0) (fun s -> f s + 1.5) x |> sumAll
        same "in whileLoop" (grad (until (fun (x: Tensor) -> x * x))) (grad (until square)) x
        let either (f: Tensor -> Tensor) (x: Tensor) = cond (sumAll x .> 0.0) (fun () -> sumAll (f x)) (fun () -> sumAll x)
        same "in cond" (vmap (either (fun (x: Tensor) -> x * x))) (vmap (either square)) matrix
        same "in checkpoint" (grad (fun (x: Tensor) -> sumAll (x * x))) (grad (checkpoint square >> sumAll)) x

    [<Fact>]
    member _.``every op of the catalog``() =
        for entry in Catalog.entries do
            let case = entry.Draw(Source 20110411)
            Expect.close $"jit of {entry.Name}, {case.Text}" 1e-12 (case.Apply case.Inputs) (jit case.Apply case.Inputs)

            let isFloat (x: Tensor) = x.DType.IsFloat()
            let y = case.Apply case.Inputs

            if isFloat y && Array.exists isFloat case.Inputs then
                let pulled f = snd (vjp f case.Inputs) (onesLike y)
                Expect.all $"vjp of jit of {entry.Name}, {case.Text}" 1e-10 (pulled case.Apply) (pulled (jit case.Apply))

    [<Fact>]
    member _.``results are trees, whose settings are those of the traced call``() =
        let f = jit (fun w -> { w with Matrix = w.Matrix * w.Rate; Rate = w.Rate * 2.0 }, [ w.Shift ], Some "text")
        let first, shifts, text = f weights
        Expect.near (matrix * 0.05) first.Matrix
        Assert.Equal(0.1, first.Rate)
        Expect.equal weights.Shift shifts.Head
        Assert.Equal(Some "text", text)
        let second, _, _ = f { weights with Matrix = matrix * 2.0 }
        Expect.near (matrix * 0.1) second.Matrix

    [<Fact>]
    member _.``functions of nothing, of no tensors, and that ignore their argument``() =
        let count, nothing = Jitted.traced (fun () -> x * 2.0)
        Expect.equal (x * 2.0) (nothing ())
        Expect.equal (x * 2.0) (nothing ())
        Assert.Equal(1, count.Value)
        let squares = jit (fun (n: int) -> tensor (float (n * n)))
        Assert.Equal<float list>([ 9.0; 16.0; 9.0 ], [ for n in [ 3; 4; 3 ] -> (squares n).ToDouble() ])
        Assert.Equal(5, jit (fun (_: Tensor) -> 5) x)
        Assert.Equal((), jit ignore x)
        let ignores = jit (fun (_: Tensor) -> onesWith DType.Float64 [ 2 ])
        Expect.equal (tensor [ 1.0; 1.0 ]) (ignores x)
        Expect.equal (zerosLike x) (grad (ignores >> sumAll) x)
        Expect.equal (onesWith DType.Float64 [ 3; 2 ]) (vmap ignores matrix)

    [<Fact>]
    member _.``a null tensor is no tensor``() =
        let f = jit (fun (a: Tensor, b: Tensor) -> if isNull b then a else a + b)
        Expect.number 2.0 (f (tensor 2.0, null))
        Expect.number 5.0 (f (tensor 2.0, tensor 3.0))
        Assert.True(isNull (jit (fun (x: Tensor) -> x) null))

    [<Fact>]
    member _.``a result may be an argument, twice, and arguments may be the same``() =
        let a, b, c = jit (fun (x: Tensor, y: Tensor) -> x, x, x * y) (x, x)
        Expect.equal x a
        Expect.equal x b
        Expect.equal (x * x) c
        let da, db = grad (fun (x, y) -> jit (fun (x, y) -> sumAll (x * y)) (x, y)) (x, x)
        Expect.equal x da
        Expect.equal x db

    [<Fact>]
    member _.``integers and truth values``() =
        let f = jit (fun (n: Tensor, b: Tensor, x: Tensor) -> n + 1, logicalNot b, where b x (-x))
        let n, b, y = f (tensor [ 1; 2; 3 ], tensor [ true; false; true ], x)
        Expect.equal (tensor [ 2; 3; 4 ]) n
        Expect.equal (tensor [ false; true; false ]) b
        Expect.equal (tensor [ 0.5; 1.25; 2.0 ]) y

    [<Fact>]
    member _.``keys of random numbers are arguments``() =
        let count, draw = Jitted.traced (fun (key: Key) -> Random.normal key [ 5 ])

        for seed in 1..3 do
            Expect.equal (Random.normal (Key.ofSeed seed) [ 5 ]) (draw (Key.ofSeed seed))

        Assert.Equal(1, count.Value)
        let next = jit (fun key -> let a, b = Key.split key in Random.uniform a [ 2 ], b)
        let plainA, plainB = Key.split (Key.ofSeed 7)
        let numbers, rest = next (Key.ofSeed 7)
        Expect.equal (Random.uniform plainA [ 2 ]) numbers
        Expect.equal (Random.uniform plainB [ 2 ]) (Random.uniform rest [ 2 ])

    [<Fact>]
    member _.``a training step of a record of parameters``() =
        let inputs = Random.uniformWith DType.Float64 (Key.ofSeed 1) [ 20; 3 ]
        let targets = (inputs @@ tensor [ [ 1.0; 2.0; 0.5 ]; [ -1.0; 0.0; 1.0 ]; [ 0.5; -0.5; 2.0 ] ]) + tensor [ 1.0; 2.0; 3.0 ]

        let loss w =
            let errors = (inputs @@ w.Matrix) + w.Shift - targets
            meanAll (errors * errors)

        let step w =
            let value, g = valueAndGrad loss w
            value, Tree.map2 (fun x dx -> x - w.Rate * dx) w g

        let count, compiled = Jitted.traced step
        let mutable plain, fast = weights, weights
        let mutable last = infinity

        for _ in 1..30 do
            let value, next = step plain
            let fastValue, fastNext = compiled fast
            Expect.near value fastValue
            plain <- next
            fast <- fastNext
            Assert.True(fastValue.ToDouble() < last)
            last <- fastValue.ToDouble()

        Expect.near plain.Matrix fast.Matrix
        Assert.Equal(0.05, fast.Rate)
        Assert.Equal(1, count.Value)
