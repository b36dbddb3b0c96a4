namespace FunctionalGrad.Tests

open System
open FunctionalGrad
open FunctionalGrad.Compile
open FunctionalGrad.Loops
open Xunit

/// What is checked between the passes of the compiler: broken graphs and plans are refused, those of all tests are not.
type VerifyTests() =
    let node lowering (inputs: int list) (sizes: int list) dtype =
        { Lowering = lowering; Inputs = Array.ofList inputs; Shape = Shape sizes; DType = dtype }

    let float lowering inputs sizes = node lowering inputs sizes DType.Float32
    let leaf sizes = float Leaf [] sizes
    let index sizes = node Leaf [] sizes DType.Int64

    let check (nodes: Node list) = VerifyGraph.check "rewrite" { Nodes = Array.ofList nodes; Outputs = [| nodes.Length - 1 |] }

    let refuse (what: string) (nodes: Node list) =
        let error = Assert.Throws<InvalidOperationException>(fun () -> check nodes)
        Assert.StartsWith("rewrite: ", error.Message)
        Assert.Contains(what, error.Message)

    let library results = Library.Giving(results, "pair", box "pair", LibraryFunction(fun _ _ -> ()))
    let pair = library [| struct (Shape.Of 2, DType.Float32); struct (Shape.Of 3, DType.Int32) |]

    [<Fact>]
    member _.``tests are verified``() = Assert.True Verification.IsOn

    [<Fact>]
    member _.``graphs that are none``() =
        refuse "before it" [ leaf [ 2 ]; float (Pointwise Opcode.Neg) [ 1 ] [ 2 ] ]
        refuse "before it" [ float (Pointwise Opcode.Neg) [ 1 ] [ 2 ]; leaf [ 2 ] ]
        refuse "before it" [ leaf [ 2 ]; float (Pointwise Opcode.Neg) [ -1 ] [ 2 ] ]
        refuse "operands instead of 2" [ leaf [ 2 ]; float (Pointwise Opcode.Add) [ 0 ] [ 2 ] ]
        refuse "operands instead of 0" [ leaf [ 2 ]; float Leaf [ 0 ] [ 2 ] ]

        let output =
            Assert.Throws<InvalidOperationException>(fun () -> VerifyGraph.check "rewrite" { Nodes = [| leaf [] |]; Outputs = [| 1 |] })

        Assert.Contains("no node 1", output.Message)

    [<Fact>]
    member _.``elements of another shape or dtype``() =
        refuse "its shape is [2] instead of [3]" [ leaf [ 3 ]; float (Pointwise Opcode.Neg) [ 0 ] [ 2 ] ]
        refuse "its shape" [ leaf [ 3 ]; leaf [ 1 ]; float (Pointwise Opcode.Add) [ 0; 1 ] [ 3 ] ]
        refuse "its dtype is float64 instead of float32" [ leaf [ 3 ]; node Same [ 0 ] [ 3 ] DType.Float64 ]
        refuse "float32, int64 instead of float32" [ leaf [ 3 ]; index [ 3 ]; float (Pointwise Opcode.Add) [ 0; 1 ] [ 3 ] ]
        refuse "instead of bool" [ leaf [ 3 ]; float (Pointwise Opcode.Less) [ 0; 0 ] [ 3 ] ]
        refuse "instead of bool" [ leaf [ 3 ]; float (Pointwise Opcode.Select) [ 0; 0; 0 ] [ 3 ] ]
        refuse "instead of int64" [ leaf [ 3 ]; float (Reduce(Fold.ArgMax, [| 0 |])) [ 0 ] [] ]
        refuse "its shape is [3] instead of [2]" [ leaf [ 2; 3 ]; float (Reduce(Fold.Sum, [| 1 |])) [ 0 ] [ 3 ] ]

    [<Fact>]
    member _.``views of what is not there``() =
        refuse "is no order" [ leaf [ 2; 3 ]; float (View(Permute [| 0; 0 |])) [ 0 ] [ 2; 2 ] ]
        refuse "its shape" [ leaf [ 2; 3 ]; float (View(Permute [| 1; 0 |])) [ 0 ] [ 2; 3 ] ]
        refuse "does not stretch" [ leaf [ 2; 3 ]; float (View Broadcast) [ 0 ] [ 3; 2 ] ]
        refuse "as many elements" [ leaf [ 2; 3 ]; float (View Reshape) [ 0 ] [ 5 ] ]
        refuse "does not lie in" [ leaf [ 5 ]; float (View(Slice([| 1 |], [| 2 |]))) [ 0 ] [ 3 ] ]
        refuse "does not lie in" [ leaf [ 5 ]; float (View(Slice([| 1 |], [| -1 |]))) [ 0 ] [ 3 ] ]
        refuse "does not lie in" [ leaf [ 5 ]; float (View(Slice([| 0 |], [| Int32.MaxValue |]))) [ 0 ] [ 3 ] ]
        refuse "do not lie in" [ leaf [ 5 ]; float (View(Window(0, 2, 1))) [ 0 ] [ 3; 2 ] ]
        refuse "does not lie in" [ leaf [ 3 ]; float (Embed([| 1 |], [| 1 |])) [ 0 ] [ 3 ] ]
        refuse "do not lie in" [ leaf [ 3; 2 ]; float (OverlapAdd(0, 2, 1, false)) [ 0 ] [ 5 ] ]

    [<Fact>]
    member _.``products, joins and choices that do not fit``() =
        let product = Contract([| 0; 1 |], [| 1; 2 |], [| 0; 2 |])
        refuse "sizes of its labels" [ leaf [ 2; 3 ]; leaf [ 4; 5 ]; float product [ 0; 1 ] [ 2; 5 ] ]
        refuse "sizes of its labels" [ leaf [ 2; 3 ]; leaf [ 3; 5 ]; float product [ 0; 1 ] [ 2; 4 ] ]
        refuse "label for every axis" [ leaf [ 2; 3 ]; leaf [ 3 ]; float product [ 0; 1 ] [ 2; 5 ] ]
        refuse "do not make" [ leaf [ 2 ]; leaf [ 3 ]; float (Concat 0) [ 0; 1 ] [ 4 ] ]
        refuse "its index is float32" [ leaf [ 4 ]; leaf [ 2 ]; float (Gather(0, "take")) [ 0; 1 ] [ 2 ] ]
        refuse "does not fit" [ leaf [ 4; 2 ]; index [ 4; 3 ]; float (Gather(0, "take")) [ 0; 1 ] [ 4; 3 ] ]
        refuse "its shape" [ leaf [ 4 ]; index [ 2 ]; leaf [ 3 ]; float (Lowering.ScatterAdd(0, "put")) [ 0; 1; 2 ] [ 4 ] ]

    [<Fact>]
    member _.``results that a call does not give``() =
        let call = node (Call pair) [ 0 ] [ 2 ] DType.Float32
        check [ leaf [ 2 ]; call; float (Item 0) [ 1 ] [ 2 ] ]
        refuse "not so many" [ leaf [ 2 ]; call; float (Item 2) [ 1 ] [ 2 ] ]
        refuse "its shape" [ leaf [ 2 ]; call; float (Item 0) [ 1 ] [ 3 ] ]
        refuse "its dtype" [ leaf [ 2 ]; call; float (Item 1) [ 1 ] [ 3 ] ]
        refuse "its shape" [ leaf [ 2 ]; node Group [ 0 ] [] DType.Float32; float (Item 0) [ 1 ] [ 3 ] ]

    [<Fact>]
    member _.``graphs of random programs pass, and so do their gradients``() =
        Property.forSeeds 300 (fun seed ->
            let source = Source seed
            let inputs = Programs.inputs source

            let loss (xs: Tensor[]) = Programs.build (Source(seed + 1)) xs |> Array.map (fun y -> sumAll (sin y)) |> Array.reduce (+)

            let body, _, _ = Flow.trace "test" (grad loss) inputs inputs
            let graph = body.Graph.Value.Graph
            VerifyGraph.check "trace" graph
            let rewritten, _ = Rewrite.run graph
            VerifyGraph.check "rewrite" rewritten
            Assert.NotEmpty rewritten.Nodes)

    [<Fact>]
    member _.``graphs of smooth functions pass``() =
        Property.forSeeds 100 (fun seed ->
            let f = SmoothFunctions.draw (Source seed) 3
            let body, _, _ = Flow.trace "test" (hessian (f.Apply >> sumAll)) (tensor [ 0.1; 0.2; 0.3 ]) [| tensor [ 0.1; 0.2; 0.3 ] |]
            let rewritten, _ = Rewrite.run body.Graph.Value.Graph
            VerifyGraph.check "rewrite" rewritten)

