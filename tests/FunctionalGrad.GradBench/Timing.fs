/// Milliseconds of each function of an eval at given sizes.
module FunctionalGrad.GradBench.Timing

open System.IO

let private line (output: TextWriter) (cells: string list) = output.WriteLine(String.concat "\t" cells)

let private milliseconds (nanoseconds: int64) = $"{float nanoseconds / 1e6:G4}"

/// Times every function of an eval: three runs at least, and a second.
let private measure (output: TextWriter) (name: string, sizes: int list) : unit =
    let eval = Protocol.evals |> List.tryFind (fun eval -> eval.Module = name)
    let functions = eval |> Option.map _.Functions |> Option.defaultWith (fun () -> Input.refuse $"there is no eval {name}")
    let input = Sizes.input name sizes
    let size = sizes |> List.map string |> String.concat "_"

    for name', prepare in functions do
        let timings = prepare input |> Protocol.time 3.0 1.0 |> List.sort

        line
            output
            [ name
              size
              name'
              milliseconds timings.Head
              milliseconds timings[timings.Length / 2]
              string timings.Length ]

        output.Flush()

let run (output: TextWriter) (sizes: (string * int list) list) : unit =
    line output [ "eval"; "size"; "function"; "best ms"; "median ms"; "runs" ]
    List.iter (measure output) sizes
