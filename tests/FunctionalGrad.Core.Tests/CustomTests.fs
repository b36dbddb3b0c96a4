namespace FunctionalGrad.Tests

open System
open FunctionalGrad
open Xunit

type Scaled = { Factor: Tensor; Index: Tensor; Note: string }

/// Rules of the user's own, whose factor tells them from the rules of the ops inside.
type CustomRuleTests() =
    /// sin, whose derivative is thrice the true one.
    let byReverse = customVjp (fun (x: Tensor) -> sin x, x) (fun x g -> 3.0 * g * cos x)
    let byForward = customJvp (fun (x: Tensor) -> sin x) (fun x dx -> 3.0 * dx * cos x)
    let both = [ byReverse; byForward ]
    let x = tensor [ 0.5; -1.0; 2.0 ]
    let at = tensor 0.7

    static member private Begins<'Error when 'Error :> exn> (start: string) (parts: string list) (action: unit -> obj) =
        let raised = Assert.ThrowsAny<'Error>(Action(fun () -> action () |> ignore))
        Assert.StartsWith(start, raised.Message)

        for part in parts do
            Assert.Contains(part, raised.Message)

    [<Fact>]
    member _.``the value is that of the function``() =
        for f in both do
            Expect.near (sin x) (f x)

    [<Fact>]
    member _.``both modes use the rule``() =
        for f in both do
            Expect.near (3.0 * cos x) (grad (f >> sumAll) x)
            Expect.near (3.0 * cos x * x) (jvp f x x |> snd)
            Expect.near (3.0 * cos x * x) (snd (linearize f x) x)
            let _, pull = vjp f x
            Expect.near (3.0 * cos x * x) (pull x)
            Expect.near (diag 0 (3.0 * cos x)) (jacfwd f x)
            Expect.near (diag 0 (3.0 * cos x)) (jacrev f x)

    [<Fact>]
    member _.``further derivatives go through the rule``() =
        // The slope is 3·cos x by ordinary ops, and so its derivative −3·sin x.
        for f in both do
            Expect.number (-3.0 * sin 0.7) (grad (grad f) at)
            Expect.number (-3.0 * sin 0.7) (diff (diff f) at)
            Expect.number (-3.0 * sin 0.7) (grad (diff f) at)
            Expect.number (-3.0 * sin 0.7) (diff (grad f) at)
            Expect.number (-3.0 * cos 0.7) (diff (grad (diff f)) at)
            Expect.near (diag 0 (-3.0 * sin x)) (hessian (f >> sumAll) x)
            Expect.near (-3.0 * sin x * x) (hvp (f >> sumAll) x x)

    [<Fact>]
    member _.``a result that is saved has the rule itself``() =
        // y = eˣ with y' = 2·y by the rule: then y'' = 4·y.
        let f = customVjp (fun (x: Tensor) -> let y = exp x in y, y) (fun y g -> 2.0 * g * y)
        let y = exp 0.7
        Expect.number (2.0 * y) (grad f at)
        Expect.number (4.0 * y) (grad (grad f) at)
        Expect.number (4.0 * y) (diff (grad f) at)
        Expect.number (8.0 * y) (grad (grad (grad f)) at)
        Expect.near (4.0 * exp x) (vmap (grad (grad f)) x)

    [<Fact>]
    member _.``an argument that is saved keeps its own derivative, also where it is the result``() =
        let f = customVjp (fun (x: Tensor) -> x, x) (fun x g -> g * x)
        Expect.number 0.7 (grad f at)
        Expect.number 1.0 (grad (grad f) at)

    [<Fact>]
    member _.``examples are mapped``() =
        for f in both do
            Expect.near (sin x) (vmap f x)
            Expect.near (3.0 * cos x) (vmap (grad f) x)
            Expect.near (3.0 * cos x) (grad (fun x -> sumAll (vmap f x)) x)
            Expect.near (-3.0 * sin x) (vmap (grad (grad f)) x)
            Expect.near (-3.0 * sin x) (vmap (diff (diff f)) x)
            let table = stack 0 [ x; 2.0 * x ]
            Expect.near (3.0 * cos table) (vmap (vmap (diff f)) table)
            Expect.near (3.0 * cos table) (jvp (vmap (vmap f)) table (onesLike table) |> snd)

    [<Fact>]
    member _.``rules read tensors from outside``() =
        let reverse w = customVjp (fun (x: Tensor) -> sin x, ()) (fun () g -> g * w)
        let forward w = customJvp (fun (x: Tensor) -> sin x) (fun _ dx -> dx * w)

        for f in [ reverse; forward ] do
            Expect.near x (grad (f x >> sumAll) x)
            // ∂/∂w of the slope in x, which is w
            Expect.near (onesLike x) (grad (fun w -> sumAll (grad (f w >> sumAll) x)) x)
            Expect.near (onesLike x) (jvp (fun w -> grad (f w >> sumAll) x) x (onesLike x) |> snd)
            Expect.near x (vmap (fun w -> grad (f w) at) x)
            Expect.near (x * x) (vmap (fun w -> jvp (f w) w w |> snd) x)

    [<Fact>]
    member _.``what the function reads from outside is constant``() =
        let f w = customVjp (fun (x: Tensor) -> x * w, w) (fun w g -> g * w) at
        Expect.number 0.0 (grad f (tensor 2.0))

    [<Fact>]
    member _.``structures go in and out, with integers and settings``() =
        let forward (s: Scaled) =
            let picked = take 0 s.Index s.Factor
            (picked * 2.0, [ sumAll s.Factor; s.Index ]), struct (s, 2.0)

        let backward (struct (s: Scaled, two: float)) (g: Tensor, rest: Tensor list) =
            Assert.Equal(DType.Int64, rest[1].DType)
            { s with Factor = indexAdd 0 s.Index (two * g) (zerosLike s.Factor) + rest[0] }

        let f = customVjp forward backward
        let s = { Factor = x; Index = tensor [ 0L; 2L; 2L ]; Note = "kept" }
        let (picked, rest) = f s
        Expect.near (tensor [ 1.0; 4.0; 4.0 ]) picked
        Expect.near (tensor 1.5) rest[0]

        let loss s =
            let picked, rest = f s
            sumAll picked * rest[0]

        let slope = grad loss s
        let by x = sumAll (take 0 s.Index x * 2.0) * sumAll x
        Expect.near (grad by x) slope.Factor
        Assert.Equal("kept", slope.Note)
        Expect.near (tensor [ 0L; 0L; 0L ]) slope.Index
        let still = { s with Index = zerosLike s.Index }
        Expect.near (jvp by x x |> snd) (jvp loss s { still with Factor = x } |> snd)
        Expect.near (hessian by x) (jacfwd (fun x -> (grad loss { s with Factor = x }).Factor) x)

    [<Fact>]
    member _.``several results of which one is used``() =
        let reverse = customVjp (fun (x: Tensor) -> (sin x, x * x), x) (fun x (g, h) -> 3.0 * g * cos x + 5.0 * h)
        let forward = customJvp (fun (x: Tensor) -> sin x, x * x) (fun x dx -> 3.0 * dx * cos x, 5.0 * dx)

        for f in [ reverse; forward ] do
            Expect.number (3.0 * cos 0.7) (grad (f >> fst) at)
            Expect.number 5.0 (diff (f >> snd) at)
            Expect.number (3.0 * cos 0.7 + 5.0) (grad (fun x -> let y, z = f x in y + z) at)

    [<Fact>]
    member _.``rules in loops, branches and checkpoints``() =
        for f in both do
            let plain step (x: Tensor) : Tensor = step (step (step x))
            // The same slopes by the chain rule: 3·cos at each of the three points.
            let points = [ x; sin x; sin (sin x) ]
            let slope = points |> List.map (fun p -> 3.0 * cos p) |> List.reduce (*)
            let inFor (x: Tensor) = forLoop 3 (fun _ y -> f y) x
            let inWhile (x: Tensor) = whileLoop (fun (i: Tensor, _) -> i .< tensor 3) (fun (i, y) -> i + 1, f y) (tensor 0, x) |> snd
            let inScan (x: Tensor) = scan (fun y (_: Tensor) -> f y, y) x (zeros [ 3 ]) |> fst
            let inBranch (x: Tensor) = plain (fun y -> cond (tensor true) (fun () -> f y) (fun () -> y)) x
            let inCheckpoint (x: Tensor) = checkpoint (plain f) x

            for loop in [ inFor; inWhile; inScan; inBranch; inCheckpoint ] do
                Expect.near (sin (sin (sin x))) (loop x)
                Expect.near slope (grad (loop >> sumAll) x)
                Expect.near slope (jvp loop x (onesLike x) |> snd)
                Expect.near slope (vmap (grad loop) x)
                Expect.near slope (grad (vmap loop >> sumAll) x)
                let plainSecond = grad (fun x -> sumAll (grad (plain f >> sumAll) x * x)) x
                Expect.near plainSecond (grad (fun x -> sumAll (grad (loop >> sumAll) x * x)) x)

    [<Fact>]
    member _.``loops in rules, and captured tensors of a loop``() =
        let power (w: Tensor) = customVjp (fun (x: Tensor) -> w * x * x * x, x) (fun x g -> forLoop 2 (fun _ s -> s * x) (3.0 * g * w))
        Expect.number (3.0 * 2.0 * 0.49) (grad (power (tensor 2.0)) at)
        Expect.number (6.0 * 2.0 * 0.7) (grad (grad (power (tensor 2.0))) at)
        let loop w (x: Tensor) = forLoop 2 (fun _ y -> power w y) x
        let plain (w: Tensor) x = let cube (y: Tensor) = w * y * y * y in cube (cube x)
        Expect.near (grad (plain (tensor 2.0)) at) (grad (loop (tensor 2.0)) at)
        Expect.near (grad (grad (plain (tensor 2.0))) at) (grad (grad (loop (tensor 2.0))) at)

    [<Fact>]
    member _.``clipped and reversed gradients, as they are used``() =
        let clip = customVjp (fun (x: Tensor) -> x, ()) (fun () g -> clamp (Some -1.0) (Some 1.0) g)
        Expect.equal (tensor [ 1.0; -1.0; 0.5 ]) (grad (fun x -> sumAll (clip x * tensor [ 9.0; -9.0; 0.5 ])) x)
        let reversal = customVjp (fun (x: Tensor) -> x, ()) (fun () g -> -g)
        Expect.equal (-2.0 * x) (grad (fun x -> sumAll (reversal x ** 2)) x)

    [<Fact>]
    member _.``an argument without floats has no derivative to give``() =
        let f = customVjp (fun (i: Tensor) -> i + 1, ()) (fun () g -> g)
        Expect.equal (tensor [ 2; 3 ]) (vmap f (tensor [ 1; 2 ]))

    [<Fact>]
    member _.``rules that do not fit are refused where they are applied``() =
        let reverse backward = fun () -> box (customVjp (fun (x: Tensor) -> sumAll x, x) backward x)
        CustomRuleTests.Begins<ShapeException> "customVjp: backward must give" [ "[3]"; "float64 []" ] (reverse (fun _ g -> g))

        CustomRuleTests.Begins<DTypeException>
            "customVjp: backward must give"
            [ "float32"; "cast" ]
            (reverse (fun x g -> cast DType.Float32 (x * g)))

        CustomRuleTests.Begins<TracingException>
            "data: the value"
            [ "customVjp"; "where" ]
            (reverse (fun x g -> if float g > 0.0 then x else x))

        let lists = customVjp (fun (xs: Tensor list) -> xs[0] * xs[1], ()) (fun () g -> [ g ])
        CustomRuleTests.Begins<ShapeException> "customVjp: backward must give" [ "[0]"; "[1]" ] (fun () -> box (lists [ at; at ]))
        let forward rule = fun () -> box (customJvp (fun (x: Tensor) -> sumAll x) rule x)
        CustomRuleTests.Begins<ShapeException> "customJvp: the rule must give" [ "[3]"; "float64 []" ] (forward (fun _ dx -> dx))

        CustomRuleTests.Begins<DTypeException>
            "customJvp: the rule must give"
            [ "float32" ]
            (forward (fun _ dx -> cast DType.Float32 (sumAll dx)))

        let lists = customJvp (fun (x: Tensor) -> [ x; x ]) (fun _ dx -> [ dx ])
        CustomRuleTests.Begins<ShapeException> "customJvp: the rule must give" [ "[0]"; "[1]" ] (fun () -> box (lists at))

