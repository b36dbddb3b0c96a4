namespace rec FunctionalGrad

open System
open System.Collections.Generic
open System.Collections.Immutable
open System.Diagnostics.CodeAnalysis
open System.Runtime.InteropServices
open FunctionalGrad.Compile
open FunctionalGrad.Loops

/// What is known of a tensor before any of its elements.
[<Struct>]
type internal TensorType =
    { Shape: Shape
      DType: DType }

    static member Of(x: Tensor) : TensorType = { Shape = x.Shape; DType = x.DType }
    override this.ToString() = $"{this.DType.Name()} {this.Shape}"

/// Everything the system knows about one operation. Leaving a rule out does not compile.
[<NoComparison; ReferenceEquality>]
type internal Op =
    {
        Name: string
        Doc: string
        /// What the result is: for the compiler, for the reference evaluator, and to tell two ops of one name apart.
        Lower: Lowering
        /// Shape and dtype of the result, or a typed refusal.
        Type: Tensor[] -> TensorType
        /// inputs → output → tangents → the output's tangent; None where nothing moves
        Jvp: Tensor[] -> Tensor -> Tensor option[] -> Tensor option
        /// inputs → output → cotangent → which inputs ask → what reaches each input; None where nothing does
        Vjp: Tensor[] -> Tensor -> Tensor -> bool[] -> Tensor option[]
        /// Which inputs carry one more axis in front → inputs → the output, with one more axis in front.
        Batch: bool[] -> Tensor[] -> Tensor
        Domain: Domain
    }

/// What a tensor's value waits for.
[<Flags>]
type internal Dependence =
    | None = 0
    /// A derivative is being taken with respect to something upstream: the value is known, the history is kept.
    | Differentiated = 1
    /// Something upstream has no value yet, because a function is being traced.
    | Traced = 2

/// The time during which a transform runs the user's function.
[<Sealed; AllowNullLiteral>]
type internal Scope(transform: string) =
    let age = OpTable.nextAge ()
    member _.Transform = transform
    member val IsOpen = true with get, set

    /// The older of two that are open; null if none is. Scopes nest, so the older one closes later.
    static member Outer(a: Scope, b: Scope) : Scope =
        let isOpen (scope: Scope) = not (isNull scope) && scope.IsOpen

        match isOpen a, isOpen b with
        | true, true -> if a.Age <= b.Age then a else b
        | true, false -> a
        | false, true -> b
        | _ -> null

    member private _.Age: int64 = age

/// What reads parts of a tensor. C# wants an indexer to be a member of the type itself, but the ops behind it stand further down the
/// story, so the reader is found by its name, once.
[<AbstractClass>]
type internal Reader() =
    abstract Part: parts: AxisSlice[] * x: Tensor -> Tensor
    abstract At: index: Tensor * x: Tensor -> Tensor

    [<DynamicDependency(DynamicallyAccessedMemberTypes.All, "FunctionalGrad.SubscriptReader", "FunctionalGrad.Core")>]
    static member private Find() : Reader =
        Activator.CreateInstance(Type.GetType("FunctionalGrad.SubscriptReader, FunctionalGrad.Core", true)) :?> Reader

    static member Instance: Reader = OpTable.remember OpTable.Reader Reader.Find

