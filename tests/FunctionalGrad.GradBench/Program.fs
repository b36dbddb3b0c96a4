/// Speaks the protocol of GradBench, or times its evals: dotnet run -c Release --project tests/FunctionalGrad.GradBench -- --help
module FunctionalGrad.GradBench.Program

open System
open System.IO
open System.Text

let private usage =
    "usage: FunctionalGrad.GradBench                   answers the messages of standard input\n"
    + "       FunctionalGrad.GradBench time all          times every eval at its two largest sizes\n"
    + "       FunctionalGrad.GradBench time EVAL SIZE…   times one: llsq n m, lse n, gmm d k n, lstm layers length,\n"
    + "                                                  ode n steps, kmeans k n d, det ell"

let private size (text: string) : int =
    match Int32.TryParse text with
    | true, size when size > 0 -> size
    | _ -> Input.refuse $"\"{text}\" is no size"

let private run (input: TextReader) (output: TextWriter) (arguments: string list) : int =
    match arguments with
    | [] ->
        Protocol.serve input output Console.Error
        0
    | [ "time"; "all" ] ->
        Timing.run output Sizes.largest
        0
    | "time" :: eval :: sizes when not sizes.IsEmpty ->
        Timing.run output [ eval, List.map size sizes ]
        0
    | [ "--help" ] ->
        output.WriteLine usage
        0
    | _ ->
        Console.Error.WriteLine usage
        2

[<EntryPoint>]
let main arguments =
    let encoding = UTF8Encoding false
    use input = new StreamReader(Console.OpenStandardInput(), encoding)
    use output = new StreamWriter(Console.OpenStandardOutput(), encoding)

    try
        run input output (List.ofArray arguments)
    with :? InputException as error ->
        Console.Error.WriteLine error.Message
        2