/// Operations over arrays.
type CustomOpTests() =
    let map (f: float -> float) (x: NDArray) = NDArray.Create<float>(x.Shape, ReadOnlySpan(Array.map f (x.ToArray<float>())))
    let mutable runs = 0

    /// sin, with the cosine saved for the reverse rule.
    let sine =
        { Name = "mySine"
          Results = fun types -> [ types[0]; types[0] ]
          Forward =
            fun inputs ->
                runs <- runs + 1
                [ map sin inputs[0]; map cos inputs[0] ]
          Reverse = fun _ results cotangents -> [ Some(cotangents[0] * results[1] - cotangents[1] * results[0]) ] }

    let f (x: Tensor) = (customOp sine [ x ]).Head
    let x = tensor [ 0.5; -1.0; 2.0 ]
    let at = tensor 0.7

    [<Fact>]
    member _.``value, gradient, tangent``() =
        Expect.near (sin x) (f x)
        Expect.near (cos x) (grad (f >> sumAll) x)
        Expect.near (cos x * x) (jvp f x x |> snd)

    [<Fact>]
    member _.``further derivatives use the rule on what is saved``() =
        Expect.number (-sin 0.7) (grad (grad f) at)
        Expect.number (-sin 0.7) (diff (diff f) at)
        Expect.number (-cos 0.7) (grad (diff (grad f)) at)
        Expect.near (diag 0 (-(sin x))) (hessian (f >> sumAll) x)

    [<Fact>]
    member _.``examples run one by one``() =
        runs <- 0
        Expect.near (sin x) (vmap f x)
        Assert.Equal(3, runs)
        Expect.near (cos x) (vmap (grad f) x)
        Expect.near (-(sin x)) (vmap (diff (grad f)) x)
        let table = stack 0 [ x; 2.0 * x ]
        Expect.near (sin table) (vmap (vmap f) table)
        Expect.near (sin table) (vmap f table)
        Expect.shape [ 0; 3 ] (vmap f (zerosWith DType.Float64 [ 0; 3 ]))

    [<Fact>]
    member _.``in loops``() =
        let loop x = forLoop 3 (fun _ y -> f y) x
        let plain (x: Tensor) = sin (sin (sin x))
        Expect.near (plain x) (loop x)
        Expect.near (grad (plain >> sumAll) x) (grad (loop >> sumAll) x)
        Expect.near (vmap (diff (diff plain)) x) (vmap (diff (diff loop)) x)
        let counted x = whileLoop (fun (i: Tensor, _) -> i .< tensor 3) (fun (i, y) -> i + 1, f y) (tensor 0, x) |> snd
        Expect.near (grad (plain >> sumAll) x) (grad (counted >> sumAll) x)

    [<Fact>]
    member _.``the reference evaluator agrees``() =
        let values () =
            [| f x
               grad (f >> sumAll) x
               vmap (diff (grad f)) x
               grad (fun x -> sumAll (forLoop 2 (fun _ y -> f y) x)) x |]

        let compiled = values ()
        Array.iter (fun (y: Tensor) -> y.Value |> ignore) compiled

        Evaluation.byReference (fun () -> Expect.all "reference" 1e-12 (values () |> Array.map (fun y -> Tensor.OfArray y.Value)) compiled)

    [<Fact>]
    member _.``several inputs, one of them an integer``() =
        let scale =
            { Name = "scaleBy"
              Results = fun types -> [ types[1] ]
              Forward = fun inputs -> [ map (fun value -> value * float (inputs[0].GetInt64 0)) inputs[1] ]
              Reverse = fun inputs _ cotangents -> [ None; Some(cotangents[0] * cast DType.Float64 inputs[0]) ] }

        let g (n: Tensor, x: Tensor) = (customOp scale [ n; x ]).Head
        Expect.near (3.0 * x) (g (tensor 3L, x))
        Expect.near (3.0 * onesLike x) (grad (fun x -> sumAll (g (tensor 3L, x))) x)
        Expect.near (x * tensor [ 1.0; 2.0; 3.0 ]) (vmap g (tensor [ 1L; 2L; 3L ], x))
        Expect.near (tensor [ [ 0.5; -1.0; 2.0 ]; [ 1.0; -2.0; 4.0 ] ]) (vmap (fun n -> g (n, x)) (tensor [ 1L; 2L ]))

    [<Fact>]
    member _.``the arrays are the function's own to keep``() =
        let kept = Collections.Generic.List<NDArray>()

        let keeping =
            { sine with
                Forward =
                    fun inputs ->
                        kept.AddRange inputs
                        sine.Forward inputs }

        let g (x: Tensor) = (customOp keeping [ x * 2.0 ]).Head
        Expect.near (sin (2.0 * x)) (g x)
        Expect.near (sin (4.0 * x)) (g (2.0 * x))
        Assert.Equal<float[]>([| 1.0; -2.0; 4.0 |], kept[0].ToArray<float>())

    [<Fact>]
    member _.``what fails is named``() =
        let look op = fun () -> (customOp op [ x ]).Head.Value
        let failing = { sine with Forward = fun _ -> failwith "no luck" }
        Expect.error<CustomOpException, _> [ "mySine: the forward function raised"; "no luck" ] (look failing)
        let nothing = { sine with Forward = fun _ -> [ null; null ] }
        Expect.error<CustomOpException, _> [ "mySine: the forward function gives null" ] (look nothing)
        let few = { sine with Forward = fun inputs -> inputs }
        Expect.error<ShapeException, _> [ "mySine: the forward function gives [float64 [3]]"; "[float64 [3], float64 [3]]" ] (look few)
        let unmoved = { sine with Reverse = fun _ _ _ -> [ None ] }
        let long = { unmoved with Results = fun _ -> [ Shape.Of 4, DType.Float64; Shape.Of 3, DType.Float64 ] }
        Expect.error<ShapeException, _> [ "mySine: the forward function gives"; "[4]" ] (look long)
        let narrow = { unmoved with Results = fun _ -> [ Shape.Of 3, DType.Float32; Shape.Of 3, DType.Float64 ] }
        Expect.error<DTypeException, _> [ "mySine: the forward function gives"; "float32" ] (look narrow)
        let apply op = fun () -> customOp op [ x ]
        Expect.error<ShapeException, _> [ "mySine: Results promises no result" ] (apply { sine with Results = fun _ -> [] })

        Expect.error<ShapeException, _>
            [ "mySine: the reverse rule gives 0 cotangents for 1 inputs" ]
            (apply { sine with Reverse = fun _ _ _ -> [] })

        let scalar = { sine with Reverse = fun _ _ g -> [ Some(sumAll g.Head) ] }
        Expect.error<ShapeException, _> [ "mySine: the reverse rule must give a cotangent"; "[3]" ] (apply scalar)
        let cast32 = { sine with Reverse = fun _ _ g -> [ Some(cast DType.Float32 g.Head) ] }
        Expect.error<DTypeException, _> [ "mySine: the reverse rule must give a cotangent"; "float32" ] (apply cast32)
        Expect.error<ArgumentNullException, _> [ "mySine: an input is null" ] (fun () -> customOp sine [ null ])
