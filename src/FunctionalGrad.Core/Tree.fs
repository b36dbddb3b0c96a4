namespace FunctionalGrad

open System
open System.Collections
open System.Collections.Concurrent
open System.Collections.Generic
open System.Reflection
open Microsoft.FSharp.Reflection

/// How values of one type are taken apart into tensors and put together again.
[<AbstractClass>]
type internal Walker() =
    /// Visits the tensors in order, each with its path.
    abstract Visit: path: string * value: obj * leaf: (string -> Tensor -> unit) -> unit
    /// The value with each tensor replaced by the next one; what is no tensor stays.
    abstract Rebuild: value: obj * next: (unit -> Tensor) -> obj
    /// Whether no value of the type can hold a tensor.
    abstract IsStatic: bool
    default _.IsStatic = false

/// The kinds of structure, and which type is of which kind.
module internal Walkers =
    let private untouched =
        { new Walker() with
            member _.Visit(_, _, _) = ()
            member _.Rebuild(value, _) = value
            member _.IsStatic = true }

    let private tensorLeaf =
        { new Walker() with
            member _.Visit(path, value, leaf) = leaf path (value :?> Tensor)
            member _.Rebuild(_, next) = box (next ()) }

    /// Parts by name or position, read and made by functions that reflection has prepared.
    let private product (names: string[]) (walkers: Lazy<Walker>[]) (read: obj -> obj[]) (make: obj -> obj[] -> obj) =
        { new Walker() with
            member _.Visit(path, value, leaf) =
                read value |> Array.iteri (fun i part -> walkers[i].Value.Visit(path + names[i], part, leaf))

            member _.Rebuild(value, next) =
                read value |> Array.mapi (fun i part -> walkers[i].Value.Rebuild(part, next)) |> make value }

    /// Any number of parts of one type.
    let private sequence (element: Lazy<Walker>) (read: obj -> obj seq) (make: obj -> obj[] -> obj) =
        { new Walker() with
            member _.Visit(path, value, leaf) =
                if not (isNull value) then
                    read value |> Seq.iteri (fun i part -> element.Value.Visit($"{path}[{i}]", part, leaf))

            member _.Rebuild(value, next) =
                if isNull value then
                    null
                else
                    read value |> Seq.map (fun part -> element.Value.Rebuild(part, next)) |> Array.ofSeq |> make value }

    let private all (value: obj) = Seq.cast<obj> (value :?> IEnumerable)

    let private isDefinedBy (definition: Type) (t: Type) =
        t.IsGenericType && t.GetGenericTypeDefinition() = definition

    let private isStatic (t: Type) =
        t.IsPrimitive
        || t.IsEnum
        || t = typeof<string>
        || t = typeof<decimal>
        || t = typeof<unit>
        || t = typeof<Shape>
        || typeof<Type>.IsAssignableFrom t
        || typeof<Delegate>.IsAssignableFrom t
        || FSharpType.IsFunction t

    let private walkers = ConcurrentDictionary<Type, Walker>()

    let rec find (path: string) (t: Type) : Walker =
        match walkers.TryGetValue t with
        | true, walker -> walker
        | _ ->
            let walker = make path t
            walkers[t] <- walker
            walker

    and private later path (t: Type) = lazy (find path t)

    and private make path (t: Type) : Walker =
        if typeof<Tensor>.IsAssignableFrom t then tensorLeaf
        elif isStatic t then untouched
        elif t.IsArray && t.GetArrayRank() = 1 then arrayOf path (t.GetElementType())
        elif isDefinedBy typedefof<list<_>> t then listOf path t
        elif isDefinedBy typedefof<Map<_, _>> t || isDefinedBy typedefof<Dictionary<_, _>> t then mapOf path t
        elif isDefinedBy typedefof<List<_>> t then mutableListOf path t
        elif FSharpType.IsTuple t then tupleOf path t
        elif FSharpType.IsRecord(t, true) then recordOf path t
        elif FSharpType.IsUnion(t, true) then unionOf path t
        elif not (isNull (t.GetMethod("<Clone>$"))) then csharpRecordOf path t
        else
            let place = if path = "" then "the value" else path.TrimStart '.'
            raise (ShapeException $"tree: {place} : {t.Name} is not a tensor, nor a record, tuple, list, array, option, map or union of such, nor a plain setting.")

    and private arrayOf path element =
        let make _ (parts: obj[]) =
            let result = Array.CreateInstance(element, parts.Length)
            parts |> Array.iteri (fun i part -> result.SetValue(part, i))
            box result

        sequence (later (path + "[]") element) all make

    and private listOf path t =
        let cases = FSharpType.GetUnionCases t
        let make case = FSharpValue.PreComputeUnionConstructor case
        let empty = make (cases |> Array.find (fun case -> case.GetFields().Length = 0)) [||]
        let cons = make (cases |> Array.find (fun case -> case.GetFields().Length = 2))
        sequence (later (path + "[]") (t.GetGenericArguments()[0])) all (fun _ parts -> Array.foldBack (fun part rest -> cons [| part; rest |]) parts empty)

    and private mutableListOf path t =
        let make _ (parts: obj[]) =
            let list = Activator.CreateInstance t :?> IList
            parts |> Array.iter (list.Add >> ignore)
            box list

        sequence (later (path + "[]") (t.GetGenericArguments()[0])) all make

    /// Maps and dictionaries: the keys are settings, the values are walked in the order of the keys.
    and private mapOf path t =
        let arguments = t.GetGenericArguments()
        let pair = typedefof<KeyValuePair<_, _>>.MakeGenericType arguments
        let key, value = pair.GetProperty "Key", pair.GetProperty "Value"
        let element = later (path + "[]") arguments[1]
        let entries map = all map |> Seq.sortBy (fun entry -> string (key.GetValue entry)) |> Array.ofSeq
        let tuple = FSharpType.MakeTupleType arguments
        let newTuple = FSharpValue.PreComputeTupleConstructor tuple
        let isMap = isDefinedBy typedefof<Map<_, _>> t

        let make (keys: obj[]) (parts: obj[]) : obj =
            if isMap then
                let pairs = Array.CreateInstance(tuple, keys.Length)
                Array.iteri2 (fun i k part -> pairs.SetValue(newTuple [| k; part |], i)) keys parts
                Activator.CreateInstance(t, pairs)
            else
                let dictionary = Activator.CreateInstance t :?> IDictionary
                Array.iter2 (fun k part -> dictionary.Add(k, part)) keys parts
                box dictionary

        { new Walker() with
            member _.Visit(path, map, leaf) =
                for entry in entries map do
                    element.Value.Visit($"{path}[{key.GetValue entry}]", value.GetValue entry, leaf)

            member _.Rebuild(map, next) =
                let entries = entries map
                let parts = entries |> Array.map (fun entry -> element.Value.Rebuild(value.GetValue entry, next))
                make (entries |> Array.map key.GetValue) parts }

    and private tupleOf path t =
        let elements = FSharpType.GetTupleElements t
        let names = elements |> Array.mapi (fun i _ -> $".Item{i + 1}")
        let make = FSharpValue.PreComputeTupleConstructor t
        product names (Array.map2 (fun name element -> later (path + name) element) names elements) (FSharpValue.PreComputeTupleReader t) (fun _ parts -> make parts)

    and private fieldsOf path (fields: PropertyInfo[]) =
        let names = fields |> Array.map (fun field -> "." + field.Name)
        names, Array.map2 (fun name (field: PropertyInfo) -> later (path + name) field.PropertyType) names fields

    and private recordOf path t =
        let names, walkers = fieldsOf path (FSharpType.GetRecordFields(t, true))
        let make = FSharpValue.PreComputeRecordConstructor(t, true)
        product names walkers (FSharpValue.PreComputeRecordReader(t, true)) (fun _ parts -> make parts)

    and private unionOf path t =
        let readTag = FSharpValue.PreComputeUnionTagReader(t, true)

        let cases =
            FSharpType.GetUnionCases(t, true)
            |> Array.map (fun case ->
                let names, walkers = fieldsOf path (case.GetFields())
                let make = FSharpValue.PreComputeUnionConstructor(case, true)
                case.Tag, product names walkers (FSharpValue.PreComputeUnionReader(case, true)) (fun _ parts -> make parts))
            |> dict

        { new Walker() with
            member _.Visit(path, value, leaf) = cases[readTag value].Visit(path, value, leaf)
            member _.Rebuild(value, next) = cases[readTag value].Rebuild(value, next) }

    /// A C# record class is cloned, then its properties are set.
    and private csharpRecordOf path t =
        let properties = t.GetProperties(BindingFlags.Public ||| BindingFlags.Instance) |> Array.filter (fun p -> p.CanRead && p.CanWrite)
        let names, walkers = fieldsOf path properties
        let clone = t.GetMethod "<Clone>$"

        let make (value: obj) (parts: obj[]) =
            let copy = clone.Invoke(value, [||])
            Array.iter2 (fun (property: PropertyInfo) part -> property.SetValue(copy, part)) properties parts
            copy

        product names walkers (fun value -> properties |> Array.map (fun p -> p.GetValue value)) make

