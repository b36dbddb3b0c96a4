namespace FunctionalGrad

open System
open System.Collections
open System.Collections.Concurrent
open System.Collections.Generic
open System.Collections.Immutable
open System.Reflection
open System.Runtime.CompilerServices
open Microsoft.FSharp.Reflection

/// How values of one type are taken apart into tensors and put together again.
[<AbstractClass; AllowNullLiteral>]
type internal Walker() =
    /// Shows a visitor the tensors and all else, in order.
    abstract Visit: value: obj * visitor: TreeVisitor -> unit
    /// The value with each tensor replaced by the next one; what is no tensor stays.
    abstract Rebuild: value: obj * next: (unit -> Tensor) -> obj

/// The kinds of structure, and which type is of which kind.
module internal Walkers =
    /// What may be null says so, as two structures differ then.
    let private isThere (value: obj) (visitor: TreeVisitor) =
        let isThere = not (isNull value)
        visitor.Form(if isThere then 1 else 0)
        isThere

    let private untouched =
        { new Walker() with
            member _.Visit(value, visitor) = visitor.Setting value
            member _.Rebuild(value, _) = value }

    /// A field that may be null, as C# has them, holds no tensor then.
    let private tensorLeaf =
        { new Walker() with
            member _.Visit(value, visitor) = if isThere value visitor then visitor.Leaf(value :?> Tensor)

            member _.Rebuild(value, next) = if isNull value then null else box (next ()) }

    let private all (value: obj) = Seq.cast<obj>(value :?> IEnumerable)

    let private isDefinedBy (definition: Type) (t: Type) = t.IsGenericType && t.GetGenericTypeDefinition() = definition

    let private isOneOf (definitions: Type list) (t: Type) = definitions |> List.exists (fun definition -> isDefinedBy definition t)

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

    let private sequenceInterfaces =
        [ typedefof<IReadOnlyList<_>>
          typedefof<IReadOnlyCollection<_>>
          typedefof<IList<_>>
          typedefof<ICollection<_>>
          typedefof<IEnumerable<_>> ]

    let private mapInterfaces = [ typedefof<IReadOnlyDictionary<_, _>>; typedefof<IDictionary<_, _>> ]

    let private sequences = [ typedefof<list<_>>; typedefof<List<_>>; typedefof<ImmutableArray<_>>; typedefof<ImmutableList<_>> ]

    let private maps =
        [ typedefof<Map<_, _>>
          typedefof<Dictionary<_, _>>
          typedefof<SortedDictionary<_, _>>
          typedefof<ImmutableDictionary<_, _>> ]

    let private isVector (t: Type) = t.IsArray && t.GetArrayRank() = 1

    /// What the C# compiler gives every record, class or struct, and every anonymous type.
    let private isCSharpRecord (t: Type) =
        let hidden = BindingFlags.Instance ||| BindingFlags.NonPublic
        let prints = t.GetMethod("PrintMembers", hidden, [| typeof<System.Text.StringBuilder> |])

        not (isNull (t.GetMethod "<Clone>$"))
        || (t.IsValueType && not (isNull prints))
        || t.Name.StartsWith "<>f__AnonymousType"

    /// Every field, those of base types first: a property that is left out would be a gradient that is silently wrong.
    let rec private fieldsOf (t: Type) : FieldInfo[] =
        let flags = BindingFlags.Instance ||| BindingFlags.Public ||| BindingFlags.NonPublic ||| BindingFlags.DeclaredOnly
        if isNull t || t = typeof<obj> then [||] else Array.append (fieldsOf t.BaseType) (t.GetFields flags)

    /// The field behind a property `W` is called `<W>k__BackingField`.
    let private memberName (field: FieldInfo) =
        if field.Name.StartsWith '<' then field.Name.Substring(1, field.Name.IndexOf '>' - 1) else field.Name

    let private shallowCopy = typeof<obj>.GetMethod("MemberwiseClone", BindingFlags.Instance ||| BindingFlags.NonPublic)

    let private walkers = ConcurrentDictionary<Type, Walker>()

    /// Steps down, beyond which nobody could read a path.
    let private deepest = 5_000

    let rec find (path: string) (t: Type) : Walker =
        match walkers.TryGetValue t with
        | true, walker -> walker
        | _ ->
            let walker = make path t
            walkers[t] <- walker
            walker

    /// The path matters only for a refusal.
    and private here (visitor: TreeVisitor) (t: Type) : Walker =
        match walkers.TryGetValue t with
        | true, walker -> walker
        | _ -> find visitor.Path t

    and private make path (t: Type) : Walker =
        if typeof<Tensor>.IsAssignableFrom t then
            tensorLeaf
        elif isStatic t then
            untouched
        elif isVector t then
            arrayOf (t.GetElementType())
        elif isOneOf sequences t then
            sequenceOf t
        elif isOneOf maps t then
            mapOf t
        elif isOneOf sequenceInterfaces t then
            declared (isOneOf sequences) (arrayOf (t.GetGenericArguments()[0]))
        elif isOneOf mapInterfaces t then
            declared (isOneOf maps) (mapOf (typedefof<Dictionary<_, _>>.MakeGenericType(t.GetGenericArguments())))
        elif FSharpType.IsTuple t then
            tupleOf t
        elif FSharpType.IsRecord(t, true) then
            recordOf t
        elif FSharpType.IsUnion(t, true) then
            unionOf t
        elif isCSharpRecord t && (t.IsSealed || t.IsValueType) then
            csharpRecordOf t
        elif isCSharpRecord t then
            declared (fun own -> own <> t) (csharpRecordOf t)
        elif t.IsInterface || t.IsAbstract || t = typeof<obj> || isDefinedBy typedefof<Nullable<_>> t then
            declared ((<>) t) untouched
        else
            let place = if path = "" then "the value" else "parameters" + path

            raise (
                ShapeException
                    $"tree: {place} : {t.Name} is not a tensor, nor a record, tuple, list, array, option, map or union of such, nor a plain setting."
            )

    /// A type that others derive from: the value's own type decides if it is of a known kind.
    and private declared (isKnown: Type -> bool) (otherwise: Walker) =
        let walker find (own: Type) = if isKnown own || isVector own then find own else otherwise

        { new Walker() with
            member _.Visit(value, visitor) =
                if isThere value visitor then
                    let own = value.GetType()
                    // All kinds of tensors are alike to users.
                    visitor.Setting(if value :? Tensor then typeof<Tensor> else own)
                    (walker (here visitor) own).Visit(value, visitor)

            member _.Rebuild(value, next) = if isNull value then null else (walker (find "") (value.GetType())).Rebuild(value, next) }

    /// Structures are walked by recursion; one that is deeper than the stack, or than a path that anybody could read, is refused
    /// while there is still room to say so.
    and private requireDepth (depth: int) =
        let hasRoom = RuntimeHelpers.TryEnsureSufficientExecutionStack()

        if not hasRoom || depth > deepest then
            raise (ShapeException "tree: the structure is nested too deeply to walk. Hold its parts in a list or an array.")

    /// Parts by name or position, read and made by functions that reflection has prepared.
    and private product (names: string[]) (types: Type[]) (read: obj -> obj[]) (make: obj -> obj[] -> obj) =
        let walkers: Walker[] = Array.zeroCreate types.Length

        { new Walker() with
            member _.Visit(value, visitor) =
                requireDepth visitor.Depth
                let parts = read value

                for i in 0 .. parts.Length - 1 do
                    visitor.Enter names[i]
                    if isNull walkers[i] then walkers[i] <- here visitor types[i]
                    walkers[i].Visit(parts[i], visitor)
                    visitor.Leave()

            member _.Rebuild(value, next) =
                requireDepth 0
                let parts = read value

                for i in 0 .. parts.Length - 1 do
                    if isNull walkers[i] then walkers[i] <- find names[i] types[i]
                    parts[i] <- walkers[i].Rebuild(parts[i], next)

                make value parts }

    /// Any number of parts of one type.
    and private sequence (element: Type) (read: obj -> obj seq) (make: obj[] -> obj) =
        let mutable walker: Walker = null

        { new Walker() with
            member _.Visit(value, visitor) =
                if isThere value visitor then
                    let parts = Array.ofSeq (read value)
                    visitor.Form parts.Length

                    for i in 0 .. parts.Length - 1 do
                        visitor.EnterAt i
                        if isNull walker then walker <- here visitor element
                        walker.Visit(parts[i], visitor)
                        visitor.Leave()

            member _.Rebuild(value, next) =
                if isNull value then
                    null
                else
                    if isNull walker then walker <- find "[]" element
                    read value |> Seq.map (fun part -> walker.Rebuild(part, next)) |> Array.ofSeq |> make }

    and private arrayOf element =
        let make (parts: obj[]) =
            let result = Array.CreateInstance(element, parts.Length)
            parts |> Array.iteri (fun i part -> result.SetValue(part, i))
            box result

        sequence element all make

    and private sequenceOf t =
        let element = t.GetGenericArguments()[0]

        if isDefinedBy typedefof<list<_>> t then
            listOf t element
        elif isDefinedBy typedefof<List<_>> t then
            mutableListOf t element
        elif isDefinedBy typedefof<ImmutableList<_>> t then
            immutableOf typeof<ImmutableList> element all
        else
            let isDefault = t.GetProperty "IsDefault"
            immutableOf typeof<ImmutableArray> element (fun value -> if unbox (isDefault.GetValue value) then Seq.empty else all value)

    and private listOf t element =
        let cases = FSharpType.GetUnionCases t
        let make case = FSharpValue.PreComputeUnionConstructor case
        let empty = make (cases |> Array.find (fun case -> case.GetFields().Length = 0)) [||]
        let cons = make (cases |> Array.find (fun case -> case.GetFields().Length = 2))
        sequence element all (fun parts -> Array.foldBack (fun part rest -> cons [| part; rest |]) parts empty)

    and private mutableListOf t element =
        let make (parts: obj[]) =
            let list = Activator.CreateInstance t :?> IList
            parts |> Array.iter (list.Add >> ignore)
            box list

        sequence element all make

    /// ImmutableArray and ImmutableList, made by the CreateRange of their namesakes.
    and private immutableOf (factory: Type) element read =
        let takesParts (m: MethodInfo) =
            m.Name = "CreateRange" && (m.GetParameters() |> Array.map (fun p -> p.ParameterType.IsInterface)) = [| true |]

        let create = (factory.GetMethods() |> Array.find takesParts).MakeGenericMethod element

        let make (parts: obj[]) =
            let typed = Array.CreateInstance(element, parts.Length)
            Array.Copy(parts, typed, parts.Length)
            create.Invoke(null, [| typed |])

        sequence element read make

    /// Maps and dictionaries: the keys are settings, the values are walked in the order of the keys. What is read may be of
    /// another kind than `result`, which is made.
    and private mapOf (result: Type) =
        let arguments = result.GetGenericArguments()
        let pair = typedefof<KeyValuePair<_, _>>.MakeGenericType arguments
        let key, value = pair.GetProperty "Key", pair.GetProperty "Value"
        let entries map = all map |> Seq.sortBy (fun entry -> string (key.GetValue entry)) |> Array.ofSeq
        let make = mapMaker arguments result
        let comparer = comparerOf result

        { new Walker() with
            member _.Visit(map, visitor) =
                if isThere map visitor then
                    let entries = entries map
                    visitor.Form entries.Length
                    visitor.Setting(comparer map)

                    for entry in entries do
                        let key = key.GetValue entry
                        visitor.Setting key
                        visitor.EnterKey key
                        (here visitor arguments[1]).Visit(value.GetValue entry, visitor)
                        visitor.Leave()

            member _.Rebuild(map, next) =
                if isNull map then
                    null
                else
                    let entries = entries map
                    let parts = entries |> Array.map (fun entry -> (find "[]" arguments[1]).Rebuild(value.GetValue entry, next))
                    make map (entries |> Array.map key.GetValue) parts }

    /// What a map goes by when it looks for a key, if it can be told.
    and private comparerOf (t: Type) : obj -> obj =
        let property = [ "Comparer"; "KeyComparer" ] |> List.map t.GetProperty |> List.tryFind (fun p -> not (isNull p))

        match property with
        | Some property -> fun map -> if t.IsInstanceOfType map then property.GetValue map else null
        | None -> fun _ -> null

    /// From the map that was read, its keys and the new values.
    and private mapMaker arguments (t: Type) : obj -> obj[] -> obj[] -> obj =
        if isDefinedBy typedefof<Map<_, _>> t then
            let tuple = FSharpType.MakeTupleType arguments
            let newTuple = FSharpValue.PreComputeTupleConstructor tuple

            fun _ keys parts ->
                let pairs = Array.CreateInstance(tuple, keys.Length)
                Array.iteri2 (fun i k part -> pairs.SetValue(newTuple [| k; part |], i)) keys parts
                Activator.CreateInstance(t, pairs)
        elif isDefinedBy typedefof<ImmutableDictionary<_, _>> t then
            let set = t.GetMethod "SetItem"
            fun map keys parts -> Array.fold2 (fun map k part -> set.Invoke(map, [| k; part |])) map keys parts
        else
            let comparer = comparerOf t

            fun map keys parts ->
                let arguments =
                    match comparer map with
                    | null -> [||]
                    | comparer -> [| comparer |]

                let dictionary = Activator.CreateInstance(t, arguments) :?> IDictionary
                Array.iter2 (fun k part -> dictionary.Add(k, part)) keys parts
                box dictionary

    and private tupleOf t =
        let elements = FSharpType.GetTupleElements t
        let names = elements |> Array.mapi (fun i _ -> $".Item{i + 1}")
        let make = FSharpValue.PreComputeTupleConstructor t

        let read (value: obj) =
            let tuple = value :?> ITuple
            Array.init tuple.Length (fun i -> tuple[i])

        product names elements read (fun _ parts -> make parts)

    and private named (properties: PropertyInfo[]) =
        product (properties |> Array.map (fun p -> "." + p.Name)) (properties |> Array.map (fun p -> p.PropertyType))

    and private recordOf t =
        let make = FSharpValue.PreComputeRecordConstructor(t, true)
        named (FSharpType.GetRecordFields(t, true)) (FSharpValue.PreComputeRecordReader(t, true)) (fun _ parts -> make parts)

    and private unionOf t =
        let readTag = FSharpValue.PreComputeUnionTagReader(t, true)

        let cases =
            FSharpType.GetUnionCases(t, true)
            |> Array.map (fun case ->
                let make = FSharpValue.PreComputeUnionConstructor(case, true)
                case.Tag, named (case.GetFields()) (FSharpValue.PreComputeUnionReader(case, true)) (fun _ parts -> make parts))
            |> dict

        { new Walker() with
            member _.Visit(value, visitor) =
                let tag = readTag value
                visitor.Form tag
                cases[tag].Visit(value, visitor)

            member _.Rebuild(value, next) = cases[readTag value].Rebuild(value, next) }

    /// A C# record is copied, then its fields are set, which `with` may do and a constructor might refuse.
    and private csharpRecordOf t =
        let fields = fieldsOf t

        let make (value: obj) (parts: obj[]) =
            let copy = shallowCopy.Invoke(value, [||])
            Array.iter2 (fun (field: FieldInfo) part -> field.SetValue(copy, part)) fields parts
            copy

        let read value = fields |> Array.map (fun field -> field.GetValue value)

        let walker =
            product
                (fields |> Array.map (fun field -> "." + memberName field))
                (fields |> Array.map (fun field -> field.FieldType))
                read
                make

        { new Walker() with
            member _.Visit(value, visitor) = if isThere value visitor then walker.Visit(value, visitor)

            member _.Rebuild(value, next) = if isNull value then null else walker.Rebuild(value, next) }

