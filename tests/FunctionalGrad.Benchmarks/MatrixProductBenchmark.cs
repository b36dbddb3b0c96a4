using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using FunctionalGrad.Linear;
using FunctionalGrad.Loops;

namespace FunctionalGrad.Benchmarks;

/// <summary>Times our matrix product against OpenBLAS, on one and on two threads, taking turns so that a busy machine hurts all alike.</summary>
internal static unsafe class MatrixProductBenchmark
{
    private const int Rounds = 15;
    private const int RoundsOfLong = 5;
    private const double SecondsInRound = 0.005;
    private const double SecondsOfWarmth = 0.15;

    private static readonly string[] Plain =
    [
        "32x32x32", "64x64x64", "128x128x128", "256x256x256", "512x512x512", "1024x1024x1024", "2048x2048x2048",
        "256x784x256", "256x256x10", "256x256x256", "64x784x128", "32x128x128", "32x128x512", "32x512x128", "32x784x128",
        "1x784x256", "784x256x1", "2048x2048x1", "1x2048x2048", "256x1x256", "2048x1x2048",
        "1000*1x64x64", "100*1000x64x64", "64*32x32x32", "1000*4x4x4",
    ];

    private static readonly string[] Turned = ["64x64x64", "512x512x512", "1024x1024x1024", "256x784x256", "784x256x256", "256x256x10", "256x10x256", "128x32x512", "32x512x128"];

    private static readonly (string Name, bool A, bool B, string[] Shapes)[] Layouts =
        [("A·B", false, false, Plain), ("Aᵀ·B", true, false, Turned), ("A·Bᵀ", false, true, Turned)];

    /// <summary>
    /// Prints the table, or only the shapes given as <c>rows x inner x columns</c> or <c>batch * rows x inner x columns</c>, without blanks, or only the
    /// rows whose name contains a word.
    /// </summary>
    public static int Run(string[] words)
    {
        var rival = OpenBlas.TryLoad();
        if (rival is null)
            Console.WriteLine("OpenBLAS is not here, so only our own speed is shown. Debian and Ubuntu: apt-get install libopenblas0-pthread");
        var degree = Parallelism.Degree;
        Console.WriteLine("GFLOP/s, medians of interleaved rounds");
        Console.WriteLine($"{"",-34} {"one thread",24}   {"two threads",24}");
        Console.WriteLine($"{"rows×inner×columns",-34} {"ours",7} {"OpenBLAS",9} {"ratio",6}   {"ours",7} {"OpenBLAS",9} {"ratio",6}");
        var asked = words.Where(word => Problem.Parse(word) is not null).ToArray();
        words = [.. words.Except(asked)];
        Run<float>("float32", asked, rival, words);
        Run<double>("float64", asked, rival, words);
        Parallelism.Degree = degree;
        return 0;
    }

    private static void Run<T>(string type, string[] asked, OpenBlas? rival, string[] words)
        where T : unmanaged, INumberBase<T>
    {
        foreach (var (layout, a, b, shapes) in Layouts)
            foreach (var shape in asked.Length > 0 ? asked : shapes)
            {
                var name = $"{type} {layout} {shape.Replace('x', '×')}";
                if (words.All(word => name.Contains(word, StringComparison.Ordinal)))
                    Time<T>(name, Problem.Parse(shape)! with { TransposeA = a, TransposeB = b }, rival);
            }
    }

    private static void Time<T>(string name, Problem problem, OpenBlas? rival)
        where T : unmanaged, INumberBase<T>
    {
        T* a = Random<T>(problem.SizeOfA), b = Random<T>(problem.SizeOfB), c = Random<T>(problem.SizeOfC);
        var step = problem.Step<T>();
        var ours = () => BatchedProduct.Run(step, [(nint)a, (nint)b, (nint)c]);
        var theirs = () => problem.Multiply(rival, a, b, c);
        var work = 2e-9 * problem.Batch * problem.Rows * problem.Inner * problem.Columns;
        var start = Stopwatch.GetTimestamp();
        double once;
        do
            once = Measure(ours, 1);
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < SecondsOfWarmth);
        var repeats = Math.Max(1, (int)(SecondsInRound / once));
        var figures = new double[4][];
        for (var i = 0; i < 4; i++)
            figures[i] = new double[once > 0.1 ? RoundsOfLong : Rounds];
        for (var round = -2; round < figures[0].Length; round++)
            for (var threads = 1; threads <= 2; threads++)
            {
                Parallelism.Degree = threads;
                if (rival is not null)
                    rival.Threads = threads;
                double our = Measure(ours, repeats), their = rival is null ? double.NaN : Measure(theirs, repeats);
                if (round >= 0)
                    (figures[(2 * threads) - 2][round], figures[(2 * threads) - 1][round]) = (work / our, work / their);
            }

        Print(name, figures);
        Kept.Clear();
    }

    private static void Print(string name, double[][] figures)
    {
        var medians = figures.Select(Median).ToArray();
        Console.WriteLine(
            $"{name,-34} {medians[0],7:F1} {medians[1],9:F1} {medians[0] / medians[1],6:F2}   {medians[2],7:F1} {medians[3],9:F1} {medians[2] / medians[3],6:F2}");
    }

    private static double Median(double[] figures)
    {
        Array.Sort(figures);
        return figures[figures.Length / 2];
    }

    private static double Measure(Action action, int repeats)
    {
        action(); // wakes the threads
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

    private sealed record Problem(int Batch, int Rows, int Inner, int Columns)
    {
        public bool TransposeA { get; init; }

        public bool TransposeB { get; init; }

        public int SizeOfA => Batch * Rows * Inner;

        public int SizeOfB => Batch * Inner * Columns;

        public int SizeOfC => Batch * Rows * Columns;

        public static Problem? Parse(string text)
        {
            var numbers = text.Split('x', '×', '*').Select(part => int.TryParse(part, CultureInfo.InvariantCulture, out var number) ? number : 0).ToArray();
            if (numbers.Any(number => number < 1) || numbers.Length != (text.Contains('*', StringComparison.Ordinal) ? 4 : 3))
                return null;
            return new(numbers.Length == 4 ? numbers[0] : 1, numbers[^3], numbers[^2], numbers[^1]);
        }

        public MatrixProductStep Step<T>() => new(
            typeof(T) == typeof(float) ? DType.Float32 : DType.Float64, [Batch], Rows, Columns, Inner,
            new(0, 0, [Rows * Inner], TransposeA ? 1 : Inner, TransposeA ? Rows : 1),
            new(1, 0, [Inner * Columns], TransposeB ? 1 : Columns, TransposeB ? Inner : 1),
            new(2, 0, [Rows * Columns], Columns, 1));

        public void Multiply<T>(OpenBlas? rival, T* a, T* b, T* c)
            where T : unmanaged
        {
            for (var i = 0; i < Batch; i++)
                rival?.Multiply(
                    Rows, Columns, Inner, a + (i * Rows * Inner), TransposeA, b + (i * Inner * Columns), TransposeB, c + (i * Rows * Columns));
        }
    }
}
