/// The determinant by expansion along the first row.
module FunctionalGrad.GradBench.Det

open FunctionalGrad

/// For each j the columns of a matrix but j: element [c, j] says which one stands at place c.
let private others (size: int) : Tensor = tensor [ for c in 0 .. size - 2 -> [ for j in 0 .. size - 1 -> if c < j then c else c + 1 ] ]

/// The determinants of matrices [size, size, many]: Σⱼ (−1)ʲ a₀ⱼ·Mⱼ, where Mⱼ is the determinant without the first row and column j.
/// All minors of one size are expanded together, each anew wherever it occurs: size! products, as by hand, in one tensor for each size.
let rec determinants (a: Tensor) : Tensor =
    let size, many = a.Shape.[0], a.Shape.[2]

    if size = 1 then
        a.[0, 0]
    else
        let minors = a.[1.., *, *] |> take 1 (others size) |> reshape [ size - 1; size - 1; size * many ]
        let signs = tensor [ for j in 0 .. size - 1 -> [ if j % 2 = 0 then 1.0 else -1.0 ] ]
        sum [ 0 ] (signs * a.[0] * reshape [ size; many ] (determinants minors))

let determinant (size: int) (a: Tensor) : Tensor = determinants (reshape [ size; size; 1 ] a) |> sumAll

let private prepare transform output input =
    // Twelve would take tens of gigabytes.
    let size = Input.integer "ell" 1 11 input
    Input.vectorOf (size * size) "A" input |> Evaluation.prepare (transform (determinant size)) output

let eval =
    { Module = "det"
      Functions = [ "primal", prepare id Output.scalar; "gradient", prepare grad Output.vector ] }
