namespace FunctionalGrad.Tests

open System
open System.Threading.Tasks
open FunctionalGrad
open Xunit

type private Dense = { Weights: Tensor; Bias: Tensor; Name: string }

/// Functions compiled to run over spans.
type CompileTests() =
    let call (f: CompiledFunction) (input: float[]) : float[] =
        let output = Array.create f.OutputLength nan
        f.Invoke(ReadOnlySpan input, Span output)
        output

    let flat (xs: Tensor[]) : float[] = xs |> Array.collect (fun x -> x.ToArray<float>())
    let numbers (n: int) (seed: int) = let random = Random seed in Array.init n (fun _ -> random.NextDouble())
    let polynomial (x: Tensor, y: Tensor) = x * x + 2.0 * x * y + sin y

    [<Fact>]
    member _.``value and gradient of scalars``() =
        let f = compile (valueAndGrad polynomial) (tensor 0.0, tensor 0.0)
        Assert.Equal((2, 3, DType.Float64), (f.InputLength, f.OutputLength, f.DType))

        for x, y in [ 0.3, 0.4; -1.0, 2.0; 0.0, 0.0 ] do
            let value, (dx, dy) = valueAndGrad polynomial (tensor x, tensor y)
            Assert.Equal<float[]>(flat [| value; dx; dy |], call f [| x; y |])

    [<Fact>]
    member _.``structures lie in order, with their paths``() =
        let layer = { Weights = zeros [ 2; 3 ] |> cast DType.Float64; Bias = tensor [ 0.0; 0.0 ]; Name = "first" }
        let x = tensor [ 1.0; -2.0; 0.5 ]
        let loss (layer: Dense) = sumAll (tanh (matmul layer.Weights x + layer.Bias) ** 2.0)
        let f = compile (valueAndGrad loss) layer
        Assert.Equal<(string * int)[]>([| "Weights", 0; "Bias", 6 |], [| for part in f.Inputs -> part.Path, part.Start |])

        Assert.Equal<(string * int)[]>(
            [| "Item1", 0; "Item2.Weights", 1; "Item2.Bias", 7 |],
            [| for part in f.Outputs -> part.Path, part.Start |]
        )

        let input = numbers 8 1
        let given = { layer with Weights = reshape [ 2; 3 ] (tensor input[..5]); Bias = tensor input[6..] }
        let value, slope = valueAndGrad loss given
        Assert.Equal<float[]>(flat [| value; slope.Weights; slope.Bias |], call f input)

    [<Fact>]
    member _.``float32``() =
        let f = compile (fun (x: Tensor) -> exp x, sumAll x) (zeros [ 3 ])
        let input = [| 0.5f; 1f; -2f |]
        let output = Array.zeroCreate<float32> 4
        f.Invoke(ReadOnlySpan input, Span output)
        let x = tensor input
        Assert.Equal<float32[]>(Array.append ((exp x).ToArray()) ((sumAll x).ToArray()), output)

    [<Fact>]
    member _.``results that are arguments, constants or the same tensor``() =
        let captured = tensor [ 7.0; 8.0 ]

        let f =
            compile (fun (x: Tensor, y: Tensor) -> y, x, y, captured, ones [ 1 ] |> cast DType.Float64) (tensor [ 0.0; 0.0 ], tensor 0.0)

        Assert.Equal<float[]>([| 3.0; 1.0; 2.0; 3.0; 7.0; 8.0; 1.0 |], call f [| 1.0; 2.0; 3.0 |])

    [<Fact>]
    member _.``loops and library functions``() =
        let f (a: Tensor, x: Tensor) = solve a x, forLoop 5 (fun _ (s: Tensor) -> tanh (matmul a s)) x
        let input = numbers 12 2
        let a, x = reshape [ 3; 3 ] (tensor input[..8]), tensor input[9..]
        let solved, last = f (a, x)
        Assert.Equal<float[]>(flat [| solved; last |], call (compile f (a, x)) input)

    [<Fact>]
    member _.``a call allocates nothing``() =
        let sizes: (Tensor * Tensor) list =
            [ tensor 0.0, tensor 0.0; zeros [ 40 ] |> cast DType.Float64, zeros [ 40 ] |> cast DType.Float64 ]

        for sample in sizes do
            let f = compile (valueAndGrad (fun p -> sumAll (polynomial p))) sample
            let input, output = numbers f.InputLength 3, Array.zeroCreate<float> f.OutputLength

            let allocated () =
                let before = GC.GetAllocatedBytesForCurrentThread()

                for _ in 1..1000 do
                    f.Invoke(ReadOnlySpan input, Span output)

                GC.GetAllocatedBytesForCurrentThread() - before

            // Machine code is made on the way, once.
            Assert.Contains(0L, [ for _ in 1..5 -> allocated () ])

    [<Fact>]
    member _.``the result may go where the argument is``() =
        let f = compile (fun (x: Tensor) -> flip [ 0 ] x * 2.0) (tensor (Array.zeroCreate<float> 100))
        let data = Array.init 150 float
        f.Invoke(ReadOnlySpan(data, 20, 100), Span(data, 0, 100))

        Assert.Equal<float[]>(
            Array.append (Array.init 100 (fun i -> 2.0 * float (119 - i))) (Array.init 50 (fun i -> float (100 + i))),
            data
        )

    [<Fact>]
    member _.``many threads at a time``() =
        let f = compile (fun (x: Tensor) -> sumAll (x * x), x + 1.0) (tensor (Array.zeroCreate<float> 10))

        Parallel.For(
            0,
            2000,
            fun i ->
                let input = Array.create 10 (float i)
                Assert.Equal<float[]>(Array.append [| 10.0 * float i * float i |] (Array.create 10 (float i + 1.0)), call f input)
        )
        |> ignore

    [<Fact>]
    member _.``wrong lengths and dtypes are refused``() =
        let f = compile polynomial (tensor [ 0.0; 0.0 ], tensor 0.0)
        let invoke inputs outputs () = f.Invoke(ReadOnlySpan(Array.zeroCreate<float> inputs), Span(Array.zeroCreate<float> outputs))
        Expect.error<ShapeException, _> [ "invoke"; "Item1 : [2], Item2 : []"; "3 numbers"; "holds 2" ] (invoke 2 2)
        Expect.error<ShapeException, _> [ "the result [[2]]"; "2 numbers"; "holds 3" ] (invoke 3 3)

        Expect.error<DTypeException, _> [ "float64, not float32" ] (fun () ->
            f.Invoke(ReadOnlySpan [| 1f; 2f; 3f |], Span(Array.zeroCreate<float32> 2)))

    [<Fact>]
    member _.``what spans cannot hold is refused``() =
        Expect.error<DTypeException, _> [ "compile"; "one float dtype"; "Item2 : float32 []" ] (fun () ->
            compile polynomial (tensor 1.0, tensor 2f))

        Expect.error<DTypeException, _> [ "result [it : bool [2]]" ] (fun () ->
            compile (fun (x: Tensor) -> less x (tensor 1.0)) (tensor [ 1.0; 2.0 ]))

        Expect.error<DTypeException, _> [ "int32 [2]" ] (fun () -> compile (fun (x: Tensor) -> x * x) (tensor [ 1; 2 ]))

        Expect.error<TracingException, _> [ "compile" ] (fun () ->
            compile (fun (x: Tensor) -> if x.ToDouble() > 0.0 then x else -x) (tensor 1.0))
