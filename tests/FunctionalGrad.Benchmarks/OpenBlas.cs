using System.Runtime.InteropServices;

namespace FunctionalGrad.Benchmarks;

/// <summary>OpenBLAS, the yardstick, where it is installed.</summary>
internal sealed unsafe class OpenBlas
{
    private const int RowMajor = 101;
    private const int AsItIs = 111;
    private const int Transposed = 112;

    private readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> single;
    private readonly delegate* unmanaged<int, int, int, int, int, int, double, double*, int, double*, int, double, double*, int, void> twofold;

    private readonly delegate* unmanaged<int, void> setThreads;

    private OpenBlas(nint library)
    {
        setThreads = (delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "openblas_set_num_threads");
        Threads = 1;
        single = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)
            NativeLibrary.GetExport(library, "cblas_sgemm");
        twofold = (delegate* unmanaged<int, int, int, int, int, int, double, double*, int, double*, int, double, double*, int, void>)
            NativeLibrary.GetExport(library, "cblas_dgemm");
    }

    /// <summary>How many threads it may use.</summary>
    public int Threads
    {
        set => setThreads(value);
    }

    /// <summary>The library, limited to one thread, or null where it is missing.</summary>
    public static OpenBlas? TryLoad()
    {
        if (OperatingSystem.IsLinux())
            _ = SetEnvironment("OPENBLAS_THREAD_TIMEOUT", "20", 1); // idle threads give up their processor in a third of a millisecond, so that ours can be timed next
        return NativeLibrary.TryLoad("libopenblas.so.0", out var library) || NativeLibrary.TryLoad("libopenblas", out library)
            ? new OpenBlas(library)
            : null;
    }

    /// <summary>C = A·B on contiguous row-major matrices, each stored transposed where asked.</summary>
    public void Multiply<T>(int rows, int columns, int inner, T* a, bool transposeA, T* b, bool transposeB, T* c)
        where T : unmanaged
    {
        int flagA = transposeA ? Transposed : AsItIs, flagB = transposeB ? Transposed : AsItIs;
        int aStride = transposeA ? rows : inner, bStride = transposeB ? inner : columns;
        if (typeof(T) == typeof(float))
            single(RowMajor, flagA, flagB, rows, columns, inner, 1, (float*)a, aStride, (float*)b, bStride, 0, (float*)c, columns);
        else
            twofold(RowMajor, flagA, flagB, rows, columns, inner, 1, (double*)a, aStride, (double*)b, bStride, 0, (double*)c, columns);
    }

    // The runtime keeps an environment of its own; the library reads the process's.
    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetEnvironment([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);
}
