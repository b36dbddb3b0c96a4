// What a script needs of FunctionalGrad: #load "load.fsx", after `dotnet build -c Release` at the root of the repository.
#r "../artifacts/bin/FunctionalGrad.Core/release/FunctionalGrad.Runtime.dll"
#r "../artifacts/bin/FunctionalGrad.Core/release/FunctionalGrad.Core.dll"

open FunctionalGrad

/// Tells whether a promise of the script holds; the first that does not ends the script with exit code 1.
let check (name: string) (condition: bool) =
    if condition then
        printfn $"  ok: {name}"
    else
        eprintfn $"FAILED: {name}"
        exit 1

/// Whether two tensors have one shape and no element differs by more than a tolerance.
let isNear (tolerance: float) (expected: Tensor) (found: Tensor) =
    expected.Shape.Equals found.Shape && (expected.Count = 0 || float (Tensor.maxAll (abs (found - expected))) <= tolerance)
