/// What the command line may say.
module Options

open System
open System.Globalization

/// A request that cannot be met; its message is all that the user sees.
exception Refusal of string

type Options =
    {
        /// Passes over the training images.
        Epochs: int
        /// Images in a minibatch.
        Batch: int
        /// Of the initial weights and of the order of the images.
        Seed: int
        /// The learning rate at the start; it falls along half a cosine to nearly 0.
        Rate: float
        /// The weight decay λ: λ/2·Σ‖W‖² is part of the loss.
        L2: float
        /// The folder of the four idx files; without it the program draws its own digits.
        Data: string option
        Help: bool
    }

let defaults = { Epochs = 10; Batch = 100; Seed = 1; Rate = 0.03; L2 = 0.0; Data = None; Help = false }

let help =
    $"""Trains a network of 784, 128, 64 and 10 units to read digits.

dotnet run -c Release --project examples/Mnist -- [options]

  --data DIR    read train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and
                t10k-labels-idx1-ubyte.gz from DIR; without it the program draws its own digits
  --epochs N    passes over the training images (default {defaults.Epochs})
  --batch N     images in a minibatch (default {defaults.Batch})
  --rate X      learning rate at the start, falling to nearly 0 (default {defaults.Rate})
  --l2 X        weight decay: adds X/2 times the sum of the squared weights to the loss (default {defaults.L2})
  --seed N      of the initial weights and the order of the images (default {defaults.Seed})
  --help        this text"""

let private refuse message = raise (Refusal message)

let private integer (name: string) (least: int) (text: string) =
    match Int32.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) with
    | true, value when value >= least -> value
    | _ -> refuse $"{name} takes a whole number from {least}, not \"{text}\"."

let private number (name: string) (accepts: float -> bool) (range: string) (text: string) =
    match Double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture) with
    | true, value when Double.IsFinite value && accepts value -> value
    | _ -> refuse $"{name} takes a number {range}, not \"{text}\"."

/// The options that the arguments ask for.
/// <exception cref="T:Options.Refusal">An option is unknown, lacks its value, or has one that it does not take.</exception>
let parse (arguments: string list) : Options =
    let rec read options arguments =
        match arguments with
        | [] -> options
        | ("--help" | "-h") :: rest -> read { options with Help = true } rest
        | "--epochs" :: text :: rest -> read { options with Epochs = integer "--epochs" 1 text } rest
        | "--batch" :: text :: rest -> read { options with Batch = integer "--batch" 1 text } rest
        | "--seed" :: text :: rest -> read { options with Seed = integer "--seed" 0 text } rest
        | "--rate" :: text :: rest -> read { options with Rate = number "--rate" (fun x -> x > 0.0) "above 0" text } rest
        | "--l2" :: text :: rest -> read { options with L2 = number "--l2" (fun x -> x >= 0.0) "from 0" text } rest
        | "--data" :: folder :: rest -> read { options with Data = Some folder } rest
        | [ "--epochs" | "--batch" | "--seed" | "--rate" | "--l2" | "--data" as name ] -> refuse $"{name} needs a value."
        | unknown :: _ -> refuse $"unknown option \"{unknown}\"; --help lists them."

    read defaults arguments
