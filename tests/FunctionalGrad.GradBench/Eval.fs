namespace FunctionalGrad.GradBench

open System
open System.Text.Json
open System.Text.Json.Nodes
open FunctionalGrad

/// What evaluates a function of an eval: it can be run as often as somebody wants to time it.
type Evaluation =
    {
        /// Computes the function anew, to the last number.
        Run: unit -> unit
        /// What the last run gave.
        Output: unit -> JsonNode
    }

/// A benchmark of several functions, each from the input of a message.
type Eval = { Module: string; Functions: (string * (JsonElement -> Evaluation)) list }

/// Results as the protocol writes them.
module Output =
    let private finite (x: float) : JsonNode =
        if not (Double.IsFinite x) then raise (InputException $"the result holds {x}, which JSON cannot write")
        JsonValue.Create x

    let scalar (x: Tensor) : JsonNode = finite (float x)

    let private ofArray (write: 'T -> JsonNode) (items: 'T[]) : JsonNode = JsonArray(Array.map write items)

    let vector (x: Tensor) : JsonNode = x.ToArray<float>() |> ofArray finite

    let matrix (x: Tensor) : JsonNode = toJagged<float> x |> ofArray (ofArray finite)

module Evaluation =
    /// The evaluation of a function at an argument. Compiling is part of the first run, which nobody times; what is emitted as
    /// machine code from the second run on needs that one too.
    let prepare (f: 'A -> 'B) (output: 'B -> JsonNode) (argument: 'A) : Evaluation =
        let compiled = jit f

        let run () =
            let result = compiled argument
            Tree.evaluate result
            result

        run () |> ignore
        let latest = ref (run ())

        { Run = fun () -> latest.Value <- run ()
          Output = fun () -> output latest.Value }
