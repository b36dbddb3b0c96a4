using System.Diagnostics;
using System.Numerics;
using FunctionalGrad.Linear;

namespace FunctionalGrad.Benchmarks;

/// <summary>Times our matrix product against OpenBLAS, one thread each, taking turns so that a busy machine hurts both alike.</summary>
internal static unsafe class MatrixProductBenchmark
{
    private const int Rounds = 25;
    private const double SecondsInRound = 0.008;

    private static readonly (int Rows, int Inner, int Columns)[] Sizes =
    [
        (32, 32, 32), (64, 64, 64), (128, 128, 128), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024),
        (256, 784, 256), (784, 256, 256), (256, 256, 10), (64, 784, 128), (1, 784, 256), (784, 256, 1), (256, 1, 256),
    ];

    private static readonly (string Name, bool A, bool B)[] Layouts = [("A·B", false, false), ("Aᵀ·B", true, false), ("A·Bᵀ", false, true)];

    /// <summary>Prints the table, or only the sizes given as <c>rows×inner×columns</c> (or with an x), or only the rows whose name contains a word.</summary>
    public static int Run(string[] words)
    {
        var rival = OpenBlas.TryLoad();
        if (rival is null)
            Console.WriteLine("OpenBLAS is not here, so only our own speed is shown. Debian and Ubuntu: apt-get install libopenblas0-pthread");
        Console.WriteLine("GFLOP/s, median and best of interleaved rounds on one thread");
        Console.WriteLine($"{"rows×inner×columns",-38} {"ours",7} {"best",7} {"OpenBLAS",9} {"best",7} {"ratio",7} {"best",7}");
        var asked = words.Select(Size).OfType<(int, int, int)>().ToArray();
        if (asked.Length > 0)
            words = [];
        Run<float>("float32", asked.Length > 0 ? asked : Sizes, rival, words);
        Run<double>("float64", asked.Length > 0 ? asked : Sizes, rival, words);
        return 0;
    }

    private static (int Rows, int Inner, int Columns)? Size(string word) =>
        word.Split('x', '×') is [var rows, var inner, var columns]
        && int.TryParse(rows, out var r) && int.TryParse(inner, out var i) && int.TryParse(columns, out var c)
            ? (r, i, c)
            : null;

    private static void Run<T>(string type, (int Rows, int Inner, int Columns)[] sizes, OpenBlas? rival, string[] words)
        where T : unmanaged, INumberBase<T>
    {
        foreach (var layout in Layouts)
            foreach (var size in sizes)
            {
                var name = $"{type} {layout.Name} {size.Rows}×{size.Inner}×{size.Columns}";
                if (words.Length == 0 || words.Any(word => name.Contains(word, StringComparison.Ordinal)))
                    Time<T>(name, size, layout.A, layout.B, rival);
            }
    }

    private static void Time<T>(string name, (int Rows, int Inner, int Columns) size, bool transposeA, bool transposeB, OpenBlas? rival)
        where T : unmanaged, INumberBase<T>
    {
        var (rows, inner, columns) = size;
        T* a = Random<T>(rows * inner), b = Random<T>(inner * columns), c = Random<T>(rows * columns);
        var ours = () => MatrixProduct.Multiply(
            rows, columns, inner,
            a, transposeA ? 1 : inner, transposeA ? rows : 1, b, transposeB ? 1 : columns, transposeB ? inner : 1, c, columns, 1);
        var theirs = () => rival?.Multiply(rows, columns, inner, a, transposeA, b, transposeB, c);
        double work = 2.0 * rows * inner * columns / 1e9;
        var repeats = Math.Max(1, (int)(SecondsInRound * 50 / work));
        double[] our = new double[Rounds], their = new double[Rounds];
        for (var warm = 0; warm < 3; warm++)
            (our[0], their[0]) = (Measure(ours, repeats), Measure(theirs, repeats));
        for (var round = 0; round < Rounds; round++)
            (our[round], their[round]) = (work / Measure(ours, repeats), work / Measure(theirs, repeats));
        Print(name, our, rival is null ? null : their);
    }

    private static void Print(string name, double[] our, double[]? their)
    {
        Array.Sort(our);
        Console.Write($"{name,-38} {our[Rounds / 2],7:F1} {our[^1],7:F1}");
        if (their is not null)
        {
            Array.Sort(their);
            Console.Write($" {their[Rounds / 2],9:F1} {their[^1],7:F1} {our[Rounds / 2] / their[Rounds / 2],7:F2} {our[^1] / their[^1],7:F2}");
        }

        Console.WriteLine();
    }

    private static double Measure(Action action, int repeats)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < repeats; i++)
            action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / repeats;
    }

    private static T* Random<T>(int count)
        where T : unmanaged, INumberBase<T>
    {
        var random = new Random(count);
        var array = GC.AllocateArray<T>(count + 16, pinned: true);
        Kept.Add(array);
        fixed (T* start = array)
        {
            var aligned = (T*)(((nint)start + 63) & -64);
            for (var i = 0; i < count; i++)
                aligned[i] = T.CreateChecked(random.NextDouble() - 0.5);
            return aligned;
        }
    }

    // Pinned memory lasts as long as somebody knows it.
    private static readonly List<Array> Kept = [];
}
