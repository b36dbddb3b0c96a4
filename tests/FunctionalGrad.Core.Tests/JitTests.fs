namespace FunctionalGrad.Tests

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open System.Threading
open FunctionalGrad
open FunctionalGrad.Compile
open Xunit

type Weights = { Matrix: Tensor; Shift: Tensor; Rate: float }

type Setting =
    { Value: Tensor
      Power: int
      Label: string
      Slope: float
      Rule: Activation
      Shape: Shape
      Then: Tensor -> Tensor
      Other: obj }

type Growth =
    | Linear of Tensor
    | Quadratic of Tensor

/// What tests of compiled functions share.
module internal Jitted =
    /// A function that counts how often it is called.
    let counting (f: 'A -> 'B) : int ref * ('A -> 'B) =
        let count = ref 0

        let counted argument =
            Interlocked.Increment(&count.contents) |> ignore
            f argument

        count, counted

    /// The function traced and compiled, and how often it was traced.
    let traced (f: 'A -> 'B) : int ref * ('A -> 'B) =
        let count, counted = counting f
        count, jit counted

    let values (x: Tensor) = Array.init x.Count x.Value.GetDouble

    let x = tensor [ 0.5; -1.25; 2.0 ]
    let matrix = tensor [ [ 2.0; 0.5; -1.0 ]; [ 0.25; 1.5; 0.75 ]; [ -0.5; 1.0; 3.0 ] ]

