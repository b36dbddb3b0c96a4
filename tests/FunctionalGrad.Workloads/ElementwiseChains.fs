namespace FunctionalGrad.Workloads

open FunctionalGrad

/// The numbers of the chain, where they are learned too.
type Coefficients = { A: Tensor; B: Tensor; C: Tensor }

/// Elementwise programs, which a compiler can run in one pass over memory.
module internal ElementwiseChains =
    let private chain (x: Tensor) : Tensor = tanh (1.1 * x + 0.3) * sigmoid (0.7 * x)

    let private chainOf (c: Coefficients, x: Tensor) : Tensor = tanh (c.A * x + c.B) * sigmoid (c.C * x)

    let private draw seed count = Random.normal (Key.ofSeed seed) [ count ]

    let private forward (count: int) =
        Workload.calls $"d_elemchain_{count}_forward" (fun () ->
            let x = draw 1 count
            x, jit chain, (fun y -> Check.near 1e-6 y (chain (cast DType.Float64 x))))
        |> Workload.bytes (8.0 * float count)

    let private pull f (x, g) = (vjp f x |> snd) g

    let private backward (count: int) =
        Workload.calls $"d_elemchain_{count}_fwdbwd" (fun () ->
            let x, g = draw 1 count, ones [ count ]
            (x, g), jit (pull chain), Check.gradient (fun x -> chain x * g |> sumAll) x)
        |> Workload.bytes (12.0 * float count)

    let private withCoefficients (count: int) =
        Workload.calls $"d_elemchain_{count}_fwdbwd_abcgrads" (fun () ->
            let point = { A = tensor 1.1f; B = tensor 0.3f; C = tensor 0.7f }, draw 1 count
            let g = ones [ count ]
            (point, g), jit (pull chainOf), Check.gradient (fun point -> chainOf point * g |> sumAll) point)
        |> Workload.bytes (12.0 * float count)

    /// STREAM's triad: two arrays read, one written, and next to no arithmetic.
    let private triad (count: int) =
        Workload.calls $"d_triad_{count}" (fun () ->
            let f (b: Tensor, c: Tensor) = b + 3.0 * c
            let b, c = draw 1 count, draw 2 count
            (b, c), jit f, (fun a -> Check.near 1e-6 a (f (cast DType.Float64 b, c))))
        |> Workload.bytes (12.0 * float count)

    /// A dozen instructions an element, which still costs no more than moving it.
    let private polynomial (count: int) =
        Workload.calls $"d_polynomial_{count}" (fun () ->
            let f x = [ 5.0; -4.0; 3.0; -2.0; 1.0; 0.5 ] |> List.fold (fun sum c -> sum * x + c) (zerosLike x)
            let x = draw 1 count
            x, jit f, (fun y -> Check.near 1e-6 y (f (cast DType.Float64 x))))
        |> Workload.bytes (8.0 * float count)

    let all: Workload list =
        [ for count in [ 1000; 100_000; 10_000_000 ] do
              backward count
              forward count
          withCoefficients 100_000
          triad 10_000_000
          polynomial 10_000_000 ]
