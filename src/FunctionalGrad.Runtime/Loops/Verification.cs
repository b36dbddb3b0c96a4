using System.Globalization;

namespace FunctionalGrad.Loops;

/// <summary>Whether what each pass of the compiler hands on is checked: in debug builds, and where a setting asks for it, as the tests do.</summary>
internal static class Verification
{
    /// <summary>The name of the AppContext setting, and of the environment variable, that turns it on or off: <c>true</c> or <c>false</c>.</summary>
    public const string Setting = "FunctionalGrad.Verify";

#if DEBUG
    private const bool IsUsual = true;
#else
    private const bool IsUsual = false;
#endif

    /// <summary>Whether programs are checked while they are made.</summary>
    public static bool IsOn { get; } = Parse(Asked());

    /// <summary>What a setting's text asks for.</summary>
    /// <exception cref="ArgumentException">It is no truth value.</exception>
    internal static bool Parse(string? text) => string.IsNullOrEmpty(text) ? IsUsual
        : bool.TryParse(text, out var isOn) ? isOn
        : throw new ArgumentException($"{Setting}: it is true or false, not {text}.");

    private static string? Asked()
    {
        var text = Convert.ToString(AppContext.GetData(Setting), CultureInfo.InvariantCulture);
        return string.IsNullOrEmpty(text) ? Environment.GetEnvironmentVariable(Setting) : text;
    }
}
