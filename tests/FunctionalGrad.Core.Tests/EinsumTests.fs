namespace FunctionalGrad.Tests

open System
open System.Collections.Generic
open FunctionalGrad
open Xunit

/// einsum against its definition: a loop over every value of every label.
type EinsumTests() =
    /// Sizes and values of an operand, read by named labels.
    static let element (x: Tensor) (labels: string) (at: IReadOnlyDictionary<char, int>) =
        let strides = x.Shape.Strides()
        let position axis label = if x.Shape.[axis] = 1 then 0 else at[label] * strides[axis]
        x.Value.GetDouble(labels |> Seq.mapi position |> Seq.sum)

    /// Every assignment of positions to labels.
    static let rec assignments (sizes: (char * int) list) : Map<char, int> seq =
        match sizes with
        | [] -> Seq.singleton Map.empty
        | (label, size) :: rest ->
            seq {
                for i in 0 .. size - 1 do
                    for tail in assignments rest -> Map.add label i tail
            }

    static let naive (terms: string list) (result: string) (operands: Tensor list) : Tensor =
        let sizes = Dictionary<char, int>()

        for term, x in List.zip terms operands do
            term
            |> Seq.iteri (fun axis label ->
                let known =
                    match sizes.TryGetValue label with
                    | true, size -> size
                    | _ -> 1

                sizes[label] <- if known = 1 then x.Shape.[axis] else known)

        let pick labels = [ for label in labels -> label, sizes[label] ]
        let summed = sizes.Keys |> Seq.filter (fun label -> not (Seq.contains label result)) |> pick

        let total (outer: Map<char, int>) =
            assignments summed
            |> Seq.sumBy (fun inner ->
                let at = Map.fold (fun all label i -> Map.add label i all) outer inner
                List.map2 (fun term x -> element x term at) terms operands |> List.reduce (*))

        let shape = Shape(pick result |> List.map snd)
        Source.Of(shape, pick result |> assignments |> Seq.map total |> Array.ofSeq)

    let check (equation: string) (expanded: string) (operands: Tensor list) =
        let sides = expanded.Split "->"
        let expected = naive (List.ofArray (sides[0].Split ',')) sides[1] operands
        Expect.close equation 1e-12 expected (einsum equation operands)

    /// A random equation: one to four operands over a few labels, which may repeat; a result of some of them.
    let draw (source: Source) =
        let alphabet = List.ofSeq "ijkAB" |> List.take (source.Int(1, 5))
        let sizes = dict [ for label in alphabet -> label, source.Size() ]
        let term () = String([| for _ in 1 .. source.Int(0, 3) -> source.Pick alphabet |])
        let terms = List.init (source.Int(1, 4)) (fun _ -> term ())
        let used = String.Concat terms |> Seq.distinct |> Array.ofSeq
        let order = source.Order used.Length |> Array.map (fun i -> used[i])
        let result = String(Array.take (source.Int(0, used.Length)) order)
        let operands = terms |> List.map (fun term -> source.Floats(Shape(term |> Seq.map (fun label -> sizes[label]))))
        terms, result, operands

    [<Fact>]
    member _.``random equations``() =
        Property.forSeeds 1500 (fun seed ->
            let terms, result, operands = draw (Source seed)
            let equation = String.Join(',', terms) + "->" + result
            check equation equation operands)

    [<Fact>]
    member _.``random equations without an arrow``() =
        Property.forSeeds 500 (fun seed ->
            let terms, _, operands = draw (Source seed)
            let once = String.Concat terms |> Seq.countBy id |> Seq.filter (fun (_, count) -> count = 1) |> Seq.map fst |> Seq.sort
            let equation = String.Join(',', terms)
            check equation (equation + "->" + String.Concat once) operands)

    [<Theory>]
    [<InlineData("...ij,...jk->...ik", "xyij,xyjk->xyik")>]
    [<InlineData("...ij,...jk", "xyij,xyjk->xyik")>]
    [<InlineData("i...,j...->...ij", "ixy,jxy->xyij")>]
    [<InlineData("i...j->j...i", "ixyj->jxyi")>]
    [<InlineData("...", "xy->xy")>]
    [<InlineData("...i,i->...", "xyi,i->xy")>]
    [<InlineData("...ii->...i", "xyii->xyi")>]
    [<InlineData("...i->i...", "xyi->ixy")>]
    [<InlineData(" i j , j k -> i k ", "ij,jk->ik")>]
    member _.``an ellipsis stands for the other axes``(equation: string, expanded: string) =
        for seed in 1..20 do
            let source = Source seed
            let sizes = dict [ for label in "ijkxy" -> label, source.Size() ]
            let terms = expanded.Split("->").[0].Split ','
            check equation expanded [ for term in terms -> source.Floats(Shape(term |> Seq.map (fun label -> sizes[label]))) ]

    [<Fact>]
    member _.``ellipses of different length broadcast``() =
        let source = Source 5
        let a, b = source.Floats(Shape.Of(4, 1, 2, 3)), source.Floats(Shape.Of(5, 3, 2))
        Expect.close "broadcast" 1e-12 (matmul a b) (einsum "...ij,...jk->...ik" [ a; b ])
        check "...ij,...jk->...ik" "xyij,yjk->xyik" [ a; b ]

    [<Fact>]
    member _.``sizes of 1 stretch``() =
        let source = Source 6
        check "ij,ij->ij" "ij,ij->ij" [ source.Floats(Shape.Of(1, 3)); source.Floats(Shape.Of(2, 1)) ]
        check "ij,jk->ik" "ij,jk->ik" [ source.Floats(Shape.Of(2, 1)); source.Floats(Shape.Of(3, 4)) ]

    [<Fact>]
    member _.``the named products are einsums``() =
        Property.forSeeds 100 (fun seed ->
            let source = Source seed
            let rows, inner, columns = source.Size(), source.Size(), source.Size()
            let a, b = source.Floats(Shape.Of(rows, inner)), source.Floats(Shape.Of(inner, columns))
            let u, v = source.Floats(Shape.Of inner), source.Floats(Shape.Of inner)
            Expect.close "matmul" 1e-12 (naive [ "ij"; "jk" ] "ik" [ a; b ]) (a @@ b)
            Expect.close "mv" 1e-12 (naive [ "ij"; "j" ] "i" [ a; u ]) (mv a u)
            Expect.close "dot" 1e-12 (naive [ "i"; "i" ] "" [ u; v ]) (dot u v)
            Expect.close "outer" 1e-12 (naive [ "i"; "j" ] "ij" [ u; v ]) (outer u v))

    [<Fact>]
    member _.``integers and truth values``() =
        let a = tensor [ [ 1; 2 ]; [ 3; 4 ] ]
        Expect.equal (tensor [ [ 7; 10 ]; [ 15; 22 ] ]) (a @@ a)
        let reach = tensor [ [ true; false ]; [ true; false ] ]
        Expect.equal (tensor [ [ true; false ]; [ true; false ] ]) (reach @@ reach)
