namespace FunctionalGrad.Workloads

open System
open FunctionalGrad

/// What a workload computes is held against a second way before it is timed, so that no wrong program is.
module internal Check =
    let private wide (tree: 'P) : 'P = Tree.map (cast DType.Float64) tree

    let private inner (a: 'P) (b: 'P) : float = Seq.map2 (fun x y -> x * y |> sumAll |> float) (Tree.flatten a) (Tree.flatten b) |> Seq.sum

    let private size (tree: 'P) : float = sqrt (inner tree tree)

    let require (what: string) (holds: bool) : unit =
        if not holds then raise (InvalidOperationException $"the workload computes something else: {what}.")

    /// Two numbers agree within a part of the second.
    let number (tolerance: float) (found: float) (expected: float) : unit =
        require $"{found} where {expected} is expected" (abs (found - expected) <= tolerance * max 1e-30 (abs expected))

    /// Two structures of tensors agree within a part of the second's norm.
    let near (tolerance: float) (found: 'P) (expected: 'P) : unit =
        let found, expected = wide found, wide expected
        let distance = size (Tree.map2 (-) found expected)
        require $"a distance of {distance} from a result of norm {size expected}" (distance <= tolerance * size expected)

    /// A direction of norm 1 that no symmetry of a problem singles out.
    let private noise (like: 'P) : 'P =
        let leaves = Tree.flatten like
        let keys = Key.splitMany leaves.Length (Key.ofSeed 99)
        let drawn = Seq.map2 (fun key (x: Tensor) -> Random.normalWith DType.Float64 key (List.ofSeq x.Shape.Sizes)) keys leaves
        let tree = Tree.withLeaves like (Array.ofSeq drawn)
        let norm = size tree
        Tree.map (fun x -> x / norm) tree

    /// A gradient agrees with differences of f in float64, along a direction between it and noise.
    let gradient (f: 'P -> Tensor) (x: 'P) (found: 'P) : unit =
        let x, found = wide x, wide found
        let norm = size found
        require $"a gradient of norm {norm}" (Double.IsFinite norm && norm > 0.0)
        let direction = (found, noise found) ||> Tree.map2 (fun g d -> g / norm + d)
        let step = 1e-5
        let along (h: float) = (x, direction) ||> Tree.map2 (fun x d -> x + h * d) |> f |> float
        let slope = (along step - along -step) / (2.0 * step)
        let expected = inner found direction
        require $"a slope of {expected} where differences give {slope}" (abs (slope - expected) <= 2e-3 * norm)

    /// A product of f's Hessian with a vector agrees with differences of gradients in float64.
    let hessianProduct (f: 'P -> Tensor) (x: 'P) (v: 'P) (found: 'P) : unit =
        let x, v = wide x, wide v
        let step = 1e-5
        let gradientAt (h: float) = (x, v) ||> Tree.map2 (fun x v -> x + h * v) |> grad f
        let expected = (gradientAt step, gradientAt -step) ||> Tree.map2 (fun after before -> (after - before) / (2.0 * step))
        near 2e-3 found expected
