// What the compiler offers: jit, donation, functions over spans, explanations. It checks what it says.
//   dotnet build -c Release && dotnet fsi examples/04-compiling.fsx
#load "load.fsx"

open System
open FunctionalGrad
open Load

printfn "jit"
let loss (x: Tensor) (p: Tensor) = sumAll (square (p * x))
let step (p: Tensor, x: Tensor) = p - 0.1 * grad (loss x) p
let p, x = tensor [ 1.0; 2.0 ], tensor [ 3.0; 4.0 ]
check "the same function, traced once for each structure" (isNear 1e-15 (step (p, x)) (jit step (p, x)))

let mutable factor = 2.0
let scaled = jit (fun (x: Tensor) -> factor * x)
let before = scaled x
factor <- 5.0
check "a variable that is no tensor stays as the first call found it" (isNear 0.0 before (scaled x))

printfn "Donation"
// The new parameters may lie where the old ones were, which are gone from then on.
let next = jitDonating fst step (p, x)
check "the result is that of jit" (isNear 1e-15 (tensor [ -0.8; -4.4 ]) next)

let refusal =
    try
        string (p.ToArray<float>())
    with :? DonationException as fault ->
        fault.Message

printfn $"  {refusal}"
check "nobody may read what was given away" (refusal.StartsWith "value: this float64 [2] tensor was donated")

printfn "Spans"
// Argument and result are all tensors of the structure, one after the other; a call allocates nothing.
let f (x: Tensor, y: Tensor) = sumAll (x * y)
let overSpans = compile (valueAndGrad f) (x, x)
let result = Array.zeroCreate<float> overSpans.OutputLength
overSpans.Invoke(ReadOnlySpan [| 1.0; 2.0; 3.0; 4.0 |], Span result)
check "a value and both gradients" (result = [| 11.0; 3.0; 4.0; 1.0; 2.0 |])

printfn "Explanations"
let softmaxOfRows = Jit.explain (softmax -1) (zeros [ 64; 10 ])
check "softmax is one kernel" (softmaxOfRows.Kernels = 1 && softmaxOfRows.Steps.Count = 1)

// Read "stores": a value goes to memory because it is an output, or because what reads it cannot be in the same loops.
let columns = Jit.explain (softmax -1 >> sum [ 0 ]) (zeros [ 64; 10 ])
let why = columns.Steps[0].Stored[0].Value
printfn $"  {why}"

check
    "a sum along columns is a second one, and it says why"
    (columns.Kernels = 2 && why = "read by a fold over other axes than its own loops fold")

printfn "All is as it should be."
