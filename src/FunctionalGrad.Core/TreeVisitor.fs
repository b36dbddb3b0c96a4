namespace FunctionalGrad

open System
open System.Collections.Generic

/// One step down into a structure: a field by its name, or an element by its position or key.
[<Struct; NoComparison; NoEquality>]
type private Step =
    | Field of name: string
    | Position of position: int
    | Entry of key: obj

/// What a walk of a structure shows itself to, in order. It knows where it is, and spells that out only when asked.
[<AbstractClass; AllowNullLiteral>]
type internal TreeVisitor() =
    let steps = List<Step>()

    /// A tensor.
    abstract Leaf: Tensor -> unit
    /// What is no tensor: a number, a text, a function, a type, a key of a map.
    abstract Setting: obj -> unit
    default _.Setting _ = ()
    /// How a part is built: its case, how many elements there are, whether it is there.
    abstract Form: int -> unit
    default _.Form _ = ()

    member _.Enter(name: string) = steps.Add(Field name)
    member _.EnterAt(position: int) = steps.Add(Position position)
    member _.EnterKey(key: obj) = steps.Add(Entry key)
    member _.Leave() = steps.RemoveAt(steps.Count - 1)
    member internal _.Restart() = steps.Clear()

    /// How many steps down the walk is.
    member _.Depth = steps.Count

    /// The way from the top to here, as `.Layers[2].Weights`.
    member _.Path =
        let text = Text.StringBuilder()

        for step in steps do
            match step with
            | Field name -> text.Append name
            | Position i -> text.Append('[').Append(i).Append(']')
            | Entry key -> text.Append('[').Append(key).Append(']')
            |> ignore

        text.ToString()

/// A structure without the values of its tensors, as a key: two are equal when their tensors have the same shapes and dtypes and all
/// else is equal. It is for structures of one declared type.
[<Sealed; AllowNullLiteral>]
type internal TreeKey(things: obj[], forms: int[]) =
    let code =
        let mutable code = HashCode()

        for thing in things do
            code.Add thing

        for form in forms do
            code.Add form

        code.ToHashCode()

    /// The key of a single tensor.
    static member Of(x: Tensor) = TreeKey([| x.Shape |], [| int x.DType |])

    /// Whether it is the key of a single tensor such as this.
    member _.IsOf(x: Tensor) : bool = forms.Length = 1 && things.Length = 1 && forms[0] = int x.DType && x.Shape.Equals(things[0])

    member _.Things = things
    member _.Forms = forms
    override _.GetHashCode() = code

    override this.Equals other =
        match other with
        | :? TreeKey as that ->
            Object.ReferenceEquals(this, that)
            || (code = that.GetHashCode()
                && MemoryExtensions.SequenceEqual(ReadOnlySpan forms, ReadOnlySpan that.Forms)
                && things.Length = that.Things.Length
                && Array.forall2 (fun (a: obj) b -> Object.Equals(a, b)) things that.Things)
        | _ -> false

/// Takes the key of a structure, and its tensors on the way.
[<Sealed; AllowNullLiteral>]
type internal KeyVisitor() =
    inherit TreeVisitor()
    let leaves = List<Tensor>()
    let things = List<obj>()
    let forms = List<int>()

    [<ThreadStatic; DefaultValue>]
    static val mutable private idle: KeyVisitor

    /// One that nobody else uses until it is given back.
    static member Rent() : KeyVisitor =
        match KeyVisitor.idle with
        | null -> KeyVisitor()
        | visitor ->
            KeyVisitor.idle <- null
            visitor

    /// Forgets what it has seen, and waits for the next walk of the thread.
    member this.Return() =
        leaves.Clear()
        things.Clear()
        forms.Clear()
        this.Restart()
        KeyVisitor.idle <- this

    member _.Leaves = leaves.ToArray()
    member _.Key = TreeKey(things.ToArray(), forms.ToArray())

    /// Whether the key would be this one.
    member _.IsOf(key: TreeKey) : bool =
        forms.Count = key.Forms.Length
        && things.Count = key.Things.Length
        && MemoryExtensions.SequenceEqual(Runtime.InteropServices.CollectionsMarshal.AsSpan forms, ReadOnlySpan key.Forms)
        && (let mutable i = 0

            while i < things.Count && (Object.ReferenceEquals(things[i], key.Things[i]) || Object.Equals(things[i], key.Things[i])) do
                i <- i + 1

            i = things.Count)

    override _.Leaf x =
        leaves.Add x
        things.Add x.Shape
        forms.Add(int x.DType)

    override _.Form number = forms.Add number

    override _.Setting value =
        things.Add(
            match value with
            // A function may tell 0 from −0, which are equal.
            | :? float as x -> box (BitConverter.DoubleToInt64Bits x)
            | :? float32 as x -> box (BitConverter.SingleToInt32Bits x)
            | other -> other
        )
