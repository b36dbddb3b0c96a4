namespace FunctionalGrad.Workloads

open FunctionalGrad

/// Hessians, and their products with a vector, of functions of 100 numbers.
module internal SecondOrder =
    let private rosenbrock (x: Tensor) : Tensor =
        let here, next = x.[..98], x.[1..]
        100.0 * square (next - square here) + square (1.0 - here) |> sumAll

    let private matrix = Random.normal (Key.ofSeed 1) [ 200; 100 ] / 10.0
    let private offset = Random.normal (Key.ofSeed 2) [ 200 ]

    let private logSumExp (x: Tensor) : Tensor = mv matrix x + offset |> logsumexp [ 0 ]

    let private point () = Random.uniform (Key.ofSeed 3) [ 100 ]
    let private direction () = Random.normal (Key.ofSeed 4) [ 100 ]

    let private ofFunction name (f: Tensor -> Tensor) =
        let whole =
            Workload.calls $"k_hessian_{name}" (fun () ->
                let x, v = point (), direction ()
                x, jit (hessian f), (fun h -> Check.hessianProduct f x v (mv h v)))

        let product =
            Workload.calls $"k_hvp_{name}" (fun () ->
                let x, v = point (), direction ()
                (x, v), jit (fun (x, v) -> hvp f x v), Check.hessianProduct f x v)

        let gradient =
            Workload.calls $"k_grad_{name}" (fun () ->
                let x = point ()
                x, jit (grad f), Check.gradient f x)

        [ whole; product; gradient ]

    let all: Workload list = ofFunction "rosenbrock100" rosenbrock @ ofFunction "logsumexpAx_200x100" logSumExp
