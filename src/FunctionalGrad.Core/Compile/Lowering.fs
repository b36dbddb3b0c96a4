namespace FunctionalGrad.Compile

open FunctionalGrad
open FunctionalGrad.Loops

/// An index map: how a result re-reads its operand without computing anything. The result's shape stands at the node.
type internal View =
    /// Result axis i is operand axis axes[i].
    | Permute of axes: int[]
    /// Sizes of 1 stretch and new axes appear in front, as in NumPy.
    | Broadcast
    /// The same elements in row-major order under another shape.
    | Reshape
    /// Result index i reads operand index start + i·step, axis by axis; steps may be negative.
    | Slice of starts: int[] * steps: int[]
    /// The axis becomes one of positions, and a window is appended as the last axis: element [.., p, .., k] is the operand's
    /// [.., p·stride + k·dilation, ..].
    | Window of axis: int * stride: int * dilation: int

/// A function of whole arrays, told apart from others by its key.
[<CustomEquality; NoComparison>]
type internal Library =
    {
        Key: string * obj
        /// What it gives, if that is several arrays, which Item nodes then name; empty if it is the array of its node.
        Results: struct (Shape * DType)[]
        /// The function, by its key, whose results are the first of this one's.
        Includes: (string * obj) voption
        Function: LibraryFunction
    }

    /// A function that gives one array.
    static member Of(name: string, key: obj, f: LibraryFunction) : Library = Library.Giving([||], name, key, f)

    /// A function that gives several arrays.
    static member Giving(results, name: string, key: obj, f: LibraryFunction) =
        { Key = name, key; Results = results; Includes = ValueNone; Function = f }

    override this.Equals other =
        match other with
        | :? Library as that -> this.Key = that.Key
        | _ -> false

    override this.GetHashCode() = hash this.Key

/// What an op means to the compiler and to the reference evaluator. Nothing else of an op is known to them.
[<CustomEquality; NoComparison>]
type internal Lowering =
    /// A known array: an input of the program.
    | Leaf
    /// One number in every element. Numbers are inputs of the program too, so that another learning rate is the same
    /// program; the few that rewriting can use (0 and 1) are part of the structure, with their bits.
    | Splat of special: int64 voption
    /// The operand itself.
    | Same
    /// One instruction on every element; operands have the result's shape.
    | Pointwise of Opcode
    /// 0, 1, 2, … along the only axis.
    | Iota
    | View of View
    /// Folds over axes (ascending), which vanish from the shape.
    | Reduce of Fold * axes: int[]
    /// The sum of products over all labels that are not in the result. Each label of an operand is in the other operand
    /// or in the result, and none repeats.
    | Contract of left: int[] * right: int[] * result: int[]
    /// Operands x and index, same shape but for the axis: result[…, j, …] = x[…, index[…, j, …], …].
    | Gather of axis: int * asker: string
    /// Operands x, index, source: x with source[…, j, …] added at […, index[…, j, …], …], in order.
    | ScatterAdd of axis: int * asker: string
    /// Zeros, with the operand written at start + i·step: the transpose of Slice.
    | Embed of starts: int[] * steps: int[]
    /// Zeros, with element [.., p, .., k] of the operand added at p·stride + k·dilation of the axis: the transpose of Window.
    /// Of a derivative (isTranspose) zeros may meet what was multiplied to give the operand, so that an infinity there gives NaN.
    | OverlapAdd of axis: int * stride: int * dilation: int * isTranspose: bool
    /// The operands one after the other along an axis.
    | Concat of axis: int
    | Call of Library
    /// The operands as one node of several results.
    | Group
    /// One result of a node that has several.
    | Item of int

    override this.Equals other =
        match other with
        | :? Lowering as that -> Lowering.Alike(this, that)
        | _ -> false

    override this.GetHashCode() =
        match this with
        | Leaf -> 1
        | Splat ValueNone -> 2
        | Splat(ValueSome bits) -> 3 + int bits
        | Same -> 5
        | Pointwise code -> 100 + int code
        | Iota -> 7
        | View(Permute axes) -> 11 + Lowering.Mix axes
        | View Broadcast -> 13
        | View Reshape -> 17
        | View(Slice(starts, steps)) -> 19 + 31 * Lowering.Mix starts + Lowering.Mix steps
        | Reduce(fold, axes) -> 23 + int fold + 31 * Lowering.Mix axes
        | Contract(left, right, result) -> 29 + Lowering.Mix left + 31 * Lowering.Mix right + 961 * Lowering.Mix result
        | Gather(axis, _) -> 37 + 1000 * axis
        | ScatterAdd(axis, _) -> 41 + 1000 * axis
        | Embed(starts, steps) -> 43 + 31 * Lowering.Mix starts + Lowering.Mix steps
        | Concat axis -> 47 + 1000 * axis
        | View(Window(axis, stride, dilation)) -> 59 + Lowering.Mix [| axis; stride; dilation |]
        | OverlapAdd(axis, stride, dilation, _) -> 61 + Lowering.Mix [| axis; stride; dilation |]
        | Call library -> 53 + hash library
        | Group -> 59
        | Item i -> 61 + 1000 * i

    /// Structural equality, spelled out because the generated one boxes and this one runs for every node of every evaluation.
    static member private Alike(a, b) =
        match a, b with
        | Leaf, Leaf
        | Same, Same
        | Iota, Iota
        | View Broadcast, View Broadcast
        | View Reshape, View Reshape
        | Group, Group -> true
        | Item i, Item j -> i = j
        | Splat x, Splat y -> x = y
        | Pointwise x, Pointwise y -> x = y
        | View(Permute x), View(Permute y) -> Lowering.Equal x y
        | View(Slice(x, s)), View(Slice(y, t))
        | Embed(x, s), Embed(y, t) -> Lowering.Equal x y && Lowering.Equal s t
        | Reduce(f, x), Reduce(g, y) -> f = g && Lowering.Equal x y
        | Contract(a1, b1, c1), Contract(a2, b2, c2) -> Lowering.Equal a1 a2 && Lowering.Equal b1 b2 && Lowering.Equal c1 c2
        | Gather(x, p), Gather(y, q)
        | ScatterAdd(x, p), ScatterAdd(y, q) -> x = y && p = q
        | Concat x, Concat y -> x = y
        | View(Window(x, s, d)), View(Window(y, t, e)) -> x = y && s = t && d = e
        | OverlapAdd(x, s, d, p), OverlapAdd(y, t, e, q) -> x = y && s = t && d = e && p = q
        | Call x, Call y -> x.Equals y
        | _ -> false

    static member private Equal (a: int[]) (b: int[]) = System.MemoryExtensions.SequenceEqual(System.ReadOnlySpan a, System.ReadOnlySpan b)

    static member private Mix(numbers: int[]) =
        let mutable code = 17

        for number in numbers do
            code <- code * 31 + number

        code

/// One node of a graph; its operands are earlier nodes.
[<Struct; NoComparison>]
type internal Node = { Lowering: Lowering; Inputs: int[]; Shape: Shape; DType: DType }

/// A graph as the compiler takes it: nodes in an order in which operands come first. Leaf and Splat nodes, in their order, are its inputs.
[<NoComparison>]
type internal Graph = { Nodes: Node[]; Outputs: int[] }
