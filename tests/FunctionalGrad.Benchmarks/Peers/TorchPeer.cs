using System.Globalization;
using System.Runtime.Intrinsics.X86;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FunctionalGrad.Benchmarks.Peers;

/// <summary>A peer's figure: seconds of one run of a workload by one of the peers.</summary>
internal readonly record struct PeerTime(string Workload, string Peer, double Seconds);

/// <summary>PyTorch and NumPy, in processes of their own.</summary>
internal sealed partial class TorchPeer
{
    // Debian's interpreter; another one on the path would not see Debian's packages.
    private const string Python = "/usr/bin/python3";

    private readonly string script;

    private TorchPeer(string script, string[] names)
    {
        this.script = script;
        Names = names;
    }

    /// <summary>The peers' benchmarks, each a workload and a peer.</summary>
    public string[] Names { get; }

    /// <summary>The peers, or null with a note of what is missing and how to get it.</summary>
    public static TorchPeer? TryFind(string folder, TextWriter notes)
    {
        var script = Path.Combine(folder, "torch_bench.py");
        if (!File.Exists(script))
        {
            notes.WriteLine($"The peers are left out: {script} is not there. --bench DIR names its folder.");
            return null;
        }

        try
        {
            var names = ChildProcess.Lines(Python, [script, "--list", "--threads", "1"]).ToArray();
            const string check = "import numpy, torch; print(any('openblas' in line for line in open('/proc/self/maps')))";
            if (!ChildProcess.Lines(Python, ["-c", check]).Contains("True"))
                notes.WriteLine("The peers run without OpenBLAS, which flatters us. Debian: apt-get install libopenblas0-pthread");
            return new TorchPeer(script, names);
        }
        catch (IOException fault)
        {
            notes.WriteLine($"The peers are left out: {fault.Message.Split('\n')[^1]}. Debian: apt-get install python3-torch libopenblas0-pthread");
            return null;
        }
    }

    /// <summary>The workload and the peer that a benchmark's name tells.</summary>
    public static (string Workload, string Peer) Split(string name)
    {
        var match = PeerSuffix().Match(name);
        return match.Success
            ? (name[..match.Index], match.Value[1..])
            : (name.Replace("_torch_", "_", StringComparison.Ordinal), "torch");
    }

    /// <summary>The figure in a line of the script's output, or null with a note where it tells of a failure.</summary>
    /// <exception cref="JsonException">The line is no such line.</exception>
    public static PeerTime? Parse(string line, string suffix, TextWriter notes)
    {
        using var json = JsonDocument.Parse(line);
        var name = json.RootElement.GetProperty("name").GetString()!;
        if (json.RootElement.TryGetProperty("error", out var error))
        {
            notes.WriteLine($"{name}: {error.GetString()}");
            return null;
        }

        var (workload, peer) = Split(name);
        return new PeerTime(workload, peer + suffix, json.RootElement.GetProperty("median_s").GetDouble());
    }

    /// <summary>The figures of some workloads, as the packages come and tuned.</summary>
    public IEnumerable<PeerTime> Measure(IReadOnlySet<string> workloads, int threads, double minTime, TextWriter notes)
    {
        var names = Names.Where(name => workloads.Contains(Split(name).Workload)).ToArray();
        if (names.Length == 0)
            yield break;
        string[] arguments =
        [
            script, "--threads", threads.ToString(CultureInfo.InvariantCulture), "--min-time", minTime.ToString(CultureInfo.InvariantCulture),
            "--only", $"^({string.Join('|', names.Select(Regex.Escape))})$",
        ];
        foreach (var (suffix, environment) in new[] { ("", new Dictionary<string, string>()), (" tuned", Tuning()) })
            foreach (var line in ChildProcess.Lines(Python, arguments, environment))
                if (Parse(line, suffix, notes) is { } time)
                    yield return time;
    }

    /// <summary>The widest kernels of the machine, no page faults for large arrays, and the OpenBLAS that shares PyTorch's threads.</summary>
    private static Dictionary<string, string> Tuning()
    {
        var tuning = new Dictionary<string, string>
        {
            ["MALLOC_MMAP_THRESHOLD_"] = "2147483648",
            ["MALLOC_TRIM_THRESHOLD_"] = "8589934592",
            ["MALLOC_TOP_PAD_"] = "67108864",
        };
        if (Avx2.IsSupported)
            tuning["ATEN_CPU_CAPABILITY"] = Avx512F.IsSupported ? "avx512" : "avx2";
        var folder = Directory.Exists("/usr/lib") ? Directory.GetDirectories("/usr/lib", "*-linux-gnu").Select(OpenMp).FirstOrDefault(Directory.Exists) : null;
        if (folder is not null)
            tuning["LD_LIBRARY_PATH"] = folder;
        return tuning;
    }

    private static string OpenMp(string libraries) => Path.Combine(libraries, "openblas-openmp");

    [GeneratedRegex("_(numpy|torch(_nn|_raw|_loop|_batched|_vectorized)?)$")]
    private static partial Regex PeerSuffix();
}
