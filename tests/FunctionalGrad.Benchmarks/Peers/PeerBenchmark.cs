namespace FunctionalGrad.Benchmarks.Peers;

/// <summary>The command that times our workloads and the peers' in turn, so that a busy machine hurts all alike.</summary>
internal sealed class PeerBenchmark
{
    private readonly Options options;
    private readonly Report report;
    private readonly TorchPeer? torch;
    private readonly Dictionary<string, Func<object>> prepared = [];
    private readonly Dictionary<string, OpenBlasPeer> products = [];
    private readonly HashSet<string> failed = [];

    private PeerBenchmark(Options options)
    {
        this.options = options;
        report = new Report(Limits.Measure(options.Bench, Console.Error));
        torch = TorchPeer.TryFind(options.Bench, Console.Error);
    }

    /// <summary>Prints the tables of the workloads asked for.</summary>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        try
        {
            var benchmark = new PeerBenchmark(Options.Parse(arguments));
            benchmark.Run();
            return benchmark.failed.Count == 0 ? 0 : 1;
        }
        catch (FormatException fault)
        {
            Console.Error.WriteLine($"peers: {fault.Message}\n{Options.Help}");
            return 2;
        }
    }

    private void Run()
    {
        Workload[] workloads = [.. All.Workloads.Where(workload => options.Only.IsMatch(workload.Name))];
        NoteForgotten();
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var group in workloads.GroupBy(workload => workload.Name[0]))
                foreach (var threads in options.Threads)
                    Measure([.. group], threads);
            foreach (var start in All.ColdStarts.Where(start => options.Only.IsMatch(start.Name)))
            {
                Note(start.Name);
                report.Add(ColdStartBenchmark.MeasureFresh(start));
                report.Add(ColdStartBenchmark.Measure(start));
            }
        }

        Note("");
        report.Print(Console.Out);
        if (options.Json is { } path)
            report.Write(path);
    }

    /// <summary>Ours, then the peers, one after the other.</summary>
    private void Measure(Workload[] group, int threads)
    {
        foreach (var workload in group)
        {
            Note($"{workload.Name}, {threads}");
            if (Ours(workload, threads) is not { } seconds)
                continue;
            var row = report.Row(workload, threads);
            row.Ours.Add(seconds);
            if (Product(workload) is { } product)
                row.Add("openblas", product.Seconds(threads, options.MinTime));
        }

        if (torch is null)
            return;
        Note($"peers of {group[0].Name}…, {threads}");
        foreach (var time in torch.Measure(group.Select(workload => workload.Against).ToHashSet(), threads, options.MinTime, Console.Error))
            foreach (var workload in group.Where(workload => workload.Against == time.Workload && !failed.Contains(workload.Name)))
                report.Row(workload, threads).Add(time.Peer, time.Seconds);
    }

    /// <summary>Seconds of one run, or null with a note where the program fails or computes something else.</summary>
    private double? Ours(Workload workload, int threads)
    {
        if (failed.Contains(workload.Name))
            return null;
        Parallelism.Degree = threads;
        try
        {
            var isFirst = !prepared.TryGetValue(workload.Name, out var run);
            if (run is null)
                prepared[workload.Name] = run = workload.Prepare();
            return Measurement.MedianSeconds(run, options.MinTime, isFirst);
        }
        catch (Exception fault) when (fault is InvalidOperationException or TensorException)
        {
            Console.Error.WriteLine($"{workload.Name} is left out: {fault.Message}");
            failed.Add(workload.Name);
            return null;
        }
    }

    private OpenBlasPeer? Product(Workload workload)
    {
        if (!products.TryGetValue(workload.Name, out var product) && OpenBlasPeer.TryPrepare(workload.Name) is { } made)
            products[workload.Name] = product = made;
        return product;
    }

    /// <summary>Tells of workloads of the peers that we do not have.</summary>
    private void NoteForgotten()
    {
        var ours = All.Workloads.Select(workload => workload.Against).ToHashSet();
        foreach (var name in torch?.Names.Where(name => !ours.Contains(TorchPeer.Split(name).Workload)) ?? [])
            Console.Error.WriteLine($"{name} has no workload of ours.");
    }

    /// <summary>What is going on, for whoever waits; a file that takes the errors does not want it.</summary>
    private static void Note(string what)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.Write($"\r{what,-60}\r");
    }
}
