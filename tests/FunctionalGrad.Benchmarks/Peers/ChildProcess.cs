using System.Diagnostics;

namespace FunctionalGrad.Benchmarks.Peers;

/// <summary>Other programs, and what they print.</summary>
internal static class ChildProcess
{
    /// <summary>The lines that a program prints, as they come; it ends when the caller stops reading.</summary>
    /// <exception cref="IOException">The program cannot be started, or failed; the message has what it printed as errors.</exception>
    public static IEnumerable<string> Lines(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using var process = Start(start);
        var errors = process.StandardError.ReadToEndAsync();
        var isDone = false;
        try
        {
            while (process.StandardOutput.ReadLine() is { } line)
                yield return line;
            isDone = true;
        }
        finally
        {
            if (!isDone)
                process.Kill();
            process.WaitForExit();
        }

        if (process.ExitCode != 0)
            throw new IOException($"{program} failed: {errors.Result.Trim()}");
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new IOException($"{start.FileName} was not started.");
        }
        catch (System.ComponentModel.Win32Exception fault)
        {
            throw new IOException($"{start.FileName} cannot be started: {fault.Message}", fault);
        }
    }
}
