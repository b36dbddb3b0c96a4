namespace FunctionalGrad.Tests

open System
open FunctionalGrad
open Xunit
open Xunit.Abstractions

/// What must hold for every op, whatever it computes.
[<NoComparison; NoEquality>]
type internal Law =
    {
        Name: string
        /// Cases drawn for each op.
        Cases: int
        /// Raises where the law is broken; what it chooses freely comes from the source.
        Check: Source -> Case -> unit
    }

/// The laws. Values are exact statements up to rounding; derivatives are compared with differences and with each other.
module internal Laws =
    let private inner (a: Tensor[]) (b: Tensor[]) = Array.map2 (fun x y -> sumAll (x * y)) a b |> Array.reduce (+)

    let private like (source: Source) (x: Tensor) = cast x.DType (source.Fill(x.Shape, (fun () -> source.Float(-1.0, 1.0))))

    let private known (x: Tensor) = Tensor.ofArray x.Value

    let private single (case: Case) : Case =
        let convert (x: Tensor) = if x.DType = DType.Float64 then known (cast DType.Float32 x) else x
        { case with Inputs = Array.map convert case.Inputs }

    /// Some of the inputs that pass, at least one of them if any.
    let private someOf (source: Source) (passes: int -> bool) (case: Case) : int[] =
        let candidates = [| 0 .. case.Inputs.Length - 1 |] |> Array.filter passes

        if candidates.Length = 0 then
            candidates
        else
            let kept = source.Int(1, candidates.Length)
            Array.take kept (source.Order candidates.Length) |> Array.map (fun i -> candidates[i]) |> Array.sort

    /// The inputs with those at the places replaced.
    let private replaced (inputs: Tensor[]) (places: int[]) (values: Tensor[]) =
        let result = Array.copy inputs
        Array.iter2 (fun place value -> result[place] <- value) places values
        result

    let private at (places: int[]) (inputs: Tensor[]) = places |> Array.map (fun place -> inputs[place])

    /// The op as a function of the inputs at the places, the others held.
    let private partial (case: Case) (places: int[]) (values: Tensor[]) = case.Apply(replaced case.Inputs places values)

    let private differentiable (source: Source) (case: Case) =
        if (case.Apply case.Inputs).DType.IsFloat() then someOf source (fun i -> case.Differentiable[i]) case else [||]

    /// Inputs for laws that compare a derivative with itself by another way: these hold where differences would not.
    let private floats (source: Source) (case: Case) =
        if (case.Apply case.Inputs).DType.IsFloat() then someOf source (fun i -> case.Inputs[i].DType.IsFloat()) case else [||]

    let private sameValues tolerance (case: Case) =
        let expected = Evaluation.byReference (fun () -> known (case.Apply case.Inputs))
        Expect.close "compiled and reference" tolerance expected (case.Apply case.Inputs)

    /// Some elements of the float inputs become what arithmetic treats specially.
    let private sameOnSpecialValues tolerance convert (source: Source) (case: Case) =
        let special x =
            if source.Chance 3 then
                source.Pick [ nan; infinity; -infinity; 0.0; -0.0; 1.0; -1.0; 0.5; 2.0; 30.0; -30.0; 1e-30 ]
            else
                x

        let spoil (x: Tensor) = if x.DType = DType.Float64 then Source.Of(x.Shape, x.ToArray<float>() |> Array.map special) else x

        let spoiled = { case with Inputs = Array.map spoil case.Inputs }
        sameValues tolerance (convert spoiled)

    /// Some inputs become one number in every element, which the compiler does not store and the rewriter has laws for.
    let private sameOnNumbers tolerance (source: Source) (case: Case) =
        let fill (x: Tensor) =
            let value = if x.DType.IsFloat() then source.Pick [ 0.0; 1.0; -1.0; 0.5 ] else x.Value.GetDouble 0
            Tensor.Splat(x.Shape, x.DType, value)

        let places = someOf source (fun i -> case.Inputs[i].Count > 0) case
        let filled = { case with Inputs = replaced case.Inputs places (at places case.Inputs |> Array.map fill) }
        sameValues tolerance filled
        let mapped = someOf source (fun i -> not (Array.contains i places)) filled

        if mapped.Length > 0 then
            let row = at mapped case.Inputs
            let stacks = row |> Array.map (fun x -> stack 0 [ x; x ])
            let y = partial filled mapped row
            Expect.close "vmap with numbers held" tolerance (stack 0 [ y; y ]) (vmap (partial filled mapped) stacks)

    /// The same elements behind an index map that is not the order in which they lie: transposed, every second of a larger array,
    /// backwards, or one of several repetitions.
    let private viewed (source: Source) (x: Tensor) =
        let turned = [ x.Rank - 1 .. -1 .. 0 ]
        let axes = [ 0 .. x.Rank - 1 ]

        match source.Int(0, 3) with
        | 0 -> permute turned (known (permute turned x))
        | 1 ->
            let wider = fullWith x.DType [ for size in x.Shape.Sizes -> 2 * size + 1 ] 1.0
            let everySecond = [ for _ in axes -> Some 1, None, Some 2 ]
            slice everySecond (known (setSlice everySecond x wider))
        | 2 -> flip axes (known (flip axes x))
        | _ -> select 0 1 (broadcastTo (2 :: List.ofSeq x.Shape.Sizes) x)

    let private sameOnViews tolerance (source: Source) (case: Case) =
        let views = case.Inputs |> Array.map (viewed source)
        Expect.close "views and contiguous data" tolerance (case.Apply case.Inputs) (case.Apply views)

    let private promised (case: Case) =
        let y = case.Apply case.Inputs
        let shape, dtype = y.Shape, y.DType
        let agrees (value: NDArray) = value.Shape.Equals shape && value.DType = dtype
        let slow = Evaluation.byReference (fun () -> (case.Apply case.Inputs).Value)

        if not (agrees y.Value && agrees slow) then
            failwith
                $"promised {dtype.Name()} {shape}, got {y.Value.DType.Name()} {y.Value.Shape} and, by reference, {slow.DType.Name()} {slow.Shape}."

    let private requireSmall what tolerance place (error: float) =
        if not (error <= tolerance) then failwith $"{what} is off by {error:g3} (tolerance {tolerance:g3}); {place}."

    let private agreement tolerance (f: Tensor[] -> 'Y) (xs: Tensor[]) =
        let report = GradCheck.measure f xs
        requireSmall "reverse mode" tolerance report.Worst report.Reverse
        requireSmall "forward mode" tolerance "along a direction" report.Forward
        requireSmall "⟨u, J·v⟩ against ⟨Jᵀ·u, v⟩" 1e-9 "the two modes disagree" report.Adjoint

    let private firstOrder (source: Source) (case: Case) =
        let places = differentiable source case

        if places.Length > 0 then agreement 1e-6 (partial case places) (at places case.Inputs)

    /// The gradient of Σ u·f with respect to the inputs at the places.
    let private gradientOf (case: Case) (places: int[]) (u: Tensor) : Tensor[] -> Tensor[] =
        grad (fun values -> sumAll (u * partial case places values))

    let private secondOrder (source: Source) (case: Case) =
        let places = differentiable source case

        if places.Length > 0 then
            let u = like source (case.Apply case.Inputs)
            agreement 1e-5 (gradientOf case places u) (at places case.Inputs)

    /// The Hessian of Σ u·f times v, by forward over reverse, reverse over reverse, and reverse over forward.
    let private hessianProducts (source: Source) (case: Case) =
        let places = differentiable source case

        if places.Length > 0 then
            let xs = at places case.Inputs
            let u = like source (case.Apply case.Inputs)
            let v = xs |> Array.map (like source)
            let f values = sumAll (u * partial case places values)
            let expected = jvp (grad f) xs v |> snd
            Expect.all "reverse over reverse" 1e-9 expected ((vjp (grad f) xs |> snd) v)
            Expect.all "reverse over forward" 1e-9 expected (grad (fun xs -> jvp f xs v |> snd) xs)

    let private count (source: Source) = source.Pick [ 1; 2; 2; 3 ]

    /// Examples for the inputs at the places: for each example its tensors, and for each place its stack.
    let private examples (source: Source) (case: Case) (places: int[]) =
        let rows = Array.init (count source) (fun _ -> at places case.Inputs |> Array.map source.Variant)
        rows, Array.init places.Length (fun i -> stack 0 [ for row in rows -> row[i] ] |> known)

    let private vmapIsLoop (source: Source) (case: Case) =
        let places = someOf source (fun _ -> true) case
        let rows, stacks = examples source case places
        let expected = stack 0 [ for row in rows -> partial case places row ]
        Expect.close "vmap and loop" 1e-12 expected (vmap (partial case places) stacks)

    /// The gradient of one example, over examples that map some inputs.
    let private vmapOfGrad (source: Source) (case: Case) =
        let places = floats source case

        if places.Length > 0 then
            let mapped = someOf source (fun _ -> true) case
            let rows, stacks = examples source case mapped
            let u = like source (case.Apply case.Inputs)

            let gradient (values: Tensor[]) =
                let inputs = replaced case.Inputs mapped values
                gradientOf { case with Inputs = inputs } places u (at places inputs)

            let expected = rows |> Array.map gradient
            let stacked = Array.init places.Length (fun i -> stack 0 [ for row in expected -> row[i] ])
            Expect.all "vmap of grad and loop" 1e-10 stacked (vmap gradient stacks)

    let private gradOfVmap (source: Source) (case: Case) =
        let places = floats source case

        if places.Length > 0 then
            let rows, stacks = examples source case places
            let weights = rows |> Array.map (fun _ -> like source (case.Apply case.Inputs))
            let expected = Array.map2 (gradientOf case places) weights rows
            let stacked = Array.init places.Length (fun i -> stack 0 [ for row in expected -> row[i] ])
            let u = stack 0 (List.ofArray weights)
            let found = grad (fun stacks -> sumAll (u * vmap (partial case places) stacks)) stacks
            Expect.all "grad of vmap and loop" 1e-10 stacked found

    let private sameDerivatives tolerance (source: Source) (case: Case) =
        let places = floats source case

        if places.Length > 0 then
            let xs = at places case.Inputs
            let u = like source (case.Apply case.Inputs) |> known
            let v = xs |> Array.map (like source >> known)

            let derivatives () =
                let _, pull = vjp (partial case places) xs
                let _, moved = jvp (partial case places) xs v
                Array.append (pull u) [| moved |]

            Expect.all "derivatives, compiled and reference" tolerance (Evaluation.byReference derivatives) (derivatives ())

    /// In a body that is kept as a graph, an op and its rules are replayed on other tensors.
    let private inBodies (source: Source) (case: Case) =
        let places = floats source case

        if places.Length > 0 then
            let xs = at places case.Inputs
            let y = case.Apply case.Inputs
            let u = like source y |> known
            let v = xs |> Array.map (like source >> known)
            let loop f xs = forLoop 1 (fun _ (xs, _) -> xs, f xs) (xs, zerosLike y) |> snd
            let choice (f: Tensor[] -> Tensor) xs = cond (sumAll (isNaN u) .= 0) (fun () -> f xs) (fun () -> zerosLike y)
            let f = partial case places
            let gradient f = grad (fun xs -> sumAll (u * f xs)) xs
            let curvature f = jvp (grad (fun xs -> sumAll (u * f xs))) xs v |> snd
            let rows, stacks = examples source case places
            let stacked = stack 0 [ for row in rows -> f row ]

            for name, wrapped in [ "checkpoint", checkpoint f; "forLoop", loop f; "cond", choice f; "jit", jit f ] do
                Expect.close $"value in {name}" 1e-12 y (wrapped xs)
                Expect.all $"gradient in {name}" 1e-10 (gradient f) (gradient wrapped)
                Expect.all $"curvature in {name}" 1e-9 (curvature f) (curvature wrapped)
                Expect.close $"vmap of {name}" 1e-12 stacked (vmap wrapped stacks)

    let all: Law list =
        let law name cases check = { Name = name; Cases = cases; Check = check }

        [ law "compiled = reference, float64" 48 (fun _ case -> sameValues 1e-12 case)
          law "compiled = reference, float32" 32 (fun _ case -> sameValues 2e-6 (single case))
          law "compiled = reference on NaN, infinities and zeros, float64" 48 (sameOnSpecialValues 1e-12 id)
          law "compiled = reference on NaN, infinities and zeros, float32" 32 (sameOnSpecialValues 2e-6 single)
          law "compiled = reference where numbers fill the inputs" 24 (sameOnNumbers 1e-12)
          law "views of data = contiguous data, float64" 24 (sameOnViews 1e-12)
          law "views of data = contiguous data, float32" 8 (fun source case -> sameOnViews 2e-6 source (single case))
          law "shape and dtype are those promised" 32 (fun _ case -> promised case)
          law "first derivatives: reverse = forward = central differences" 24 firstOrder
          law "second derivatives: reverse = forward = central differences" 16 secondOrder
          law "second derivatives are symmetric in every order of modes" 16 hessianProducts
          law "vmap = loop and stack" 32 vmapIsLoop
          law "vmap of grad = loop of grads" 20 vmapOfGrad
          law "grad of vmap = loop of grads" 20 gradOfVmap
          law "checkpoint, loops, choices and jit change nothing" 6 inBodies
          law "derivatives: compiled = reference, float64" 20 (sameDerivatives 1e-11)
          law "derivatives: compiled = reference, float32" 16 (fun source case -> sameDerivatives 1e-5 source (single case)) ]

    /// Tries a law on one case; the message of a failure says how to see it again.
    let tryOne (law: Law) (entry: Entry) (seed: int) : unit =
        let source = Source seed
        let case = entry.Draw source

        try
            law.Check source case
        with error ->
            raise (Xunit.Sdk.XunitException($"{entry.Name}, seed {seed}, {case.Text}: {law.Name}: {error.Message}", error))

    let run (law: Law) (entry: Entry) : unit = Property.forSeeds law.Cases (tryOne law entry)

/// Every law over every op of the catalog.
type LawTests(output: ITestOutputHelper) =
    static member Pairs: seq<obj[]> =
        seq {
            for law in Laws.all do
                for family in Catalog.entries |> List.map (fun entry -> entry.Family) |> List.distinct do
                    yield [| box law.Name; box family |]
        }

    /// All ops of a family are tried, and every one that fails is named.
    [<Theory; MemberData(nameof LawTests.Pairs)>]
    member _.``the law holds for the family``(lawName: string, family: string) =
        let law = Laws.all |> List.find (fun law -> law.Name = lawName)

        let failure (entry: Entry) =
            try
                Laws.run law entry
                None
            with error ->
                Some(string error.Message)

        let failures = Catalog.entries |> List.filter (fun entry -> entry.Family = family) |> List.choose failure

        Assert.True(failures.IsEmpty, String.concat "\n" failures)

    [<Fact>]
    member _.``the laws cover this much``() =
        let ops, laws = Catalog.entries.Length, Laws.all.Length
        let cases = ops * (Laws.all |> List.sumBy (fun law -> law.Cases))
        let covered = $"{ops} ops, {laws} laws, {cases} cases"
        output.WriteLine covered
        // The project prints this file after a test run.
        IO.File.WriteAllText(IO.Path.Combine(AppContext.BaseDirectory, "laws.txt"), covered)
        Assert.True(ops > 100 && laws >= 10)
