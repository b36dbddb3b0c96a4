using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace FunctionalGrad.Runtime.Tests.Nouns;

public sealed class PrintingTests
{
    [Fact]
    public void ScalarsArePlain()
    {
        Assert.Equal("2.5", Text(Shape.Scalar, 2.5));
        Assert.Equal("3", Text(Shape.Scalar, 3.0));
        Assert.Equal("true", NDArray.Create(Shape.Scalar, [true]).ToString());
        Assert.Equal("-7", NDArray.Create(Shape.Scalar, [-7L]).ToString());
    }

    [Fact]
    public void EmptyArraysShowTheirShape()
    {
        Assert.Equal("[]", NDArray.Zeros(Shape.Of(0), DType.Float32).ToString());
        Assert.Equal("[], shape=[2, 0]", NDArray.Zeros(Shape.Of(2, 0), DType.Float32).ToString());
        Assert.Equal("[], shape=[0, 3]", NDArray.Zeros(Shape.Of(0, 3), DType.Bool).ToString());
    }

    [Fact]
    public void TheFewestDecimalsThatShowEveryElement()
    {
        Assert.Equal("[1, 2, 3]", Text(1, 2, 3));
        Assert.Equal("[1.0, 2.5]", Text(1, 2.5));
        Assert.Equal("[ 1.00, -2.25]", Text(1, -2.25));
        Assert.Equal("[0.3333, 0.6667]", Text(1 / 3.0, 2 / 3.0));
        Assert.Equal("[0.5, 1.0]", Text(0.5, 0.99999999));
        Assert.Equal("[-0,  0]", Text(-0.0, 0.0));
        Assert.Equal("[99999999]", Text(99999999));
    }

    [Fact]
    public void SinglesAreShownByTheirShortestDecimal()
    {
        var array = NDArray.Create(Shape.Of(2), [0.1f, 16777216f]);
        Assert.Equal("[       0.1, 16777216.0]", array.ToString());
        Assert.Equal("[0.1, 0.7]", Printing.Format(NDArray.Create(Shape.Of(2), [0.1f, 0.7f]), options: new PrintOptions(Precision: 17)));
        Assert.Equal("[0.1, 0.3]", Printing.Format(Doubles(0.1, 0.3), options: new PrintOptions(Precision: 17)));
    }

    [Fact]
    public void LargeOrWidelySpreadMagnitudesAreScientific()
    {
        Assert.Equal("[1e+08, 2e+00]", Text(1e8, 2));
        Assert.Equal("[ 1.0000e+00, -1.2346e-10]", Text(1, -1.23456e-10));
        Assert.Equal("[1e-05]", Text(1e-5));
        Assert.Equal("[1.0e+100, 2.5e-007, 0.0e+000]", Text(1e100, 2.5e-7, 0));
        Assert.Equal("[1.2346e+04, 1.2345e-01]", Text(12345.678, 0.12345));
        Assert.Equal("[5e-324]", Text(double.Epsilon));
        Assert.Equal("[3.4028e+38]", NDArray.Create(Shape.Of(1), [float.MaxValue]).ToString());
    }

    [Fact]
    public void WhatFixedNotationShowsExactlyStaysFixed()
    {
        Assert.Equal("[20000.0,     0.5]", Text(20000, 0.5));
        Assert.Equal("[1.0000, 0.0001]", Text(1, 0.0001));
        Assert.Equal("[1.0000, 0.0012]", Text(1, 0.00123));
    }

    [Fact]
    public void NotANumberAndInfinitiesAreAligned()
    {
        Assert.Equal("[ 1.5,  nan,  inf, -inf]", Text(1.5, double.NaN, double.PositiveInfinity, double.NegativeInfinity));
        Assert.Equal("[nan, inf]", NDArray.Create(Shape.Of(2), [float.NaN, float.PositiveInfinity]).ToString());
        Assert.Equal("[1e+10,   nan]", Text(1e10, double.NaN));
    }

    [Fact]
    public void IntegersAndTruthValuesAreAligned()
    {
        Assert.Equal("[[  1, -20],\n [300,   4]]", NDArray.Create(Shape.Of(2, 2), [1, -20, 300, 4]).ToString());
        Assert.Equal("[ true, false]", NDArray.Create(Shape.Of(2), [true, false]).ToString());
        Assert.Equal("[-9223372036854775808,  9223372036854775807]", NDArray.Create(Shape.Of(2), [long.MinValue, long.MaxValue]).ToString());
    }

    [Fact]
    public void MatricesHaveABlankLineBetweenThem() =>
        Assert.Equal(
            """
            [[[0, 1],
              [2, 3]],

             [[4, 5],
              [6, 7]]]
            """.ReplaceLineEndings("\n"),
            NDArray.Create(Shape.Of(2, 2, 2), [0, 1, 2, 3, 4, 5, 6, 7]).ToString());

    [Fact]
    public void TheFollowingLinesAreIndented() =>
        Assert.Equal(
            "[[1, 2],\n        [3, 4]]",
            Printing.Format(NDArray.Create(Shape.Of(2, 2), [1.0, 2.0, 3.0, 4.0]), indent: 7));

