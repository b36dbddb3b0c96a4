namespace FunctionalGrad.Compile

open System
open FunctionalGrad
open FunctionalGrad.Loops

/// Rows of a space: the elements that differ in folded axes only. A kernel may fold a row and go on with the result while the row
/// is in the processor's cache.
module internal Rows =
    /// A row of this many elements, with the values computed of it, fits into the first-level cache; one of longestOfMany into the second.
    let private longest = 2048
    let private longestOfMany = 16_384
    /// So many rows are worth a visit of their own when they are long.
    let private many = 16

    let private product (space: Shape) (axes: int[]) = axes |> Array.fold (fun n axis -> n * int64 space.[axis]) 1L

    let private kept (space: Shape) (folded: int[]) =
        [| 0 .. space.Rank - 1 |] |> Array.filter (fun axis -> not (Array.contains axis folded))

    /// Whether the elements of a row are summed as a row: the last axis of more than one element is folded.
    let isInnermost (space: Shape) (folded: int[]) =
        let mutable last = space.Rank - 1

        while last >= 0 && space.[last] = 1 do
            last <- last - 1

        last < 0 || Array.contains last folded

    /// Whether a kernel should go on with what it has folded, rather than leave it to another.
    let areWorthwhile (space: Shape) (folded: int[]) =
        let length = product space folded

        isInnermost space folded
        && (length <= int64 longest || (length <= int64 longestOfMany && product space (kept space folded) >= int64 many))

    /// The axes that are left.
    let shape (space: Shape) (folded: int[]) = Shape(kept space folded |> Seq.map (fun axis -> space.[axis]))

    /// Strides over the axes that are left, as strides over the whole space.
    let spread (space: Shape) (folded: int[]) (strides: int64[]) =
        let all = Array.zeroCreate<int64> space.Rank
        kept space folded |> Array.iteri (fun i axis -> all[axis] <- strides[i])
        all

    /// Whether a view over the space sees, at each index, the place that others have; axes of one element do not matter.
    let sees (space: Shape) (places: int64[]) (view: Strided) =
        let mutable same = view.Offset = 0L

        for axis in 0 .. space.Rank - 1 do
            same <- same && (space.[axis] = 1 || view.Strides[axis] = places[axis])

        same

/// How loops over one space stand to loops over another.
module internal Axes =
    /// For each axis of a space, which axis of another it moves along when a view over the first reads what lies at the given places over the
    /// second, −1 for none; none if the view does something else than choosing and repeating axes.
    let between (space: Shape) (view: Strided) (source: Shape) (places: int64[]) : int[] voption =
        let axes = Array.create space.Rank -1
        let mutable fits = view.Offset = 0L

        for d in 0 .. space.Rank - 1 do
            if fits && space.[d] <> 1 && view.Strides[d] <> 0L then
                let along axis = source.[axis] = space.[d] && places[axis] = view.Strides[d] && not (Array.contains axis axes)

                match Seq.tryFind along (seq { 0 .. source.Rank - 1 }) with
                | Some axis -> axes[d] <- axis
                | None -> fits <- false

        if fits then ValueSome axes else ValueNone

    /// A view over the source, as loops see it that move along these axes of it.
    let through (axes: int[]) (view: Strided) : Strided =
        { view with Strides = axes |> Array.map (fun axis -> if axis < 0 then 0L else view.Strides[axis]) }

/// What costs so little that doing it again is better than storing it.
module internal Cheap =
    let isCheap (node: Node) =
        match node.Lowering with
        | Iota
        | Same -> true
        | Pointwise code ->
            match code with
            | Opcode.Cast
            | Opcode.Not
            | Opcode.Neg
            | Opcode.Abs
            | Opcode.Sign
            | Opcode.Floor
            | Opcode.Ceil
            | Opcode.Round
            | Opcode.Trunc
            | Opcode.IsNaN
            | Opcode.Add
            | Opcode.Sub
            | Opcode.Mul
            | Opcode.Max
            | Opcode.Min
            | Opcode.Select -> true
            | Opcode.Div -> node.DType.IsFloat()
            | code -> code >= Opcode.Less && code <= Opcode.Xor
        | _ -> false
