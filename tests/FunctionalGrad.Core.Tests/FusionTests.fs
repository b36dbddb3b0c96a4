namespace FunctionalGrad.Tests

open FunctionalGrad
open FunctionalGrad.Compile
open FunctionalGrad.Loops
open Xunit

/// What functions become when they are compiled.
module internal Fused =
    let graph (f: Tensor[] -> Tensor[]) (inputs: Tensor[]) : Graph =
        let body, _, _ = Flow.trace "fused" f inputs inputs
        body.Graph.Value.Graph

    let stepsOf (f: Tensor[] -> Tensor[]) (inputs: Tensor[]) : Step[] = (Compiler.compile (graph f inputs)).Program.Steps |> Array.ofSeq

    let private ofInstruction place (x: Instruction) =
        let access = if isNull x.Access then "" else $" #{x.Access.Buffer}+{x.Access.Offset} %A{List.ofSeq x.Access.Strides}"
        $"    {place}: {x.Code} {x.Type} {x.A} {x.B} {x.C}{access}"

    let private ofStep (step: Step) =
        match step with
        | :? KernelStep as step ->
            let kernel = step.Kernel

            Seq.concat
                [ Seq.singleton $"kernel %A{List.ofSeq kernel.Extents} folding {kernel.ReduceCount} from {kernel.ReduceFrom}"
                  Seq.mapi ofInstruction kernel.Body
                  kernel.Reductions |> Seq.map (fun r -> $"    {r.Fold} of {r.Value} to #{r.Target.Buffer}") ]
            |> String.concat "\n"
        | other -> other.GetType().Name

    let describe steps = steps |> Seq.map ofStep |> String.concat "\n"

    let kernels (steps: Step[]) =
        steps
        |> Array.choose (function
            | :? KernelStep as step -> Some step.Kernel
            | _ -> None)

    let count (code: Opcode) (kernel: Kernel) = kernel.Body |> Seq.filter (fun x -> x.Code = code) |> Seq.length

    /// So many steps, so many of them kernels.
    let expect steps kernelCount f inputs =
        let found = stepsOf f inputs
        let count = (kernels found).Length

        if found.Length <> steps || count <> kernelCount then
            raise (Xunit.Sdk.XunitException $"{found.Length} steps with {count} kernels, not {steps} with {kernelCount}:\n{describe found}")

        kernels found

