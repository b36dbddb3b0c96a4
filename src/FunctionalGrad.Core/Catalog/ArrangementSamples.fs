/// Rearranging, running totals, order, masks and writing, with samples.
module internal FunctionalGrad.ArrangementSamples

open FunctionalGrad.Sample

let private arranging name doc (draw: Source -> Case) = entry "arranging" name doc draw

/// A tensor and one of its axes.
let private withAxis (make: Source -> Shape -> Tensor) (f: int -> Tensor -> Tensor) (source: Source) =
    let x = make source (source.Shape(1, 3))
    let axis = source.Axis x.Rank
    one $"axis {axis}" x (f axis)

let private floats (source: Source) (shape: Shape) = source.Floats shape
let private distinct (source: Source) (shape: Shape) = source.Distinct shape

let private matrix (source: Source) = source.Floats(Shape.Of(source.Size(), source.Size()))

let private tiled (source: Source) =
    let x = source.Floats(source.Shape(0, 3))
    let counts = List.init (source.Int(0, 3)) (fun _ -> source.Int(0, 3))
    one $"counts {counts}" x (tile counts)

let private diagonals (source: Source) =
    let x = source.Floats(source.Shape(2, 4))
    let order = source.Order x.Rank
    let axis i = if source.Chance 2 then order[i] else order[i] - x.Rank
    let first, second, offset = axis 0, axis 1, source.Int(-3, 3)
    one $"offset {offset}, axes {first}, {second}" x (diagonal offset first second)

let private padded (source: Source) =
    let mode = source.Pick [ PadMode.Constant 0.5; PadMode.Reflect; PadMode.Edge; PadMode.Wrap ]
    let x = source.Floats(source.PositiveShape(0, 3))
    let widths = List.init x.Rank (fun _ -> source.Int(0, 4), source.Int(0, 3))
    one $"{mode}, {widths}" x (padMode mode widths)

let private grids name doc (grid: Tensor list -> Tensor list) =
    arranging name doc (fun source ->
        let inputs = List.init (source.Int(1, 3)) (fun _ -> source.Floats(Shape.Of(source.Size())))
        let which = source.Int(0, inputs.Length - 1)
        case $"result {which}" inputs (fun inputs -> (grid (List.ofArray inputs))[which]))

let private sections (source: Source) =
    let count, size = source.Int(1, 3), source.Size()
    let others = source.Shape(0, 2)
    let place = source.Int(0, others.Rank)
    let x = source.Floats(Shape(Seq.insertAt place (count * size) others.Sizes))
    let piece = source.Int(0, count - 1)
    one $"{count} pieces, axis {place}, piece {piece}" x (fun x -> (splitSections count place x)[piece])

let private arrangements =
    [ arranging "moveaxis" "one axis at another place" (fun source ->
          let x = source.Floats(source.Shape(1, 4))
          let from, target = source.Axis x.Rank, source.Axis x.Rank
          one $"from {from} to {target}" x (moveaxis from target))
      arranging "roll" "moved along an axis, around the end" (fun source ->
          let shift = source.Int(-5, 5)
          withAxis floats (roll shift) source)
      arranging "rollAll" "moved row by row, around the end" (fun source ->
          let shift = source.Int(-5, 5)
          one $"by {shift}" (source.Floats(source.Shape(0, 3))) (rollAll shift))
      arranging "tile" "the whole several times along axes" tiled
      arranging "repeat" "each element several times along an axis" (fun source ->
          let count = source.Int(0, 3)
          withAxis floats (repeat count) source)
      arranging "tril" "zeros above a diagonal" (fun source ->
          let k = source.Int(-3, 3)
          one $"k {k}" (source.Floats(source.Shape(2, 4))) (tril k))
      arranging "triu" "zeros below a diagonal" (fun source ->
          let k = source.Int(-3, 3)
          one $"k {k}" (source.Floats(source.Shape(2, 4))) (triu k))
      arranging "diag" "vector to diagonal and back" (fun source ->
          let k = source.Int(-3, 3)
          one $"k {k}" (source.Floats(source.Shape(1, 2))) (diag k))
      arranging "diagonal" "where two axes advance together" diagonals
      arranging "trace" "the sum of the main diagonal" (fun source -> one "" (source.Floats(source.Shape(2, 4))) trace)
      arranging "kron" "the Kronecker product" (fun source ->
          two "" (source.Floats(source.Shape(0, 2))) (source.Floats(source.Shape(0, 2))) kron)
      grids "meshgrid" "coordinates of the points of a grid" meshgrid
      grids "meshgridXY" "coordinates of the points of a grid, as in pictures" meshgridXY
      arranging "padMode" "surrounded with mirrors, edges or copies" padded
      arranging "splitSections" "equal pieces along an axis" sections ]

/// Factors, some of which are exactly 0.
let private factors (source: Source) (shape: Shape) =
    source.Fill(shape, (fun () -> if source.Chance 4 then 0.0 else source.Float(-2.0, 2.0)))

let private running name doc make (f: int -> Tensor -> Tensor) = entry "cumulative" name doc (withAxis make f)

let private integers name doc (f: int -> Tensor -> Tensor) =
    entry "integers" $"{name}, integers" doc (withAxis (fun source shape -> source.Integers(-3, 3, shape)) f)

