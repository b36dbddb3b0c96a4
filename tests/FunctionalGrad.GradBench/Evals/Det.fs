/// The determinant by expansion along the first row.
module FunctionalGrad.GradBench.Det

open FunctionalGrad

/// For each place c the columns that stand there in the minors: element [c, j] for the minor without column j.
let private others (size: int) : Tensor = tensor [ for c in 0 .. size - 2 -> [ for j in 0 .. size - 1 -> if c < j then c else c + 1 ] ]

let private signs (size: int) : Tensor = tensor [ for j in 0 .. size - 1 -> if j % 2 = 0 then 1.0 else -1.0 ]

/// The determinants of matrices [size, size, many]: Σⱼ (−1)ʲ·a₀ⱼ·Mⱼ, where Mⱼ is the determinant without the first row and column j.
/// All minors of one size are expanded together, in one tensor.
let rec determinants (a: Tensor) : Tensor =
    let size, many = a.Shape.[0], a.Shape.[2]

    if size = 1 then
        a.[0, 0]
    else
        let minors = a.[1.., *, *] |> take 1 (others size) |> reshape [ size - 1; size - 1; size * many ]
        sum [ 0 ] (expandDims 1 (signs size) * a.[0] * reshape [ size; many ] (determinants minors))

/// The size up to which all minors of a matrix fit into the cache together.
let private together = 8

/// The determinant of a matrix: the minors of a large one are expanded one after the other. Each is expanded anew wherever it occurs:
/// size! products, as by hand.
let rec determinant (a: Tensor) : Tensor =
    let size = a.Shape.[0]

    if size <= together then
        determinants (expandDims 2 a) |> squeeze [ 0 ]
    else
        let term () (sign: Tensor, first: Tensor, columns: Tensor) = (), sign * first * determinant (take 1 columns a.[1.., *])
        scan term () (signs size, a.[0], transpose (others size)) |> snd |> sumAll

let private prepare transform output input =
    // Twelve would take tens of gigabytes.
    let size = Input.integer "ell" 1 11 input
    Input.vectorOf (size * size) "A" input |> Evaluation.prepare (transform (reshape [ size; size ] >> determinant)) output

let eval =
    { Module = "det"
      Functions = [ "primal", prepare id Output.scalar; "gradient", prepare grad Output.vector ] }
