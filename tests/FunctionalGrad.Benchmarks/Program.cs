using FunctionalGrad.Benchmarks;

switch (args)
{
    case ["gemm", .. var filter]:
        return MatrixProductBenchmark.Run(filter);
    default:
        Console.Error.WriteLine("usage: FunctionalGrad.Benchmarks gemm [part of a row's name]...");
        return 2;
}
