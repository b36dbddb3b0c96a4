/// The log posterior of a mixture of Gaussians, whose inverse covariances are QᵀQ with lower triangular Q, under a Wishart prior.
module FunctionalGrad.GradBench.Gmm

open System
open System.Text.Json.Nodes
open FunctionalGrad

type Mixture =
    {
        /// Logarithms of the weights, up to a constant: [k].
        Alpha: Tensor
        /// Means: [k, d].
        Mu: Tensor
        /// Logarithms of the diagonals of Q: [k, d].
        Q: Tensor
        /// What stands below them, column by column: [k, d(d − 1)/2].
        L: Tensor
    }

/// Parameters of the prior.
type Prior = { Gamma: float; M: int }

/// Where the elements of a lower triangular matrix stand in (diagonal, lower part column by column, 0).
let private layout (d: int) : Tensor =
    let zero = d + d * (d - 1) / 2

    tensor
        [ for row in 0 .. d - 1 ->
              [ for column in 0 .. d - 1 ->
                    if row = column then row
                    elif row < column then zero
                    else d + column * d - column * (column + 1) / 2 + (row - column - 1) ] ]

/// The matrices Q: [k, d, d].
let triangles (mixture: Mixture) : Tensor =
    let k, d = mixture.Mu.Shape.[0], mixture.Mu.Shape.[1]
    let parts = concat 1 [ exp mixture.Q; mixture.L; zerosWith DType.Float64 [ k; 1 ] ]
    take 1 (layout d) parts

/// ln Γ_d(a), of the multivariate gamma function.
let private logGamma (d: int) (a: float) : Tensor =
    let j = arangeWith DType.Float64 1.0 (float d + 1.0) 1.0
    0.25 * float (d * (d - 1)) * Math.Log Math.PI + sumAll (lgamma (a + (1.0 - j) / 2.0))

let logLikelihood (x: Tensor) (triangles: Tensor) (mixture: Mixture) : Tensor =
    let n, d = x.Shape.[0], x.Shape.[1]
    // Q(x − μ) as Qx − Qμ, so that all Q times all x is one matrix product.
    let whitened = einsum "ic,krc->ikr" [ x; triangles ] - einsum "kc,krc->kr" [ mixture.Mu; triangles ]
    let beta = mixture.Alpha - 0.5 * sum [ 2 ] (square whitened) + sum [ 1 ] mixture.Q
    let constant = 0.5 * float d * Math.Log(2.0 * Math.PI) + logsumexpAll mixture.Alpha
    sumAll (logsumexp [ 1 ] beta) - float n * constant

let logPrior (prior: Prior) (triangles: Tensor) (mixture: Mixture) : Tensor =
    let k, d = mixture.Mu.Shape.[0], mixture.Mu.Shape.[1]
    let nu = float (d + prior.M + 1)
    let constant = nu * float d * Math.Log(prior.Gamma / sqrt 2.0) - logGamma d (nu / 2.0)

    float k * constant - 0.5 * prior.Gamma * prior.Gamma * sumAll (square triangles) + float prior.M * sumAll mixture.Q

let objective (prior: Prior) (x: Tensor) (mixture: Mixture) : Tensor =
    let triangles = triangles mixture
    logLikelihood x triangles mixture + logPrior prior triangles mixture

let private gradients (gradient: Mixture) : JsonNode =
    let fields = JsonObject()
    fields.Add("alpha", Output.vector gradient.Alpha)
    fields.Add("mu", Output.matrix gradient.Mu)
    fields.Add("q", Output.matrix gradient.Q)
    fields.Add("l", Output.matrix gradient.L)
    fields

let private prepare transform output input =
    let size name = Input.integer name 1 1_000_000 input
    let d, k, n = size "d", size "k", size "n"

    if d > 10_000 then Input.refuse $"d is {d}; it must be at most 10000"

    let prior = { Gamma = Input.number "gamma" input; M = Input.integer "m" 0 1_000_000 input }
    if prior.Gamma <= 0.0 then Input.refuse $"gamma is {prior.Gamma}; it must be positive"

    let mixture =
        { Alpha = Input.vectorOf k "alpha" input
          Mu = Input.matrixOf k d "mu" input
          Q = Input.matrixOf k d "q" input
          L = Input.matrixOf k (d * (d - 1) / 2) "l" input }

    (Input.matrixOf n d "x" input, mixture)
    |> Evaluation.prepare (fun (x, mixture) -> transform (objective prior x) mixture) output

let eval =
    { Module = "gmm"
      Functions = [ "objective", prepare id Output.scalar; "jacobian", prepare grad gradients ] }
