namespace FunctionalGrad

open System

/// What stands around the input of a convolution.
[<RequireQualifiedAccess>]
type Padding =
    /// So many zeros before and after: one number for all spatial axes, or one for each.
    | Zeros of int list
    /// As many zeros as keep the sizes: dilation·(kernel − 1) for an axis, the odd one behind. It takes a stride of 1.
    | Same

/// How a convolution moves. Each list has one number for all spatial axes, or one for each.
type Convolution =
    {
        /// From window to window.
        Stride: int list
        Padding: Padding
        /// From element to element of a window.
        Dilation: int list
        /// Groups of neighbouring channels; each sees its own part of the input.
        Groups: int
    }

    /// Stride 1, no padding, dilation 1, one group.
    static member Default: Convolution = { Stride = [ 1 ]; Padding = Padding.Zeros [ 0 ]; Dilation = [ 1 ]; Groups = 1 }

/// How a transposed convolution moves: as the convolution that it is the transpose of. Each list has one number for all spatial axes,
/// or one for each.
type TransposedConvolution =
    {
        /// From window to window.
        Stride: int list
        /// Elements that are cut off on both sides.
        Padding: int list
        /// Elements that the result has more at the end; several inputs of a convolution have one size of output.
        OutputPadding: int list
        /// From element to element of a window.
        Dilation: int list
        /// Groups of neighbouring channels; each sees its own part of the input.
        Groups: int
    }

    /// Stride 1, no padding, dilation 1, one group.
    static member Default: TransposedConvolution = { Stride = [ 1 ]; Padding = [ 0 ]; OutputPadding = [ 0 ]; Dilation = [ 1 ]; Groups = 1 }