let private totals =
    [ running "cumsum" "sums so far" floats cumsum
      running "cumprod" "products so far" factors cumprod
      running "cummax" "the largest so far" distinct cummax
      running "cummin" "the smallest so far" distinct cummin
      running "logcumsumexp" "ln Σ eˣ so far" floats logcumsumexp
      integers "cumsum" "sums so far, int64" cumsum
      integers "cumprod" "products so far, int64" cumprod
      integers "cummax" "the largest so far" cummax ]

let private top (source: Source) =
    let x = source.Distinct(source.Shape(1, 3))
    let axis = source.Axis x.Rank
    let count = source.Int(0, x.Shape.[x.Shape.Axis("sample", axis)])
    let values = source.Chance 3 |> not
    one $"{count} along {axis}, values {values}" x (fun x -> if values then fst (topk count axis x) else snd (topk count axis x))

/// A sorted vector and values, some of which stand in it. The values alone are mapped, because shuffled elements are not sorted.
let private search name doc (f: Tensor -> Tensor -> Tensor) =
    entry "ordering" name doc (fun source ->
        let sorted = source.Integers(-4, 4, source.Shape(1, 1)) |> sort 0
        one $"in {sorted}" (source.Integers(-5, 5, source.Shape(0, 2))) (f sorted))

let private orders =
    let ordering name doc make f = entry "ordering" name doc (withAxis make f)

    [ ordering "argsort" "positions in ascending order" distinct argsort
      ordering "argsortDescending" "positions in descending order" distinct argsortDescending
      ordering "sort" "ascending" distinct sort
      ordering "sortDescending" "descending" distinct sortDescending
      entry "ordering" "topk" "the largest along an axis" top
      search "searchsorted" "how many are smaller" searchsorted
      search "searchsortedRight" "how many are not larger" searchsortedRight
      integers "argsort" "positions in ascending order; equal ones stay" argsort
      integers "argsortDescending" "positions in descending order; equal ones stay" argsortDescending
      integers "sort" "ascending" sort ]

/// A tensor, an axis and a vector of positions along it.
let private rows (source: Source) =
    let x = source.Floats(source.PositiveShape(1, 3))
    let axis = source.Axis x.Rank
    let place = x.Shape.Axis("sample", axis)
    let index = source.Positions(x.Shape.[place], source.Shape(1, 1))
    x, axis, index, Shape(x.Shape.Sizes |> Seq.mapi (fun i size -> if i = place then index.Count else size))

let private along (source: Source) =
    let whole = source.PositiveShape(1, 3)
    let axis = source.Axis whole.Rank
    let place = whole.Axis("sample", axis)
    let shrunk () = whole.Sizes |> Seq.mapi (fun i size -> if i <> place && source.Chance 3 then 1 else size) |> Shape
    let count = source.Size()
    let counted (shape: Shape) = shape.Sizes |> Seq.mapi (fun i size -> if i = place then count else size) |> Shape
    whole, axis, shrunk, counted

let private slices (source: Source) (shape: Shape) =
    let position size = if source.Chance 3 then None else Some(source.Int(-size - 1, size + 1))
    let range size = position size, position size, source.Pick [ None; Some 1; Some 2; Some -1; Some -2 ]
    shape.Sizes |> Seq.map range |> List.ofSeq |> List.take (source.Int(0, shape.Rank))

let private writing name doc (write: (int option * int option * int option) list -> Tensor -> Tensor -> Tensor) =
    entry "selecting" name doc (fun source ->
        let x = source.Floats(source.Shape(0, 3))
        let ranges = slices source x.Shape
        let value = source.Floats(source.Stretchable (slice ranges x).Shape)
        two $"{ranges}" value x (write ranges))

let private selections =
    [ entry "selecting" "takeAlongAxis" "elements at positions along an axis" (fun source ->
          let whole, axis, shrunk, counted = along source
          let x = source.Floats(shrunk ())
          let index = source.Positions(whole.[whole.Axis("sample", axis)], counted (shrunk ()))
          case $"axis {axis}" [ x; index ] (fun inputs -> takeAlongAxis axis inputs[1] inputs[0]))
      entry "selecting" "indexSelect" "parts at positions along an axis" (fun source ->
          let x, axis, index, _ = rows source
          case $"axis {axis}" [ x; index ] (fun inputs -> indexSelect axis inputs[1] inputs[0]))
      entry "selecting" "indexAdd" "parts added at positions along an axis" (fun source ->
          let x, axis, index, shape = rows source
          case $"axis {axis}" [ x; index; source.Floats shape ] (fun inputs -> indexAdd axis inputs[1] inputs[2] inputs[0]))
      entry "selecting" "scatter" "written at positions along an axis" (fun source ->
          let whole, axis, shrunk, counted = along source
          let index = source.Positions(whole.[whole.Axis("sample", axis)], counted (shrunk ()))
          let written = source.Floats(counted (shrunk ()))
          case $"axis {axis}" [ source.Floats whole; index; written ] (fun inputs -> scatter axis inputs[1] inputs[2] inputs[0]))
      entry "selecting" "booleanMask" "the parts where a mask is true" (fun source ->
          let x = source.Floats(source.Shape(0, 3))
          let mask = source.Truths(Shape(Seq.take (source.Int(0, x.Rank)) x.Shape.Sizes))
          one $"mask {mask.Shape}" x (booleanMask mask))
      writing "setSlice" "written at a slice" setSlice
      writing "addSlice" "added at a slice" addSlice ]

let entries = arrangements @ totals @ orders @ selections
