namespace FunctionalGrad

open System
open FunctionalGrad.Compile

/// The view behind convolution and pooling, and its transpose. Arguments are checked by the caller.
module internal Windowing =
    /// How many elements a window of `size` elements, `dilation` apart, spans.
    let span (size: int) (dilation: int) : int64 = (int64 size - 1L) * int64 dilation + 1L

    /// Windows at `positions` places of an axis, as a new last axis: element [.., p, .., k] is x[.., p·stride + k·dilation, ..].
    let rec window (axis: int) (stride: int) (dilation: int) (positions: int) (size: int) (x: Tensor) : Tensor =
        let op =
            Op.linear
                "windows"
                "windows along an axis, as a new last axis"
                (View(Window(axis, stride, dilation)))
                (fun x -> Shape(Seq.append (Seq.updateAt axis positions x.Shape.Sizes) [ size ]))
                (fun x g -> overlapAdd true axis stride dilation x.Shape.[axis] g)
                (fun _ x -> window (axis + 1) stride dilation positions size x)

        Op.apply op [| x |]

    /// Zeros, `size` of them along the axis, with every element of every window added where window reads it; as the transpose of windows, in a
    /// derivative, or by itself.
    and overlapAdd (isTranspose: bool) (axis: int) (stride: int) (dilation: int) (size: int) (x: Tensor) : Tensor =
        let op =
            Op.linear
                "overlapAdd"
                "windows of the last axis, added up where they lie along an axis"
                (OverlapAdd(axis, stride, dilation, isTranspose))
                (fun x -> Shape(Seq.take (x.Rank - 1) x.Shape.Sizes |> Seq.updateAt axis size))
                (fun x g -> window axis stride dilation x.Shape.[axis] x.Shape.[x.Rank - 1] g)
                (fun _ x -> overlapAdd isTranspose (axis + 1) stride dilation size x)

        Op.apply op [| x |]

    let requireAtLeast name what (least: int) (value: int) =
        if value < least then
            raise (ArgumentOutOfRangeException(what, value, $"{name}: the {what} is {value}; it must be at least {least}."))

/// Windows that slide along an axis.
[<AutoOpen>]
module SlidingWindows =
    /// Windows of `size` elements, `dilation` apart, at every `stride`-th place of an axis where a whole one fits. The axis becomes
    /// that of the places, and the window is a new last axis: element [.., p, .., k] is x[.., p·stride + k·dilation, ..].
    /// <exception cref="T:FunctionalGrad.ShapeException">No window fits, or there is no such axis.</exception>
    /// <exception cref="T:System.ArgumentOutOfRangeException">size, stride or dilation is less than 1.</exception>
    let windows (axis: int) (size: int) (stride: int) (dilation: int) (x: Tensor) : Tensor =
        let axis = Require.axis "windows" axis x
        Windowing.requireAtLeast "windows" "size" 1 size
        Windowing.requireAtLeast "windows" "stride" 1 stride
        Windowing.requireAtLeast "windows" "dilation" 1 dilation
        let room = int64 x.Shape.[axis] - Windowing.span size dilation

        if room < 0L then
            raise (
                ShapeException
                    $"windows: a window of {size} elements, {dilation} apart, spans {Windowing.span size dilation}, but axis {axis} of shape {x.Shape} has {x.Shape.[axis]}. Pad x, or take a smaller window."
            )

        Windowing.window axis stride dilation (int (room / int64 stride) + 1) size x

    /// The transpose of windows: zeros, `size` of them along an axis of the result, with element [.., p, .., k] of x added at
    /// p·stride + k·dilation. The last axis of x is the window, and vanishes; the axis is counted among the others.
    /// <exception cref="T:FunctionalGrad.ShapeException">The windows do not fit into the size, or there is no such axis.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">x holds truth values.</exception>
    /// <exception cref="T:System.ArgumentOutOfRangeException">size is negative, or stride or dilation is less than 1.</exception>
    let overlapAdd (axis: int) (size: int) (stride: int) (dilation: int) (x: Tensor) : Tensor =
        if (Typing.given "overlapAdd" x).Rank < 2 then
            raise (ShapeException $"overlapAdd: takes an axis of places and a last axis of windows, not shape {x.Shape}.")

        if x.DType = DType.Bool then raise (DTypeException "overlapAdd: truth values cannot be added. Convert with cast first.")

        let axis = Shape(Seq.take (x.Rank - 1) x.Shape.Sizes).Axis("overlapAdd", axis)
        Windowing.requireAtLeast "overlapAdd" "size" 0 size
        Windowing.requireAtLeast "overlapAdd" "stride" 1 stride
        Windowing.requireAtLeast "overlapAdd" "dilation" 1 dilation
        let positions, window = x.Shape.[axis], x.Shape.[x.Rank - 1]
        let needed = (int64 positions - 1L) * int64 stride + Windowing.span window dilation

        if positions > 0 && window > 0 && needed > int64 size then
            raise (
                ShapeException
                    $"overlapAdd: {positions} windows of {window} elements (shape {x.Shape}, stride {stride}, dilation {dilation}) reach {needed} elements; a size of {size} is too small."
            )

        Windowing.overlapAdd false axis stride dilation size x
