/// The images to learn from and the images to be tested on.
module Images

open System.IO
open FunctionalGrad
open FunctionalGrad.Formats
open Options

/// Images as rows of pixels [N, 784], and for each its class [N].
type Images = { Pixels: Tensor; Labels: Tensor }

let private pixels = Digits.Side * Digits.Side

let private ofBytes (images: byte[], labels: byte[]) =
    { Pixels = tensor (Array.map float32 images) |> reshape [ -1; pixels ]
      Labels = tensor (Array.map int labels) }

/// Reads one pair of idx files and checks that they belong together.
let private read (folder: string) (set: string) : byte[] * byte[] =
    let imagePath = Path.Combine(folder, $"{set}-images-idx3-ubyte.gz")
    let labelPath = Path.Combine(folder, $"{set}-labels-idx1-ubyte.gz")
    let struct (imageShape, images) = Idx.ReadBytes imagePath
    let struct (labelShape, labels) = Idx.ReadBytes labelPath

    if imageShape.Rank <> 3 || imageShape.[1] <> Digits.Side || imageShape.[2] <> Digits.Side then
        raise (Refusal $"{imagePath}: holds bytes of shape {imageShape}, not images of {Digits.Side} × {Digits.Side} pixels.")

    if labelShape.Rank <> 1 || labelShape.[0] <> imageShape.[0] then
        raise (Refusal $"{labelPath}: holds labels of shape {labelShape}, but there are {imageShape.[0]} images.")

    if labels.Length = 0 then raise (Refusal $"{imagePath}: there are no images in it.")

    match labels |> Array.tryFindIndex (fun label -> label > 9uy) with
    | Some i -> raise (Refusal $"{labelPath}: label {labels[i]} at position {i} is not a class; classes are 0 to 9.")
    | None -> images, labels

/// Training and test images, both shifted and scaled so that the training pixels have mean 0 and deviation 1.
let load (folder: string option) : Images * Images =
    let training, test =
        match folder with
        | Some folder -> ofBytes (read folder "train"), ofBytes (read folder "t10k")
        | None -> ofBytes (Digits.draw 1 10_000), ofBytes (Digits.draw 2 2_000)

    let mean = float (meanAll training.Pixels)
    let deviation = training.Pixels - mean |> square |> meanAll |> sqrt |> float
    // Images of one grey have no deviation; nothing can be learned from them, but nothing should be divided by 0 either.
    let scale = if deviation > 0.0 then deviation else 1.0
    let normalize images = { images with Pixels = (images.Pixels - mean) / scale }
    let training, test = normalize training, normalize test
    // Known now, once, instead of being part of every minibatch.
    Tensor.evaluate [ training.Pixels; test.Pixels ]
    training, test
