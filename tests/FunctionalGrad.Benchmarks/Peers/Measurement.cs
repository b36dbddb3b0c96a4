using System.Diagnostics;

namespace FunctionalGrad.Benchmarks.Peers;

/// <summary>Timing in this process.</summary>
internal static class Measurement
{
    private const int FewestSamples = 5;
    private const int MostSamples = 20_000;
    private const double ShortestSample = 20e-6;

    // What is timed may not be left out because nobody looks.
    private static object? result;

    /// <summary>The middle of the values, or of the two in the middle the mean.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }

    /// <summary>
    /// The median of the seconds that one run takes. Runs before the first sample give the runtime's tiers of compilation, which count calls
    /// and wait for a pause of 100 ms, the time to settle.
    /// </summary>
    public static double MedianSeconds(Func<object> run, double minTime, bool isFirst)
    {
        GC.Collect();
        WarmUp(run, isFirst ? 1.0 : 0.1);
        var repeats = (int)Math.Max(1, Math.Ceiling(ShortestSample / Math.Max(1e-9, Sample(run, 1))));
        var samples = new List<double>();
        for (var total = 0.0; (total < minTime || samples.Count < FewestSamples) && samples.Count < MostSamples; total += samples[^1] * repeats)
            samples.Add(Sample(run, repeats));
        return Median(samples);
    }

    /// <summary>Seconds of one run, the mean of several in a row.</summary>
    public static double Sample(Func<object> run, int repeats)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < repeats; i++)
            result = run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / repeats;
    }

    private static void WarmUp(Func<object> run, double seconds)
    {
        var start = Stopwatch.GetTimestamp();
        do
            result = run();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds);
    }
}