/// Tests that change a setting of the process run by themselves.
[<CollectionDefinition("settings", DisableParallelization = true)>]
type SettingsCollection() = class end

/// Programs that are too much for one method, or for the machine.
[<Collection("settings")>]
type LargeProgramTests() =
    let withTier tier (run: unit -> 'T) =
        let before = Tiers.Chosen
        Tiers.Chosen <- tier

        try
            run ()
        finally
            Tiers.Chosen <- before

    let chain (count: int) (x: Tensor) =
        let step (y: Tensor) i =
            match i % 5 with
            | 0 -> sin y
            | 1 -> y * 1.25
            | 2 -> tanh y + x
            | 3 -> maximum y (x * 0.5)
            | _ -> exp (-y) - float (i % 7)

        Seq.fold step x (seq { 1..count })

    let bits (x: Tensor) = x.ToArray<float32>() |> Array.map BitConverter.SingleToInt32Bits

    [<Fact>]
    member _.``five thousand ops are several methods with the bits of the interpreter``() =
        let x = tensor [ for i in 0..6 -> float32 i * 0.3f - 1.0f ]
        let f = jit (chain 5000)
        let interpreted = withTier Tier.Interpreter (fun () -> bits (f x))
        let emitted = withTier Tier.Emitter (fun () -> bits (f x))
        Assert.Equal<int>(interpreted, emitted)

    [<Fact>]
    member _.``a program that no machine has the memory for is refused before it begins``() =
        let size = 46_000
        let column = ones [ size; 1 ]
        let row = ones [ 1; size ]

        let products (scale: Tensor) = [ for i in 1..1000 -> (column * (scale + float i)) @@ row ]

        Expect.error<ShapeException, _> [ "bytes at a time"; "the machine has" ] (fun () -> jit products (tensor 1.0f) |> List.head)
