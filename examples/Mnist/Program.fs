/// Learns to read digits. `--help` tells what may be asked.
module Program

open System
open System.Diagnostics
open System.IO
open FunctionalGrad
open Images
open Options

/// The learning rate after a share of all steps: half a cosine from the full rate to 0.
let private rateAt (rate: float) (share: float) = rate * 0.5 * (1.0 + cos (Math.PI * share))

/// The images at some positions.
let private at (positions: int64[]) (images: Images) : Images =
    let index = tensor positions

    { Pixels = take 0 index images.Pixels; Labels = take 0 index images.Labels }

/// A pass over all images in a new random order: the losses of the minibatches and the state after them.
let private epoch options (rate: int -> float) (display: Display.Display) key (training: Images) (state: Network.State) =
    let order = (Random.permutation key training.Labels.Count).ToArray<int64>()

    let visit state (i, positions) =
        let batch = at positions training
        let loss, state = Network.step options.L2 (rate i) batch.Pixels batch.Labels state

        if not (Double.IsFinite loss) then
            raise (Refusal $"the loss is {loss} now: the steps are too long. Try a --rate below {options.Rate}.")

        display.Advance loss
        loss, state

    order |> Array.chunkBySize options.Batch |> List.ofArray |> List.indexed |> List.mapFold visit state

let private minibatches options (training: Images) = (training.Labels.Count + options.Batch - 1) / options.Batch

/// Learns for all epochs: for each the losses of its minibatches and the accuracy after it.
let private train options (training: Images) (test: Images) (display: Display.Display) : (float list * float) list =
    let steps = float (minibatches options training)

    let rec continueFrom number key (state: Network.State) history =
        if number = options.Epochs then
            List.rev history
        else
            let orderKey, nextKey = Key.split key
            let rate i = rateAt options.Rate ((float number + float i / steps) / float options.Epochs)
            let clock = Stopwatch.StartNew()
            let losses, state = epoch options rate display orderKey training state
            let seconds = clock.Elapsed.TotalSeconds
            let accuracy = Network.accuracy state.Parameters test.Pixels test.Labels
            let summary = $"loss %.4f{List.average losses}, test accuracy %.4f{accuracy}, %.2f{seconds} s"
            display.Line $"epoch %2d{number + 1}: {summary}"
            continueFrom (number + 1) nextKey state ((losses, accuracy) :: history)

    let initialKey, orderKey = Key.split (Key.ofSeed options.Seed)
    continueFrom 0 orderKey (Network.start initialKey) []

/// The losses of all minibatches and the accuracies after each epoch, over epochs.
let private draw (path: string) (history: (float list * float) list) =
    let losses =
        history
        |> List.mapi (fun number (losses, _) ->
            losses |> List.mapi (fun i loss -> float number + float (i + 1) / float losses.Length, loss))
        |> List.concat

    let accuracies = history |> List.mapi (fun number (_, accuracy) -> float (number + 1), accuracy)
    LearningCurve.write path "Learning, by epoch" [ "loss of the minibatch", losses; "test accuracy", accuracies ]

let private learn options =
    let training, test = load options.Data
    printfn $"{training.Labels.Count} images to learn from, {test.Labels.Count} to be tested on"
    let steps = float options.Epochs * float (minibatches options training)
    let history = Display.run steps (train options training test)
    let path = Path.GetFullPath "learning-curve.svg"
    draw path history
    printfn $"learning curve: {path}"
    printfn $"test accuracy: %.4f{List.last history |> snd}"

[<EntryPoint>]
let main arguments =
    let refuse (message: string) =
        Console.Error.WriteLine $"mnist: {message}"
        1

    try
        let options = parse (List.ofArray arguments)
        if options.Help then printfn $"{help}" else learn options
        0
    with
    | Refusal message -> refuse message
    | :? TensorException
    | :? IOException
    | :? UnauthorizedAccessException as fault -> refuse fault.Message
