namespace FunctionalGrad

open System
open FunctionalGrad.Compile
open FunctionalGrad.Loops

/// A derivative rule that a user gives to results that are computed anyhow.
[<NoComparison; ReferenceEquality>]
type internal CustomRule =
    {
        Name: string
        /// Context, then cotangents of the float results → cotangents of the float arguments; or, of a forward rule, context, then
        /// tangents of the float arguments → tangents of the float results. Linear in what is no context.
        Rule: Body
        IsReverse: bool
        /// How many results there are, how many tensors the rule reads besides what it moves.
        Results: int
        Context: int
        /// Which tensors of the context are results, so that their own derivative is by the rule too.
        Same: int option[]
    }

/// Results under a rule of the user's own, as a node. Its inputs are the results (computed by other nodes, constant to derivatives), the
/// context of the rule, and the arguments; whatever the rule reads is an input, because bodies of loops are replayed.
module internal Customizing =
    open TensorTypes

    let private floatPlaces (xs: Tensor[]) = [| 0 .. xs.Length - 1 |] |> Array.filter (fun i -> xs[i].DType.IsFloat())
    let detached (x: Tensor) = Op.apply (Data.detach ()) [| x |]

    /// The rule where it applies as it stands; None of what goes in counts as zeros.
    let private applied (rule: CustomRule) (context: Tensor[]) (moving: Tensor option[]) : Tensor option[] =
        let types = rule.Rule.ParameterTypes[rule.Context ..]
        let moving = orZeros types moving
        Body.apply rule.Rule (Array.append context moving) |> Array.map Some

    /// The transpose of the rule, which is linear: the gradient of ⟨parts, rule⟩ by what the rule moves.
    let private transposed (rule: CustomRule) (context: Tensor[]) (parts: Tensor option[]) : Tensor option[] =
        let moving = rule.Rule.ParameterTypes[rule.Context ..] |> Array.map zeros
        let f (moving: Tensor[]) = Body.apply rule.Rule (Array.append context moving)
        Differential.pull f moving (Array.create moving.Length true) parts

    /// The parts at float places, spread over all places.
    let private scattered (count: int) (places: int[]) (parts: Tensor option[]) : Tensor option[] =
        let all = Array.create count None
        Array.iter2 (fun place part -> all[place] <- part) places parts
        all

    let rec tie (rule: CustomRule) (inputs: Tensor[]) : Bundle =
        let first = rule.Results + rule.Context
        let types = inputs[.. rule.Results - 1] |> Array.map TensorType.Of
        let floatResults = floatPlaces inputs[.. rule.Results - 1]
        let floatArguments = floatPlaces inputs[first..] |> Array.map ((+) first)

        let contextOf (inputs: Tensor[]) (output: Tensor) =
            rule.Same
            |> Array.mapi (fun i same ->
                match same with
                | Some place -> (output :?> Bundle).Items[place]
                | None -> inputs[rule.Results + i])

        let jvp (inputs: Tensor[]) (output: Tensor) (tangents: Tensor option[]) =
            let moving = floatArguments |> Array.map (fun place -> tangents[place])

            if Array.forall Option.isNone moving then
                None
            else
                let push = if rule.IsReverse then transposed else applied
                let parts = push rule (contextOf inputs output) moving
                Some(Bundle.OfParts(scattered rule.Results floatResults parts) :> Tensor)

        let vjp (inputs: Tensor[]) (output: Tensor) (g: Tensor) (needed: bool[]) =
            if floatArguments |> Array.exists (fun place -> needed[place]) then
                let parts = (g :?> Bundle).Parts
                let pull = if rule.IsReverse then applied else transposed
                let moved = pull rule (contextOf inputs output) (floatResults |> Array.map (fun place -> parts[place]))
                scattered inputs.Length floatArguments moved
            else
                Array.create inputs.Length None

        let op: Op =
            { Name = rule.Name
              Doc = "results with a derivative rule of the user's own"
              Domain = Anywhere
              Lower = Lowering.Group
              Type = fun _ -> invalidOp "results under a rule are several."
              Jvp = jvp
              Vjp = vjp
              Batch = Op.batchAll (overExamples rule) }

        Op.applyMany op types inputs

    /// The same over examples: all inputs carry the new axis, and so does all that the rule gives.
    and private overExamples (rule: CustomRule) (inputs: Tensor[]) : Tensor =
        let size = inputs[0].Shape.[0]
        let stacked (t: TensorType) = { t with Shape = Typing.inFront size t.Shape }
        let spread (x: Tensor, isMapped) = if isMapped then x else Views.broadcastTo (Typing.inFront size x.Shape) x

        let mapped (xs: Tensor[]) = Body.applyMapped rule.Rule (Array.create xs.Length true) xs |> Array.map spread

        tie { rule with Rule = Body.close rule.Name (Array.map stacked rule.Rule.ParameterTypes) mapped } inputs

    /// Ties results to arguments. `apply` is the user's rule: from the tensors of the residuals and of all that moves (zeros in the place
    /// of integers) to all that it gives.
    let create name isReverse (start: int64) (ys: Tensor[]) (residuals: Tensor[]) (xs: Tensor[]) (apply: Tensor[] -> Tensor[] -> Tensor[]) =
        let moving, given = if isReverse then ys, xs else xs, ys
        let movingPlaces, givenPlaces = floatPlaces moving, floatPlaces given
        let types = movingPlaces |> Array.map (fun place -> TensorType.Of moving[place])
        let still = moving |> Array.map (TensorType.Of >> zeros)

        let f (inputs: Tensor[]) =
            let all = Array.copy still
            movingPlaces |> Array.iteri (fun i place -> all[place] <- inputs[residuals.Length + i])
            let parts = apply inputs[.. residuals.Length - 1] all
            givenPlaces |> Array.map (fun place -> parts[place])

        let body, captured = Body.trace name (Array.append (Array.map TensorType.Of residuals) types) f
        let context = Array.append residuals captured
        let range first count = [| first .. first + count - 1 |]

        let places = Array.concat [ range 0 residuals.Length; range context.Length types.Length; range residuals.Length captured.Length ]

        // What the function was given, or found outside, has a derivative of its own, also where it is a result as it stands.
        let same (x: Tensor) =
            ys |> Array.tryFindIndex (fun y -> Object.ReferenceEquals(x, y)) |> Option.filter (fun _ -> isReverse && x.Made > start)

        let rule =
            { Name = name
              Rule = Body.withParameters name (Array.append (Array.map TensorType.Of context) types) places body
              IsReverse = isReverse
              Results = ys.Length
              Context = context.Length
              Same = Array.map same context }

        (tie rule (Array.concat [ Array.map detached ys; context; xs ])).Items

    /// The leaves of what a rule gives, which must be alike to what it gives it for, but for integers.
    let leavesAlike (name: string) (what: string) (expected: 'S) (found: 'S) : Tensor[] =
        let a, b = Tree.paths expected, Tree.paths found

        if Array.map fst a <> Array.map fst b then
            raise (
                ShapeException
                    $"{name}: {what}, for [{Flow.describeAll a}], not for [{Flow.describeAll b}]. Give zeros for what does not move."
            )

        Array.iter2
            (fun (path, x: Tensor) (_, part: Tensor) ->
                let change = $"[{Flow.describeAll [| path, x |]}] cannot be moved by {part.DType.Name()} {part.Shape}"

                if x.DType.IsFloat() && not (x.Shape.Equals part.Shape) then
                    raise (ShapeException $"{name}: {what}, of its shape: {change}. Sum over what was broadcast, or reshape.")

                if x.DType.IsFloat() && x.DType <> part.DType then
                    raise (DTypeException $"{name}: {what}, of its dtype: {change}. Convert with cast."))
            a
            b

        Array.map snd b

    /// Results of forward with the reverse rule backward.
    let reverse (name: string) (what: string) (forward: 'X -> 'Y * 'R) (backward: 'R -> 'Y -> 'X) (x: 'X) : 'Y =
        let start = OpTable.nextAge ()
        let y, saved = forward x

        let apply residuals cotangents =
            backward (Tree.withLeaves saved residuals) (Tree.withLeaves y cotangents) |> leavesAlike name what x

        Tree.withLeaves y (create name true start (Tree.flatten y) (Tree.flatten saved) (Tree.flatten x) apply)

/// An operation of the user's own: a function of arrays, with its reverse rule. Make it once and apply it often: two of them are two
/// operations, however alike, and each is compiled.
[<NoComparison; ReferenceEquality>]
type CustomOp =
    {
        /// What errors call it.
        Name: string
        /// Shape and dtype of every result, from those of the inputs.
        Results: (Shape * DType) list -> (Shape * DType) list
        /// The results from the inputs, which are the function's own copies: first what it is for, then whatever it saves for the reverse
        /// rule. It runs when a value is looked at, and may run again.
        Forward: NDArray list -> NDArray list
        /// Inputs → results → cotangents of the results (zeros where nothing arrives, and for integers) → what reaches each input; None
        /// where nothing does.
        Reverse: Tensor list -> Tensor list -> Tensor list -> Tensor option list
    }

/// Operations over arrays as nodes without derivatives.
module internal CustomCalls =
    let private describe (shape: Shape, dtype: DType) = $"{dtype.Name()} {shape}"

    let private invoke (op: CustomOp) (inputs: NDArray list) : NDArray list =
        try
            op.Forward inputs
        with problem ->
            let kind = problem.GetType().Name
            raise (CustomOpException($"{op.Name}: the forward function raised {kind}: {problem.Message}", problem))

    let private requireResults (op: CustomOp) (types: TensorType[]) (results: NDArray[]) =
        if Array.exists isNull results then
            raise (CustomOpException($"{op.Name}: the forward function gives null in the place of an array."))

        let listed = results |> Seq.map (fun result -> describe (result.Shape, result.DType)) |> String.concat ", "
        let promised = types |> Seq.map string |> String.concat ", "
        let remedy = $"gives [{listed}], where Results promises [{promised}]. Make the two agree."

        if
            results.Length <> types.Length
            || not (Array.forall2 (fun (result: NDArray) (t: TensorType) -> result.Shape.Equals t.Shape) results types)
        then
            raise (ShapeException $"{op.Name}: the forward function {remedy}")

        if not (Array.forall2 (fun (result: NDArray) (t: TensorType) -> result.DType = t.DType) results types) then
            raise (DTypeException $"{op.Name}: the forward function {remedy}")

    /// The program's memory is used again, so the user gets arrays to keep.
    let private copied (array: NDArray) =
        let copy = NDArray.Zeros(array.Shape, array.DType)
        array.Bytes().CopyTo(copy.Bytes())
        copy

    /// Example by example.
    let private run (op: CustomOp) (count: int) (inputTypes: TensorType[]) (types: TensorType[]) : LibraryFunction =
        LibraryFunction(fun inputs outputs ->
            let inputs, outputs = inputs.ToArray(), outputs.ToArray()
            let part i (array: NDArray) (t: TensorType) = array.Part(i * t.Shape.Count, t.Shape)

            for i in 0 .. count - 1 do
                let results = Array.map2 (part i) inputs inputTypes |> Seq.map copied |> List.ofSeq |> invoke op |> Array.ofList
                requireResults op types results
                Array.iteri2 (fun k (result: NDArray) t -> result.Bytes().CopyTo((part i outputs[k] t).Bytes())) results types)

    /// The results; the first axes of all inputs, of the sizes `outer`, are those of examples.
    let rec compute (op: CustomOp) (outer: int list) (inputs: Tensor[]) : Bundle =
        let one (x: Tensor) : TensorType = { Shape = Shape(Seq.skip outer.Length x.Shape.Sizes); DType = x.DType }
        let inputTypes = Array.map one inputs
        let types = [| for shape, dtype in op.Results [ for t in inputTypes -> t.Shape, t.DType ] -> Op.typed shape dtype |]

        if types.Length = 0 then
            raise (ShapeException $"{op.Name}: Results promises no result. Give the shape and dtype of at least one.")

        let stacked = types |> Array.map (fun t -> { t with Shape = Shape(Seq.append outer t.Shape.Sizes) })

        let node: Op =
            { Name = op.Name
              Doc = "a user's function of arrays"
              Domain = Anywhere
              Lower =
                Call(
                    Library.Giving(
                        TensorTypes.results stacked,
                        "custom",
                        box (op, outer, List.ofArray types),
                        run op (Shape outer).Count inputTypes types
                    )
                )
              Type = fun _ -> invalidOp "a user's function gives several results."
              Jvp = Op.still
              Vjp = Op.silent
              Batch = Op.batchAll (fun inputs -> compute op (inputs[0].Shape.[0] :: outer) inputs) }

        Op.applyMany node stacked inputs

    let private requireCount (op: CustomOp) (inputs: Tensor list) (parts: Tensor option list) =
        if parts.Length <> inputs.Length then
            let listed = inputs |> Seq.map (TensorType.Of >> string) |> String.concat ", "

            raise (
                ShapeException
                    $"{op.Name}: the reverse rule gives {parts.Length} cotangents for {inputs.Length} inputs, [{listed}]. Give None for an input that nothing reaches."
            )

    /// The results, with the reverse rule. They are residuals themselves, so that what the rule does with them is differentiated by the
    /// rule.
    let apply (op: CustomOp) (inputs: Tensor list) : Tensor list =
        let forward (inputs: Tensor list) =
            let results = List.ofArray (compute op [] (Array.ofList inputs)).Items
            results, (inputs, results)

        let backward (inputs, results) cotangents =
            let parts = op.Reverse inputs results cotangents
            requireCount op inputs parts
            List.map2 (fun (x: Tensor) part -> Option.defaultWith (fun () -> Tensor.Splat(x.Shape, x.DType, 0.0)) part) inputs parts

        Customizing.reverse op.Name "the reverse rule must give a cotangent for each input" forward backward inputs

/// Derivative rules of the user's own.
[<AutoOpen>]
module Custom =
    /// A function with a reverse rule of its own: forward gives the result and whatever the rule needs again; backward gives, from that
    /// and the cotangent of the result, the cotangent of the argument. It is traced once, where the function is applied, so that looking
    /// at a value in it raises a TracingException. Being linear in the cotangent, it serves forward mode too, as its transpose (that at
    /// cotangent 0, of a rule that is not linear). Further derivatives go through the rule and what forward saves; a result that is saved
    /// has the rule itself. What forward reads besides its argument is constant to derivatives; integers in the argument have no cotangent.
    /// <exception cref="T:FunctionalGrad.ShapeException">backward gives another structure or other shapes than the argument has.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">backward gives other dtypes.</exception>
    let customVjp (forward: 'X -> 'Y * 'R) (backward: 'R -> 'Y -> 'X) : 'X -> 'Y =
        fun x -> Customizing.reverse "customVjp" "backward must give a cotangent for each tensor of the argument" forward backward x

    /// A function with a forward rule of its own: the tangent of the result, from the argument and its tangent. The rule is traced once,
    /// where the function is applied; being linear in the tangent, it serves reverse mode too, as its transpose. Further derivatives go
    /// through the rule. What f reads besides its argument is constant to derivatives; integers in the argument have tangents of zeros.
    /// <exception cref="T:FunctionalGrad.ShapeException">The rule gives another structure or other shapes than the result has.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">The rule gives other dtypes.</exception>
    let customJvp (f: 'X -> 'Y) (rule: 'X -> 'X -> 'Y) : 'X -> 'Y =
        fun x ->
            let start = OpTable.nextAge ()
            let y = f x
            let xs = Tree.flatten x

            let apply point tangents =
                rule (Tree.withLeaves x point) (Tree.withLeaves x tangents)
                |> Customizing.leavesAlike "customJvp" "the rule must give a tangent for each tensor of the result" y

            Tree.withLeaves y (Customizing.create "customJvp" false start (Tree.flatten y) xs xs apply)

    /// Applies an operation of the user's own: the results, then what it saves. Under vmap its forward function runs example by example.
    /// <exception cref="T:FunctionalGrad.ShapeException">The reverse rule misses an input or gives another shape; or, when a value is looked at, the forward function gives other shapes than Results says.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">The same, of dtypes.</exception>
    /// <exception cref="T:FunctionalGrad.CustomOpException">The forward function raised an exception; raised when a value is looked at.</exception>
    let customOp (op: CustomOp) (inputs: Tensor list) : Tensor list =
        for x in inputs do
            if isNull x then nullArg $"{op.Name}: an input is null"

        CustomCalls.apply op inputs