/// Convolution for any number of spatial axes.
module internal Convolving =
    /// Labels of an einsum over batch, group, input channel, output channel, places and window.
    let private labels axes = struct (0, 1, 2, 3, Array.init axes ((+) 4), Array.init axes ((+) (4 + axes)))

    let private requireWeight name axes layout (weight: Tensor) =
        Require.floats name weight

        if weight.Rank <> axes + 2 then
            raise (ShapeException $"{name}: takes a weight {layout} with {axes} axes of the kernel, not {weight.Shape}.")

        if weight.Shape.Sizes |> Seq.skip 2 |> Seq.contains 0 then
            raise (ShapeException $"{name}: the kernel of weight {weight.Shape} has no elements.")

    let private requireGroups name (groups: int) (what: string) (channels: int) (weight: Tensor) =
        Windowing.requireAtLeast name "groups" 1 groups

        if channels % groups <> 0 then
            raise (
                ShapeException
                    $"{name}: the {channels} {what} channels of weight {weight.Shape} do not split into {groups} groups of one size."
            )

    let private requireChannels name (groups: int) (expected: int) (weight: Tensor) (x: Tensor) =
        if x.Shape.[1] <> expected then
            raise (
                ShapeException
                    $"{name}: x {x.Shape} has {x.Shape.[1]} channels, but weight {weight.Shape} with {groups} groups takes {expected}."
            )

    let private requireBias name (channels: int) (bias: Tensor option) =
        match bias with
        | None -> ()
        | Some bias ->
            Require.floats name bias

            if not (bias.Shape.Equals(Shape.Of channels)) then
                raise (
                    ShapeException
                        $"{name}: the bias has shape {bias.Shape}; it must have one number for each of the {channels} output channels."
                )

    let private plus (bias: Tensor option) (y: Tensor) =
        match bias with
        | None -> y
        | Some bias -> y + Views.reshape (Shape(bias.Shape.[0] :: List.replicate (y.Rank - 2) 1)) bias

    /// The axis split into groups and what is in each.
    let private grouped axis (groups: int) (x: Tensor) =
        let sizes = Array.ofSeq x.Shape.Sizes
        Views.reshape (Shape(Array.concat [ sizes[.. axis - 1]; [| groups; sizes[axis] / groups |]; sizes[axis + 1 ..] ])) x

    /// Groups and channels back on one axis, the second.
    let private ungrouped (x: Tensor) =
        let sizes = Array.ofSeq x.Shape.Sizes
        Views.reshape (Shape(Array.concat [ [| sizes[0]; sizes[1] * sizes[2] |]; sizes[3..] ])) x

    let private paddingOf name (options: Convolution) axes (stride: int[]) (dilation: int[]) (weight: Tensor) : (int * int)[] =
        match options.Padding with
        | Padding.Zeros numbers -> Spatial.perAxis name "padding" 0 axes numbers |> Array.map (fun width -> width, width)
        | Padding.Same ->
            match Array.tryFind ((<>) 1) stride with
            | Some stride ->
                raise (
                    ArgumentOutOfRangeException(
                        "stride",
                        stride,
                        $"{name}: padding that keeps the sizes takes a stride of 1. Give Padding.Zeros with numbers."
                    )
                )
            | None ->
                Array.init axes (fun i ->
                    let total = Windowing.span weight.Shape.[i + 2] dilation[i] - 1L

                    if total > int64 Int32.MaxValue then
                        raise (ShapeException $"{name}: weight {weight.Shape} with dilation {dilation[i]} spans too many elements.")

                    int (total / 2L), int (total - total / 2L))

    let private convolved name axes (options: Convolution) (weight: Tensor) (x: Tensor) =
        let stride = Spatial.perAxis name "stride" 1 axes options.Stride
        let dilation = Spatial.perAxis name "dilation" 1 axes options.Dilation
        let widths = paddingOf name options axes stride dilation weight
        let size i = weight.Shape.[i + 2]
        let places = Array.init axes (fun i -> Spatial.fit name (i + 2) (size i) stride[i] dilation[i] widths[i] x)
        let windowed x i = Windowing.window (i + 2) stride[i] dilation[i] places[i] (size i) x
        let windows = Seq.fold windowed (Spatial.padded 0.0 widths x) (seq { 0 .. axes - 1 })
        let struct (n, group, input, output, place, window) = labels axes

        Contracting.einsum
            name
            [ Array.concat [ [| n; group; input |]; place; window ], grouped 1 options.Groups windows
              Array.concat [ [| group; output; input |]; window ], grouped 0 options.Groups weight ]
            (Array.concat [ [| n; group; output |]; place ])
        |> ungrouped

    let conv name axes (options: Convolution) (weight: Tensor) (bias: Tensor option) (x: Tensor) : Tensor =
        requireWeight name axes "[out, in/groups, …]" weight
        requireGroups name options.Groups "output" weight.Shape.[0] weight
        requireBias name weight.Shape.[0] bias

        let run (x: Tensor) =
            requireChannels name options.Groups (weight.Shape.[1] * options.Groups) weight x
            convolved name axes options weight x |> plus bias

        Spatial.batched name axes run x

    /// How long an axis of the result is before padding is cut off, and after.
    let private sizesOf name axis (options: TransposedConvolution) (stride: int, padding: int, more: int, dilation: int) size (x: Tensor) =
        if more >= max stride dilation then
            raise (
                ArgumentOutOfRangeException(
                    "outputPadding",
                    more,
                    $"{name}: an output padding of {more} is not less than the stride ({stride}) or the dilation ({dilation})."
                )
            )

        let whole = (int64 x.Shape.[axis] - 1L) * int64 stride + Windowing.span size dilation + int64 more
        let left = whole - 2L * int64 padding

        if left < 1L || whole > int64 Int32.MaxValue then
            raise (
                ShapeException
                    $"{name}: axis {axis} of {x.Shape} would become {left} elements (stride {options.Stride}, padding {options.Padding}); it must be from 1 to {Int32.MaxValue}."
            )

        int whole, int left

    let private transposed name axes (options: TransposedConvolution) (weight: Tensor) (x: Tensor) =
        let numbers what least list = Spatial.perAxis name what least axes list
        let stride, dilation = numbers "stride" 1 options.Stride, numbers "dilation" 1 options.Dilation
        let padding, more = numbers "padding" 0 options.Padding, numbers "outputPadding" 0 options.OutputPadding

        let sizes =
            Array.init axes (fun i -> sizesOf name (i + 2) options (stride[i], padding[i], more[i], dilation[i]) weight.Shape.[i + 2] x)

        let struct (n, group, input, output, place, window) = labels axes

        let products =
            Contracting.einsum
                name
                [ Array.append [| n; group; input |] place, grouped 1 options.Groups x
                  Array.concat [ [| group; input; output |]; window ], grouped 0 options.Groups weight ]
                (Array.concat [ [| n; group; output |]; place; window ])

        let added x i = Windowing.overlapAdd false (i + 2) stride[i] dilation[i] (fst sizes[i]) x
        let cut x i = Shaping.narrow (i + 2) padding[i] (snd sizes[i]) x
        let whole = Seq.fold added (ungrouped products) (seq { axes - 1 .. -1 .. 0 })
        Seq.fold cut whole (seq { 0 .. axes - 1 })

    let convTranspose name axes (options: TransposedConvolution) (weight: Tensor) (bias: Tensor option) (x: Tensor) : Tensor =
        requireWeight name axes "[in, out/groups, …]" weight
        requireGroups name options.Groups "input" weight.Shape.[0] weight
        requireBias name (weight.Shape.[1] * options.Groups) bias

        let run (x: Tensor) =
            requireChannels name options.Groups weight.Shape.[0] weight x
            transposed name axes options weight x |> plus bias

        Spatial.batched name axes run x