/// An immutable expression: an operation, its operands, and the shape and dtype of the result, checked when it is made.
/// Its value is computed when it is looked at.
[<AllowNullLiteral; StructuredFormatDisplay("{Display}")>]
type Tensor
    internal (op: Op, inputs: Tensor[], shape: Shape, dtype: DType, number: int64, known: NDArray, dependence: Dependence, scope: Scope) =
    let mutable inputs = inputs
    let mutable value = known
    let mutable visited = false
    let mutable donated = false
    let made = OpTable.nextAge ()

    /// When this was made, among all nodes.
    member internal _.Made = made

    /// The operation that gives this tensor.
    member internal _.Op = op
    /// The sizes of the axes.
    member _.Shape = shape
    /// The type of the elements.
    member _.DType = dtype
    /// How many axes there are.
    member _.Rank = shape.Rank
    /// How many elements there are.
    member _.Count = shape.Count
    /// The operands; none for data, and none once the value has been computed.
    member internal this.Inputs = ImmutableCollectionsMarshal.AsImmutableArray this.Operands

    /// The operands as an array that nobody writes to; empty for data.
    member internal _.Operands =
        match System.Threading.Volatile.Read(&inputs) with
        | null -> [||]
        | operands -> operands

    /// The oldest transform that was running upstream when this was made.
    member internal _.Scope = scope

    /// Whether a transform upstream is still running, so that the value must not be taken yet.
    member internal _.IsPending = not (isNull scope) && scope.IsOpen

    /// What the value waits for now: once the transforms upstream are done, nothing is being differentiated any more.
    member internal this.Dependence = if this.IsPending then dependence else dependence &&& Dependence.Traced

    /// The bits of the one number that fills a splat.
    member internal _.Number = number
    /// The value if it has been computed, else null.
    member internal _.KnownValue = System.Threading.Volatile.Read(&value)

    /// Whether this is known elements and nothing else waits for it.
    member internal this.IsData = this.Dependence = Dependence.None && not (isNull this.KnownValue)

    /// Keeps the value; the history goes, unless a derivative may still want it.
    member internal this.Collapse(computed: NDArray) =
        System.Threading.Volatile.Write(&value, computed)

        if this.Dependence &&& Dependence.Differentiated = Dependence.None then System.Threading.Volatile.Write(&inputs, null)

    /// Whether it has been given away for others to write over.
    member internal _.IsDonated = System.Threading.Volatile.Read(&donated)

    /// Gives the tensor away: from now on nobody gets a value from it.
    member internal _.Donate() =
        System.Threading.Volatile.Write(&donated, true)
        System.Threading.Volatile.Write(&inputs, null)
        System.Threading.Volatile.Write(&value, null)

    /// Refuses a tensor that has been given away, in the name of a function.
    member internal this.RequireHeld(name: string) =
        if this.IsDonated then
            raise (
                DonationException
                    $"{name}: this {dtype.Name()} {shape} tensor was donated to a function: its memory was given away. Use the function's result, or do not donate the tensor."
            )

    /// The elements, for whoever reads them and does not hand them on.
    member internal this.Elements: NDArray =
        match this.KnownValue with
        | null ->
            this.RequireHeld "value"
            Evaluation.force [| this |]
            this.KnownValue
        | computed -> computed

    /// The elements. Computes them if nobody has asked before.
    /// <exception cref="T:FunctionalGrad.TracingException">The value is not known: the function is being traced.</exception>
    /// <exception cref="T:FunctionalGrad.DonationException">The tensor was donated to a function.</exception>
    member this.Value: NDArray = this.Elements.Share()

    /// A copy of the elements, row by row.
    /// <exception cref="T:FunctionalGrad.DTypeException">The elements are of another type.</exception>
    member this.ToArray<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType>() : 'T[] =
        this.Elements.ToArray<'T>()

    /// The one element, as a double.
    /// <exception cref="T:FunctionalGrad.ShapeException">There are several elements, or none.</exception>
    member this.ToDouble() : float =
        if this.Count <> 1 then
            raise (ShapeException $"toDouble: a tensor of shape {shape} is not one number. Sum it, or pick an element.")

        this.Elements.GetDouble 0

    /// The one element, as a 64-bit integer; a fraction is cut off.
    /// <exception cref="T:FunctionalGrad.ShapeException">There are several elements, or none.</exception>
    member this.ToInt64() : int64 =
        if this.Count <> 1 then
            raise (ShapeException $"toInt64: a tensor of shape {shape} is not one number. Sum it, or pick an element.")

        this.Elements.GetInt64 0

    member private this.Text(print: NDArray -> string) =
        if dependence &&& Dependence.Traced <> Dependence.None then $"tensor(traced, shape={shape}, dtype={dtype.Name()})"
        elif this.IsDonated then $"tensor(donated, shape={shape}, dtype={dtype.Name()})"
        else print this.Value

    /// The values, as Printing.Describe gives them; for one that is being traced, its shape and dtype.
    override this.ToString() = this.Text Printing.Describe

    /// What F# Interactive and %A show: an expression that gives the tensor again.
    member private this.Display = this.Text Printing.Expression

    /// Part of a tensor in C#'s notation, one item for each of the first axes: x[1..3, ..], x[^1], x[0, 1..]. The end of a range is
    /// excluded, and ranges beyond the ends are cut back; the axis of a single position vanishes.
    /// <exception cref="T:FunctionalGrad.ShapeException">There are more items than axes, or a step is 0.</exception>
    /// <exception cref="T:FunctionalGrad.IndexException">There is no such position.</exception>
    member this.Item
        with get ([<ParamArray>] parts: AxisSlice[]): Tensor = Reader.Instance.Part(parts, this)

    /// The parts at positions along the first axis (integers: take), or where a mask is true (bool: booleanMask).
    /// <exception cref="T:FunctionalGrad.IndexException">A position lies outside of the axis.</exception>
    /// <exception cref="T:FunctionalGrad.ShapeException">The mask's axes are not the first ones of the tensor.</exception>
    member this.Item
        with get (index: Tensor): Tensor = Reader.Instance.At(index, this)

    interface IExpression with
        member _.OpName = op.Name
        member _.Lowering = op.Lower
        member this.Operands = unbox<IExpression[]>(box this.Operands)
        member _.Shape = shape
        member _.DType = dtype
        member _.Number = number
        member this.KnownValue = this.KnownValue
        member this.IsDonated = this.IsDonated

        member _.Visited
            with get () = visited
            and set value = visited <- value

        member this.Siblings =
            match this.Operands with
            | [| :? Bundle as whole |] when op.Lower.IsItem -> unbox<IExpression[]>(box whole.Items)
            | _ -> [||]

        member this.Collapse value = this.Collapse value

        member this.WhyUnknown =
            match this with
            | :? Placeholder as placeholder -> placeholder.WhyUnknown
            | _ -> "it depends on something that has no value"

    static member (~-)(x: Tensor) = Elementwise.unary Opcode.Neg x
    static member (+)(x: Tensor, y: Tensor) = Elementwise.binary Opcode.Add x y
    static member (+)(x: Tensor, y: float) = Elementwise.withNumber Opcode.Add x y
    static member (+)(x: float, y: Tensor) = Elementwise.ofNumber Opcode.Add x y
    static member (+)(x: Tensor, y: float32) = Elementwise.withNumber Opcode.Add x (float y)
    static member (+)(x: float32, y: Tensor) = Elementwise.ofNumber Opcode.Add (float x) y
    static member (+)(x: Tensor, y: int) = Elementwise.withInteger Opcode.Add x (int64 y)
    static member (+)(x: int, y: Tensor) = Elementwise.ofInteger Opcode.Add (int64 x) y
    static member (+)(x: Tensor, y: int64) = Elementwise.withInteger Opcode.Add x y
    static member (+)(x: int64, y: Tensor) = Elementwise.ofInteger Opcode.Add x y
    static member (-)(x: Tensor, y: Tensor) = Elementwise.binary Opcode.Sub x y
    static member (-)(x: Tensor, y: float) = Elementwise.withNumber Opcode.Sub x y
    static member (-)(x: float, y: Tensor) = Elementwise.ofNumber Opcode.Sub x y
    static member (-)(x: Tensor, y: float32) = Elementwise.withNumber Opcode.Sub x (float y)
    static member (-)(x: float32, y: Tensor) = Elementwise.ofNumber Opcode.Sub (float x) y
    static member (-)(x: Tensor, y: int) = Elementwise.withInteger Opcode.Sub x (int64 y)
    static member (-)(x: int, y: Tensor) = Elementwise.ofInteger Opcode.Sub (int64 x) y
    static member (-)(x: Tensor, y: int64) = Elementwise.withInteger Opcode.Sub x y
    static member (-)(x: int64, y: Tensor) = Elementwise.ofInteger Opcode.Sub x y
    static member (*)(x: Tensor, y: Tensor) = Elementwise.binary Opcode.Mul x y
    static member (*)(x: Tensor, y: float) = Elementwise.withNumber Opcode.Mul x y
    static member (*)(x: float, y: Tensor) = Elementwise.ofNumber Opcode.Mul x y
    static member (*)(x: Tensor, y: float32) = Elementwise.withNumber Opcode.Mul x (float y)
    static member (*)(x: float32, y: Tensor) = Elementwise.ofNumber Opcode.Mul (float x) y
    static member (*)(x: Tensor, y: int) = Elementwise.withInteger Opcode.Mul x (int64 y)
    static member (*)(x: int, y: Tensor) = Elementwise.ofInteger Opcode.Mul (int64 x) y
    static member (*)(x: Tensor, y: int64) = Elementwise.withInteger Opcode.Mul x y
    static member (*)(x: int64, y: Tensor) = Elementwise.ofInteger Opcode.Mul x y
    static member (/)(x: Tensor, y: Tensor) = Elementwise.divide x y
    static member (/)(x: Tensor, y: float) = Elementwise.divide x (Elementwise.numberFor "div" x y)
    static member (/)(x: float, y: Tensor) = Elementwise.divide (Elementwise.numberFor "div" y x) y
    static member (/)(x: Tensor, y: float32) = Elementwise.divide x (Elementwise.numberFor "div" x (float y))
    static member (/)(x: float32, y: Tensor) = Elementwise.divide (Elementwise.numberFor "div" y (float x)) y
    static member (/)(x: Tensor, y: int) = Elementwise.divide x (Elementwise.integerFor "div" x (int64 y))
    static member (/)(x: int, y: Tensor) = Elementwise.divide (Elementwise.integerFor "div" y (int64 x)) y
    static member (/)(x: Tensor, y: int64) = Elementwise.divide x (Elementwise.integerFor "div" x y)
    static member (/)(x: int64, y: Tensor) = Elementwise.divide (Elementwise.integerFor "div" y x) y
    /// x − y·⌊x/y⌋, with the sign of y, as Python's %. (Of numbers, F# and C# give % the sign of x.)
    static member (%)(x: Tensor, y: Tensor) = Elementwise.binary Opcode.Remainder x y
    static member (%)(x: Tensor, y: float) = Elementwise.withNumber Opcode.Remainder x y
    static member (%)(x: float, y: Tensor) = Elementwise.ofNumber Opcode.Remainder x y
    static member (%)(x: Tensor, y: float32) = Elementwise.withNumber Opcode.Remainder x (float y)
    static member (%)(x: float32, y: Tensor) = Elementwise.ofNumber Opcode.Remainder (float x) y
    static member (%)(x: Tensor, y: int) = Elementwise.withInteger Opcode.Remainder x (int64 y)
    static member (%)(x: int, y: Tensor) = Elementwise.ofInteger Opcode.Remainder (int64 x) y
    static member (%)(x: Tensor, y: int64) = Elementwise.withInteger Opcode.Remainder x y
    static member (%)(x: int64, y: Tensor) = Elementwise.ofInteger Opcode.Remainder x y
    /// The zero that sums begin with: it takes the shape and dtype of whatever is added to it.
    static member Zero = Tensor.Splat(Shape.Scalar, DType.Int64, 0.0)

    /// What F#'s average divides by.
    static member DivideByInt(x: Tensor, count: int) = Elementwise.divide x (Elementwise.integerFor "div" x count)

    /// x to the power y; F#'s ** operator.
    static member Pow(x: Tensor, y: Tensor) = Elementwise.power x y
    static member Pow(x: Tensor, y: float) = Elementwise.power x (Elementwise.numberFor "pow" x y)
    static member Pow(x: Tensor, y: int) = Elementwise.power x (Elementwise.integerFor "pow" x (int64 y))
    static member Pow(x: float, y: Tensor) = Elementwise.power (Elementwise.numberFor "pow" y x) y

    // What FSharp.Core's functions of these names call.
    static member Abs(x: Tensor) = Elementwise.unary Opcode.Abs x
    static member Sqrt(x: Tensor) = Elementwise.unary Opcode.Sqrt x
    static member Exp(x: Tensor) = Elementwise.unary Opcode.Exp x
    static member Log(x: Tensor) = Elementwise.unary Opcode.Log x
    static member Sin(x: Tensor) = Elementwise.unary Opcode.Sin x
    static member Cos(x: Tensor) = Elementwise.unary Opcode.Cos x
    static member Tan(x: Tensor) = Elementwise.unary Opcode.Tan x
    static member Tanh(x: Tensor) = Elementwise.unary Opcode.Tanh x
    static member Floor(x: Tensor) = Elementwise.unary Opcode.Floor x
    static member Ceiling(x: Tensor) = Elementwise.unary Opcode.Ceil x
    static member Round(x: Tensor) = Elementwise.unary Opcode.Round x
    static member Truncate(x: Tensor) = Elementwise.unary Opcode.Trunc x
    static member Atan2(y: Tensor, x: Tensor) = Elementwise.binary Opcode.Atan2 y x
    static member Asin(x: Tensor) = Elementwise.unary Opcode.Asin x
    static member Acos(x: Tensor) = Elementwise.unary Opcode.Acos x
    static member Atan(x: Tensor) = Elementwise.unary Opcode.Atan x
    static member Log10(x: Tensor) = Elementwise.unary Opcode.Log10 x
    static member Sinh(x: Tensor) = Curves.sinh x
    static member Cosh(x: Tensor) = Curves.cosh x

    static member op_Explicit(x: Tensor) : float = x.ToDouble()
    static member op_Explicit(x: Tensor) : float32 = float32 (x.ToDouble())

    static member op_Explicit(x: Tensor) : int =
        let value = x.ToInt64()

        if value < int64 Int32.MinValue || value > int64 Int32.MaxValue then
            raise (DTypeException $"int: {value} does not fit an int. Use int64.")

        int value

    static member op_Explicit(x: Tensor) : int64 = x.ToInt64()

    static member op_Explicit(x: Tensor) : bool = x.ToDouble() <> 0.0

    /// One number in every element; nothing is stored.
    static member internal Splat(shape: Shape, dtype: DType, value: float) =
        Typing.requireValue "full" dtype value
        Tensor.SplatBits(shape, dtype, (if dtype.IsFloat() then BitConverter.DoubleToInt64Bits value else int64 value))

    /// One number, by its bits, in every element.
    static member internal SplatBits(shape, dtype: DType, bits: int64) =
        Tensor(Data.splat dtype bits, null, shape, dtype, bits, null, Dependence.None, null)

    /// A tensor of known elements.
    static member internal OfArray(array: NDArray) = Tensor(Data.leaf (), null, array.Shape, array.DType, 0L, array, Dependence.None, null)

