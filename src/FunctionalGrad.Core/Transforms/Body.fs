namespace FunctionalGrad

open System
open System.Collections.Generic
open System.Threading
open FunctionalGrad.Compile
open FunctionalGrad.Loops

/// Shapes and dtypes of what goes in and out of bodies.
module internal TensorTypes =
    let isFloat (t: TensorType) = t.DType.IsFloat()
    let zeros (t: TensorType) = Tensor.Splat(t.Shape, t.DType, 0.0)

    /// Zeros where nothing arrived.
    let orZeros (types: TensorType[]) (parts: Tensor option[]) =
        Array.map2 (fun t part -> Option.defaultWith (fun () -> zeros t) part) types parts

    let placesWhere (flags: bool[]) = flags |> Array.indexed |> Array.filter snd |> Array.map fst
    let floatsOf (types: TensorType[]) = types |> Array.map isFloat |> placesWhere
    let results (types: TensorType[]) = types |> Array.map (fun t -> struct (t.Shape, t.DType))

/// Derivatives of functions of many tensors, for the rules of ops that hold functions. Nothing is computed.
module internal Differential =
    /// Runs a function on identities of its own of those arguments that move.
    let private within (name: string) (moving: bool[]) (xs: Tensor[]) (f: Tensor[] -> 'Result) : 'Result =
        let scope = Scope name
        let variables = Array.map2 (fun isMoving (x: Tensor) -> if isMoving then Variable(scope, x) :> Tensor else x) moving xs

        try
            f variables
        finally
            scope.IsOpen <- false

    /// The outputs at xs, and how they move when the inputs move by tangents; None where they do not.
    let push (f: Tensor[] -> Tensor[]) (xs: Tensor[]) (tangents: Tensor option[]) : Tensor[] * Tensor option[] =
        let moving = Array.map Option.isSome tangents

        within "jvp" moving xs (fun variables ->
            let ys = f variables
            let moved = Array.filter (fun i -> moving[i]) [| 0 .. xs.Length - 1 |]

            let moves =
                Differentiate.pushforward (moved |> Array.map (fun i -> variables[i])) (moved |> Array.map (fun i -> tangents[i].Value)) ys

            ys, moves)

    /// What reaches the wanted inputs when the outputs receive cotangents; None where nothing does.
    let pull (f: Tensor[] -> Tensor[]) (xs: Tensor[]) (wanted: bool[]) (cotangents: Tensor option[]) : Tensor option[] =
        within "vjp" wanted xs (fun variables ->
            let ys = f variables
            let asked = Array.filter (fun i -> wanted[i]) [| 0 .. xs.Length - 1 |]
            let inputs = asked |> Array.map (fun i -> variables[i])
            let parts = Differentiate.pullback (Differentiate.history ys inputs) ys cotangents inputs
            let result = Array.create xs.Length None
            Array.iter2 (fun i part -> result[i] <- part) asked parts
            result)

/// Examples that take different ways through the same graph.
module internal Examples =
    let private column (flags: Tensor) (like: Tensor) =
        Views.reshape (Shape(Seq.append [ flags.Count ] (Seq.replicate (like.Rank - 1) 1))) flags

    /// x where the flag of its example is true, else y.
    let select (flags: Tensor) (x: Tensor) (y: Tensor) : Tensor = Elementwise.select (column flags x) x y

    /// The part of one example, by its position (int64).
    let at (position: Tensor) (x: Tensor) : Tensor =
        let one = Typing.inFront 1 (Shape(Seq.skip 1 x.Shape.Sizes))
        Positions.gather 0 (Views.broadcastTo one position) x

    /// The position of the first flag that is true; of the first one if none is.
    let first (flags: Tensor) : Tensor = Folding.position Fold.ArgMax [| 0 |] (Elementwise.castTo DType.Int32 flags)

    /// Examples that do not take a way get the values of one that does, as constants. What runs over all of them then meets only values
    /// that it was made for: it ends, its checks hold, and its slopes are finite, so that they vanish where nothing reaches them.
    let borrow (flags: Tensor) (x: Tensor) : Tensor =
        if x.Shape.[0] < 2 then
            x
        else
            let lender = Op.apply (Data.detach ()) [| at (first flags) x |]
            select flags x (Views.broadcastTo x.Shape lender)

/// A function as graph: what loops and branches run. It is traced once and applied as often as one likes.
[<NoComparison; ReferenceEquality>]
type internal Body =
    {
        Parameters: Tensor[]
        /// The nodes between, operands first, each with its operands.
        Nodes: struct (Tensor * Tensor[])[]
        Results: Tensor[]
        /// The same for the compiler: the first nodes are the parameters.
        Graph: Lazy<Structure>
    }

    member body.ParameterTypes = body.Parameters |> Array.map TensorType.Of
    member body.ResultTypes = body.Results |> Array.map TensorType.Of

/// Making and applying functions as graphs.
module internal Body =
    /// Numbers and positions that need no memory stay in the body; whatever else it reads is given to it.
    let private isConstant (node: Tensor) = node.Operands.Length = 0 && (node.Op.Lower.IsSplat || node.Op.Lower.IsIota)

    let private toGraph (parameters: Tensor[]) (nodes: struct (Tensor * Tensor[])[]) (results: Tensor[]) : Graph =
        let places = Dictionary<Tensor, int>(HashIdentity.Reference)
        let found = List<Node>()

        let add (tensor: Tensor) lowering inputs =
            if places.TryAdd(tensor, found.Count) then
                found.Add { Lowering = lowering; Inputs = inputs; Shape = tensor.Shape; DType = tensor.DType }

        let constant (tensor: Tensor) =
            if isConstant tensor then
                // The body of a program reads no numbers from outside.
                add tensor (if tensor.Op.Lower.IsSplat then Splat(ValueSome tensor.Number) else tensor.Op.Lower) [||]

        for parameter in parameters do
            add parameter Leaf [||]

        for struct (node, operands) in nodes do
            Array.iter constant operands
            add node node.Op.Lower (operands |> Array.map (fun operand -> places[operand]))

        Array.iter constant results

        { Nodes = found.ToArray(); Outputs = results |> Array.map (fun result -> places[result]) }

    /// What the function reads besides its parameters.
    let private outside (nodes: struct (Tensor * Tensor[]) seq) (placeholders: Tensor[]) (results: Tensor[]) : Tensor[] =
        let inside = HashSet<Tensor>(placeholders, HashIdentity.Reference)
        let found = HashSet<Tensor>(HashIdentity.Reference)
        let order = List<Tensor>()

        let meet (tensor: Tensor) = if not (inside.Contains tensor || isConstant tensor) && found.Add tensor then order.Add tensor

        for struct (node, operands) in nodes do
            Array.iter meet operands
            inside.Add node |> ignore

        Array.iter meet results
        order.ToArray()

    /// The nodes, with the index maps that spread what they read from outside: such a map costs nothing where it is read, and memory where its
    /// result is handed over. A part of a tensor is handed over as a part, so that its cotangents are as small.
    let private withMaps
        (placeholders: Tensor[])
        (nodes: List<struct (Tensor * Tensor[])>)
        (results: Tensor[])
        : List<struct (Tensor * Tensor[])> =
        let inside = HashSet<Tensor>(placeholders, HashIdentity.Reference)
        let all = List<struct (Tensor * Tensor[])>()

        for struct (node, _) in nodes do
            inside.Add node |> ignore

        // Another thread may compute a value while we look, and then the operands are gone: they are read once.
        let mapped (tensor: Tensor) =
            match tensor.Operands with
            | [| operand |] as operands when tensor.Op.Lower.IsView && tensor.Count > operand.Count -> operands
            | _ -> [||]

        let meet (tensor: Tensor) =
            let chain = Stack<struct (Tensor * Tensor[])>()
            let mutable current = tensor
            let mutable operands = mapped current

            while operands.Length = 1 && isNull current.KnownValue && inside.Add current do
                chain.Push(struct (current, operands))
                current <- operands[0]
                operands <- mapped current

            all.AddRange chain

        for struct (_, operands) in nodes do
            Array.iter meet operands

        Array.iter meet results
        all.AddRange nodes
        all

    /// The nodes behind a tensor that is made of constants alone, operands first; None if it is made of anything else, or of too much.
    let private madeOfConstants (limit: int) (isConstant: Tensor -> bool) (tensor: Tensor) : List<struct (Tensor * Tensor[])> option =
        let order = List<struct (Tensor * Tensor[])>()
        let seen = HashSet<Tensor>(HashIdentity.Reference)
        let stack = Stack<struct (Tensor * Tensor[] * int)>()
        let mutable isMade = true

        let visit (node: Tensor) =
            if seen.Add node then
                let operands = node.Operands

                if operands.Length > 0 then stack.Push(struct (node, operands, 0))
                elif not (isConstant node) then isMade <- false

        visit tensor

        while isMade && seen.Count <= limit && stack.Count > 0 do
            let struct (node, operands, next) = stack.Pop()

            if next < operands.Length then
                stack.Push(struct (node, operands, next + 1))
                visit operands[next]
            else
                order.Add(struct (node, operands))

        if isMade && stack.Count = 0 then Some order else None

    /// Arithmetic on numbers alone, which the compiler does once; not on positions, which may be many.
    let private isArithmetic (tensor: Tensor) = madeOfConstants 50 (fun node -> node.Op.Lower.IsSplat) tensor |> Option.isSome

    /// A body of its parameters and of constants.
    let private create (name: string) (parameters: Tensor[]) (results: Tensor[]) : Body =
        let nodes = Walk.between Dependence.Traced results parameters
        let all = List<struct (Tensor * Tensor[])>()
        let known = HashSet<Tensor>(HashIdentity.Reference)

        for tensor in outside nodes parameters results do
            match madeOfConstants Int32.MaxValue isConstant tensor with
            | Some made ->
                for struct (node, operands) in made do
                    if known.Add node then all.Add(struct (node, operands))
            | None -> invalidOp $"{name}: the function reads a tensor of shape {tensor.Shape} from outside."

        all.AddRange nodes
        let nodes = all.ToArray()

        { Parameters = parameters
          Nodes = nodes
          Results = results
          Graph = lazy Structure(toGraph parameters nodes results) }

    /// The results at other tensors.
    let private replay (nodes: struct (Tensor * Tensor[]) seq) (values: Dictionary<Tensor, Tensor>) (results: Tensor[]) : Tensor[] =
        let valueOf (tensor: Tensor) =
            match values.TryGetValue tensor with
            | true, value -> value
            | _ -> tensor

        for struct (node, operands) in nodes do
            values[node] <- Op.again node (Array.map valueOf operands)

        Array.map valueOf results

    let private bind (parameters: Tensor[]) (inputs: Tensor[]) =
        let values = Dictionary<Tensor, Tensor>(HashIdentity.Reference)
        Array.iter2 (fun parameter input -> values[parameter] <- input) parameters inputs
        values

    let apply (body: Body) (inputs: Tensor[]) : Tensor[] = replay body.Nodes (bind body.Parameters inputs) body.Results

    let private placeholder (scope: Scope) (t: TensorType) = Placeholder(scope, t.Shape, t.DType) :> Tensor

    /// The results of a function of placeholders.
    let private run (name: string) (types: TensorType[]) (f: Tensor[] -> Tensor[]) : Tensor[] * Tensor[] =
        let scope = Scope name
        let placeholders = Array.map (placeholder scope) types

        try
            placeholders, f placeholders
        finally
            scope.IsOpen <- false

    /// Runs a function on placeholders. What it reads from outside becomes further parameters, at the end; their tensors come back too.
    let trace (name: string) (types: TensorType[]) (f: Tensor[] -> Tensor[]) : Body * Tensor[] =
        let placeholders, results = run name types f
        let nodes = withMaps placeholders (Walk.between Dependence.Traced results placeholders) results
        let captured = outside nodes placeholders results |> Array.filter (isArithmetic >> not)

        if captured.Length = 0 then
            create name placeholders results, captured
        else
            let inner = captured |> Array.map (TensorType.Of >> placeholder (Scope(name, IsOpen = false)))
            let values = bind (Array.append placeholders captured) (Array.append placeholders inner)
            create name (Array.append placeholders inner) (replay nodes values results), captured

    /// The nodes that have been made since, between the results and what was there before; operands first.
    let private madeSince (start: int64) (results: Tensor[]) : List<struct (Tensor * Tensor[])> =
        let order = List<struct (Tensor * Tensor[])>()
        let seen = HashSet<Tensor>(HashIdentity.Reference)
        let stack = Stack<struct (Tensor * Tensor[] * int)>()

        let visit (node: Tensor) =
            if node.Made > start && seen.Add node then
                let operands = node.Operands

                if operands.Length > 0 then stack.Push(struct (node, operands, 0))

        for result in results do
            visit result

            while stack.Count > 0 do
                let struct (node, operands, next) = stack.Pop()

                if next < operands.Length then
                    stack.Push(struct (node, operands, next + 1))
                    visit operands[next]
                else
                    order.Add(struct (node, operands))

        order

    /// What a function of nothing has made, as a function of what it reads.
    let traceThunk (name: string) (f: unit -> Tensor[]) : Body * Tensor[] =
        let start = OpTable.nextAge ()
        let results = OpTable.Alternatives.Trace f
        let nodes = withMaps [||] (madeSince start results) results
        let captured = outside nodes [||] results
        let inner = captured |> Array.map (TensorType.Of >> placeholder (Scope(name, IsOpen = false)))
        create name inner (replay nodes (bind captured inner) results), captured

    /// A function of its parameters alone as graph.
    let close (name: string) (types: TensorType[]) (f: Tensor[] -> Tensor[]) : Body =
        let placeholders, results = run name types f
        create name placeholders results

    /// The same body with more parameters: those at the places are its own.
    let withParameters (name: string) (types: TensorType[]) (places: int[]) (body: Body) : Body =
        close name types (fun inputs -> apply body (places |> Array.map (fun place -> inputs[place])))

    /// The tensors that wanted ones are computed from, themselves included, up to those that are known.
    let neededFor (body: Body) (known: Tensor -> bool) (wanted: Tensor[]) : HashSet<Tensor> =
        let needed = HashSet<Tensor>(wanted, HashIdentity.Reference)

        for i in body.Nodes.Length - 1 .. -1 .. 0 do
            let struct (node, operands) = body.Nodes[i]
            if needed.Contains node && not (known node) then needed.UnionWith operands

        needed

    let private nodesFor (body: Body) (known: Tensor -> bool) (wanted: Tensor[]) : struct (Tensor * Tensor[])[] =
        let needed = neededFor body known wanted
        body.Nodes |> Array.filter (fun (struct (node, _)) -> needed.Contains node && not (known node))

    /// What tensors of the body are, where tensors of it, parameters or others, are given.
    let evaluate (body: Body) (given: (Tensor * Tensor) seq) (wanted: Tensor[]) : Tensor[] =
        let values = Dictionary<Tensor, Tensor>(HashIdentity.Reference)

        for tensor, value in given do
            values[tensor] <- value

        replay (nodesFor body values.ContainsKey wanted) values wanted

    /// What tensors of the body are where some inputs carry one more axis in front, and which of them then do.
    let evaluateMapped (body: Body) (mapped: bool[]) (inputs: Tensor[]) (wanted: Tensor[]) : (Tensor * bool)[] =
        let values = bind body.Parameters inputs
        let isMapped = HashSet<Tensor>(HashIdentity.Reference)
        Array.iter2 (fun parameter isIt -> if isIt then isMapped.Add parameter |> ignore) body.Parameters mapped

        let valueOf (tensor: Tensor) =
            match values.TryGetValue tensor with
            | true, value -> value
            | _ -> tensor

        for struct (node, operands) in nodesFor body values.ContainsKey wanted do
            let flags = operands |> Array.map isMapped.Contains
            let inputs = operands |> Array.map valueOf

            if Array.exists id flags then
                values[node] <- node.Op.Batch flags inputs
                isMapped.Add node |> ignore
            else
                values[node] <- Op.again node inputs

        wanted |> Array.map (fun tensor -> valueOf tensor, isMapped.Contains tensor)

    /// The results where some inputs carry one more axis in front, and which results then do.
    let applyMapped (body: Body) (mapped: bool[]) (inputs: Tensor[]) : (Tensor * bool)[] = evaluateMapped body mapped inputs body.Results

/// A body bound to memory, which is kept from one run to the next. So many of its parameters, from one on, stay as they are from when memory is
/// borrowed to when it is given back.
[<Sealed>]
type internal BoundBody(body: Body, firstStill: int, stillCount: int) =
    let mutable idle: BoundFunction = null

    new(body) = BoundBody(body, 0, 0)

    /// A binding that nobody else uses.
    member _.Rent() : BoundFunction =
        let graph = body.Graph.Value.Graph

        if Evaluation.useReference.Value then
            let parameters = body.ParameterTypes |> Array.map (fun t -> struct (t.Shape, t.DType))
            BoundDelegate(Reference.toFunction graph, ReadOnlySpan parameters, body.Results.Length)
        else
            match Interlocked.Exchange(&idle, null) with
            | null -> Compiler.bind graph body.Parameters.Length firstStill stillCount
            | bound -> bound

    /// Gives a binding back.
    member _.Return(bound: BoundFunction) = if bound :? BoundProgram then Volatile.Write(&idle, bound)
