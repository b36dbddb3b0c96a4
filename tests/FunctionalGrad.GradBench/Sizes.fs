/// Inputs of any size, the same every time, for measurements without the eval's own data.
module FunctionalGrad.GradBench.Sizes

open System
open System.Text.Json
open System.Text.Json.Nodes

let private number (x: float) : JsonNode = JsonValue.Create x

/// Numbers in [0, 1), as the evals draw most of theirs.
let private uniform (random: Random) (count: int) : JsonNode = JsonArray [| for _ in 1..count -> number (random.NextDouble()) |]

/// Standard normal numbers (Box–Muller).
let private normal (random: Random) (count: int) : JsonNode =
    let draw _ = sqrt (-2.0 * Math.Log(1.0 - random.NextDouble())) * Math.Cos(2.0 * Math.PI * random.NextDouble())

    JsonArray(Array.init count (draw >> number))

let private rows draw (random: Random) (height: int) (width: int) : JsonNode = JsonArray [| for _ in 1..height -> draw random width |]

let private gmm d k n (random: Random) : (string * JsonNode) list =
    [ "d", JsonValue.Create(d: int)
      "k", JsonValue.Create(k: int)
      "n", JsonValue.Create(n: int)
      "m", JsonValue.Create 0
      "gamma", number 1.0
      "x", rows normal random n d
      "alpha", normal random k
      "mu", rows uniform random k d
      "q", rows normal random k d
      "l", rows normal random k (d * (d - 1) / 2) ]

let private lstm layers length (random: Random) : (string * JsonNode) list =
    let width = 14

    [ "main_params", rows uniform random (2 * layers) (4 * width)
      "extra_params", rows uniform random 3 width
      "state", rows uniform random (2 * layers) width
      "sequence", rows uniform random length width ]

let private fields (eval: string) (sizes: int list) (random: Random) : (string * JsonNode) list =
    match eval, sizes with
    | "llsq", [ n; m ] -> [ "x", uniform random m; "n", JsonValue.Create n ]
    | "lse", [ n ] -> [ "x", uniform random n ]
    | "gmm", [ d; k; n ] -> gmm d k n random
    | "lstm", [ layers; length ] -> lstm layers length random
    | "ode", [ n; s ] -> [ "x", uniform random n; "s", JsonValue.Create s ]
    | "kmeans", [ k; n; d ] -> [ "points", rows uniform random n d; "centroids", rows uniform random k d ]
    | "det", [ ell ] -> [ "A", uniform random (ell * ell); "ell", JsonValue.Create ell ]
    | _ ->
        Input.refuse
            $"""there is no {eval} with {sizes.Length} sizes: llsq n m, lse n, gmm d k n, lstm layers length, ode n steps, kmeans k n d, det ell"""

/// The input of an eval: llsq n m, lse n, gmm d k n, lstm layers length, ode n steps, kmeans k n d, det ell.
let input (eval: string) (sizes: int list) : JsonElement =
    let message = JsonObject()

    for name, value in fields eval sizes (Random 1) do
        message.Add(name, value)

    JsonSerializer.SerializeToElement message

/// The sizes that take longest of those in the tables that tools are compared by, two for each eval.
let largest: (string * int list) list =
    [ "llsq", [ 4096; 128 ]
      "llsq", [ 16392; 128 ]
      "lse", [ 320_000 ]
      "lse", [ 1_280_000 ]
      "gmm", [ 32; 100; 1000 ]
      "gmm", [ 64; 100; 1000 ]
      "lstm", [ 2; 4096 ]
      "lstm", [ 4; 4096 ]
      "ode", [ 10_000; 10 ]
      "ode", [ 10_000; 100 ]
      "kmeans", [ 1000; 1000; 16 ]
      "kmeans", [ 1000; 10_000; 16 ]
      "det", [ 9 ]
      "det", [ 10 ] ]
