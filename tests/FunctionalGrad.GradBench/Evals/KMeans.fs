/// The cost of clusters, and the step that Newton's method takes from their centroids.
module FunctionalGrad.GradBench.KMeans

open FunctionalGrad

/// The number of the centroid that is nearest to each point. ‖c − p‖² = ‖p‖² − 2 c·p + ‖c‖², and the first term is the same for all centroids.
let nearest (points: Tensor) (centroids: Tensor) : Tensor =
    sum [ 1 ] (square centroids) - 2.0 * (points *@ transpose centroids) |> argmin [ 1 ]

/// Σᵢ minⱼ ‖cⱼ − pᵢ‖². Which centroid is nearest does not change when centroids move a little, so that the derivative goes through the distance to
/// that one only.
let cost (points: Tensor) (centroids: Tensor) : Tensor = sumAll (square (points - take 0 (nearest points centroids) centroids))

/// J·H⁻¹. The Hessian is diagonal, so that its product with a vector of ones is its diagonal; it comes as the tangent of J. A
/// centroid that is nobody's nearest stays where it is.
let direction (points: Tensor) (centroids: Tensor) : Tensor =
    let j, h = jvp (grad (cost points)) centroids (onesLike centroids)
    where (Tensor.equal h (tensor 0.0)) (zerosLike j) (j / h)

let private prepare f output input =
    let points = Input.matrix "points" input
    let centroids = Input.matrix "centroids" input

    if points.Shape.[1] <> centroids.Shape.[1] then
        Input.refuse $"points have {points.Shape.[1]} coordinates, centroids {centroids.Shape.[1]}"

    (points, centroids) |> Evaluation.prepare (fun (points, centroids) -> f points centroids) output

let eval =
    { Module = "kmeans"
      Functions = [ "cost", prepare cost Output.scalar; "dir", prepare direction Output.matrix ] }
