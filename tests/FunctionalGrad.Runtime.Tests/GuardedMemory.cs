using System.Runtime.InteropServices;

namespace FunctionalGrad.Tests;

/// <summary>Memory between two pages that nobody may touch: one step outside ends the process. Linux and macOS.</summary>
internal sealed unsafe class GuardedMemory : IDisposable
{
    private const int None = 0;
    private const int ReadWrite = 3;
    private const int Private = 2;
    private readonly nint pages;
    private readonly nint length;
    private readonly nint page = Environment.SystemPageSize;

    public GuardedMemory(nint bytes)
    {
        var inside = (bytes + page - 1) / page * page;
        length = inside + (2 * page);
        pages = Map(0, length, None, Private | (OperatingSystem.IsMacOS() ? 0x1000 : 0x20), -1, 0);
        Assert.NotEqual(-1, pages);
        Assert.Equal(0, Protect(pages + page, inside, ReadWrite));
        First = (void*)(pages + page);
        Last = (void*)(pages + page + inside - bytes);
    }

    public static bool IsSupported => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS();

    /// <summary>Where a block of all bytes begins that has the guard right before it.</summary>
    public void* First { get; }

    /// <summary>Where a block of all bytes begins that has the guard right behind it.</summary>
    public void* Last { get; }

    public void Dispose() => Unmap(pages, length);

    [DllImport("libc", EntryPoint = "mmap")]
    private static extern nint Map(nint address, nint length, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "mprotect")]
    private static extern int Protect(nint address, nint length, int protection);

    [DllImport("libc", EntryPoint = "munmap")]
    private static extern int Unmap(nint address, nint length);
}
