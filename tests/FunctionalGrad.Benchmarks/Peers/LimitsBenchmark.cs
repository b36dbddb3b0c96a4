namespace FunctionalGrad.Benchmarks.Peers;

/// <summary>The command that shows what the machine can do at most.</summary>
internal static class LimitsBenchmark
{
    private static readonly (int Rows, int Inner, int Columns)[] Sizes =
    [
        (64, 64, 64), (128, 128, 128), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048),
        (256, 784, 256), (784, 256, 256), (256, 256, 10), (256, 10, 256), (784, 256, 10),
    ];

    /// <summary>Prints peak arithmetic, bandwidth, and OpenBLAS's products, a line of JSON each.</summary>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        try
        {
            var options = Options.Parse(arguments);
            Console.WriteLine($"limits: {Limits.Measure(options.Bench, Console.Error, Console.WriteLine).Source}");
            foreach (var threads in options.Threads)
                foreach (var kind in new[] { "sgemm", "dgemm_f64" })
                    foreach (var (rows, inner, columns) in Sizes)
                        Product($"g_{kind}_{rows}x{inner}x{columns}", threads, options);
            return 0;
        }
        catch (FormatException fault)
        {
            Console.Error.WriteLine($"limits: {fault.Message}\n{Options.Help}");
            return 2;
        }
    }

    private static void Product(string name, int threads, Options options)
    {
        if (options.Only.IsMatch(name) && OpenBlasPeer.TryPrepare(name) is { } product)
        {
            var seconds = product.Seconds(threads, options.MinTime);
            Console.WriteLine($$"""{"name":"{{name}}_openblas","threads":{{threads}},"median_s":{{seconds:E3}},"gflops":{{product.Flops / seconds / 1e9:F1}}}""");
        }
    }
}