/// The same tensor under an identity of its own, for as long as a transform looks at it: what a function captures stays constant.
[<Sealed>]
type internal Variable(scope: Scope, source: Tensor) =
    inherit
        Tensor(
            Data.alias (),
            [| source |],
            source.Shape,
            source.DType,
            0L,
            (match source.KnownValue with
             | null -> null
             | known -> known.Share()),
            Dependence.Differentiated ||| source.Dependence,
            Scope.Outer(scope, source.Scope)
        )

/// Stands for an argument while a function is traced: it has shape and dtype, and no value.
[<Sealed>]
type internal Placeholder(scope: Scope, shape: Shape, dtype: DType) =
    inherit Tensor(Data.leaf (), null, shape, dtype, 0L, null, Dependence.Traced, scope)

    member _.WhyUnknown =
        let transform = scope.Transform

        if scope.IsOpen then
            $"{transform} traces the function without values. Choose with where or cond, repeat with whileLoop, or move the decision outside of {transform}"
        else
            $"it escaped from {transform}, which has returned. Return it from the function that {transform} takes instead"

/// Several results of one op, which its items name. Nobody looks at it but its items. Among tangents and cotangents some parts may lack.
[<Sealed>]
type internal Bundle private (op, inputs, types: TensorType[], dependence, scope) =
    inherit
        Tensor(
            op,
            inputs,
            Shape.Scalar,
            // Whether a derivative goes through is asked of the dtype.
            (if types |> Array.exists (fun part -> part.DType.IsFloat()) then DType.Float64 else DType.Bool),
            0L,
            null,
            dependence,
            scope
        )

    /// Shape and dtype of each result.
    member _.Types = types
    /// The results, each a tensor.
    member val Items: Tensor[] = [||] with get, set
    /// The results that are there.
    member val Parts: Tensor option[] = [||] with get, set

    /// The results of an op.
    static member Of(op: Op, inputs: Tensor[], types: TensorType[], dependence: Dependence, scope: Scope) : Bundle =
        let bundle = Bundle(op, inputs, types, dependence, scope)
        let item i (part: TensorType) = Tensor(Data.item i, [| bundle |], part.Shape, part.DType, 0L, null, dependence, scope)
        bundle.Items <- Array.mapi item types
        bundle.Parts <- Array.map Some bundle.Items
        bundle

    /// Tangents or cotangents of such results.
    static member OfParts(parts: Tensor option[]) : Bundle = Bundle(Data.group (), [||], [||], Dependence.None, null, Parts = parts)

