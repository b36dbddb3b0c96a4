namespace FunctionalGrad.Compile

open System
open System.Collections.Generic
open System.Collections.Immutable
open FunctionalGrad
open FunctionalGrad.Loops

/// Contractions as steps of a program.
module internal Products =
    /// Where an operand's elements lie: a stride for each label, in the order of its axes.
    [<NoComparison>]
    type Operand =
        { Buffer: int
          Offset: int64
          Labels: int[]
          Strides: int64[] }

        member operand.Has label = Array.contains label operand.Labels
        member operand.StrideOf label = operand.Strides[Array.IndexOf(operand.Labels, label)]

    /// An axis of a product: an extent, and strides in the operands that have it.
    [<Struct; NoComparison>]
    type private Axis = { Extent: int; First: int64; Second: int64 }

    /// Axes of more than one element; neighbours that step evenly through both operands are one.
    let private merged (axes: Axis[]) : Axis[] =
        let folder (inner: Axis list) (axis: Axis) =
            match inner with
            | _ when axis.Extent = 1 -> inner
            | next :: rest when
                axis.First = next.First * int64 next.Extent
                && axis.Second = next.Second * int64 next.Extent
                && int64 axis.Extent * int64 next.Extent <= int64 Int32.MaxValue
                ->
                { next with Extent = axis.Extent * next.Extent } :: rest
            | _ -> axis :: inner

        Array.fold folder [] (Array.rev axes) |> Array.ofList

    let private immutable (items: 'T seq) = ImmutableArray.CreateRange items

    /// One product between sizes and strides that are known. The rows are those labels of a that stand in the result.
    let private between dtype (sizeOf: int -> int) (a: Operand) (b: Operand) (c: Operand) : Step =
        let axes (labels: int[]) (first: Operand) (second: Operand) =
            labels
            |> Array.map (fun label -> { Extent = sizeOf label; First = first.StrideOf label; Second = second.StrideOf label })
            |> merged

        let batch = c.Labels |> Array.filter (fun label -> a.Has label && b.Has label)
        let rows = axes (c.Labels |> Array.filter (fun label -> not (b.Has label))) a c
        let columns = axes (c.Labels |> Array.filter (fun label -> not (a.Has label))) b c
        let inner = axes (a.Labels |> Array.filter (fun label -> not (c.Has label))) a b
        let batchOf (operand: Operand) = batch |> Array.map operand.StrideOf |> immutable
        let extents = batch |> Array.map sizeOf |> immutable
        let first, second = Array.map _.First >> immutable, Array.map _.Second >> immutable

        if rows.Length <= 1 && columns.Length <= 1 && inner.Length <= 1 then
            let extent (axes: Axis[]) = if axes.Length = 0 then 1 else axes[0].Extent
            let stride (strides: ImmutableArray<int64>) = if strides.Length = 0 then 1L else strides[0]

            let matrix (operand: Operand) rows columns =
                MatrixOperand(operand.Buffer, operand.Offset, batchOf operand, stride rows, stride columns)

            MatrixProductStep(
                dtype,
                extents,
                extent rows,
                extent columns,
                extent inner,
                matrix a (first rows) (first inner),
                matrix b (second inner) (first columns),
                matrix c (second rows) (second columns)
            )
        else
            let operand (operand: Operand) rows columns = ContractionOperand(operand.Buffer, operand.Offset, batchOf operand, rows, columns)

            let extentsOf = Array.map _.Extent >> immutable

            ContractionStep(
                dtype,
                extents,
                extentsOf rows,
                extentsOf columns,
                extentsOf inner,
                operand a (first rows) (first inner),
                operand b (second inner) (first columns),
                operand c (second rows) (second columns)
            )

    /// C = A·B over labels: those of both operands and the result count batches, those that are not in the result are summed. The operand whose
    /// label comes first in the result gives the rows, so that the product lies as the result does.
    let step dtype (sizes: IDictionary<int, int>) (a: Operand) (b: Operand) (c: Operand) : Step =
        let first (mine: Operand) (other: Operand) =
            c.Labels
            |> Array.tryFindIndex (fun label -> mine.Has label && not (other.Has label))
            |> Option.defaultValue Int32.MaxValue

        let sizeOf label = sizes[label]
        if first a b <= first b a then between dtype sizeOf a b c else between dtype sizeOf b a c
