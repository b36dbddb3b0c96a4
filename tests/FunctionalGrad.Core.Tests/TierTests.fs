namespace FunctionalGrad.Tests

open System
open System.IO
open System.Runtime.Intrinsics
open System.Threading
open FunctionalGrad
open FunctionalGrad.Compile
open Xunit
open Xunit.Abstractions

/// Random programs by every way of running them: the reference evaluator, the interpreter of the loop language, and machine code of every
/// width that this machine has.
type TierTests(output: ITestOutputHelper) =
    let mutable programs = 0
    let mutable methods = 0

    let widths =
        [ 128
          if Vector256.IsHardwareAccelerated then 256
          if Vector512.IsHardwareAccelerated then 512 ]

    /// Sizes beside those of vectors, nothing, and primes.
    let inputs (source: Source) (dtype: DType) : Tensor[] =
        let width () = source.Pick [ 0; 1; 3; 4; 5; 7; 8; 9; 15; 16; 17; 31; 33; 37 ]

        let shape () =
            Shape
                [ if source.Chance 2 then
                      source.Int(1, 3)
                  else
                      1
                      width () ]

        Array.init (source.Int(1, 3)) (fun _ -> source.Floats(Between(-1.0, 1.0), shape ()) |> cast dtype)

    let expectBits (what: string) (expected: NDArray[]) (actual: NDArray[]) =
        Array.iteri2
            (fun output (a: NDArray) (b: NDArray) ->
                let size = a.DType.Size()
                let element (x: NDArray) i = x.Bytes().Slice(i * size, size).ToArray()
                let same i = element a i = element b i

                match Seq.init a.Count id |> Seq.tryFind (same >> not) with
                | Some i -> failwith $"{what}: element {i} of output {output} is {b.GetDouble i}, not {a.GetDouble i}."
                | None -> ())
            expected
            actual

    let check (tolerance: float) (dtype: DType) (derive: (Tensor[] -> Tensor[]) -> Tensor[] -> Tensor[]) (seed: int) =
        let source = Source seed
        let inputs = inputs source dtype
        let program = derive (fun xs -> Programs.build (Source(seed + 1)) xs)
        let body, captured, _ = Flow.trace "test" program inputs inputs
        let graph = body.Graph.Value.Graph
        Evaluation.force captured
        let arguments = Array.append inputs captured |> Array.map (fun x -> x.Value)
        let interpreted = Compiler.functionOf graph (Compiler.compile graph) arguments
        let expected = Reference.toFunction graph arguments
        Expect.all "interpreted" tolerance (Array.map Tensor.OfArray expected) (Array.map Tensor.OfArray interpreted)

        for width in widths do
            let compiled = Compiler.compile graph
            Interlocked.Add(&methods, compiled.Program.Emit width) |> ignore
            expectBits $"{width} bits" interpreted (Compiler.functionOf graph compiled arguments)

        Interlocked.Increment(&programs) |> ignore

    [<Fact>]
    member _.``programs have the same bits by every tier and width, and the reference's values``() =
        for dtype, tolerance in [ DType.Float64, 1e-9; DType.Float32, 1e-3 ] do
            for derive in [ id; Programs.gradient ] do
                Property.forSeeds 150 (fun seed ->
                    try
                        check tolerance dtype derive seed
                    with error ->
                        raise (Xunit.Sdk.XunitException($"program {seed}, {dtype.Name()}: {error.Message}", error)))

        let widths = widths |> List.map string |> String.concat ", "

        let covered =
            $"{programs} programs by the reference, the interpreter and machine code of {widths} bits, which made {methods} methods"

        output.WriteLine covered
        // The project prints this file after a test run.
        File.WriteAllText(Path.Combine(AppContext.BaseDirectory, "tiers.txt"), covered)
        Assert.True(methods > programs)
