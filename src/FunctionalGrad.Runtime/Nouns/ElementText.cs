using System.Globalization;

namespace FunctionalGrad;

/// <summary>The elements of an array as texts of one width and one format.</summary>
internal static class ElementText
{
    private const double LargestFixed = 1e8;
    private const double SmallestFixed = 1e-4;
    private const double WidestFixed = 1e4;

    /// <summary>The elements at the given positions, padded on the left to a common width.</summary>
    public static string[] Of(NDArray array, List<int> positions, int precision)
    {
        var texts = array.DType switch
        {
            DType.Bool => positions.Select(position => array.GetDouble(position) != 0 ? "true" : "false").ToArray(),
            DType.Int32 or DType.Int64 => positions.Select(position => array.GetInt64(position).ToString(CultureInfo.InvariantCulture)).ToArray(),
            _ => Floats([.. positions.Select(position => Value(array, position))], precision),
        };
        var width = texts.Max(text => text.Length);
        return Array.ConvertAll(texts, text => text.PadLeft(width));
    }

    /// <summary>A float32 is widened by the shortest decimal that denotes it, so that 0.1f does not become 0.100000001.</summary>
    private static double Value(NDArray array, int position) => array.DType == DType.Float32
        ? double.Parse(array.AsSpan<float>()[position].ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
        : array.GetDouble(position);

    private static string[] Floats(double[] values, int precision)
    {
        var finite = values.Where(double.IsFinite).ToArray();
        var texts = NeedsScientific(finite, precision)
            ? Scientific(finite, precision)
            : Padded([.. finite.Select(value => Fixed(value, precision))]);
        var next = 0;
        return Array.ConvertAll(values, value =>
            double.IsFinite(value) ? texts[next++]
            : double.IsNaN(value) ? "nan"
            : value > 0 ? "inf"
            : "-inf");
    }

    /// <summary>
    /// As in NumPy: large numbers, and small or widely spread ones, but these only if the fixed notation would show one of
    /// them less exactly.
    /// </summary>
    private static bool NeedsScientific(double[] finite, int precision)
    {
        var magnitudes = finite.Select(Math.Abs).Where(magnitude => magnitude > 0).ToArray();
        if (magnitudes.Length == 0)
            return false;
        var (least, most) = (magnitudes.Min(), magnitudes.Max());
        if (most >= LargestFixed)
            return true;
        return (least < SmallestFixed || most / least > WidestFixed) && magnitudes.Any(magnitude => LosesWhenFixed(magnitude, precision));
    }

    private static bool LosesWhenFixed(double magnitude, int precision)
    {
        var (mantissa, exponent) = Split(magnitude, precision);
        return Distance(Fixed(magnitude, precision), magnitude) > Distance($"{mantissa}E{exponent}", magnitude);
    }

    private static double Distance(string text, double value) => Math.Abs(double.Parse(text, CultureInfo.InvariantCulture) - value);

    /// <summary>At most so many decimals, and none that is a trailing zero.</summary>
    private static string Fixed(double value, int precision)
    {
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        return !shortest.Contains('E') && Decimals(shortest) <= precision
            ? shortest
            : Trimmed(value.ToString($"F{precision}", CultureInfo.InvariantCulture));
    }

    private static string[] Scientific(double[] values, int precision)
    {
        var parts = Array.ConvertAll(values, value => Split(value, precision));
        var mantissas = Padded(Array.ConvertAll(parts, part => part.Mantissa));
        var digits = Math.Max(2, parts.Max(part => Math.Abs(part.Exponent).ToString(CultureInfo.InvariantCulture).Length));
        return [.. mantissas.Zip(parts, (mantissa, part) =>
            $"{mantissa}e{(part.Exponent < 0 ? '-' : '+')}{Math.Abs(part.Exponent).ToString($"D{digits}", CultureInfo.InvariantCulture)}")];
    }

    private static (string Mantissa, int Exponent) Split(double value, int precision)
    {
        // the digits of the shortest decimal that denotes the value: further ones are noise
        var digits = value.ToString("R", CultureInfo.InvariantCulture).Split('E')[0].Replace(".", "").TrimStart('-', '0').Length;
        var parts = value.ToString($"E{Math.Clamp(digits - 1, 0, precision)}", CultureInfo.InvariantCulture).Split('E');
        return (Trimmed(parts[0]), int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }

    /// <summary>The texts with zeros behind, so that all have as many decimals as the longest.</summary>
    private static string[] Padded(string[] texts)
    {
        var most = texts.Select(Decimals).DefaultIfEmpty().Max();
        return most == 0
            ? texts
            : Array.ConvertAll(texts, text => (text.Contains('.') ? text : text + '.') + new string('0', most - Decimals(text)));
    }

    private static string Trimmed(string text) => text.Contains('.') ? text.TrimEnd('0').TrimEnd('.') : text;

    private static int Decimals(string text)
    {
        var point = text.IndexOf('.');
        return point < 0 ? 0 : text.Length - point - 1;
    }
}
