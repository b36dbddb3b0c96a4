using FunctionalGrad.Benchmarks;
using FunctionalGrad.Benchmarks.Peers;

switch (args)
{
    case ["gemm", .. var filter]:
        return MatrixProductBenchmark.Run(filter);
    case ["peers", .. var options]:
        return PeerBenchmark.Run(options);
    case ["limits", .. var options]:
        return LimitsBenchmark.Run(options);
    case ["cold", var name]:
        return ColdStartBenchmark.RunHere(name);
    default:
        Console.Error.WriteLine($"""
            usage: FunctionalGrad.Benchmarks gemm [part of a row's name]...
                   FunctionalGrad.Benchmarks peers [options]
                   FunctionalGrad.Benchmarks limits [options]
            {Options.Help}
            """);
        return 2;
}