/// Making nodes, and the rules that families of ops share.
module internal Op =
    /// The node that applies an op; shapes and dtypes are checked here and now.
    let apply (op: Op) (inputs: Tensor[]) : Tensor =
        for input in inputs do
            (Typing.given op.Name input).RequireHeld op.Name

        let result = op.Type inputs
        let struct (dependence, scope) = upstream inputs
        Tensor(op, inputs, result.Shape, result.DType, 0L, null, dependence, scope)

    /// What an op on these inputs waits for.
    let private upstream (inputs: Tensor[]) : struct (Dependence * Scope) =
        let mutable dependence = Dependence.None
        let mutable scope: Scope = null

        for input in inputs do
            dependence <- dependence ||| input.Dependence
            scope <- Scope.Outer(scope, input.Scope)

        struct (dependence, scope)

    /// The node of an op that gives several results.
    let applyMany (op: Op) (types: TensorType[]) (inputs: Tensor[]) : Bundle =
        let struct (dependence, scope) = upstream inputs
        Bundle.Of(op, inputs, types, dependence, scope)

    /// The op of a node on other inputs, of the same shapes and dtypes.
    let again (node: Tensor) (inputs: Tensor[]) : Tensor =
        match node, node.Op.Lower with
        | (:? Bundle as whole), _ -> applyMany whole.Op whole.Types inputs
        | _, Item i -> (inputs[0] :?> Bundle).Items[i]
        | _ -> apply node.Op inputs

    /// The sum of what arrives at one node.
    let add (x: Tensor) (y: Tensor) : Tensor =
        match x, y with
        | (:? Bundle as x), (:? Bundle as y) -> Bundle.OfParts(Array.map2 (fun a b -> total [ a; b ]) x.Parts y.Parts)
        | _ -> x + y

    let typed shape dtype : TensorType = { Shape = shape; DType = dtype }

    /// A result that does not move when its inputs do: comparisons, positions, rounded numbers.
    let still: Tensor[] -> Tensor -> Tensor option[] -> Tensor option = fun _ _ _ -> None

    /// The reverse of `still`.
    let silent: Tensor[] -> Tensor -> Tensor -> bool[] -> Tensor option[] = fun inputs _ _ _ -> Array.create inputs.Length None

    /// Adds up what moves; None if nothing does.
    let total (parts: Tensor option seq) : Tensor option =
        let add (sum: Tensor option) (part: Tensor option) =
            match sum, part with
            | Some x, Some y -> Some(Op.add x y)
            | None, part -> part
            | sum, None -> sum

        Seq.fold add None parts

    /// Runs the same op on inputs that all carry the new axis.
    let batchAll (op: Tensor[] -> Tensor) (mapped: bool[]) (inputs: Tensor[]) =
        let size = Array.zip mapped inputs |> Array.pick (fun (isMapped, x) -> if isMapped then Some(x.Shape.[0]) else None)

        let stretch isMapped (x: Tensor) = if isMapped then x else Views.broadcastTo (Typing.inFront size x.Shape) x

        op (Array.map2 stretch mapped inputs)

    /// A linear op of one operand: the transpose is the only news. `again` makes the op with one more axis in front.
    let linear name doc lower (shape: Tensor -> Shape) (transpose: Tensor -> Tensor -> Tensor) (again: Tensor -> Tensor -> Tensor) : Op =
        { Name = name
          Doc = doc
          Domain = Anywhere
          Lower = lower
          Type = fun inputs -> typed (shape inputs[0]) inputs[0].DType
          Jvp = fun _ output tangents -> tangents[0] |> Option.map (fun t -> apply output.Op [| t |])
          Vjp = fun inputs _ g _ -> [| Some(transpose inputs[0] g) |]
          Batch =
            fun _ inputs ->
                let x = inputs[0]
                let one = Tensor.Splat(Shape(Seq.skip 1 x.Shape.Sizes), x.DType, 0.0)
                again one x }

