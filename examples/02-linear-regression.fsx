// Linear regression on synthetic data by minibatch gradient descent (Dive into Deep Learning, chapter 3).
//   dotnet build -c Release && dotnet fsi examples/02-linear-regression.fsx
#load "load.fsx"

open FunctionalGrad
open Load

let trueW, trueB = tensor [ 2.0f; -3.4f ], tensor 4.2f

let featureKey, noiseKey, initialKey, orderKey =
    match Key.splitMany 4 (Key.ofSeed 42) with
    | [ a; b; c; d ] -> a, b, c, d
    | _ -> failwith "four keys were asked for"

let count, batch = 1000, 10
let features = Random.normal featureKey [ count; 2 ]
let labels = mv features trueW + trueB + 0.01 * Random.normal noiseKey [ count ]
Tensor.evaluate [ features; labels ]

type Model = { W: Tensor; B: Tensor }

let predict model x = mv x model.W + model.B
let loss x y model = 0.5 * mseLoss y (predict model x)

/// One step of gradient descent.
let step x y model = (model, grad (loss x y) model) ||> Tree.map2 (fun p g -> p - 0.03 * g)

/// One pass over the data in a new random order.
let epoch model key =
    let batches = (Random.permutation key count).ToArray<int64>() |> Array.chunkBySize batch

    (model, batches)
    ||> Array.fold (fun model positions ->
        let index = tensor positions
        step (take 0 index features) (take 0 index labels) model)

let start = { W = 0.01 * Random.normal initialKey [ 2 ]; B = zeros [] }

let trained =
    (start, List.indexed (Key.splitMany 3 orderKey))
    ||> List.fold (fun model (i, key) ->
        let model = epoch model key
        printfn $"epoch {i + 1}: loss {float (loss features labels model):g4}"
        model)

printfn $"w = {trained.W}, b = {trained.B}"
check "the loss is down to the noise, half of 0.01²" (float (loss features labels trained) < 1e-4)
check "w is near [2, −3.4]" (isNear 5e-3 trueW trained.W)
check "b is near 4.2" (isNear 5e-3 trueB trained.B)
