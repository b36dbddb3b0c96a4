namespace FunctionalGrad

open System

/// How far derivatives were off.
type GradCheckReport =
    {
        /// The largest difference between reverse mode and central differences, relative to the scale of the gradient.
        Reverse: float
        /// The same for forward mode.
        Forward: float
        /// The largest violation of ⟨u, J·v⟩ = ⟨Jᵀ·u, v⟩, relative.
        Adjoint: float
        /// Where the first one was found: the path of the tensor and the element.
        Worst: string
    }

/// Checks derivatives against numerical differentiation: the one checker behind the laws of this library and for its users.
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
[<RequireQualifiedAccess>]
module GradCheck =
    let private requireDouble (leaves: Tensor[]) =
        for x in leaves do
            if x.DType = DType.Float32 then
                raise (DTypeException "GradCheck: float32 is too coarse for differences. Convert with cast to float64.")

    let private isDouble (x: Tensor) = x.DType = DType.Float64

    let private inner (a: Tensor[]) (b: Tensor[]) =
        Array.map2 (fun (x: Tensor) (y: Tensor) -> if isDouble x then (sumAll (x * y)).ToDouble() else 0.0) a b |> Array.sum

    /// Directions of moderate size, the same on every run.
    let private directions seed (leaves: Tensor[]) =
        let keys = Key.splitMany leaves.Length (Key.ofSeed seed) |> Array.ofList

        Array.map2
            (fun key (x: Tensor) ->
                if isDouble x then Random.uniformWith DType.Float64 key (List.ofSeq x.Shape.Sizes) * 2.0 - 1.0 else zerosLike x)
            keys
            leaves

    /// The tensor with one element moved.
    let private nudged (x: Tensor) (element: int) (step: float) =
        let values = x.ToArray<float>()
        values[element] <- values[element] + step
        tensor values |> Views.reshape x.Shape

    /// Central differences of a scalar, by Richardson's extrapolation of steps h and h/2: error O(h⁴).
    let private difference (f: float -> float) (scale: float) =
        let h = 1e-4 * max 1.0 scale
        let central h = (f h - f -h) / (2.0 * h)
        (4.0 * central (h / 2.0) - central h) / 3.0

    /// How far the derivatives of f at x are from central differences, and the two modes from each other. Kinks near x show as errors.
    let measure (f: 'X -> 'Y) (x: 'X) : GradCheckReport =
        let leaves = Tree.flatten x
        requireDouble leaves
        let y, pull = vjp f x
        let u = Tree.flatten y |> directions 1
        let v = directions 2 leaves
        let gradient = pull (Tree.withLeaves y u) |> Tree.flatten
        let _, moved = jvp f x (Tree.withLeaves x v)

        let project leaves = inner u (Tree.flatten (f (Tree.withLeaves x leaves)))
        let along step = project (Array.map2 (fun (x: Tensor) d -> if isDouble x then x + d * step else x) leaves v)
        let paths = Tree.paths x |> Array.map fst

        let numeric =
            leaves
            |> Array.mapi (fun i x ->
                if not (isDouble x) then
                    [||]
                else
                    let at = x.ToArray<float>()

                    Array.init x.Count (fun element ->
                        difference
                            (fun step -> project (Array.mapi (fun j leaf -> if j = i then nudged x element step else leaf) leaves))
                            (abs at[element])))

        let scale = numeric |> Seq.concat |> Seq.map abs |> Seq.fold max 1.0
        let mutable worst = 0.0
        let mutable place = "nowhere"

        numeric
        |> Array.iteri (fun i expected ->
            if expected.Length > 0 then
                let found = gradient[i].ToArray<float>()

                expected
                |> Array.iteri (fun element expected ->
                    let error = abs (found[element] - expected) / scale

                    if error > worst || Double.IsNaN error && not (Double.IsNaN worst) then
                        worst <- error
                        place <- $"element {element} of {paths[i]} {leaves[i].Shape}: {found[element]} where differences give {expected}"))

        let forward = inner u (Tree.flatten moved)
        let adjoint = inner gradient v
        let numericForward = difference along 1.0
        let size = max 1.0 (abs numericForward)

        { Reverse = worst
          Forward = abs (forward - numericForward) / size
          Adjoint = abs (forward - adjoint) / size
          Worst = place }

    /// Raises when the derivatives of f at x differ from central differences by more than a relative tolerance.
    /// <exception cref="T:FunctionalGrad.GradientException">They differ; the message says where and by how much.</exception>
    let checkWith (tolerance: float) (f: 'X -> 'Y) (x: 'X) : unit =
        let report = measure f x
        let within error = error <= tolerance

        if not (within report.Reverse && within report.Forward && within report.Adjoint) then
            raise (
                GradientException
                    $"GradCheck: reverse mode is off by {report.Reverse:g3}, forward mode by {report.Forward:g3}, their agreement by {report.Adjoint:g3} (tolerance {tolerance:g3}); {report.Worst}."
            )

    /// Raises when the derivatives of f at x (float64) differ from central differences by more than 10⁻⁶, relative to the largest.
    /// <exception cref="T:FunctionalGrad.GradientException">They differ; the message says where and by how much.</exception>
    let check (f: 'X -> 'Y) (x: 'X) : unit = checkWith 1e-6 f x
