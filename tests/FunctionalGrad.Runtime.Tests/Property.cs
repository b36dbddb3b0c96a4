using FsCheck;
using FsCheck.Fluent;

namespace FunctionalGrad.Runtime.Tests;

/// <summary>Runs properties with a fixed seed, so that a failure of one run is a failure of every run.</summary>
internal static class Property
{
    private static readonly Config Fixed = Config.QuickThrowOnFailure.WithReplay(20110411UL, 1UL);

    /// <summary>Checks what <paramref name="holds"/> asserts for many values.</summary>
    public static void ForAll<T>(Gen<T> values, Action<T> holds, int times = 200) =>
        Prop.ForAll(values.ToArbitrary(), holds).Check(Fixed.WithMaxTest(times));
}