/// Ops without operands, and the identity.
module internal Data =
    let private source name doc lower : Op =
        { Name = name
          Doc = doc
          Domain = Anywhere
          Lower = lower
          Type = fun _ -> invalidOp $"{name} has no operands to take a type from."
          Jvp = Op.still
          Vjp = Op.silent
          Batch = fun _ _ -> invalidOp $"{name} has no operands to map over." }

    let leaf () = OpTable.remember OpTable.Leaf (fun () -> source "data" "known elements" Leaf)

    /// Zero and one are part of the structure, because laws speak of them; other numbers are not.
    let splat (dtype: DType) (bits: int64) =
        let one = Nodes.one dtype

        if bits = 0L then
            OpTable.remember OpTable.Zero (fun () -> source "full" "one number in every element" (Splat(ValueSome 0L)))
        elif bits = one && dtype.IsFloat() then
            OpTable.remember OpTable.OneFloat (fun () -> source "full" "one number in every element" (Splat(ValueSome one)))
        elif bits = one then
            OpTable.remember OpTable.OneInteger (fun () -> source "full" "one number in every element" (Splat(ValueSome one)))
        else
            OpTable.remember OpTable.Splat (fun () -> source "full" "one number in every element" (Splat ValueNone))

    let private identity name doc jvp vjp (again: Tensor -> Tensor) : Op =
        { Name = name
          Doc = doc
          Domain = Anywhere
          Lower = Same
          Type = fun inputs -> Op.typed inputs[0].Shape inputs[0].DType
          Jvp = jvp
          Vjp = vjp
          Batch = fun _ inputs -> again inputs[0] }

    let alias () =
        OpTable.remember OpTable.Alias (fun () ->
            identity "alias" "the same tensor under another identity" (fun _ _ tangents -> tangents[0]) (fun _ _ g _ -> [| Some g |]) id)

    let detach () =
        OpTable.remember OpTable.Detach (fun () ->
            // Mapped over examples it must still stop a derivative that is taken outside of the map.
            identity "stopGradient" "the same values, constant to every derivative" Op.still Op.silent (fun x ->
                Op.apply (detach ()) [| x |]))

    /// The op behind a bundle that no op gives: of tangents, of cotangents, of results that a user's rule ties together.
    let group () = OpTable.remember OpTable.Group (fun () -> source "group" "several results as one node" Lowering.Group)

    /// One result of several.
    let item (place: int) : Op =
        let only (bundle: Tensor) (g: Tensor) =
            let parts = (bundle :?> Bundle).Items |> Array.mapi (fun i _ -> if i = place then Some g else None)
            Bundle.OfParts parts :> Tensor

        { Name = "item"
          Doc = "one of several results"
          Domain = Anywhere
          Lower = Item place
          Type = fun inputs -> (inputs[0] :?> Bundle).Types[place]
          Jvp = fun _ _ tangents -> tangents[0] |> Option.bind (fun t -> (t :?> Bundle).Parts[place])
          Vjp = fun inputs _ g _ -> [| Some(only inputs[0] g) |]
          Batch = fun _ inputs -> (inputs[0] :?> Bundle).Parts[place].Value }

    /// 0, 1, …, n − 1 as int64.
    let iota (size: int) =
        let op = { source "iota" "0, 1, 2, …" Iota with Type = fun _ -> Op.typed (Shape.Of size) DType.Int64 }

        Op.apply op [||]

