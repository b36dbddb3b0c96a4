namespace FunctionalGrad

open System
open FunctionalGrad.Compile
open FunctionalGrad.Loops

/// A loop: what is carried from step to step, slices of stacks read one by one, constants that every step reads, rows that every step
/// adds to stacks. For, while and scan are loops.
[<NoComparison; ReferenceEquality>]
type internal Loop =
    {
        Name: string
        /// Step number (int64), carries, slices, constants → next carries, rows.
        Body: Body
        /// How many steps; None: as long as the first carry, a bool, is true.
        Length: int option
        Carries: int
        Slices: int
        /// For a derivative by reverse mode: keep every so many carries only, and compute those between again.
        Segment: int option
    }

    member loop.Constants = loop.Body.Parameters.Length - 1 - loop.Carries - loop.Slices
    member loop.Rows = loop.Body.Results.Length - loop.Carries
    member loop.CarryTypes = loop.Body.ParameterTypes[1 .. loop.Carries]
    member loop.SliceTypes = loop.Body.ParameterTypes[loop.Carries + 1 .. loop.Carries + loop.Slices]
    member loop.ConstantTypes = loop.Body.ParameterTypes[loop.Carries + loop.Slices + 1 ..]
    member loop.RowTypes = loop.Body.ResultTypes[loop.Carries ..]
    member loop.Stacked(t: TensorType) : TensorType = { t with Shape = Typing.inFront loop.Length.Value t.Shape }
    member loop.ResultTypes = Array.append loop.CarryTypes (Array.map loop.Stacked loop.RowTypes)

    /// How many entries a record of the carries has, of a loop whose length is known.
    member private loop.Entries =
        let segment = defaultArg loop.Segment 1
        (loop.Length.Value + segment - 1) / segment

    /// Whether a record of the carries fits arrays whose size is known before the loop runs.
    member loop.HasRecord =
        loop.Length.IsSome
        && loop.CarryTypes |> Array.forall (fun t -> int64 loop.Entries * int64 t.Shape.Count <= int64 Int32.MaxValue)

    /// The arrays of such a record: a stack for each carry.
    member loop.RecordTypes = loop.CarryTypes |> Array.map (fun t -> { t with Shape = Typing.inFront loop.Entries t.Shape })

/// The reverse of a loop: what the cotangents of its results do to its inputs. It walks back along the carries of every step. Where no
/// record of them is given, because nobody knows how many steps there are, it runs the loop once more and keeps them.
[<NoComparison; ReferenceEquality>]
type internal Reversal =
    {
        Loop: Loop
        /// Step number, carries, slices, constants, cotangents of the float carries, sums so far, cotangents of rows, what was kept
        /// → cotangents of the float carries before, sums, cotangents of slices, further rows for the totals.
        Body: Body
        /// Which rows have a cotangent.
        Rows: bool[]
        /// Which slices and constants are asked for.
        Slices: bool[]
        Constants: bool[]
        /// For each constant that is asked for, whether the steps add up what reaches it; else it is a total.
        Sums: bool[]
        /// What the forward steps keep besides the carries: results of products, which would be computed again.
        Kept: TensorType[]
        /// Further rows of the walk back, that only the totals read.
        Stacked: TensorType[]
        /// Everything that the reverse takes, and stacks of the cotangents of slices and of the further rows → what reaches the constants that
        /// are no sums, from all steps at a time.
        Totals: Body option
    }

/// Loops over arrays.
module internal LoopPrograms =
    let private bytes (types: TensorType[]) = types |> Array.map (fun t -> int64 t.Shape.Count * int64 (t.DType.Size()))
    let private chosen (flags: bool[]) (types: 'T[]) = Array.zip flags types |> Array.filter fst |> Array.map snd

    let private formOf (loop: Loop) =
        let length =
            match loop.Length with
            | Some length -> int64 length
            | None -> -1L

        LoopForm(
            length,
            int64 (defaultArg loop.Segment 1),
            bytes loop.CarryTypes,
            bytes loop.SliceTypes,
            loop.Constants,
            bytes loop.RowTypes
        )

    /// A function of a loop's step, whose constants are the same in all steps.
    let private bound (loop: Loop) (body: Body) = BoundBody(body, 1 + loop.Carries + loop.Slices, loop.Constants)

    /// The loop; if there are outputs for it, with a record of its carries.
    let forward (loop: Loop) : LibraryFunction =
        let form = formOf loop
        let body = bound loop loop.Body

        LibraryFunction(fun inputs outputs ->
            let bound = body.Rent()

            try
                LoopRunner.Forward(form, bound, inputs, outputs)
            finally
                body.Return bound)

    let reverse (reversal: Reversal) : LibraryFunction =
        let loop = reversal.Loop
        let moving = bytes (Array.filter TensorTypes.isFloat loop.CarryTypes)
        let slices = bytes (chosen reversal.Slices loop.SliceTypes)
        let constants = bytes (chosen reversal.Constants loop.ConstantTypes)
        let places = Array.init constants.Length (fun i -> moving.Length + slices.Length + i)

        let form =
            ReversalForm(
                formOf loop,
                moving,
                chosen reversal.Sums constants,
                bytes (chosen reversal.Rows loop.RowTypes),
                slices,
                bytes reversal.Kept,
                bytes reversal.Stacked,
                chosen reversal.Sums places,
                chosen (Array.map not reversal.Sums) places
            )

        let body, backward = bound loop loop.Body, bound loop reversal.Body
        let totals = Option.map (fun (body: Body) -> BoundBody body) reversal.Totals

        LibraryFunction(fun inputs outputs ->
            let bound, back = body.Rent(), backward.Rent()
            let total = totals |> Option.map _.Rent()

            try
                LoopRunner.Reverse(form, bound, back, Option.toObj total, inputs, outputs)
            finally
                Option.map2 (fun (body: BoundBody) bound -> body.Return bound) totals total |> ignore
                backward.Return back
                body.Return bound)
