using System.Globalization;
using System.Text.RegularExpressions;

namespace FunctionalGrad.Benchmarks.Peers;

/// <summary>What the command line asks for.</summary>
internal sealed record Options
{
    public const string Help = """

        --only REGEX      workloads whose name matches
        --rounds N        rounds of ours and peers in turn (default 3)
        --min-time S      seconds for each workload in a round (default 0.3)
        --threads N[,N]   numbers of threads (default 1,2)
        --json FILE       also write every figure to FILE
        --bench DIR       where torch_bench.py and limits.c lie (default ../shared/bench)
        """;

    public Regex Only { get; init; } = new("");

    public int Rounds { get; init; } = 3;

    public double MinTime { get; init; } = 0.3;

    public int[] Threads { get; init; } = [1, 2];

    public string? Json { get; init; }

    public string Bench { get; init; } = Path.Combine("..", "shared", "bench");

    /// <summary>The options that the arguments ask for.</summary>
    /// <exception cref="FormatException">An option is unknown, lacks its value, or has one that it does not take.</exception>
    public static Options Parse(ReadOnlySpan<string> arguments)
    {
        var options = new Options();
        for (var i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length)
                throw new FormatException($"{arguments[i]} needs a value.");
            options = options.With(arguments[i], arguments[i + 1]);
        }

        return options;
    }

    private Options With(string name, string value) => name switch
    {
        "--only" => this with { Only = Pattern(value) },
        "--rounds" => this with { Rounds = Count(name, value) },
        "--min-time" => this with { MinTime = Seconds(name, value) },
        "--threads" => this with { Threads = [.. value.Split(',').Select(part => Count(name, part))] },
        "--json" => this with { Json = value },
        "--bench" => this with { Bench = value },
        _ => throw new FormatException($"unknown option \"{name}\"."),
    };

    private static Regex Pattern(string value)
    {
        try
        {
            return new Regex(value);
        }
        catch (ArgumentException fault)
        {
            throw new FormatException($"--only: {fault.Message}");
        }
    }

    private static int Count(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
            ? count
            : throw new FormatException($"{name} takes whole numbers from 1, not \"{value}\".");

    private static double Seconds(string name, string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds > 0 && double.IsFinite(seconds)
            ? seconds
            : throw new FormatException($"{name} takes seconds above 0, not \"{value}\".");
}
