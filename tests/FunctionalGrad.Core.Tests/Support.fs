namespace FunctionalGrad.Tests

open System
open System.IO
open FsCheck
open FsCheck.FSharp
open FunctionalGrad
open Xunit

/// Runs properties from a fixed seed, so that a failure of one run is a failure of every run.
module internal Property =
    /// Checks what must hold for arguments of any kind.
    let forArguments (times: int) (arguments: Gen<'T>) (holds: 'T -> unit) : unit =
        let fixedSeed = Some { Rnd = Rnd(20110411UL, 1UL); Size = None }
        let config = Config.QuickThrowOnFailure.WithReplay(fixedSeed).WithMaxTest(times).WithQuietOnSuccess(true)
        Check.One(config, Prop.forAll (Arb.fromGen arguments) holds)

    /// Checks what must hold for data drawn from many seeds; it raises where it does not.
    let forSeeds (times: int) (holds: int -> unit) : unit = forArguments times (Gen.choose (0, 1_000_000)) holds

/// Data that lies beside the repository on some machines.
module internal Beside =
    /// A directory of `shared`, next to the repository; None where there is none.
    let directory (name: string) : string option =
        let isRoot (folder: DirectoryInfo) =
            File.Exists(Path.Combine(folder.FullName, "FunctionalGrad.sln")) || Path.Exists(Path.Combine(folder.FullName, ".git"))

        Seq.unfold
            (fun (folder: DirectoryInfo) -> if isNull folder then None else Some(folder, folder.Parent))
            (DirectoryInfo AppContext.BaseDirectory)
        |> Seq.tryFind isRoot
        |> Option.map (fun root -> Path.GetFullPath(Path.Combine(root.FullName, "..", "shared", name)))
        |> Option.filter Directory.Exists

/// What tests ask of tensors.
module internal Expect =
    let private fail message = raise (Xunit.Sdk.XunitException message)

    let private numbers (x: Tensor) = Array.init x.Count x.Value.GetDouble

    /// Same shape, same dtype, and elements whose difference is small against the largest; NaN equals NaN.
    let close (what: string) (tolerance: float) (expected: Tensor) (actual: Tensor) : unit =
        let same = expected.Shape.Equals actual.Shape && expected.DType = actual.DType

        if not same then
            fail $"{what}: expected {expected.DType.Name()} {expected.Shape}, got {actual.DType.Name()} {actual.Shape}."

        let a, b = numbers expected, numbers actual
        let finite = a |> Array.filter Double.IsFinite |> Array.map abs
        let allowed = tolerance * Array.fold max 1.0 finite
        let agree (x: float) (y: float) = x.Equals y || x = y || abs (x - y) <= allowed

        match Seq.zip a b |> Seq.tryFindIndex (fun (x, y) -> not (agree x y)) with
        | Some i -> fail $"{what}: element {i} is {b[i]}, not {a[i]} (shape {expected.Shape}, {expected.DType.Name()})."
        | None -> ()

    let all (what: string) (tolerance: float) (expected: Tensor[]) (actual: Tensor[]) : unit =
        if expected.Length <> actual.Length then fail $"{what}: expected {expected.Length} tensors, got {actual.Length}."

        Array.iteri2 (fun i x y -> close $"{what} [{i}]" tolerance x y) expected actual

    /// Exactly these elements, of this dtype and shape.
    let equal (expected: Tensor) (actual: Tensor) : unit = close "value" 0.0 expected actual

    /// These elements within 10⁻¹⁰.
    let near (expected: Tensor) (actual: Tensor) : unit = close "value" 1e-10 expected actual

    /// A number within 10⁻¹⁰.
    let number (expected: float) (actual: Tensor) : unit =
        let found = actual.ToDouble()
        if abs (found - expected) > 1e-10 * max 1.0 (abs expected) then fail $"expected {expected}, got {found}."

    let shape (sizes: int list) (x: Tensor) : unit =
        if not (x.Shape.Equals(Shape sizes)) then fail $"expected shape {Shape sizes}, got {x.Shape}."

    /// An error of a kind, whose message holds all the given parts.
    let error<'Error, 'Result when 'Error :> exn> (parts: string list) (action: unit -> 'Result) : unit =
        let raised = Assert.ThrowsAny<'Error>(Action(fun () -> action () |> ignore))

        for part in parts do
            if not (raised.Message.Contains(part, StringComparison.Ordinal)) then
                fail $"the message should name \"{part}\": {raised.Message}"