/// The elementwise ops over tensors of any shapes and dtypes.
module internal Elementwise =
    /// A rule at operands, result and tangent.
    let rec private image (inputs: Tensor[]) (output: Tensor) (tangent: Tensor) (rule: Rule) : Tensor =
        match rule with
        | Operand i -> inputs[i]
        | Result -> output
        | Tangent -> tangent
        | Number value -> Tensor.Splat(tangent.Shape, tangent.DType, value)
        | Apply(code, operands) -> operands |> Seq.map (image inputs output tangent) |> Array.ofSeq |> Op.apply (op code)

    let private declare (code: Opcode) : Op =
        let rules = Rules.declare code
        let slopes = Array.ofList rules.Slopes

        let moved inputs output i tangent = if i < slopes.Length then slopes[i] |> Option.map (image inputs output tangent) else None

        let resultType (inputs: Tensor[]) =
            match rules.Type with
            | AsTruth -> DType.Bool
            | AsOperands -> inputs[inputs.Length - 1].DType
            | AsFloats ->
                Typing.requireFloat rules.Name inputs[0].DType
                inputs[0].DType

        { Name = rules.Name
          Doc = rules.Doc
          Domain = rules.Domain
          Lower = Pointwise code
          Type = fun inputs -> Op.typed inputs[0].Shape (resultType inputs)
          Jvp = fun inputs y tangents -> tangents |> Seq.mapi (fun i t -> Option.bind (moved inputs y i) t) |> Op.total
          Vjp = fun inputs y g needed -> needed |> Array.mapi (fun i isNeeded -> if isNeeded then moved inputs y i g else None)
          Batch = Op.batchAll (fun inputs -> Op.apply (op code) inputs) }

    /// The op that an instruction computes.
    let op (code: Opcode) : Op = OpTable.remember (int code) (fun () -> declare code)

    /// The derivative of ln Γ of an order, plus 1, that is the same everywhere.
    let polygamma (order: float) (x: Tensor) =
        let x = toFloat x
        binary Opcode.Polygamma (Tensor.Splat(x.Shape, x.DType, order)) x

    let castTo (dtype: DType) (x: Tensor) : Tensor =
        if (Typing.given "cast" x).DType = dtype then
            x
        else
            let back (inputs: Tensor[]) _ t = if inputs[0].DType.IsFloat() && dtype.IsFloat() then Some(castTo inputs[0].DType t) else None

            let forward _ _ (tangents: Tensor option[]) =
                if x.DType.IsFloat() && dtype.IsFloat() then Option.map (castTo dtype) tangents[0] else None

            let cast =
                { op Opcode.Cast with
                    Type = fun inputs -> Op.typed inputs[0].Shape dtype
                    Jvp = forward
                    Vjp = fun inputs y g _ -> [| back inputs y g |]
                    Batch = fun _ inputs -> castTo dtype inputs[0] }

            Op.apply cast [| x |]

    /// Integers become float32 for functions that only floats have.
    let toFloat (x: Tensor) : Tensor = if x.DType.IsFloat() then x else castTo DType.Float32 x

    let unary (code: Opcode) (x: Tensor) : Tensor =
        let x = Typing.given (op code).Name x

        match code with
        | Opcode.Not -> Op.apply (op code) [| castTo DType.Bool x |]
        | Opcode.Floor
        | Opcode.Ceil
        | Opcode.Round
        | Opcode.Trunc when x.DType.IsInteger() -> x
        | Opcode.Neg
        | Opcode.Abs
        | Opcode.Sign when x.DType.IsInteger() -> Op.apply (op code) [| x |]
        | Opcode.Neg
        | Opcode.Abs
        | Opcode.Sign when x.DType = DType.Bool ->
            raise (DTypeException $"{(op code).Name}: bool has no sign. Convert with cast, or use logicalNot.")
        | _ -> Op.apply (op code) [| toFloat x |]

    /// Operands under one dtype and one shape.
    let private meet name (x: Tensor) (y: Tensor) : struct (Tensor * Tensor) =
        if x.DType = y.DType && x.Shape.Equals y.Shape then
            struct (x, y)
        else
            let dtype = Typing.common x.DType x.Rank y.DType y.Rank
            let shape = Typing.broadcastShapes name x.Shape y.Shape
            struct (Views.broadcastTo shape (castTo dtype x), Views.broadcastTo shape (castTo dtype y))

    /// On truth values, + and max are "or", · and min are "and".
    let private onTruth name code =
        match code with
        | Opcode.Add
        | Opcode.Max -> Opcode.Or
        | Opcode.Mul
        | Opcode.Min -> Opcode.And
        | Opcode.Sub -> raise (DTypeException $"{name}: bool has no difference. Use logicalXor, or convert with cast.")
        | Opcode.Pow
        | Opcode.Remainder -> raise (DTypeException $"{name}: takes numbers, not bool. Convert with cast.")
        | other -> other

    let binary (code: Opcode) (x: Tensor) (y: Tensor) : Tensor =
        let name = (op code).Name
        let struct (x, y) = meet name (Typing.given name x) (Typing.given name y)

        match code with
        | Opcode.Atan2
        | Opcode.Hypot -> Op.apply (op code) [| toFloat x; toFloat y |]
        | Opcode.And
        | Opcode.Or
        | Opcode.Xor when x.DType.IsFloat() ->
            raise (DTypeException $"{name}: takes bool or integers, not {x.DType.Name()}. Compare first, or convert with cast.")
        | _ when x.DType = DType.Bool -> Op.apply (op (onTruth name code)) [| x; y |]
        | _ -> Op.apply (op code) [| x; y |]

    let select (condition: Tensor) (x: Tensor) (y: Tensor) : Tensor =
        for operand in [| condition; x; y |] do
            Typing.given "where" operand |> ignore

        if condition.DType <> DType.Bool then
            raise (DTypeException $"where: the condition is {condition.DType.Name()}, not bool. Compare it with something.")

        let struct (x, y) = meet "where" x y
        let shape = Typing.broadcastShapes "where" condition.Shape x.Shape
        Op.apply (op Opcode.Select) [| Views.broadcastTo shape condition; Views.broadcastTo shape x; Views.broadcastTo shape y |]

    /// A number takes the tensor's shape and dtype; a fraction makes an integer tensor's result float32.
    let numberFor (name: string) (x: Tensor) (value: float) =
        let dtype = if (Typing.given name x).DType.IsFloat() then x.DType else DType.Float32
        Tensor.Splat(x.Shape, dtype, value)

    /// A whole number takes the tensor's shape and dtype, if that holds it; else int64.
    let integerFor (name: string) (x: Tensor) (value: int64) =
        let fits =
            match (Typing.given name x).DType with
            | DType.Bool -> false
            | DType.Int32 -> value = int64 (int value)
            | _ -> true

        let dtype = if fits then x.DType else DType.Int64

        if dtype.IsFloat() then Tensor.Splat(x.Shape, dtype, float value) else Tensor.SplatBits(x.Shape, dtype, value)

    // For callers in C#, whose operands have been looked at.
    let numberLike x value = numberFor "number" x value
    let integerLike x value = integerFor "number" x value

    let withNumber code x value = binary code x (numberFor (op code).Name x value)
    let ofNumber code value x = binary code (numberFor (op code).Name x value) x
    let withInteger code x value = binary code x (integerFor (op code).Name x value)
    let ofInteger code value x = binary code (integerFor (op code).Name x value) x

    /// True division: integers become float32 first, as in PyTorch.
    let divide (x: Tensor) (y: Tensor) =
        let bothWhole = not ((Typing.given "div" x).DType.IsFloat() || (Typing.given "div" y).DType.IsFloat())
        if bothWhole then binary Opcode.Div (toFloat x) (toFloat y) else binary Opcode.Div x y

    /// Whether a value that is known already has an element below 0.
    let private isNegativeSomewhere (x: Tensor) =
        if x.Op.Lower.IsSplat then
            x.Number < 0L
        else
            let known = x.KnownValue
            not (isNull known) && Seq.exists (fun i -> known.GetInt64 i < 0L) (seq { 0 .. known.Count - 1 })

    let power (x: Tensor) (y: Tensor) =
        let bothWhole = not ((Typing.given "pow" x).DType.IsFloat() || (Typing.given "pow" y).DType.IsFloat())

        if bothWhole && y.DType.IsInteger() && isNegativeSomewhere y then
            raise (DTypeException "pow: integers have no negative powers among the integers. Convert one operand to a float with cast.")

        binary Opcode.Pow x y

