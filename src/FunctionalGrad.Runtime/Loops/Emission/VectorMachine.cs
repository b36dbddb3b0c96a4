using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Intrinsics;
using FunctionalGrad.Kernels;

namespace FunctionalGrad.Loops;

/// <summary>The types and methods that emitted code calculates with at one width of the vectors.</summary>
internal sealed class VectorMachine
{
    private static readonly ConcurrentDictionary<int, VectorMachine> ByBits = new();

    private readonly Type open;
    private readonly Type helpers;
    private readonly Type lanes;
    private readonly ConcurrentDictionary<(string Name, DType Type), MethodInfo> methods = new();
    private readonly ConcurrentDictionary<(string Name, DType Type), MethodInfo> moves = new();

    private VectorMachine(int bits)
    {
        Bits = bits;
        (open, helpers, lanes) = bits switch
        {
            512 => (typeof(Vector512<>), typeof(Vector512), typeof(Lanes512<>)),
            256 => (typeof(Vector256<>), typeof(Vector256), typeof(Lanes256<>)),
            _ => (typeof(Vector128<>), typeof(Vector128), typeof(Lanes128<>)),
        };
    }

    /// <summary>Bits of a vector.</summary>
    public int Bits { get; }

    /// <summary>The machine of a width.</summary>
    public static VectorMachine Of(int bits) => ByBits.GetOrAdd(bits, bits => new VectorMachine(bits));

    /// <summary>The narrowest width that holds so many elements at once, no wider than the given one.</summary>
    public static VectorMachine For(long elements, int elementSize, int widest)
    {
        var bits = 128;
        while (bits < widest && bits / 8 / elementSize < elements)
            bits *= 2;
        return Of(bits);
    }

    /// <summary>How many elements a vector holds.</summary>
    public int Count(DType type) => Bits / 8 / type.Size();

    /// <summary>The type of a vector of such elements. Truth values have none: they are masks of another type.</summary>
    public Type Vector(DType type) => open.MakeGenericType(type.ClrType());

    /// <summary>A method of the vector class: generic in the element, or one that takes vectors of it.</summary>
    public MethodInfo Method(string name, DType type) => methods.GetOrAdd((name, type), key => Find(key.Name, key.Type));

    /// <summary>A method of <see cref="VectorMoves{L,V,T}"/> for an element type.</summary>
    public MethodInfo Move(string name, DType type) => moves.GetOrAdd((name, type), key =>
        typeof(VectorMoves<,,>).MakeGenericType(lanes.MakeGenericType(key.Type.ClrType()), Vector(key.Type), key.Type.ClrType()).GetMethod(key.Name)!);

    /// <summary>Reads the bits of one vector as another.</summary>
    public MethodInfo As(DType from, DType to) => methods.GetOrAdd(($"As{to}", from), _ =>
        helpers.GetMethods().Single(m => m.Name == "As" && m.GetGenericArguments().Length == 2).MakeGenericMethod(from.ClrType(), to.ClrType()));

    private MethodInfo Find(string name, DType type)
    {
        var vector = Vector(type);
        if (Operator(name) is { } op)
        {
            // A scalar may stand beside a vector too.
            var second = op.EndsWith("Shift", StringComparison.Ordinal) ? typeof(int) : vector;
            return vector.GetMethod(op, [vector, second]) ?? vector.GetMethod(op, [vector])!;
        }

        var best = helpers.GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Where(method => method.Name == name && (name == "Create" ? Creates(method, type) : Takes(method, vector)))
            .OrderBy(method => method.GetParameters().Length)
            .ThenBy(method => method.IsGenericMethodDefinition)
            .ThenBy(method => method.GetParameters()[^1].ParameterType != typeof(int) && name.StartsWith("Shift", StringComparison.Ordinal))
            .FirstOrDefault() ?? throw new InvalidOperationException($"{helpers.Name} has no method {name} for {type}.");
        return best.IsGenericMethodDefinition ? best.MakeGenericMethod(type.ClrType()) : best;
    }

    /// <summary>
    /// The operator behind a function, if there is one. The just-in-time compiler knows operators itself, but inlines functions, with a local variable
    /// for every operand; beyond 512 of them it inlines no more, and calls.
    /// </summary>
    private static string? Operator(string name) => name switch
    {
        "Add" => "op_Addition",
        "Subtract" => "op_Subtraction",
        "Multiply" => "op_Multiply",
        "Divide" => "op_Division",
        "Negate" => "op_UnaryNegation",
        "BitwiseAnd" => "op_BitwiseAnd",
        "BitwiseOr" => "op_BitwiseOr",
        "Xor" => "op_ExclusiveOr",
        "OnesComplement" => "op_OnesComplement",
        "ShiftLeft" => "op_LeftShift",
        "ShiftRightLogical" => "op_UnsignedRightShift",
        _ => null,
    };

    private static bool Creates(MethodInfo method, DType type) =>
        !method.IsGenericMethodDefinition && method.GetParameters() is [var only] && only.ParameterType == type.ClrType();

    private bool Takes(MethodInfo method, Type vector)
    {
        if (method.GetParameters() is not [var first, ..])
            return false;
        return method.IsGenericMethodDefinition
            ? method.GetGenericArguments().Length == 1 && first.ParameterType.IsGenericType && first.ParameterType.GetGenericTypeDefinition() == open
            : first.ParameterType == vector;
    }
}
