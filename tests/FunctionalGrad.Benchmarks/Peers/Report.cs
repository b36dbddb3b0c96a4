using System.Text.Json;

namespace FunctionalGrad.Benchmarks.Peers;

/// <summary>The figures of a workload at a number of threads, a figure for each round.</summary>
internal sealed record Row(Workload Workload, int Threads)
{
    /// <summary>Our seconds.</summary>
    public List<double> Ours { get; } = [];

    /// <summary>The seconds of each peer.</summary>
    public SortedDictionary<string, List<double>> Peers { get; } = new(StringComparer.Ordinal);

    /// <summary>The median over rounds.</summary>
    public double Seconds => Measurement.Median(Ours);

    /// <summary>The fastest peer by its median over rounds, or null where there is none.</summary>
    public (string Name, double Seconds)? BestPeer =>
        Peers.Count == 0 ? null : Peers.Select(peer => (peer.Key, Measurement.Median(peer.Value))).MinBy(peer => peer.Item2);

    /// <summary>Adds a peer's figure.</summary>
    public void Add(string peer, double seconds)
    {
        if (!Peers.TryGetValue(peer, out var times))
            Peers[peer] = times = [];
        times.Add(seconds);
    }
}

/// <summary>What comes out: a table for readers, and all figures for programs.</summary>
internal sealed class Report(Limits limits)
{
    private readonly List<Row> rows = [];
    private readonly List<ColdStartTime> coldStarts = [];

    /// <summary>The row of a workload at a number of threads, made where there is none yet.</summary>
    public Row Row(Workload workload, int threads)
    {
        if (rows.Find(row => row.Workload.Name == workload.Name && row.Threads == threads) is { } found)
            return found;
        rows.Add(new Row(workload, threads));
        return rows[^1];
    }

    /// <summary>Adds the figure of a cold start.</summary>
    public void Add(ColdStartTime time) => coldStarts.Add(time);

    /// <summary>Seconds with three digits and a unit.</summary>
    public static string Duration(double seconds)
    {
        var (scaled, unit) = Math.Abs(seconds) switch
        {
            < 999.5e-9 => (seconds * 1e9, "ns"),
            < 999.5e-6 => (seconds * 1e6, "µs"),
            < 999.5e-3 => (seconds * 1e3, "ms"),
            _ => (seconds, "s"),
        };
        return $"{Digits(scaled)} {unit}";
    }

    private static string Digits(double value) => Math.Abs(value) switch
    {
        < 9.995 => $"{value:F2}",
        < 99.95 => $"{value:F1}",
        _ => $"{value:F0}",
    };

    /// <summary>Prints the tables, in Markdown.</summary>
    public void Print(TextWriter output)
    {
        if (rows.Count > 0)
        {
            output.WriteLine("Medians; the ratio is the best peer's time divided by ours.\n");
            output.WriteLine("| workload | threads | ours | best peer | which | ratio | rate | of the limit |");
            output.WriteLine("|---|---|---|---|---|---|---|---|");
            foreach (var row in Sorted())
                output.WriteLine(Line(row));
            if (rows.Exists(row => row.Peers.Count > 0))
                output.WriteLine("\nEvery peer, and its time divided by ours:\n");
            foreach (var row in Sorted().Where(row => row.Peers.Count > 0))
                output.WriteLine($"* {row.Workload.Name}, {row.Threads}: {string.Join(", ", row.Peers.Select(peer => Against(row, peer.Key, peer.Value)))}");
        }

        PrintMemory(output);
        if (coldStarts.Count > 0)
        {
            output.WriteLine("\n| cold start | compilation | at most |\n|---|---|---|");
            foreach (var start in coldStarts.GroupBy(start => (start.Name, start.Limit)))
                output.WriteLine($"| {start.Key.Name} | {Duration(Measurement.Median(start.Select(time => time.Seconds)))} | {Duration(start.Key.Limit)} |");
        }
    }

    /// <summary>The arenas of training steps, and of the loops in them, against what no arena does without.</summary>
    private void PrintMemory(TextWriter output)
    {
        var workloads = rows.Select(row => row.Workload).Where(workload => workload.Explain is not null).Distinct().ToArray();
        if (workloads.Length == 0)
            return;
        output.WriteLine("\nThe least is the most bytes of temporary values that are needed at one step.\n");
        output.WriteLine("| program | arena | the least | ratio | all temporaries |\n|---|---|---|---|---|");
        foreach (var workload in workloads)
            PrintMemory(output, workload.Name, workload.Explain());
    }

    private static void PrintMemory(TextWriter output, string name, Explanation program)
    {
        var ratio = program.LeastBytes == 0 ? "" : $"{(double)program.ArenaBytes / program.LeastBytes:F2}";
        output.WriteLine($"| {name} | {program.ArenaBytes:N0} | {program.LeastBytes:N0} | {ratio} | {program.TemporaryBytes:N0} |");
        foreach (var body in program.Bodies)
            PrintMemory(output, $"{name}, body of {body.Key}", body.Value);
    }

    private IEnumerable<Row> Sorted() => rows.OrderBy(row => row.Workload.Name[0]).ThenBy(row => rows.IndexOf(row));

    private string Line(Row row)
    {
        var (peer, which, ratio) = row.BestPeer is var (name, seconds) ? (Duration(seconds), name, Digits(seconds / row.Seconds)) : ("", "", "");
        var (rate, share) = Rate(row);
        return $"| {row.Workload.Name} | {row.Threads} | {Duration(row.Seconds)} | {peer} | {which} | {ratio} | {rate} | {share} |";
    }

    private (string Rate, string Share) Rate(Row row)
    {
        var (amount, unit, limit) = row.Workload.Flops > 0
            ? (row.Workload.Flops, "GFLOP/s", limits.Flops(row.Threads, row.Workload.IsDouble))
            : (row.Workload.Bytes, "GB/s", limits.Bytes(row.Threads));
        if (amount == 0)
            return ("", "");
        var rate = amount / row.Seconds;
        return ($"{Digits(rate / 1e9)} {unit}", limit is { } most ? $"{rate / most:P0}" : "");
    }

    private static string Against(Row row, string peer, List<double> seconds) =>
        $"{peer} {Duration(Measurement.Median(seconds))} ({Digits(Measurement.Median(seconds) / row.Seconds)})";

    /// <summary>Writes every figure of every round.</summary>
    public void Write(string path)
    {
        var figures = new
        {
            Limits = limits.Source,
            Rows = Sorted().Select(row => new
            {
                row.Workload.Name,
                row.Threads,
                row.Ours,
                row.Peers,
                row.Workload.Flops,
                FlopsLimit = limits.Flops(row.Threads, row.Workload.IsDouble),
                row.Workload.Bytes,
                BytesLimit = limits.Bytes(row.Threads),
            }),
            ColdStarts = coldStarts,
        };
        File.WriteAllText(path, JsonSerializer.Serialize(figures, Indented));
    }

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
