namespace FunctionalGrad.Tests

open FunctionalGrad
open Xunit

/// What must hold between a function with control flow in the graph and its twin in plain F#.
module internal TwinLaws =
    let private known (x: Tensor) = Tensor.ofArray x.Value
    let private byReference (f: unit -> Tensor[]) : Tensor[] = Evaluation.byReference (fun () -> f () |> Array.map known)
    let private like (source: Source) (x: Tensor) = if x.DType.IsFloat() then source.Floats(Between(-1.0, 1.0), x.Shape) else zerosLike x
    let private weighted (u: Tensor) f (xs: Tensor[]) = sumAll (u * f xs)
    let private stacked (rows: Tensor[][]) = Array.init rows[0].Length (fun i -> stack 0 [ for row in rows -> row[i] ])

    /// Derivatives of f at xs, all orders of both modes up to the second, and one of the third.
    let private derivatives (source: Source) (twin: Twin) (xs: Tensor[]) : (string * ((Tensor[] -> Tensor) -> Tensor[])) list =
        let u = like source (twin.Plain xs) |> known
        let v, w = xs |> Array.map (like source >> known), xs |> Array.map (like source >> known)
        let along direction f xs = jvp f xs direction |> snd

        [ "value", (fun f -> [| f xs |])
          "gradient", (fun f -> grad (weighted u f) xs)
          "pushforward", (fun f -> [| along v f xs |])
          "forward over reverse", (fun f -> along v (grad (weighted u f)) xs)
          "reverse over reverse", (fun f -> (vjp (grad (weighted u f)) xs |> snd) v)
          "reverse over forward", (fun f -> grad (weighted u (along v f)) xs)
          "forward over forward", (fun f -> [| along w (along v f) xs |])
          "forward over reverse over reverse", (fun f -> along w (fun xs -> (vjp (grad (weighted u f)) xs |> snd) v) xs)
          "Jacobian by columns", (fun f -> jacfwd f xs)
          "Jacobian by rows", (fun f -> jacrev f xs)
          "Jacobian of the gradient", (fun f -> jacrev (fun xs -> (grad (weighted u f) xs)[0]) xs) ]

    let differentiate (source: Source) (twin: Twin) : unit =
        let xs = twin.Draw source

        for name, derive in derivatives source twin xs do
            let expected = derive twin.Plain |> Array.map known
            Expect.all name 1e-9 expected (derive twin.Flow)
            Expect.all $"{name}, by reference" 1e-9 expected (byReference (fun () -> derive twin.Flow))

    /// Some of the inputs, at least one.
    let private someOf (source: Source) count = Array.take (source.Int(1, count)) (source.Order count) |> Array.sort

    let private partial (xs: Tensor[]) (places: int[]) f (values: Tensor[]) =
        let all = Array.copy xs
        Array.iter2 (fun place value -> all[place] <- value) places values
        f all

    /// Examples for some of the inputs, the others captured.
    let mapExamples (source: Source) (twin: Twin) : unit =
        let xs = twin.Draw source
        let places = someOf source xs.Length
        let examples = Array.init 3 (fun _ -> let drawn = twin.Draw source in places |> Array.map (fun place -> drawn[place]))
        let stacks = stacked examples |> Array.map known
        let one f = partial xs places f
        let u = like source (twin.Plain xs) |> known
        let v = xs |> Array.map (like source)

        /// Of each example, the derivative by all inputs.
        let each (derive: (Tensor[] -> Tensor) -> Tensor[] -> Tensor[]) f = one (derive f)

        let laws: (string * ((Tensor[] -> Tensor) -> Tensor[] -> Tensor[])) list =
            [ "value", (fun f -> one (fun xs -> [| f xs |]))
              "gradient", each (fun f -> grad (weighted u f))
              "pushforward", each (fun f xs -> [| jvp f xs v |> snd |])
              "forward over reverse", each (fun f xs -> jvp (grad (weighted u f)) xs v |> snd)
              "reverse over reverse", each (fun f xs -> (vjp (grad (weighted u f)) xs |> snd) v) ]

        for name, derive in laws do
            let expected = examples |> Array.map (derive twin.Plain) |> stacked |> Array.map known
            Expect.all $"vmap of {name}" 1e-9 expected (vmap (derive twin.Flow) stacks)
            Expect.all $"vmap of {name}, by reference" 1e-9 expected (byReference (fun () -> vmap (derive twin.Flow) stacks))

    /// Derivatives of what is mapped, by the examples and by what they share.
    let differentiateMaps (source: Source) (twin: Twin) : unit =
        let xs = twin.Draw source
        let places = someOf source xs.Length
        let examples = Array.init 3 (fun _ -> let drawn = twin.Draw source in places |> Array.map (fun place -> drawn[place]))
        let argument = xs, stacked examples |> Array.map known
        let weights = Array.init 3 (fun _ -> like source (twin.Plain xs) |> known)
        let direction = xs |> Array.map (like source), snd argument |> Array.map (like source)
        let mapped (xs, stacks) = sumAll (stack 0 (List.ofArray weights) * vmap (partial xs places twin.Flow) stacks)

        let looped (xs, stacks: Tensor[]) =
            Seq.init 3 (fun i -> sumAll (weights[i] * partial xs places twin.Plain (stacks |> Array.map (select 0 i))))
            |> Seq.reduce (+)

        let laws: (string * ((Tensor[] * Tensor[] -> Tensor) -> Tensor[] * Tensor[])) list =
            [ "gradient", (fun f -> grad f argument)
              "forward over reverse", (fun f -> jvp (grad f) argument direction |> snd)
              "reverse over forward", (fun f -> grad (fun x -> jvp f x direction |> snd) argument) ]

        for name, derive in laws do
            let expected = derive looped |> Tree.flatten |> Array.map known
            Expect.all $"{name} of vmap" 1e-9 expected (derive mapped |> Tree.flatten)

    /// A map in a map: the outer one over some inputs, the inner one over others.
    let nestMaps (source: Source) (twin: Twin) : unit =
        let xs = twin.Draw source

        if xs.Length > 1 then
            let split = source.Int(1, xs.Length - 1)
            let draws = Array.init 2 (fun _ -> twin.Draw source)
            let outer, inner = draws |> Array.map (Array.take split) |> stacked, draws |> Array.map (Array.skip split) |> stacked
            let u = like source (twin.Plain xs) |> known

            for name, derive in [ "value", (fun f xs -> [| f xs |]); "gradient", (fun f -> grad (weighted u f)) ] do
                let table = vmap (fun first -> vmap (fun second -> derive twin.Flow (Array.append first second)) inner) outer

                let row i =
                    draws
                    |> Array.map (fun second -> derive twin.Plain (Array.append (Array.take split draws[i]) (Array.skip split second)))

                let expected = [| row 0 |> stacked; row 1 |> stacked |] |> stacked |> Array.map known
                Expect.all $"{name} in a map in a map" 1e-9 expected table

