/// The ops of shapes and of positions, with samples.
module internal FunctionalGrad.ShapeSamples

open FunctionalGrad.Sample

let private shaping name doc (draw: Source -> Case) = entry "shape" name doc draw

/// The elements spread over one to three axes in another way; the last size is sometimes left open.
let private reshaped (source: Source) =
    let x = source.Floats(source.Shape(0, 3))

    let divisors =
        [ for size in 1 .. max 1 x.Count do
              if x.Count % size = 0 then size ]

    let outer = source.Pick divisors
    let inner = if x.Count = 0 then 0 else x.Count / outer
    let sizes = if inner > 0 && source.Chance 2 then [ outer; 1; -1 ] else [ outer; inner ]
    one $"{sizes}" x (reshape sizes)

let private squeezed (source: Source) =
    let sizes = List.init (source.Int(1, 4)) (fun _ -> if source.Chance 2 then 1 else source.Size())

    let chosen =
        [ for axis in 0 .. sizes.Length - 1 do
              if sizes[axis] = 1 && source.Chance 2 then axis ]

    let axes = chosen |> List.map (fun axis -> if source.Chance 3 then axis - sizes.Length else axis)
    one $"axes {axes}" (source.Floats(Shape sizes)) (squeeze axes)

let private sliced (source: Source) =
    let x = source.Floats(source.Shape(1, 3))
    let position size = if source.Chance 3 then None else Some(source.Int(-size - 2, size + 2))
    let range size = position size, position size, source.Pick [ None; Some 1; Some 2; Some 3; Some -1; Some -2 ]
    let ranges = x.Shape.Sizes |> Seq.map range |> List.ofSeq |> List.take (source.Int(0, x.Rank))
    one $"{ranges}" x (slice ranges)

/// Tensors that agree but for one axis.
let private joined (source: Source) =
    let whole = source.Shape(1, 3)
    let axis = source.Axis whole.Rank
    let place = whole.Axis("sample", axis)
    let part _ = Shape(whole.Sizes |> Seq.mapi (fun i size -> if i = place then source.Size() else size))
    let inputs = List.init (source.Int(1, 3)) (part >> source.Floats)
    case $"axis {axis}" inputs (fun inputs -> concat axis (List.ofArray inputs))

let private stacked (source: Source) =
    let shape = source.Shape(0, 2)
    let axis = source.Axis(shape.Rank + 1)
    let inputs = List.init (source.Int(1, 3)) (fun _ -> source.Floats shape)
    case $"axis {axis}" inputs (fun inputs -> stack axis (List.ofArray inputs))

let private divided (source: Source) =
    let sizes = List.init (source.Int(1, 3)) (fun _ -> source.Size())
    let others = source.Shape(0, 2)
    let place = source.Int(0, others.Rank)
    let shape = Shape(Seq.insertAt place (List.sum sizes) others.Sizes)
    let axis = if source.Chance 2 then place else place - shape.Rank
    let piece = source.Int(0, sizes.Length - 1)
    one $"axis {axis}, sizes {sizes}, piece {piece}" (source.Floats shape) (fun x -> (split axis sizes x)[piece])

let private widths (source: Source) rank = List.init rank (fun _ -> source.Int(0, 2), source.Int(0, 2))

