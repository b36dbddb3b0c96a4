// Worked examples of well-known courses, with the numbers that they print.
//   dotnet build -c Release && dotnet fsi examples/01-courses.fsx
#load "load.fsx"

open FunctionalGrad
open Load

printfn "A product: a·b at (3, 4)"
let byA, byB = grad (fun (a: Tensor, b: Tensor) -> a * b) (tensor 3.0, tensor 4.0)
check "∂(a·b)/∂a = b = 4" (float byA = 4.0)
check "∂(a·b)/∂b = a = 3" (float byB = 3.0)

printfn "PyTorch's autograd tutorial: L = 3a³ − b²"
let l (a: Tensor, b: Tensor) = 3.0 * a ** 3.0 - b ** 2.0
let a, b = tensor [ 2.0; 3.0 ], tensor [ 6.0; 4.0 ]
let _, pull = vjp l (a, b)
let dA, dB = pull (tensor [ 1.0; 1.0 ])
check "9a² = [36, 81]" (isNear 1e-9 (tensor [ 36.0; 81.0 ]) dA)
check "−2b = [−12, −8]" (isNear 1e-9 (tensor [ -12.0; -8.0 ]) dB)

printfn "A sum of squares: Σ(a + 1)² at ones"
let squares (a: Tensor) = square (a + 1.0) |> sumAll
check "2(a + 1) = [4, 4, 4]" (isNear 0.0 (tensor [ 4.0; 4.0; 4.0 ]) (grad squares (tensor [ 1.0; 1.0; 1.0 ])))

printfn "Dive into Deep Learning, 2.5: y = 2xᵀx"
let x = arangeWith DType.Float64 0.0 4.0 1.0
let y x = 2.0 * dot x x
check "y = 28" (float (y x) = 28.0)
check "∇y = 4x" (isNear 0.0 (4.0 * x) (grad y x))
check "∇Σx = 1" (isNear 0.0 (onesLike x) (grad sumAll x))
check "a vector's pullback of ones: ∇Σx² = 2x" (isNear 0.0 (2.0 * x) (grad (square >> sumAll) x))

printfn "Dive into Deep Learning, 2.5: detached computation"
let detached x = stopGradient (x * x) * x |> sumAll
check "with u = x² held still, ∇Σu·x = u" (isNear 0.0 (x * x) (grad detached x))

printfn "Dive into Deep Learning, 2.5: control flow that depends on values"
let norm v = sqrt (sumAll (square v))

let f (a: Tensor) =
    let mutable b = a * 2.0

    while float (norm b) < 1000.0 do
        b <- b * 2.0

    if float (sumAll b) > 0.0 then b else 100.0 * b

for start in [ 0.7; -1.3; 250.0 ] do
    let a = tensor start
    check $"f is linear piece by piece, so f′({start}) = f(a)/a" (float (grad f a) = float (f a) / start)

printfn "CS231n: (x + y)·z at (−2, 5, −4)"
let dX, dY, dZ = grad (fun (x: Tensor, y: Tensor, z: Tensor) -> (x + y) * z) (tensor -2.0, tensor 5.0, tensor -4.0)

check "the gradient is (−4, −4, 3)" ((float dX, float dY, float dZ) = (-4.0, -4.0, 3.0))

printfn "CS231n: a neuron, 1/(1 + exp(−(w₀x₀ + w₁x₁ + w₂)))"
let neuron (w: Tensor, x: Tensor) = 1.0 / (1.0 + exp -(dot (w |> slice [ (None, Some 2, None) ]) x + select 0 2 w))

let w, input = tensor [ 2.0; -3.0; -3.0 ], tensor [ -1.0; -2.0 ]
let output, (dW, dInput) = valueAndGrad neuron (w, input)
check "it fires with 0.73" (abs (float output - 0.731059) < 1e-6)
// The course rounds to (−0.20, −0.39, 0.20) and (0.39, −0.59).
check "dw" (isNear 1e-6 (tensor [ -0.196612; -0.393224; 0.196612 ]) dW)
check "dx" (isNear 1e-6 (tensor [ 0.393224; -0.589836 ]) dInput)
check "sigmoid is the same neuron" (isNear 1e-15 output (sigmoid (tensor 1.0)))
