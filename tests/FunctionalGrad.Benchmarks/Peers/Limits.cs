using System.Runtime.Intrinsics.X86;
using System.Text.Json;

namespace FunctionalGrad.Benchmarks.Peers;

/// <summary>What the machine can do at most, by the number of threads.</summary>
internal sealed class Limits
{
    // Arrays of 64 MB, which no cache holds.
    private const int StreamedDoubles = 8_000_000;

    private readonly Dictionary<(string What, int Threads), double> rates = [];

    /// <summary>Which program told them, or why there are none.</summary>
    public required string Source { get; init; }

    /// <summary>Operations in a second, or null where nobody has measured.</summary>
    public double? Flops(int threads, bool isDouble) => Rate(isDouble ? "fma_peak_f64" : "fma_peak_f32", threads);

    /// <summary>Bytes in a second of STREAM's triad over arrays that no cache holds, or null where nobody has measured.</summary>
    public double? Bytes(int threads) => Rate("triad", threads);

    private double? Rate(string what, int threads) => rates.TryGetValue((what, threads), out var rate) ? rate : null;

    /// <summary>Compiles and runs the program that measures; without a compiler there are no limits.</summary>
    public static Limits Measure(string bench, TextWriter notes, Action<string>? show = null)
    {
        var shared = Path.Combine(bench, "limits.c");
        var isShared = Avx512F.IsSupported && File.Exists(shared);
        var source = isShared ? shared : Path.Combine(AppContext.BaseDirectory, "Peers", "limits.c");
        var folder = Directory.CreateTempSubdirectory("functionalgrad-limits-");
        try
        {
            var program = Path.Combine(folder.FullName, "limits");
            string[] libraries = isShared ? ["-lopenblas", "-lm"] : [];
            foreach (var line in ChildProcess.Lines("gcc", ["-O3", "-march=native", "-fopenmp", source, "-o", program, .. libraries]))
                notes.WriteLine(line);
            var limits = new Limits { Source = isShared ? shared : "the benchmarks' own limits.c, at this machine's vector width" };
            foreach (var line in ChildProcess.Lines(program, []).TakeWhile(line => !line.Contains("gemm", StringComparison.Ordinal)))
            {
                show?.Invoke(line);
                limits.Add(line);
            }

            return limits;
        }
        catch (IOException fault)
        {
            notes.WriteLine($"The limits are left out: {fault.Message} Debian: apt-get install gcc libopenblas-dev");
            return new Limits { Source = "not measured" };
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private void Add(string line)
    {
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        if (!root.TryGetProperty("threads", out var threads))
            return;
        var name = root.GetProperty("name").GetString()!;
        if (root.TryGetProperty("gflops", out var gigaflops))
            rates[(name[..name.LastIndexOf('_')], threads.GetInt32())] = gigaflops.GetDouble() * 1e9;
        else if (root.GetProperty("n_doubles").GetInt32() == StreamedDoubles)
            rates[(name, threads.GetInt32())] = root.GetProperty("GBps").GetDouble() * 1e9;
    }
}
