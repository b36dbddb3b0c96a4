namespace FunctionalGrad.Tests

open System
open System.Collections.Generic
open System.Reflection
open System.Runtime.CompilerServices
open System.Threading
open FsCheck
open FsCheck.FSharp
open FSharp.Reflection
open FunctionalGrad
open Xunit
open Xunit.Abstractions

/// What one call of a function did.
type internal Outcome =
    | Returned
    | Refused
    | Failed of problem: string

/// Every public function, called with what it cannot take: it gives what the reference gives, or refuses by its own name.
module internal Fuzz =
    /// Functions that wild arguments say nothing of, and why.
    let private excluded = dict [ "TensorModule.evaluate", "gives nothing to compare" ]

    /// Modules of other names for the same functions, which speak in the names of those.
    let private otherNames = set [ "Aliases" ]

    /// Functions whose refusals begin with another name of the same op.
    let private aliases =
        dict
            [ "amax", [ "max" ]
              "amin", [ "min" ]
              "signOf", [ "sign" ]
              "set", [ "setSlice" ]
              "add", [ "addSlice" ]
              // Integers divide when they are evaluated, and what divides is remainder.
              "fmod", [ "remainder" ]
              "op_DotLess", [ "less" ]
              "op_DotLessEquals", [ "lessEqual" ]
              "op_DotGreater", [ "greater" ]
              "op_DotGreaterEquals", [ "greaterEqual" ]
              "op_DotEquals", [ "equal" ]
              "op_DotLessGreater", [ "notEqual" ]
              "op_AtAt", [ "matmul" ]
              "op_MultiplyAt", [ "matmul" ]
              "op_UnaryNegation", [ "neg" ]
              "op_Addition", [ "add" ]
              "op_Subtraction", [ "sub" ]
              "op_Multiply", [ "mul" ]
              "op_Division", [ "div" ]
              "op_Modulus", [ "remainder" ]
              "DivideByInt", [ "div" ]
              "Pow", [ "pow" ]
              "Atan2", [ "atan2" ]
              "Ceiling", [ "ceil" ]
              "Truncate", [ "trunc" ]
              "Tensor.get_Item", [ "slice"; "select"; "take"; "booleanMask" ]
              "Tensor.GetSlice", [ "slice"; "select" ] ]

    let private assembly = typeof<Tensor>.Assembly

    let private isModule (t: Type) =
        let kind (mapping: CompilationMappingAttribute) = mapping.SourceConstructFlags &&& SourceConstructFlags.KindMask

        t.GetCustomAttributes<CompilationMappingAttribute>()
        |> Seq.exists (fun mapping -> kind mapping = SourceConstructFlags.Module)

    let private isFunction (t: Type) =
        let isOne (t: Type) = t.IsGenericType && t.GetGenericTypeDefinition() = typedefof<_ -> _>

        isOne t || FSharpType.IsRecord t && FSharpType.GetRecordFields t |> Array.exists (fun field -> isOne field.PropertyType)

    let private moduleName (m: MethodInfo) = m.DeclaringType.Name

    let private takesFunctions (m: MethodInfo) =
        m.IsGenericMethod || m.GetParameters() |> Array.exists (fun parameter -> isFunction parameter.ParameterType)

    /// The public functions of the public modules that take no functions and no type parameters, and the operators of Tensor.
    let functions: MethodInfo list =
        let flags = BindingFlags.Public ||| BindingFlags.Static ||| BindingFlags.DeclaredOnly

        let ofModules =
            [ for t in assembly.GetTypes() do
                  if t.IsPublic && isModule t && not (otherNames.Contains t.Name) then
                      for m in t.GetMethods flags do
                          if not (m.Name.StartsWith "get_" || takesFunctions m || excluded.ContainsKey $"{moduleName m}.{m.Name}") then m ]

        let operators =
            typeof<Tensor>.GetMethods flags
            |> Array.filter (fun m -> m.ReturnType = typeof<Tensor> && not (m.Name.StartsWith "get_"))

        ofModules @ List.ofArray operators

    /// The names that a refusal may begin with: the function's, which a variant shares with the function that it varies.
    let namesOf (m: MethodInfo) =
        let name = m.Name

        let stems =
            [ "KeepDims"; "All"; "With"; "LossWith"; "Loss"; "Mode" ]
            |> List.filter (fun suffix -> name.EndsWith(suffix, StringComparison.Ordinal))
            |> List.map (fun suffix -> name[.. name.Length - suffix.Length - 1])

        [ for stem in name :: stems do
              yield stem

              match aliases.TryGetValue stem with
              | true, names -> yield! names
              | _ -> ()

          // What F#'s own functions call: sin x is Tensor.Sin x.
          if m.DeclaringType = typeof<Tensor> then yield name.ToLowerInvariant() ]

    let private beginsWith (message: string) (name: string) =
        message.StartsWith(name, StringComparison.Ordinal)
        && message.Length > name.Length
        && (message[name.Length] = ':' || message[name.Length] = ' ')

    let rec private tensorsIn (value: obj) : Tensor list =
        match value with
        | :? Tensor as x -> [ x ]
        | :? Key as key -> [ key.Bits ]
        | :? ITuple as tuple ->
            [ for i in 0 .. tuple.Length - 1 do
                  yield! tensorsIn tuple[i] ]
        | :? string -> []
        | :? Collections.IEnumerable as items ->
            [ for item in items do
                  yield! tensorsIn item ]
        | _ -> []

    let private call (m: MethodInfo) (arguments: obj[]) =
        m.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null) |> tensorsIn

    /// Larger results are promised only.
    let private isSmall (x: Tensor) = x.Count <= 4096

    let private requirePromised (x: Tensor) =
        let value = x.Value

        if not (value.Shape.Equals x.Shape && value.DType = x.DType) then
            failwith $"promised {x.DType.Name()} {x.Shape}, got {value.DType.Name()} {value.Shape}"

    /// A float32 operand (or integers, which become float32) rounds on the way, whatever the result is.
    let private tolerance (arguments: obj[]) = if tensorsIn arguments |> List.forall (fun x -> x.DType = DType.Float64) then 1e-10 else 2e-5

    /// Refusals while values are computed are refusals too; a reference that refuses too has nothing to compare.
    let private compare (m: MethodInfo) (arguments: obj[]) (results: Tensor list) =
        List.iter requirePromised results
        let expected = Evaluation.byReference (fun () -> call m arguments |> List.map (fun x -> Tensor.ofArray x.Value))
        if expected.Length <> results.Length then failwith "the reference gives another number of results"
        List.iter2 (fun x y -> Expect.close "compiled and reference" (tolerance arguments) x y) expected results

    /// With one operand traced, mapped over an axis of size 1, what the call has given is given again; or its values are asked for.
    let private compareMapped (m: MethodInfo) (arguments: obj[]) (results: Tensor list) =
        match arguments |> Array.tryFindIndex (fun argument -> argument :? Tensor) with
        | None -> ()
        | Some place ->
            let again (x: Tensor) = call m (Array.updateAt place (box x) arguments) |> Array.ofList

            try
                let mapped = vmap again (expandDims 0 (unbox<Tensor> arguments[place]))
                List.iter requirePromised (List.ofArray mapped)
                Expect.all "mapped" (tolerance arguments) (results |> Seq.map (expandDims 0) |> Array.ofSeq) mapped
            with :? TracingException ->
                ()

    let private isTyped (error: exn) =
        match error with
        | :? TensorException
        | :? ArgumentNullException
        | :? ArgumentOutOfRangeException -> true
        | _ -> error.GetType() = typeof<ArgumentException>

    /// One call.
    let judge (isMapped: bool) (m: MethodInfo) (arguments: obj[]) : Outcome =
        try
            let results = call m arguments

            if List.forall isSmall results then
                compare m arguments results

                if isMapped then compareMapped m arguments results

            Returned
        with error ->
            if not (isTyped error) then
                let frames = error.StackTrace.Split '\n' |> Array.truncate 3 |> String.concat " "
                Failed $"{error.GetType().Name}: {error.Message} {frames}"
            elif namesOf m |> List.exists (beginsWith error.Message) then
                Refused
            else
                Failed $"another name: {error.GetType().Name}: {error.Message}"

    /// Tries a function many times; the problems are each told once.
    let run (times: int) (m: MethodInfo) : struct (int * string list) =
        let mutable refused = 0
        let mutable calls = 0
        let problems = Dictionary<string, string>()
        let kind (problem: string) = problem[.. min 25 (problem.Length - 1)]

        let holds (arguments: obj[]) =
            calls <- calls + 1

            match judge (calls % 4 = 0) m arguments with
            | Returned -> ()
            | Refused -> refused <- refused + 1
            | Failed problem ->
                let text = arguments |> Array.map Wild.describe |> String.concat ", "
                problems.TryAdd(kind problem, $"{moduleName m}.{m.Name}({text}): {problem}") |> ignore

        Property.forArguments times (Wild.arguments m) holds
        struct (refused, List.ofSeq problems.Values)

