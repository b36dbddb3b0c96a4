using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace FunctionalGrad.Loops;

/// <summary>How a program's kernels are run.</summary>
internal enum Tier
{
    /// <summary>By the interpreter at first; as machine code once the time spent would have paid for compiling it.</summary>
    Automatic,

    /// <summary>By the interpreter.</summary>
    Interpreter,

    /// <summary>As machine code, from the first run on.</summary>
    Emitter,
}

/// <summary>Chooses between the interpreter and machine code. Both give the same bits.</summary>
internal static class Tiers
{
    /// <summary>The name of the AppContext setting, and of the environment variable, that forces a tier: <c>interpreter</c> or <c>emitter</c>.</summary>
    public const string Setting = "FunctionalGrad.Tier";

    /// <summary>What compiling a kernel takes, about.</summary>
    private static readonly long CompileTicks = Stopwatch.Frequency / 500;

    // Not read when the type is loaded: what is wrong with a setting would come out as an error of the type's.
    private static Tier? chosen;

    /// <summary>What holds for all programs.</summary>
    /// <exception cref="ArgumentException">The setting asks for a tier that there is not.</exception>
    public static Tier Chosen
    {
        get => chosen ??= Parse(Asked());
        set => chosen = value;
    }

    /// <summary>Whether a program is to be compiled now.</summary>
    /// <param name="runs">How often it was run.</param>
    /// <param name="ticks">How long that took.</param>
    /// <param name="kernels">How many kernels it has.</param>
    public static bool IsWorthCompiling(long runs, long ticks, int kernels) => kernels > 0 && RuntimeFeature.IsDynamicCodeSupported && Chosen switch
    {
        Tier.Interpreter => false,
        Tier.Emitter => true,
        _ => runs >= 2 && ticks >= kernels * CompileTicks,
    };

    /// <summary>Why no program is compiled; null if programs are.</summary>
    public static string? WhyNever => !RuntimeFeature.IsDynamicCodeSupported ? "code generation is not allowed here"
        : Chosen == Tier.Interpreter ? $"{Setting} asks for the interpreter" : null;

    /// <summary>The tier that a setting's text asks for.</summary>
    /// <exception cref="ArgumentException">There is no such tier.</exception>
    internal static Tier Parse(string? text) => text switch
    {
        null or "" => Tier.Automatic,
        "interpreter" => Tier.Interpreter,
        "emitter" => Tier.Emitter,
        _ => throw new ArgumentException($"{Setting}: a tier is interpreter or emitter, not {text}."),
    };

    private static string? Asked()
    {
        var text = Convert.ToString(AppContext.GetData(Setting), CultureInfo.InvariantCulture);
        return string.IsNullOrEmpty(text) ? Environment.GetEnvironmentVariable(Setting) : text;
    }
}