/// Composed functions whose derivative is known better than from how their value is computed.
module internal Curves =
    /// The value, with the slope in x that is given. Both are elementwise, so that they serve any shape.
    let rec private attach name doc (slope: Tensor -> Tensor) (value: Tensor) (x: Tensor) : Tensor =
        let op: Op =
            { Name = name
              Doc = doc
              Domain = Anywhere
              Lower = Same
              Type = fun inputs -> Op.typed inputs[0].Shape inputs[0].DType
              Jvp = fun inputs _ tangents -> tangents[1] |> Option.map (fun t -> t * slope inputs[1])
              Vjp = fun inputs _ g needed -> [| None; (if needed[1] then Some(g * slope inputs[1]) else None) |]
              Batch = fun mapped inputs -> inputs |> Op.batchAll (fun inputs -> attach name doc slope inputs[0] inputs[1]) mapped }

        Op.apply op [| value; x |]

    /// f(x) with the derivative slope(x). What f does along the way has no derivative.
    let withSlope name doc (slope: Tensor -> Tensor) (f: Tensor -> Tensor) (x: Tensor) : Tensor =
        let x = Elementwise.toFloat (Typing.given name x)
        attach name doc slope (f (Op.apply (Data.detach ()) [| x |])) x

    let private number (x: Tensor) (value: float) = Tensor.Splat(x.Shape, x.DType, value)

    /// (eˣ − e⁻ˣ)/2: by expm1 near 0, and by the square of e^(x/2) where eˣ may overflow before it is halved.
    let private sinhValue (x: Tensor) =
        let size = abs x
        let small = Elementwise.unary Opcode.Expm1 size
        let root = exp (size * 0.5)
        let isNear = Elementwise.binary Opcode.Less size (number x 20.0)
        Elementwise.unary Opcode.Sign x * Elementwise.select isNear ((small + small / (small + 1.0)) * 0.5) (root * 0.5 * root)

    let private coshValue (x: Tensor) =
        let root = exp (abs x * 0.5)
        root * 0.5 * root + 0.5 / root / root

    let sinh (x: Tensor) : Tensor = withSlope "sinh" "hyperbolic sine" cosh sinhValue x
    let cosh (x: Tensor) : Tensor = withSlope "cosh" "hyperbolic cosine" sinh coshValue x