/// Control flow in the graph is the same mathematics as control flow of F#.
type ControlFlowTests() =
    let check times law (name: string) =
        let twin = Twins.all |> List.find (fun twin -> twin.Name = name)

        Property.forSeeds times (fun seed ->
            try
                law (Source seed) twin
            with error ->
                raise (Xunit.Sdk.XunitException($"{name}, seed {seed}: {error.Message}", error)))

    static member Names: seq<obj[]> = seq { for twin in Twins.all -> [| box twin.Name |] }

    [<Theory; MemberData(nameof ControlFlowTests.Names)>]
    member _.``derivatives``(name: string) = check 3 TwinLaws.differentiate name

    [<Theory; MemberData(nameof ControlFlowTests.Names)>]
    member _.``over examples``(name: string) = check 4 TwinLaws.mapExamples name

    [<Theory; MemberData(nameof ControlFlowTests.Names)>]
    member _.``derivatives of maps``(name: string) = check 4 TwinLaws.differentiateMaps name

    [<Theory; MemberData(nameof ControlFlowTests.Names)>]
    member _.``maps in maps``(name: string) = check 4 TwinLaws.nestMaps name

/// What is traced, how often, how large the graph is, and what looking costs.
type TracingTests() =
    let count (node: Tensor) =
        let seen = System.Collections.Generic.HashSet<Tensor>(HashIdentity.Reference)
        let rec visit (x: Tensor) = if seen.Add x then Seq.iter visit x.Inputs
        visit node
        seen.Count

    let decay (xs: Tensor) : Tensor * Tensor = scan (fun (c: Tensor) x -> let next = 0.5 * c + x in next, next * next) (tensor 0.0) xs

    [<Fact>]
    member _.``bodies are traced once``() =
        let mutable calls = 0

        let counted y =
            calls <- calls + 1
            y

        let x = tensor [ 0.5; 1.0 ]
        let gradient f = grad f x |> Tree.evaluate

        let calledOnce what f =
            calls <- 0
            gradient f
            Assert.True((calls = 1), $"{what} called its body {calls} times.")

        calledOnce "forLoop" (fun x -> forLoop 100 (fun _ y -> counted (sin y)) x |> sumAll)
        calledOnce "whileLoop" (fun x -> whileLoop (fun y -> sumAll y .< 100.0) (fun y -> counted (y * 1.1)) x |> sumAll)
        calledOnce "scan" (fun x -> scan (fun c x -> counted (c * x), c) (tensor 2.0) (broadcastTo [ 50; 2 ] x |> select 1 0) |> fst)
        calledOnce "checkpoint" (fun x -> checkpoint (sin >> counted) x |> sumAll)
        calledOnce "cond" (fun x -> cond (tensor true) (fun () -> counted (sin x)) (fun () -> x) |> sumAll)

    [<Fact>]
    member _.``a graph is as large for a million steps as for ten``() =
        let sizes steps =
            let mutable found = []
            let note y = found <- count y :: found

            let f (xs: Tensor) =
                let last, rows = decay xs
                let y = last + sumAll rows
                note y
                y

            // Traced, so that nothing is computed and the graph can be counted.
            vmap
                (fun (row: Tensor) ->
                    let g = grad f row in
                    note g
                    jvp (grad f) row row |> snd |> note
                    sumAll row)
                (zerosWith DType.Float64 [ 1; steps ])
            |> ignore

            found

        Assert.Equal<int list>(sizes 10, sizes 1_000_000)
        Assert.True(List.max (sizes 10) < 1000)

    [<Fact>]
    member _.``a long scan has a value and a gradient``() =
        let last, rows = decay (onesWith DType.Float64 [ 1_000_000 ])
        Expect.number 2.0 last
        Expect.number 4.0 (rows |> select 0 -1)
        let ends (x: Tensor) = concat 0 [ slice [ Some 0, Some 1, None ] x; slice [ Some -3, None, None ] x ]
        Expect.near (tensor [ 0.0; 0.25; 0.5; 1.0 ]) (ends (grad (decay >> fst) (onesWith DType.Float64 [ 200_000 ])))

    [<Fact>]
    member _.``segments change no gradient``() =
        let step (c: Tensor) (x: Tensor) = let next = 0.5 * c + x * x in next, next * x
        let loss scan x = let last, rows = scan step (tensor 0.0) x in last + sumAll rows
        let x = Random.uniformWith DType.Float64 (Key.ofSeed 1) [ 1000 ]
        let expected = grad (loss scan) x

        for segment in [ 1; 7; 31; 999; 1000; 5000 ] do
            Expect.equal expected (grad (loss (scanSegmented segment)) x)

    [<Fact>]
    member _.``of two branches one is computed``() =
        let guarded (i: Tensor) = cond (i .< 2) (fun () -> take 0 i (tensor [ 1.0; 2.0 ])) (fun () -> tensor 5.0)
        Expect.number 2.0 (guarded (tensor 1))
        Expect.number 5.0 (guarded (tensor 7))
        Expect.equal (tensor [ 2.0; 5.0 ]) (vmap guarded (tensor [ 1; 7 ]))

        Expect.error<IndexException, _> [ "7" ] (fun () ->
            (cond (tensor true) (fun () -> take 0 (tensor 7) (tensor [ 1.0 ])) (fun () -> tensor 0.0)).Value)

        let slow (x: Tensor) = whileLoop (fun _ -> tensor true) id x
        Expect.number 3.0 (cond (tensor false) (fun () -> slow (tensor 1.0)) (fun () -> tensor 3.0))
        // Over examples a branch that nobody takes is not computed either, nor does it run for those that do not take it.
        let endless (x: Tensor) =
            cond (x .> 0.0) (fun () -> whileLoop (fun (y: Tensor) -> y .<> 0.0) (fun (y: Tensor) -> y - 1.0) x) (fun () -> x)

        Expect.equal (tensor [ -1.0; -2.0 ]) (vmap endless (tensor [ -1.0; -2.0 ]))
        Expect.equal (tensor [ -1.0; 0.0; -2.0 ]) (vmap endless (tensor [ -1.0; 2.0; -2.0 ]))

    [<Fact>]
    member _.``a branch of numbers alone``() =
        let f p = cond p (fun () -> exp (onesWith DType.Float64 [ 2 ]) + 1.0) (fun () -> tensor [ 5.0; 6.0 ])
        Expect.near (tensor [ exp 1.0 + 1.0; exp 1.0 + 1.0 ]) (f (tensor true))
        Expect.equal (tensor [ 5.0; 6.0 ]) (f (tensor false))
        let h (x: Tensor) = forLoop 2 (fun _ (y: Tensor) -> cond (y .> 1.0) (fun () -> exp (onesLike y)) (fun () -> y ** 3 + 1.0)) x
        Expect.number (exp 1.0) (h (tensor 0.5))
        Expect.number 0.0 (grad h (tensor 0.5))
        Expect.number (3.0 * 1.0 ** 2.0) (grad (fun x -> cond (tensor true) (fun () -> x ** 3) (fun () -> x)) (tensor 1.0))

    [<Fact>]
    member _.``a switch over examples names its index``() =
        let f (x: Tensor) = switch x [ (fun () -> tensor 1.0); (fun () -> tensor 2.0); (fun () -> tensor 3.0) ]
        Expect.equal (tensor [ 3.0; 1.0 ]) (vmap f (tensor [ 2; 0 ]))
        let wrong = [ "switch"; "the index 3"; "3 branches, 0 to 2" ]
        Expect.error<IndexException, _> wrong (fun () -> (f (tensor 3)).Value)
        Expect.error<IndexException, _> wrong (fun () -> (vmap f (tensor [ 0; 3; 1 ])).Value)

    [<Fact>]
    member _.``an integer argument does not move``() =
        let f (x: Tensor, n: Tensor) = scan (fun c i -> c * x + cast DType.Float64 i, c) x n |> fst
        let y, dy = jvp f (tensor 2.0, tensor [ 1; 2 ]) (tensor 1.0, tensor [ 5; 5 ])
        Expect.number 12.0 y
        Expect.number 13.0 dy

        let _, dn =
            jvp (fun (x: Tensor, n: Tensor) -> x, forLoop 3 (fun _ (m: Tensor) -> m + n) n) (tensor 2.0, tensor 3) (tensor 1.0, tensor 3)
            |> snd

        Expect.equal (tensor 0) dn

    [<Fact>]
    member _.``over no example and over one``() =
        let growing (x: Tensor) = whileLoop (fun (y: Tensor) -> y .< 10.0) (fun y -> y * y + 1.0) x
        let chosen (x: Tensor) = cond (x .> 1.0) (fun () -> log x) (fun () -> x * x)
        let switched (x: Tensor) = switch (cast DType.Int64 x) [ (fun () -> x); (fun () -> sin x); (fun () -> x * x) ]
        let none, one = zerosWith DType.Float64 [ 0 ], tensor [ 2.0 ]

        for f in [ growing; chosen; switched ] do
            for g in [ f; grad f; hessian f; jit (grad f) ] do
                Expect.equal none (vmap g none)
                Expect.near (expandDims 0 (g (tensor 2.0))) (vmap g one)

            Expect.equal none (grad (vmap f >> sumAll) none)

    [<Fact>]
    member _.``scans without carries or without rows``() =
        let x = tensor [ 1.0; 2.0 ]
        let squares x = scan (fun (none: Tensor list) (row: Tensor) -> none, row * row) [] x |> snd
        Expect.equal (tensor [ 1.0; 4.0 ]) (squares x)
        Expect.equal (tensor [ 2.0; 4.0 ]) (grad (squares >> sumAll) x)
        let total, rows = scan (fun (c: Tensor) (row: Tensor) -> c + row, ([]: Tensor list)) (tensor 0.0) x
        Expect.number 3.0 total
        Assert.Empty rows

    [<Fact>]
    member _.``bodies spread what they read themselves, and are given parts as parts``() =
        let x, w = ones [ 4; 5 ], tensor [ 2.0f; 3.0f ]
        let shapes (result: Tensor) = result.Operands[0].Operands |> Array.map (fun input -> input.Shape.ToString()) |> List.ofArray
        let scaled (x: Tensor) = x * (w + 1.0).[1]
        Assert.Equal<string list>([ "[]"; "[4, 5]"; "[]" ], shapes (checkpoint scaled x))
        Assert.Equal<string list>([ "[4, 5]"; "[]" ], shapes (forLoop 3 (fun _ x -> scaled x) x))
        Assert.Contains("[2]", shapes (cond (x.[0, 0] .> 0.0) (fun () -> scaled x) (fun () -> x)))
        Expect.near (broadcastTo [ 4; 5 ] (tensor 64.0f)) (forLoop 3 (fun _ x -> scaled x) x)

    [<Fact>]
    member _.``branches may be traced on another thread than the transform``() =
        let elsewhere (f: unit -> Tensor) =
            System.Threading.Tasks.Task.Factory.StartNew(f, System.Threading.Tasks.TaskCreationOptions.LongRunning).Result

        let cube (x: Tensor) = elsewhere (fun () -> switch (tensor 0L) [ (fun () -> x * x * x) ])
        Expect.number 12.0 (grad cube (tensor 2.0))
        Expect.number 12.0 (grad (grad cube) (tensor 2.0))
        let y x = x * x

        let saved (x: Tensor) =
            let y = y x
            elsewhere (fun () -> customVjp (fun (_: Tensor) -> y, y) (fun y (g: Tensor) -> g * y * y) x)

        Expect.number 108.0 (grad (grad saved) (tensor 3.0))

    [<Fact>]
    member _.``a setting that is no number stays the same setting``() =
        let total, setting = forLoop 2 (fun _ (total: Tensor, setting: float) -> total * 2.0, setting) (tensor 1.0, nan)
        Expect.number 4.0 total
        Assert.True(System.Double.IsNaN setting)