/// How many kernels well-known functions take, what they read and write, and that they compute what the reference does.
type FusionTests() =
    let normal seed (shape: int list) = Random.normal (Key.ofSeed seed) shape
    let x = normal 1 [ 32; 10 ]
    let classes = tensor [ for i in 1..32 -> i % 10 ]
    let lossAndGradient (f: Tensor -> Tensor) (x: Tensor) = let v, g = valueAndGrad f x in [| v; g |]

    let layerNormGradients (p: Tensor[]) =
        let loss (p: Tensor[]) = sumAll (layerNorm 1e-5 p[1] p[2] p[0] * cos p[0])
        let value, gradients = valueAndGrad loss p
        Array.append [| value |] gradients

    let crossEntropyGradient (xs: Tensor[]) = lossAndGradient (crossEntropy xs[1]) xs[0]

    /// Parameters, then inputs and classes: the loss and the next parameters.
    let perceptronStep (p: Tensor[]) =
        let loss (q: Tensor[]) = relu (matmul p[4] q[0] + q[1]) |> fun h -> crossEntropy p[5] (matmul h q[2] + q[3])
        let value, gradients = valueAndGrad loss p[..3]
        Array.append [| value |] (Array.map2 (fun x g -> x - 0.1 * g) p[..3] gradients)

    let perceptron () = [| normal 2 [ 20; 16 ]; normal 3 [ 16 ]; normal 4 [ 16; 10 ]; normal 5 [ 10 ]; normal 6 [ 32; 20 ]; classes |]

    [<Fact>]
    member _.``softmax and log-sum-exp are one kernel that reads once and writes once``() =
        for f in
            [ softmax -1
              (fun x -> log (softmax -1 x))
              logsumexp [ -1 ]
              normalizeLast 1 1e-5
              softmax -1 >> argmax [ -1 ] ] do
            let kernel = Fused.expect 1 1 (fun xs -> [| f xs[0] |]) [| x |] |> Array.exactlyOne
            Assert.Equal(1, Fused.count Opcode.Load kernel)
            Assert.Equal(1, Fused.count Opcode.Store kernel + kernel.Reductions.Length)

    [<Fact>]
    member _.``attention weights with a mask are one kernel``() =
        let mask = (let m = normal 7 [ 6; 6 ] in less m (zerosLike m))

        let weights (xs: Tensor[]) = [| where xs[1] (xs[0] * 0.3) (Tensor.Splat(Shape [], DType.Float32, -1e9)) |> softmax -1 |]
        Fused.expect 1 1 weights [| normal 8 [ 2; 4; 6; 6 ]; mask |] |> ignore

    [<Fact>]
    member _.``cross entropy with its gradient is a kernel over rows and the mean``() =
        let kernels = Fused.expect 2 2 crossEntropyGradient [| x; classes |]
        // Logits and classes; the classes once more by the read that checks them.
        Assert.Equal(2, Fused.count Opcode.Load kernels[0])

    [<Fact>]
    member _.``layer norm with its gradients is a kernel over rows, the loss, and the sums over rows``() =
        Fused.expect 3 3 layerNormGradients [| x; normal 2 [ 10 ]; normal 3 [ 10 ] |] |> ignore

    [<Fact>]
    member _.``a training step of a perceptron is five products and nine kernels``() =
        Fused.expect 14 9 perceptronStep (perceptron ()) |> ignore

    [<Fact>]
    member _.``rows that are long and few stay separate kernels``() =
        for shape in [ [ 1_000_000 ]; [ 1; 100_000 ]; [ 8; 10_000 ]; [ 100; 20_000 ] ] do
            let kernels =
                Fused.kernels (
                    Fused.stepsOf (fun xs -> [| softmax -1 xs[0] |]) [| Tensor.ofArray (NDArray.Zeros(Shape shape, DType.Float32)) |]
                )

            Assert.True(kernels.Length > 1)
            Assert.All(kernels, (fun kernel -> Assert.Equal(0, Fused.count Opcode.Fold kernel)))

        Fused.expect 1 1 (fun xs -> [| softmax -1 xs[0] |]) [| Tensor.ofArray (NDArray.Zeros(Shape [ 100; 10_000 ], DType.Float32)) |]
        |> ignore

    [<Fact>]
    member _.``sums over leading axes are not rows``() =
        let kernels = Fused.kernels (Fused.stepsOf (fun xs -> [| softmax 0 xs[0] |]) [| x |])
        Assert.All(kernels, (fun kernel -> Assert.Equal(0, Fused.count Opcode.Fold kernel)))

    [<Fact>]
    member _.``what is cheap is computed again rather than stored``() =
        // The sums read x and y, and so can multiply them once more.
        let f (xs: Tensor[]) =
            let product = xs[0] * 2.0 + 1.0
            [| sum [ 1 ] (exp product); sum [ 0 ] product |]

        let kernels = Fused.expect 2 2 f [| x |]
        Assert.All(kernels, (fun kernel -> Assert.Equal(0, Fused.count Opcode.Store kernel)))

    [<Fact>]
    member _.``what costs more is stored``() =
        let f (xs: Tensor[]) =
            let e = exp xs[0]
            [| sum [ 1 ] e; sum [ 0 ] e |]

        let kernels = Fused.expect 2 2 f [| x |]
        Assert.Equal(1, kernels |> Array.sumBy (Fused.count Opcode.Store))

    [<Fact>]
    member _.``parts are written where they belong``() =
        Fused.expect 2 2 (fun xs -> [| concat 0 [ sin xs[0]; cos (transpose xs[1]) ] |]) [| x; normal 9 [ 10; 7 ] |] |> ignore
        Fused.expect 1 1 (fun xs -> [| stack 1 [ sin xs[0]; cos xs[0] ] |]) [| x |] |> ignore
        Fused.expect 2 2 (fun xs -> [| pad [ 1, 2; 0, 3 ] (sin xs[0]) |]) [| x |] |> ignore
        // What others read too is stored and copied.
        Fused.expect 2 2 (fun xs -> let y = sin xs[0] in [| concat 0 [ y; cos y ]; y |]) [| x |] |> ignore

    [<Fact>]
    member _.``a wrong class is refused in the name of who asked``() =
        let f = jit (fun (xs: Tensor[]) -> crossEntropyGradient xs)
        let wrong = tensor [ for i in 1..32 -> if i = 20 then 10 else 0 ]
        let error = Assert.Throws<IndexException>(fun () -> f [| x; wrong |] |> ignore)
        Assert.Contains("crossEntropy: index 10 is out of range for an axis of size 10", error.Message)
        let scatter = jit (fun (xs: Tensor[]) -> scatterAdd 1 xs[1] xs[2] xs[0])

        Assert.Throws<IndexException>(fun () -> scatter [| x; expandDims 1 wrong; expandDims 1 (cast DType.Float32 wrong) |] |> ignore)
        |> ignore

    [<Fact>]
    member _.``rows of one element``() =
        let y = tensor [ [ -0.0 ]; [ 2.0 ] ]
        let total = sum [ 1 ] (-(-y * 1.5))
        Assert.Equal(0L, System.BitConverter.DoubleToInt64Bits(total.Value.GetDouble 0))
        Expect.equal (tensor [ 0L; 0L ]) (argmax [ 1 ] (sin y))
        Expect.equal (tensor [ -0.0; 3.0 ]) (amax [ 1 ] (y * 1.5))

    [<Fact>]
    member _.``picking keeps every bit``() =
        let special = tensor [ [ nan; 1.0 ]; [ 1.0; -0.0 ]; [ -infinity; 2.0 ]; [ infinity; nan ] ]
        let at = tensor [ [ 0 ]; [ 1 ]; [ 0 ]; [ 0 ] ]
        let picked = jit (fun (xs: Tensor[]) -> takeAlongAxis 1 xs[1] (-(-xs[0] * 1.0))) [| special; at |]
        let bits (x: Tensor) = [ for i in 0 .. x.Count - 1 -> System.BitConverter.DoubleToInt64Bits(x.Value.GetDouble i) ]
        Assert.Equal<int64 list>(bits (tensor [ nan; -0.0; -infinity; infinity ]), bits picked)

    [<Fact>]
    member _.``fused rows have the bits of separate kernels``() =
        for shape in [ [ 3; 1 ]; [ 5; 7 ]; [ 2; 33 ]; [ 4; 2048 ]; [ 20; 5003 ] ] do
            for dtype in [ DType.Float32; DType.Float64 ] do
                let x = cast dtype (normal 11 shape) |> fun x -> Tensor.ofArray x.Value
                let known (y: Tensor) = Tensor.ofArray y.Value
                let e = known (exp (x - known (amaxKeepDims [ 1 ] x)))
                Expect.equal (known (e / known (sumKeepDims [ 1 ] e))) (softmax 1 x)
                let d = known (x - known (meanKeepDims [ 1 ] x))
                let deviation = known (rsqrt (known (meanKeepDims [ 1 ] (known (square d))) + 1e-5))
                Expect.equal (known (d * deviation)) (normalizeLast 1 1e-5 x)

    [<Fact>]
    member _.``fused functions agree with the reference``() =
        let check what (f: Tensor[] -> Tensor[]) inputs =
            Expect.all what 1e-5 (Evaluation.byReference (fun () -> Programs.together (f inputs))) (f inputs)

        for n, c in [ 1, 1; 3, 5; 32, 10; 0, 4; 17, 300 ] do
            let x = normal 21 [ n; c ]
            check "layer norm" layerNormGradients [| x; normal 22 [ c ]; normal 23 [ c ] |]
            if n > 0 then check "cross entropy" crossEntropyGradient [| x; tensor [ for i in 1..n -> i % c ] |]

        // What a fold chooses, of numbers that lie nowhere until they are read at an index.
        let chosen (xs: Tensor[]) =
            [| take 0 (argmin [ 1 ] (sin xs[0])) (onesLike xs[0] * 2.0); take 0 (argmax [ 1 ] xs[0]) (onesLike xs[0]) |]

        check "chosen numbers" chosen [| normal 24 [ 5; 3 ] |]

        check "perceptron" perceptronStep (perceptron ())

        check
            "parts"
            (fun xs -> [| concat 0 [ sin xs[0]; cos xs[0] ]; pad [ 1, 2; 0, 3 ] (sin xs[0]); stack -1 [ exp xs[0]; -xs[0] ] |])
            [| x |]

    [<Fact>]
    member _.``a hundred thousand nodes are compiled``() =
        let rows = normal 31 [ 4; 8 ]

        let deep (xs: Tensor[]) =
            let mutable y = xs[0]

            for i in 1..12_000 do
                y <- if i % 3 = 0 then y - amaxKeepDims [ 1 ] y else sin y * xs[0] + 0.5

            [| y |]

        let graph = Fused.graph deep [| rows |]
        Assert.InRange(graph.Nodes.Length, 40_000, 200_000)
        let steps = (Compiler.compile graph).Program.Steps.Length
        Assert.InRange(steps, 100, 12_000)