/// Functions that are wrong in every way that the fuzz looks for.
module Planted =
    /// Refuses in the name of another.
    let wrongName (x: Tensor) : Tensor = raise (ShapeException $"other: {x.Shape} is no good.")
    /// Raises what no caller should have to know.
    let foreign (x: Tensor) : Tensor = raise (InvalidOperationException $"foreign: {x.Shape} is no good.")
    /// Does not look whether it is given anything.
    let unguarded (x: Tensor) : Tensor = Tensor.Splat(x.Shape, x.DType, 0.0)

    /// Is not what the reference gives.
    let wrongValue (x: Tensor) : Tensor =
        Tensor.Splat(Shape.Scalar, DType.Float64, (if isNull x || Evaluation.useReference.Value then 0.0 else 1.0))

    /// Is another function while it is traced.
    let wrongTraced (x: Tensor) : Tensor =
        if isNull x || x.Dependence &&& Dependence.Traced = Dependence.None then tensor 0.0 else sumAll x * 0.0 + 1.0

/// The fuzz of every argument check.
type FuzzTests(output: ITestOutputHelper) =
    let calls = 250

    [<Theory>]
    [<InlineData(nameof Planted.wrongName, "another name: ShapeException")>]
    [<InlineData(nameof Planted.foreign, "InvalidOperationException: foreign")>]
    [<InlineData(nameof Planted.unguarded, "NullReferenceException")>]
    [<InlineData(nameof Planted.wrongValue, "compiled and reference")>]
    [<InlineData(nameof Planted.wrongTraced, "mapped")>]
    member _.``a planted defect is found``(name: string, problem: string) =
        let planted = typeof<Outcome>.Assembly.GetType("FunctionalGrad.Tests.Planted", true).GetMethod name
        let struct (_, problems) = Fuzz.run calls planted
        Assert.Contains(problems, (fun (text: string) -> text.Contains(problem, StringComparison.Ordinal)))

    [<Fact>]
    member _.``every entry of the catalog is tried``() =
        let tried = Fuzz.functions |> Seq.collect Fuzz.namesOf |> HashSet
        // Entries with a description for a name try a function in a particular way.
        let isFunction (name: string) = Seq.forall Char.IsLetterOrDigit name
        let names = Catalog.entries |> List.map (fun entry -> entry.Name) |> List.filter isFunction
        let missing = names |> List.filter (fun name -> not (tried.Contains name))
        // stopGradient takes trees of any type.
        Assert.Equal<string list>([ "stopGradient" ], missing)

    [<Fact>]
    member _.``every function gives what the reference gives, or refuses by name``() =
        let functions = Array.ofList Fuzz.functions
        let results = functions |> Array.Parallel.map (Fuzz.run calls)
        let refused = results |> Array.sumBy (fun (struct (refused, _)) -> refused)
        let problems = results |> Seq.collect (fun (struct (_, problems)) -> problems) |> List.ofSeq
        let covered = $"{functions.Length} ops, {functions.Length * calls} calls, {refused} refused"
        output.WriteLine covered
        IO.File.WriteAllText(IO.Path.Combine(AppContext.BaseDirectory, "fuzz.txt"), covered)
        Assert.True(problems.IsEmpty, String.concat "\n" problems)