let private shapes =
    [ shaping "reshape" "the same elements under another shape" reshaped
      shaping "flatten" "all elements along one axis" (fun source -> one "" (source.Floats(source.Shape(0, 3))) flatten)
      shaping "permute" "axes in another order" (fun source ->
          let x = source.Floats(source.Shape(0, 4))
          let axes = [ for axis in source.Order x.Rank -> if source.Chance 3 then axis - x.Rank else axis ]
          one $"axes {axes}" x (permute axes))
      shaping "transpose" "axes in reverse order" (fun source -> one "" (source.Floats(source.Shape(0, 3))) transpose)
      shaping "swapaxes" "two axes exchanged" (fun source ->
          let x = source.Floats(source.Shape(1, 3))
          let first, second = source.Axis x.Rank, source.Axis x.Rank
          one $"axes {first}, {second}" x (swapaxes first second))
      shaping "broadcastTo" "repeated along axes of size 1 and new axes" (fun source ->
          let whole = source.Shape(0, 3)
          let sizes = List.ofSeq whole.Sizes
          one $"to {sizes}" (source.Floats(source.Stretchable whole)) (broadcastTo sizes))
      shaping "expandDims" "a new axis of size 1" (fun source ->
          let x = source.Floats(source.Shape(0, 3))
          let axis = source.Axis(x.Rank + 1)
          one $"axis {axis}" x (expandDims axis))
      shaping "squeeze" "named axes of size 1 dropped" squeezed
      shaping "squeezeAll" "all axes of size 1 dropped" (fun source -> one "" (source.Floats(source.Shape(0, 4))) squeezeAll)
      shaping "flip" "reversed along axes" (fun source ->
          let x = source.Floats(source.Shape(0, 3))
          let axes = source.Axes x.Rank
          one $"axes {axes}" x (flip axes))
      shaping "slice" "part of a tensor by ranges with steps" sliced
      shaping "select" "the part at one position of an axis" (fun source ->
          let x = source.Floats(source.PositiveShape(1, 3))
          let axis = source.Axis x.Rank
          let size = x.Shape.[axis]
          let position = source.Int(-size, size - 1)
          one $"axis {axis}, position {position}" x (select axis position))
      shaping "concat" "one after the other along an axis" joined
      shaping "stack" "one after the other along a new axis" stacked
      shaping "split" "pieces along an axis" divided
      shaping "pad" "surrounded with zeros" (fun source ->
          let x = source.Floats(source.Shape(0, 3))
          let widths = widths source x.Rank
          one $"{widths}" x (pad widths))
      shaping "padWith" "surrounded with a number" (fun source ->
          let x = source.Floats(source.Shape(0, 3))
          let widths = widths source x.Rank
          let value = source.Float(-1.0, 1.0)
          one $"{value}, {widths}" x (padWith value widths)) ]

/// A tensor, one of its axes, and positions along it that broadcast over the other axes.
let private along (source: Source) =
    let x = source.Floats(source.Shape(1, 3))
    let axis = source.Axis x.Rank
    let place = x.Shape.Axis("sample", axis)
    let size = x.Shape.[place]
    let count = if size = 0 then 0 else source.Size()
    let other extent = if source.Chance 3 then 1 else extent
    let shape = Shape(x.Shape.Sizes |> Seq.mapi (fun i extent -> if i = place then count else other extent))
    x, axis, source.Positions(size, shape), Shape(x.Shape.Sizes |> Seq.mapi (fun i extent -> if i = place then count else extent))

let private positions =
    [ entry "indexing" "gather" "elements at positions along an axis" (fun source ->
          let x, axis, index, _ = along source
          case $"axis {axis}" [ x; index ] (fun inputs -> gather axis inputs[1] inputs[0]))
      entry "indexing" "scatterAdd" "added at positions along an axis" (fun source ->
          let x, axis, index, shape = along source
          let added = source.Floats(if source.Chance 3 then Shape.Scalar else shape)
          case $"axis {axis}" [ x; index; added ] (fun inputs -> scatterAdd axis inputs[1] inputs[2] inputs[0]))
      entry "indexing" "take" "parts at positions along an axis" (fun source ->
          let x = source.Floats(source.PositiveShape(1, 3))
          let axis = source.Axis x.Rank
          let index = source.Positions(x.Shape.[axis], source.Shape(0, 2))
          case $"axis {axis}" [ x; index ] (fun inputs -> take axis inputs[1] inputs[0]))
      entry "indexing" "oneHot" "1 at the class, else 0, float32" (fun source ->
          let classes = source.Int(1, 4)
          one $"{classes} classes" (source.Positions(classes, source.Shape(0, 2))) (oneHot classes))
      entry "indexing" "oneHotWith" "1 at the class, else 0, in a dtype" (fun source ->
          let classes = source.Int(1, 4)
          let dtype = source.Pick [ DType.Float64; DType.Int32; DType.Int64 ]
          one $"{classes} classes, {dtype.Name()}" (source.Positions(classes, source.Shape(0, 2))) (oneHotWith dtype classes)) ]

let entries = shapes @ positions