    [Fact]
    public void MoreThanAThousandElementsAreSummarized()
    {
        Assert.Equal("[   0,    1,    2, ..., 1998, 1999, 2000]", Range(2001).ToString());
        Assert.DoesNotContain("...", Range(1000).ToString());
        Assert.Equal(
            """
            [[   0,    1,    2, ...,   47,   48,   49],
             [  50,   51,   52, ...,   97,   98,   99],
             [ 100,  101,  102, ...,  147,  148,  149],
             ...,
             [4850, 4851, 4852, ..., 4897, 4898, 4899],
             [4900, 4901, 4902, ..., 4947, 4948, 4949],
             [4950, 4951, 4952, ..., 4997, 4998, 4999]]
            """.ReplaceLineEndings("\n"),
            Range(5000).WithShape(Shape.Of(100, 50)).ToString());
        Assert.Equal(
            "[[[0, ..., 2],\n  ...,\n  [6, ..., 8]]]",
            Printing.Format(Range(9).WithShape(Shape.Of(1, 3, 3)), options: new PrintOptions(Threshold: 8, EdgeItems: 1)));
    }

    [Fact]
    public void OnlyWhatIsShownDecidesTheFormat()
    {
        var values = new double[2000];
        values[1000] = 1e20;
        Assert.Equal("[0, 0, 0, ..., 0, 0, 0]", Text(values));
    }

    [Fact]
    public void LongRowsAreContinuedOnTheNextLine()
    {
        var narrow = new PrintOptions(LineWidth: 12);
        Assert.Equal("[0, 1, 2, 3,\n 4, 5, 6, 7,\n 8]", Printing.Format(Range(9), options: narrow));
        Assert.Equal("[[0, 1, 2],\n [3, 4, 5]]", Printing.Format(Range(6).WithShape(Shape.Of(2, 3)), options: narrow));
        Assert.Equal("[1000,\n    1]", Printing.Format(NDArray.Create(Shape.Of(2), [1000, 1]), options: new PrintOptions(LineWidth: 1)));
        Assert.All(Range(1000).ToString().Split('\n'), line => Assert.InRange(line.Length, 1, 100));
    }

    [Fact]
    public void PrecisionIsSettable()
    {
        Assert.Equal("[3.14159265]", Printing.Format(Doubles(Math.PI), options: new PrintOptions(Precision: 8)));
        Assert.Equal("[3]", Printing.Format(Doubles(Math.PI), options: new PrintOptions(Precision: 0)));
        Assert.Equal("[3.141592653589793]", Printing.Format(Doubles(Math.PI), options: Printing.Options with { Precision = 17 }));
    }

    [Fact]
    public void TheDefaultIsSettable()
    {
        var before = Printing.Options;
        try
        {
            Printing.Options = before with { Precision = 5 };
            Assert.Equal("[3.14159]", Text(Math.PI));
        }
        finally
        {
            Printing.Options = before;
        }
    }

    [Fact]
    public void OptionsRefuseWhatMakesNoSense()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrintOptions(Precision: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrintOptions() with { EdgeItems = 0 });
        Assert.Throws<ArgumentNullException>(() => Printing.Options = null!);
        Assert.Throws<ArgumentOutOfRangeException>(() => Printing.Format(Range(2), indent: -1));
    }

    [Fact]
    public void EveryCulturePrintsTheSame()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = ",", NegativeSign = "~" } };
            Assert.Equal("[-1.5,  2.0]", Text(-1.5, 2));
            Assert.Equal("[-3,  4]", NDArray.Create(Shape.Of(2), [-3, 4]).ToString());
            Assert.Equal("[-1.5e+10]", Text(-1.5e10));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void WhatIsPrintedIsTheValueToThatPrecision() =>
        Property.ForAll(Values, values =>
        {
            var texts = Text(values).Trim('[', ']').Split(',', StringSplitOptions.TrimEntries);
            foreach (var (text, value) in texts.Zip(values))
            {
                var difference = Math.Abs(double.Parse(text, CultureInfo.InvariantCulture) - value);
                Assert.InRange(difference, 0, text.Contains('e') ? 0.500001e-4 * Math.Abs(value) : 0.500001e-4);
            }
        }, times: 1000);

    private static Gen<double[]> Values =>
        (from mantissa in Gen.Choose(-999_999, 999_999)
         from exponent in Gen.Choose(-12, 6)
         select mantissa * Math.Pow(10, exponent)).NonEmptyListOf().Select(values => values.ToArray());

    private static string Text(params double[] values) => Doubles(values).ToString();

    private static string Text(Shape shape, double value) => NDArray.Create(shape, [value]).ToString();

    private static NDArray Doubles(params double[] values) => NDArray.Create<double>(Shape.Of(values.Length), values);

    private static NDArray Range(int count) => NDArray.Create<int>(Shape.Of(count), Enumerable.Range(0, count).ToArray());
}