/// Structures of tensors as one value: records, tuples, arrays, lists, options, maps, unions, nested in each other.
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
[<RequireQualifiedAccess>]
module Tree =
    let private walker<'T> = Walkers.find "" typeof<'T>

    /// The tensors, in order.
    /// <exception cref="T:FunctionalGrad.ShapeException">The structure holds something that is neither tensor nor setting.</exception>
    let flatten (tree: 'T) : Tensor[] =
        match box tree with
        | :? Tensor as tensor -> [| tensor |]
        | value ->
            let leaves = List<Tensor>()
            walker<'T>.Visit("", value, (fun _ tensor -> leaves.Add tensor))
            leaves.ToArray()

    /// The path and the tensor of each leaf, in order.
    let paths (tree: 'T) : (string * Tensor)[] =
        let leaves = List<string * Tensor>()
        walker<'T>.Visit("", box tree, (fun path tensor -> leaves.Add((path.TrimStart '.', tensor))))
        leaves.ToArray()

    /// The structure with other tensors, in the order of flatten.
    /// <exception cref="T:FunctionalGrad.ShapeException">Their number differs.</exception>
    let withLeaves (tree: 'T) (leaves: Tensor[]) : 'T =
        let mutable used = 0

        let next () =
            if used >= leaves.Length then
                raise (ShapeException $"tree: the structure holds more than the {leaves.Length} tensors given.")

            used <- used + 1
            leaves[used - 1]

        let result =
            match box tree with
            | :? Tensor -> box (next ())
            | value -> walker<'T>.Rebuild(value, next)

        if used <> leaves.Length then
            raise (ShapeException $"tree: the structure holds {used} tensors, but {leaves.Length} were given.")

        unbox<'T> result

    /// Applies a function to every tensor.
    let map (f: Tensor -> Tensor) (tree: 'T) : 'T =
        withLeaves tree (flatten tree |> Array.map f)

    /// Applies a function to the tensors at the same places of two structures.
    /// <exception cref="T:FunctionalGrad.ShapeException">The structures differ.</exception>
    let map2 (f: Tensor -> Tensor -> Tensor) (a: 'T) (b: 'T) : 'T =
        let x, y = paths a, paths b
        let names leaves = leaves |> Array.map fst |> String.concat ", "

        if Array.map fst x <> Array.map fst y then
            raise (ShapeException $"tree: the structures differ: one holds [{names x}], the other [{names y}].")

        withLeaves a (Array.map2 (fun (_, x) (_, y) -> f x y) x y)