/// The walker of a declared type, looked for once.
[<Sealed; AbstractClass>]
type internal WalkerOf<'T>() =
    [<DefaultValue>]
    static val mutable private found: Walker

    static member Walker: Walker =
        match WalkerOf<'T>.found with
        | null ->
            WalkerOf<'T>.found <- Walkers.find "" typeof<'T>
            WalkerOf<'T>.found
        | walker -> walker

/// Structures of tensors as one value: records, tuples, arrays, lists, options, maps, unions, nested in each other; of C# too the
/// record classes and structs, immutable collections and the interfaces of collections.
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
[<RequireQualifiedAccess>]
module Tree =
    let private walker<'T> = WalkerOf<'T>.Walker

    /// The tensors, in order.
    /// <exception cref="T:FunctionalGrad.ShapeException">The structure holds something that is neither tensor nor setting.</exception>
    let flatten (tree: 'T) : Tensor[] =
        match box tree with
        | :? Tensor as tensor -> [| tensor |]
        | value ->
            let leaves = List<Tensor>()

            walker<'T>
                .Visit(
                    value,
                    { new TreeVisitor() with
                        member _.Leaf tensor = leaves.Add tensor }
                )

            leaves.ToArray()

    /// The tensors, in order, and what tells the structure apart from others of its type: the key that is given, if it is that one.
    let internal key (recent: TreeKey) (tree: 'T) : struct (Tensor[] * TreeKey) =
        match box tree with
        | :? Tensor as tensor -> struct ([| tensor |], (if isNull recent || not (recent.IsOf tensor) then TreeKey.Of tensor else recent))
        | value ->
            let visitor = KeyVisitor.Rent()
            walker<'T>.Visit(value, visitor)
            let leaves = visitor.Leaves
            let key = if isNull recent || not (visitor.IsOf recent) then visitor.Key else recent
            visitor.Return()
            struct (leaves, key)

    /// The numbers, truth values and texts beside the tensors, each with its path.
    let internal settings (tree: 'T) : (string * obj)[] =
        let found = List<string * obj>()

        walker<'T>
            .Visit(
                box tree,
                { new TreeVisitor() with
                    member _.Leaf _ = ()

                    member this.Setting value =
                        match value with
                        | :? string
                        | :? ValueType -> found.Add((this.Path.TrimStart '.', value))
                        | _ -> () }
            )

        found.ToArray()

    /// The path and the tensor of each leaf, in order.
    let paths (tree: 'T) : (string * Tensor)[] =
        let leaves = List<string * Tensor>()

        walker<'T>
            .Visit(
                box tree,
                { new TreeVisitor() with
                    member this.Leaf tensor = leaves.Add((this.Path.TrimStart '.', tensor)) }
            )

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

    /// Computes the values of all the tensors together, which shares what they have in common.
    let evaluate (tree: 'T) : unit = Evaluation.force (flatten tree)

    /// Applies a function to every tensor.
    let map (f: Tensor -> Tensor) (tree: 'T) : 'T = withLeaves tree (flatten tree |> Array.map f)

    /// Applies a function to the tensors at the same places of two structures.
    /// <exception cref="T:FunctionalGrad.ShapeException">The structures differ.</exception>
    let map2 (f: Tensor -> Tensor -> Tensor) (a: 'T) (b: 'T) : 'T =
        let x, y = paths a, paths b
        let names leaves = leaves |> Array.map fst |> String.concat ", "

        if Array.map fst x <> Array.map fst y then
            raise (ShapeException $"tree: the structures differ: one holds [{names x}], the other [{names y}].")

        withLeaves a (Array.map2 (fun (_, x) (_, y) -> f x y) x y)