/// How often a function is traced: once for each structure of its argument.
type TraceCountTests() =
    let setting =
        { Value = tensor 3.0
          Power = 2
          Label = "a"
          Slope = 0.0
          Rule = Relu
          Shape = Shape.Of 2
          Then = id
          Other = box 1 }

    /// Traces of one function that is called with several arguments in turn, twice.
    let traces (arguments: 'A list) =
        let count, f = Jitted.traced (fun (argument: 'A) -> Tree.flatten argument |> Array.map (fun x -> x * 2.0))

        for argument in arguments @ arguments do
            f argument |> ignore

        count.Value

    [<Fact>]
    member _.``one shape and dtype is traced once``() =
        let count, f = Jitted.traced (fun (x: Tensor) -> x * 2.0)

        for i in 1..5 do
            Expect.equal (tensor [ 2.0 * float i; 0.0 ]) (f (tensor [ float i; 0.0 ]))

        Assert.Equal(1, count.Value)

    [<Fact>]
    member _.``other shapes and dtypes are traced anew``() =
        Assert.Equal(4, traces [ tensor [ 1.0 ]; tensor [ 1.0; 2.0 ]; tensor [ [ 1.0 ] ]; tensor [ 1f ] ])
        Assert.Equal(2, traces [ tensor 1.0, tensor [ 1.0 ]; tensor [ 1.0 ], tensor 1.0 ])
        Assert.Equal(1, traces [ tensor 1.0, tensor [ 1.0 ]; tensor 2.0, tensor [ 3.0 ] ])

    [<Fact>]
    member _.``how a tensor came about does not matter``() =
        let x = tensor [ 1.0; 2.0 ]
        Assert.Equal(1, traces [ x; x + x; zerosWith DType.Float64 [ 2 ]; cast DType.Float64 (ones [ 2 ]) ])

    [<Fact>]
    member _.``fields that are no tensors count by value``() =
        let text = String([| 'a' |])
        Assert.Equal(1, traces [ setting; { setting with Label = text; Other = box 1 }; { setting with Value = tensor 5.0 } ])
        Assert.Equal(2, traces [ setting; { setting with Power = 3 } ])
        Assert.Equal(2, traces [ setting; { setting with Label = "b" } ])
        Assert.Equal(2, traces [ setting; { setting with Label = null } ])
        Assert.Equal(2, traces [ setting; { setting with Slope = -0.0 } ])
        Assert.Equal(1, traces [ { setting with Slope = nan }; { setting with Slope = nan } ])
        Assert.Equal(2, traces [ setting; { setting with Rule = Tanh } ])
        Assert.Equal(2, traces [ setting; { setting with Shape = Shape.Of 3 } ])
        Assert.Equal(1, traces [ setting; { setting with Shape = Shape.Of 2 } ])
        Assert.Equal(2, traces [ setting; { setting with Other = box 1L } ])
        Assert.Equal(2, traces [ setting; { setting with Other = tensor 1.0 } ])
        Assert.Equal(1, traces [ { setting with Other = tensor 1.0 }; { setting with Other = tensor 2.0 * 2.0 } ])

    [<Fact>]
    member _.``functions count by reference``() =
        let rule = fun (x: Tensor) -> x * 2.0
        Assert.Equal(1, traces [ { setting with Then = rule }; { setting with Then = rule } ])
        let closures = [ for factor in [ 2.0; 3.0 ] -> { setting with Then = fun (x: Tensor) -> x * factor } ]
        Assert.Equal(2, traces closures)

        let f = jit (fun s -> s.Then s.Value)
        Assert.Equal<float list>([ 6.0; 9.0; 6.0 ], [ for s in closures @ [ closures[0] ] -> (f s).ToDouble() ])

    [<Fact>]
    member _.``cases, lengths, keys and what is missing count``() =
        let one = tensor 1.0
        Assert.Equal(2, traces [ Linear one; Quadratic one; Linear(tensor 2.0) ])
        Assert.Equal(3, traces [ []; [ one ]; [ one; one ] ])
        Assert.Equal(2, traces [ [ [ one ]; [ one; one ] ]; [ [ one; one ]; [ one ] ] ])
        Assert.Equal(2, traces [ Some one; None ])
        Assert.Equal(2, traces [ Map [ "a", one ]; Map [ "b", one ]; Map [ "a", one ] ])
        Assert.Equal(2, traces [ (one, null); (null, one) ])
        Assert.Equal(2, traces [ [| 1; 2 |], one; [| 1; 3 |], one ])

        let dictionary (comparer: StringComparer) = Dictionary<string, Tensor>(dict [ "a", one ], comparer)
        let f = jit (fun (d: Dictionary<string, Tensor>) -> if d.ContainsKey "A" then d["A"] * 2.0 else d["a"])
        Expect.number 1.0 (f (dictionary StringComparer.Ordinal))
        Expect.number 2.0 (f (dictionary StringComparer.OrdinalIgnoreCase))

    [<Fact>]
    member _.``a static field decides what is traced``() =
        let power (n: int, x: Tensor) = Seq.fold (fun product _ -> product * x) x [ 2..n ]
        let count, f = Jitted.traced power

        for n in [ 1; 2; 3; 2; 1 ] do
            Expect.number (2.0 ** float n) (f (n, tensor 2.0))

        Assert.Equal(3, count.Value)

    [<Fact>]
    member _.``inside other transforms the trace is the same``() =
        let count, f = Jitted.traced (fun (x: Tensor) -> sumAll (x * x))
        let x = Jitted.x
        f x |> ignore
        Expect.near (2.0 * x) (grad f x)
        Expect.near (2.0 * x) (jit (grad f) x)
        Assert.Equal(1, count.Value)

    [<Fact>]
    member _.``a function may call itself with another structure, but not with the same``() =
        let itself: (int * Tensor -> Tensor) ref = ref snd
        itself.Value <- jit (fun (n, x) -> if n = 1 then x else x * itself.Value(n - 1, x))
        Expect.number 32.0 (itself.Value(5, tensor 2.0))
        itself.Value <- jit (fun (n, x) -> itself.Value(n, x + 1.0))
        Expect.error<TracingException, _> [ "jit"; "calls itself"; "whileLoop" ] (fun () -> itself.Value(1, tensor 1.0))

    [<Fact>]
    member _.``the structures that are kept are bounded``() =
        let f = jit (fun (s: Setting) -> s.Value)

        let call () =
            let marker = obj ()
            f { setting with Other = marker } |> ignore
            WeakReference marker

        // A frame of its own, so that nothing of it is left on the stack.
        let references = List.init 1000 (fun _ -> call ())
        GC.Collect()
        let alive = references |> List.filter (fun reference -> reference.IsAlive) |> List.length
        Assert.InRange(alive, 1, 300)

/// What a function reads besides its argument.
type JitCaptureTests() =
    let x = Jitted.x

    [<Fact>]
    member _.``captured tensors are inputs, frozen variables are not``() =
        let factors = ref (tensor 2.0)
        let count, f = Jitted.traced (fun (x: Tensor) -> x * exp factors.Value)
        Expect.near (x * exp 2.0) (f x)
        factors.Value <- tensor 3.0
        Expect.near (x * exp 2.0) (f x)
        Assert.Equal(1, count.Value)

    [<Fact>]
    member _.``a captured tensor may be differentiated outside``() =
        let w = tensor [ 1.0; 2.0; 3.0 ]
        let loss (w: Tensor) = sumAll (jit (fun x -> x * exp w) x)
        Expect.near (x * exp w) (grad loss w)
        Expect.near (x * exp w) (jit (grad loss) w)
        Expect.near (diag 0 (x * exp w)) (hessian loss w)
        let examples = stack 0 [ w; w * 2.0 ]
        Expect.near (vmap (fun w -> sumAll (x * exp w)) examples) (vmap loss examples)
        Expect.near (vmap (fun w -> x * exp w) examples) (vmap (grad loss) examples)

    [<Fact>]
    member _.``a captured tensor and the argument may both move``() =
        let f (a: Tensor) = grad (fun (b: Tensor) -> sumAll (jit (fun y -> y * y * a * b) b)) (a * 2.0) |> sumAll
        // 3·a·b² at b = 2a is 12·a³, and that moves by 36·a².
        let plain (a: Tensor) = grad (fun (b: Tensor) -> sumAll (b * b * a * b)) (a * 2.0) |> sumAll
        Expect.near (grad plain x) (grad f x)
        Expect.near (36.0 * x * x) (grad f x)

    [<Fact>]
    member _.``the inner derivative does not see the outer variable``() =
        let f x = x * grad (jit (fun (y: Tensor) -> x + y)) (tensor 1.0)
        Expect.number 1.0 (grad f (tensor 1.0))
        Expect.number 1.0 (jit (grad f) (tensor 1.0))
        Expect.number 1.0 (grad (jit f) (tensor 1.0))

    [<Fact>]
    member _.``a function made inside a derivative may be called after it``() =
        let kept: (Tensor -> Tensor) ref = ref id

        let f (w: Tensor) =
            kept.Value <- jit (fun (y: Tensor) -> y * w)
            kept.Value x |> sumAll

        Expect.equal x (grad (fun w -> sumAll (jit (fun (y: Tensor) -> y * w) x)) (tensor [ 1.0; 1.0; 1.0 ]))
        grad f (tensor [ 1.0; 2.0; 3.0 ]) |> ignore
        Expect.equal (x * tensor [ 1.0; 2.0; 3.0 ]) (kept.Value x)
        let mapped = vmap f (tensor [ [ 1.0; 2.0; 3.0 ] ])
        Expect.equal (reshape [ 1 ] (sumAll (x * tensor [ 1.0; 2.0; 3.0 ]))) mapped
        Expect.error<TracingException, _> [ "escaped from vmap" ] (fun () -> kept.Value x)

    [<Fact>]
    member _.``what does not depend on the argument is known at once, even inside a derivative``() =
        let f = jit (fun (x: Tensor, y: Tensor) -> x * 2.0, y * 2.0)

        let loss x =
            let a, b = f (x, tensor 4.0)
            Assert.Equal(8.0, b.ToDouble())
            Assert.NotNull b.KnownValue
            sumAll (a * b)

        Expect.near (16.0 * onesLike x) (grad loss x)

/// Refusals.
type JitErrorTests() =
    let x = Jitted.x
    let looking (x: Tensor) = if (sumAll x).ToDouble() > 0.0 then x else -x

    [<Fact>]
    member _.``looking at a value names the op and the remedy, wherever the function is called``() =
        let parts = [ "sum"; "jit"; "where"; "cond"; "whileLoop" ]
        Expect.error<TracingException, _> parts (fun () -> jit looking x)
        Expect.error<TracingException, _> parts (fun () -> grad (jit looking >> sumAll) x)
        Expect.error<TracingException, _> parts (fun () -> jit (grad (looking >> sumAll)) x)
        Expect.error<TracingException, _> parts (fun () -> jit (jit looking) x)
        Expect.error<TracingException, _> parts (fun () -> vmap (jit looking) Jitted.matrix)
        Expect.error<TracingException, _> parts (fun () -> scan (fun c x -> c, sumAll (jit looking x)) (tensor 0.0) Jitted.matrix)

    [<Fact>]
    member _.``looking at what is captured is allowed``() =
        let w = tensor 2.0
        Expect.equal (x * 4.0) (jit (fun x -> x * (w * w).ToDouble()) x)
        Expect.near (tensor 0.0) (grad (fun (w: Tensor) -> jit (fun x -> sumAll x * w.ToDouble()) x) w)

    [<Fact>]
    member _.``a tensor that escapes cannot be looked at``() =
        let escaped = ref x

        jit
            (fun x ->
                escaped.Value <- exp x
                x)
            x
        |> ignore

        Expect.error<TracingException, _> [ "exp"; "escaped from jit"; "Return it" ] (fun () -> escaped.Value.Value)
        Expect.error<TracingException, _> [ "escaped from jit" ] (fun () -> jit (fun x -> x * 2.0) escaped.Value)

    [<Fact>]
    member _.``an exception of the function passes, and the next call tries again``() =
        let count = ref 0

        let f =
            jit (fun (x: Tensor) ->
                count.Value <- count.Value + 1

                if count.Value < 3 then raise (InvalidTimeZoneException "not yet")

                x * 2.0)

        for _ in 1..2 do
            Expect.error<InvalidTimeZoneException, _> [ "not yet" ] (fun () -> f x)

        Expect.equal (x * 2.0) (f x)
        Expect.equal (x * 2.0) (f x)
        Assert.Equal(3, count.Value)

    [<Fact>]
    member _.``wrong shapes are refused where the function is traced``() =
        Expect.error<ShapeException, _> [ "matmul" ] (fun () -> jit (fun (x: Tensor) -> Jitted.matrix @@ x) (tensor [ 1.0; 2.0 ]))

    [<Fact>]
    member _.``what cannot be walked is refused with its path``() =
        Expect.error<ShapeException, _> [ "parameters.Item2"; "Random" ] (fun () -> jit fst (x, Random()))
        Expect.error<ShapeException, _> [ "parameters[0].Item2"; "Random" ] (fun () -> jit (fun x -> x) [| (x, Random()) |])
        Expect.error<ShapeException, _> [ "parameters.Item2"; "Random" ] (fun () -> jit (fun x -> x, Random()) x)

/// Threads and memory.
type JitResourceTests() =
    let x = Jitted.x

    [<Fact>]
    member _.``many threads may call one function, also the first time``() =
        for round in 1..20 do
            let count, f =
                Jitted.traced (fun (x: Tensor) ->
                    Thread.Sleep 1
                    sumAll (x * x * float round))

            use start = new Barrier(8)
            let failures = System.Collections.Concurrent.ConcurrentQueue<string>()

            let work i () =
                try
                    start.SignalAndWait()

                    for repeat in 1..20 do
                        let size = 1 + (i + repeat) % 3
                        let value = float (i + repeat)
                        let found = (f (fullWith DType.Float64 [ size ] value)).ToDouble()
                        let expected = float size * value * value * float round
                        if found <> expected then failures.Enqueue $"{found}, not {expected}"
                with raised ->
                    failures.Enqueue(string raised)

            let threads = [ for i in 1..8 -> Thread(work i) ]

            for thread in threads do
                thread.Start()

            for thread in threads do
                thread.Join()

            Assert.Empty failures
            Assert.Equal(3, count.Value)

    [<Fact>]
    member _.``threads may differentiate and map one function``() =
        let f = jit (fun (x: Tensor) -> sumAll (x * x * x))

        let results =
            [| 1..16 |]
            |> Array.Parallel.map (fun i ->
                let x = fullWith DType.Float64 [ 4 ] (float i)
                if i % 2 = 0 then grad f x else vmap (grad f) (stack 0 [ x; x ]) |> select 0 0)

        results |> Array.iteri (fun i g -> Expect.near (fullWith DType.Float64 [ 4 ] (3.0 * float ((i + 1) * (i + 1)))) g)

    /// A call in a frame of its own; what it leaves are references that keep nothing alive.
    [<MethodImpl(MethodImplOptions.NoInlining)>]
    static member private CallOnce(f: Tensor * Tensor -> Tensor * Tensor) : WeakReference list =
        let a, b = fullWith DType.Float64 [ 1000 ] 2.0 * 1.5, tensor [ 1.0 .. 1000.0 ]
        let y, z = f (a, b)

        [ for tensor in [ a; b; y; z ] do
              WeakReference tensor
              WeakReference tensor.Value ]

    [<MethodImpl(MethodImplOptions.NoInlining)>]
    static member private DifferentiateOnce(f: Tensor * Tensor -> Tensor * Tensor) : WeakReference list =
        let a, b = fullWith DType.Float64 [ 1000 ] 2.0 * 1.5, tensor [ 1.0 .. 1000.0 ]
        let da, db = grad (f >> fst >> sumAll) (a, b)

        [ for tensor in [ a; b; da; db ] do
              WeakReference tensor
              WeakReference tensor.Value ]

    [<Fact>]
    member _.``nothing of an argument or a result is kept``() =
        let f = jit (fun (a: Tensor, b: Tensor) -> sort 0 (a * b) + fst (scan (fun c x -> c + x, c) (tensor 0.0) a), b)
        // Both the calls that trace and those that do not.
        let references =
            List.concat
                [ JitResourceTests.CallOnce f
                  JitResourceTests.CallOnce f
                  JitResourceTests.DifferentiateOnce f
                  JitResourceTests.CallOnce f ]

        GC.Collect()
        GC.WaitForPendingFinalizers()
        GC.Collect()
        Assert.Empty(references |> List.filter (fun reference -> reference.IsAlive))
        GC.KeepAlive f

    [<Theory; InlineData 4; InlineData 100_000>]
    member _.``a call allocates little besides its results, and always the same``(size: int) =
        let f = jit (fun (a: Tensor, b: Tensor) -> sumAll (tanh (a * b) + exp (a - b)))
        let a, b = onesWith DType.Float64 [ size ], fullWith DType.Float64 [ size ] 0.5
        Tree.evaluate (a, b)

        for _ in 1..50 do
            f (a, b) |> ignore

        let measure calls =
            let before = GC.GetAllocatedBytesForCurrentThread()

            for _ in 1..calls do
                f (a, b) |> ignore

            (GC.GetAllocatedBytesForCurrentThread() - before) / int64 calls

        let first, second = measure 100, measure 1000
        Assert.InRange(first, 0L, 6000L)
        Assert.InRange(second, 0L, first + 100L)

    [<Fact>]
    member _.``calls on arrays make no nodes``() =
        let f = jit (fun (x: Tensor) -> Seq.fold (fun (y: Tensor) _ -> sin y) x [ 1..500 ])
        f x |> ignore
        let before = GC.GetAllocatedBytesForCurrentThread()
        f x |> ignore
        // A node takes a hundred bytes and more.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0L, 6000L)