/// Convolutions as networks have them (cross-correlations: the kernel is not flipped) and their transposes, over [N, C, …] or a single
/// [C, …]. Composed of windows and products. Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
[<AutoOpen>]
module Convolutions =
    /// Convolution along one axis, with stride 1 and no padding: weight [out, in, k], bias [out], x [N, in, length] → [N, out, length − k + 1].
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit, or the kernel is longer than x.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    let conv1d (weight: Tensor) (bias: Tensor) (x: Tensor) : Tensor = Convolving.conv "conv1d" 1 Convolution.Default weight (Some bias) x

    /// Convolution along one axis: weight [out, in/groups, k], perhaps a bias [out], x [N, in, length]. The result has
    /// ⌊(length + 2·padding − dilation·(k − 1) − 1)/stride⌋ + 1 elements along the axis.
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit, or the kernel is longer than the padded x.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    /// <exception cref="T:System.ArgumentOutOfRangeException">Stride, dilation or groups is less than 1, or padding negative.</exception>
    let conv1dWith (options: Convolution) (weight: Tensor) (bias: Tensor option) (x: Tensor) : Tensor =
        Convolving.conv "conv1d" 1 options weight bias x

    /// Convolution of images, with stride 1 and no padding: weight [out, in, rows, columns], bias [out], x [N, in, height, width].
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit, or the kernel is larger than x.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    let conv2d (weight: Tensor) (bias: Tensor) (x: Tensor) : Tensor = Convolving.conv "conv2d" 2 Convolution.Default weight (Some bias) x

    /// Convolution of images: weight [out, in/groups, rows, columns], perhaps a bias [out], x [N, in, height, width]; sizes as of conv1dWith.
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit, or the kernel is larger than the padded x.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    /// <exception cref="T:System.ArgumentOutOfRangeException">Stride, dilation or groups is less than 1, or padding negative.</exception>
    let conv2dWith (options: Convolution) (weight: Tensor) (bias: Tensor option) (x: Tensor) : Tensor =
        Convolving.conv "conv2d" 2 options weight bias x

    /// Convolution of volumes, with stride 1 and no padding: weight [out, in, depth, rows, columns], bias [out], x [N, in, depth, height, width].
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit, or the kernel is larger than x.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    let conv3d (weight: Tensor) (bias: Tensor) (x: Tensor) : Tensor = Convolving.conv "conv3d" 3 Convolution.Default weight (Some bias) x

    /// Convolution of volumes: weight [out, in/groups, depth, rows, columns], perhaps a bias [out], x [N, in, depth, height, width]; sizes as
    /// of conv1dWith.
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit, or the kernel is larger than the padded x.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    /// <exception cref="T:System.ArgumentOutOfRangeException">Stride, dilation or groups is less than 1, or padding negative.</exception>
    let conv3dWith (options: Convolution) (weight: Tensor) (bias: Tensor option) (x: Tensor) : Tensor =
        Convolving.conv "conv3d" 3 options weight bias x

    /// The transpose of conv1d as a function of its input, plus a bias: weight [in, out, k], bias [out], x [N, in, length] →
    /// [N, out, length + k − 1].
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    let convTranspose1d (weight: Tensor) (bias: Tensor) (x: Tensor) : Tensor =
        Convolving.convTranspose "convTranspose1d" 1 TransposedConvolution.Default weight (Some bias) x

    /// The transpose of conv1dWith as a function of its input: weight [in, out/groups, k], perhaps a bias [out], x [N, in, length]. The result
    /// has (length − 1)·stride − 2·padding + dilation·(k − 1) + 1 + outputPadding elements along the axis.
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit, or the padding leaves nothing.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    /// <exception cref="T:System.ArgumentOutOfRangeException">Stride, dilation or groups is less than 1, a padding is negative, or the output
    /// padding is not less than stride or dilation.</exception>
    let convTranspose1dWith (options: TransposedConvolution) (weight: Tensor) (bias: Tensor option) (x: Tensor) : Tensor =
        Convolving.convTranspose "convTranspose1d" 1 options weight bias x

    /// The transpose of conv2d as a function of its input, plus a bias: weight [in, out, rows, columns], bias [out], x [N, in, height, width].
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    let convTranspose2d (weight: Tensor) (bias: Tensor) (x: Tensor) : Tensor =
        Convolving.convTranspose "convTranspose2d" 2 TransposedConvolution.Default weight (Some bias) x

    /// The transpose of conv2dWith as a function of its input: weight [in, out/groups, rows, columns], perhaps a bias [out],
    /// x [N, in, height, width]; sizes as of convTranspose1dWith.
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit, or the padding leaves nothing.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    /// <exception cref="T:System.ArgumentOutOfRangeException">As of convTranspose1dWith.</exception>
    let convTranspose2dWith (options: TransposedConvolution) (weight: Tensor) (bias: Tensor option) (x: Tensor) : Tensor =
        Convolving.convTranspose "convTranspose2d" 2 options weight bias x

    /// The transpose of conv3d as a function of its input, plus a bias: weight [in, out, depth, rows, columns], bias [out],
    /// x [N, in, depth, height, width].
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    let convTranspose3d (weight: Tensor) (bias: Tensor) (x: Tensor) : Tensor =
        Convolving.convTranspose "convTranspose3d" 3 TransposedConvolution.Default weight (Some bias) x

    /// The transpose of conv3dWith as a function of its input: weight [in, out/groups, depth, rows, columns], perhaps a bias [out],
    /// x [N, in, depth, height, width]; sizes as of convTranspose1dWith.
    /// <exception cref="T:FunctionalGrad.ShapeException">The shapes do not fit, or the padding leaves nothing.</exception>
    /// <exception cref="T:FunctionalGrad.DTypeException">An operand is no float.</exception>
    /// <exception cref="T:System.ArgumentOutOfRangeException">As of convTranspose1dWith.</exception>
    let convTranspose3dWith (options: TransposedConvolution) (weight: Tensor) (bias: Tensor option) (x: Tensor) : Tensor =
        Convolving.convTranspose "convTranspose3d" 3 options weight bias x