/// The index maps and the sum that broadcasting needs.
module internal Views =
    /// The same elements under another shape.
    let reshape (shape: Shape) (x: Tensor) : Tensor =
        if shape.Equals x.Shape then
            x
        elif x.IsData && shape.Count = x.Count then
            Tensor.OfArray(x.KnownValue.WithShape shape)
        else
            let op =
                Op.linear
                    "reshape"
                    "the same elements, row by row, under another shape"
                    (View Reshape)
                    (fun x ->
                        if x.Count <> shape.Count then
                            raise (ShapeException $"reshape: {x.Shape} has {x.Count} elements, {shape} has {shape.Count}.")

                        shape)
                    (fun x g -> reshape x.Shape g)
                    (fun _ x -> reshape (Typing.inFront x.Shape.[0] shape) x)

            Op.apply op [| x |]

    /// Repeats along axes of size 1 and along new axes in front.
    let broadcastTo (shape: Shape) (x: Tensor) : Tensor =
        if shape.Equals x.Shape then
            x
        elif x.Op.Lower.IsSplat then
            Typing.requireStretch "broadcastTo" x.Shape shape
            Tensor.SplatBits(shape, x.DType, x.Number)
        else
            let batched (one: Tensor) (x: Tensor) =
                let ones = Seq.replicate (shape.Rank - one.Rank) 1
                let aligned = Seq.concat [ seq { x.Shape.[0] }; ones; one.Shape.Sizes ]
                reshape (Shape aligned) x |> broadcastTo (Typing.inFront x.Shape.[0] shape)

            let op =
                Op.linear
                    "broadcastTo"
                    "repeats along axes of size 1 and along new axes in front"
                    (View Broadcast)
                    (fun x ->
                        Typing.requireStretch "broadcastTo" x.Shape shape
                        shape)
                    (fun x g -> sumTo x.Shape g)
                    batched

            Op.apply op [| x |]

    /// Adds up along axes (distinct, not negative), which vanish.
    let sum (axes: int[]) (x: Tensor) : Tensor =
        if axes.Length = 0 then
            x
        else
            let axes = Array.sort axes

            let op =
                Op.linear
                    "sum"
                    "adds up the elements along axes"
                    (Reduce(Fold.Sum, axes))
                    (fun x -> Typing.without axes x.Shape)
                    (fun x g -> unsum axes x.Shape g)
                    (fun _ x -> sum (Array.map ((+) 1) axes) x)

            Op.apply op [| x |]

    /// Repeats along axes that had vanished, back to the shape: the transpose of sum.
    let unsum (axes: int[]) (shape: Shape) (g: Tensor) = g |> reshape (Typing.shrunk axes shape) |> broadcastTo shape

    /// Sums what broadcasting has repeated: the transpose of broadcastTo.
    let sumTo (shape: Shape) (g: Tensor) : Tensor =
        let added = g.Rank - shape.Rank

        let stretched axis = axis < added || (shape.[axis - added] = 1 && g.Shape.[axis] <> 1)

        g |> sum (Array.filter stretched [| 0 .. g.Rank - 1 |]) |> reshape shape
