using System.Globalization;
using System.Runtime.Intrinsics;

namespace FunctionalGrad.Kernels;

/// <summary>How many bits the kernels' vectors have.</summary>
internal static class VectorWidth
{
    /// <summary>The name of the AppContext setting, and of the environment variable, that forces a width.</summary>
    public const string Setting = "FunctionalGrad.VectorWidth";

    /// <summary>The width of loops that take one number at a time, with the bits that it would have in a vector.</summary>
    public const int One = 0;

    // Not read when the type is loaded: what is wrong with a setting would come out as an error of the type's.
    private static int bits;

    /// <summary>128, 256 or 512: what the processor has, unless <see cref="Setting"/> says otherwise.</summary>
    /// <exception cref="ArgumentException">The setting asks for a width that there is not.</exception>
    public static int Bits => bits != 0 ? bits : bits = Asked() ?? Widest();

    private static int Widest() => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    private static int? Asked()
    {
        var text = Convert.ToString(AppContext.GetData(Setting), CultureInfo.InvariantCulture);
        return Parse(string.IsNullOrEmpty(text) ? Environment.GetEnvironmentVariable(Setting) : text);
    }

    /// <summary>The width that a setting's text asks for; null if it asks for none.</summary>
    /// <exception cref="ArgumentException">There is no such width.</exception>
    internal static int? Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        return text is "128" or "256" or "512"
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : throw new ArgumentException($"{Setting}: a width is 128, 256 or 512, not {text}.");
    }
}
