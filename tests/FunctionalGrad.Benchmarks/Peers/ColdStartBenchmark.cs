using System.Globalization;

namespace FunctionalGrad.Benchmarks.Peers;

/// <summary>A program's compilation: what its first runs take beyond those that follow.</summary>
internal readonly record struct ColdStartTime(string Name, double Seconds, double Limit);

/// <summary>Times how long programs take until they run at full speed.</summary>
internal static class ColdStartBenchmark
{
    // The first run compiles for the interpreter, the second to machine code.
    private const int RunsUntilWarm = 3;

    private static int made;

    /// <summary>
    /// Compilation of a program that is like none before, in a process that has compiled others: its first runs, less as many of those
    /// that follow.
    /// </summary>
    public static ColdStartTime Measure(ColdStart start)
    {
        var run = start.Make(made++);
        var cold = Enumerable.Range(0, RunsUntilWarm).Sum(_ => Measurement.Sample(run, 1));
        var warm = Enumerable.Range(0, RunsUntilWarm).Min(_ => Measurement.Sample(run, 1));
        return new ColdStartTime(start.Name, cold - (RunsUntilWarm * warm), start.Limit);
    }

    /// <summary>The same in a process that has compiled nothing yet.</summary>
    public static ColdStartTime MeasureFresh(ColdStart start)
    {
        var program = Environment.ProcessPath!;
        string[] host = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(ColdStartBenchmark).Assembly.Location] : [];
        var line = ChildProcess.Lines(program, [.. host, "cold", start.Name]).Last();
        return new ColdStartTime(start.Name + " (fresh process)", double.Parse(line, CultureInfo.InvariantCulture), start.Limit);
    }

    /// <summary>Prints the seconds of a cold start in this process.</summary>
    public static int RunHere(string name)
    {
        if (All.ColdStarts.FirstOrDefault(start => start.Name == name) is not { } start)
        {
            Console.Error.WriteLine($"cold: there is no cold start \"{name}\".");
            return 2;
        }

        Console.WriteLine(Measure(start).Seconds.ToString("R", CultureInfo.InvariantCulture));
        return 0;
    }
}
