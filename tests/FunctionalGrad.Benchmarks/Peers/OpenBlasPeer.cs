using System.Globalization;
using System.Text.RegularExpressions;

namespace FunctionalGrad.Benchmarks.Peers;

/// <summary>A matrix product by OpenBLAS itself, called from this process.</summary>
internal sealed unsafe partial class OpenBlasPeer
{
    private static readonly Lazy<OpenBlas?> Library = new(OpenBlas.TryLoad);

    private readonly Func<object> multiply;

    private OpenBlasPeer(Func<object> multiply, double flops)
    {
        this.multiply = multiply;
        Flops = flops;
    }

    /// <summary>Operations of one product.</summary>
    public double Flops { get; }

    /// <summary>The product of a workload's name, or null where the name tells of none or the library is missing.</summary>
    public static OpenBlasPeer? TryPrepare(string workload)
    {
        var match = ProductName().Match(workload);
        if (!match.Success || Library.Value is not { } library)
            return null;
        int Size(string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);
        int rows = Size("rows"), inner = Size("inner"), columns = Size("columns");
        var multiply = match.Groups["type"].Value == "d" ? Product<double>(library, rows, inner, columns) : Product<float>(library, rows, inner, columns);
        return new OpenBlasPeer(multiply, 2.0 * rows * inner * columns);
    }

    /// <summary>Seconds of one product.</summary>
    public double Seconds(int threads, double minTime)
    {
        Library.Value!.Threads = threads;
        return Measurement.MedianSeconds(multiply, minTime, isFirst: false);
    }

    private static Func<object> Product<T>(OpenBlas library, int rows, int inner, int columns)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        T[] a = Drawn<T>(rows * inner), b = Drawn<T>(inner * columns), c = Drawn<T>(rows * columns);
        T* aStart = Start(a), bStart = Start(b), cStart = Start(c);
        return () =>
        {
            library.Multiply(rows, columns, inner, aStart, false, bStart, false, cStart);
            // The arrays live as long as what points into them.
            GC.KeepAlive(a);
            GC.KeepAlive(b);
            return c;
        };
    }

    private static T[] Drawn<T>(int count)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        var random = new Random(count);
        var numbers = GC.AllocateUninitializedArray<T>(count + 16, pinned: true);
        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = T.CreateChecked(random.NextDouble() - 0.5);
        return numbers;
    }

    private static T* Start<T>(T[] pinned)
        where T : unmanaged
    {
        fixed (T* start = pinned)
            return (T*)(((nint)start + 63) & -64);
    }

    [GeneratedRegex("^g_(?<type>[sd])gemm(_f64)?_(?<rows>[0-9]+)x(?<inner>[0-9]+)x(?<columns>[0-9]+)$")]
    private static partial Regex ProductName();
}
