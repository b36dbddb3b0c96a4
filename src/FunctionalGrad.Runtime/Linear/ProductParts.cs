namespace FunctionalGrad.Linear;

/// <summary>
/// Cuts a product by the rows of C into parts that threads share. Where it is cut depends on sizes alone, and every element of C is computed within
/// one part, so the number of threads changes no bit.
/// </summary>
internal static unsafe class ProductParts
{
    /// <summary>Work, as <see cref="Product{T}.Work"/> counts it, that takes about 8 µs: with less a helper gains nothing.</summary>
    public const long LeastShared = 1_500_000;

    /// <summary>The same for work that waits for memory.</summary>
    public const long LeastSharedBytes = 500_000;

    /// <summary>More parts than this do not share any better.</summary>
    private const int Most = 64;

    /// <summary>How many parts to make of work that consists of so many pieces: a power of two, so that two or four threads get the same.</summary>
    /// <param name="work">The amount of work.</param>
    /// <param name="least">The least amount that is shared; a part has at least a quarter of it.</param>
    /// <param name="pieces">What cannot be cut further.</param>
    public static int Count(long work, long least, int pieces)
    {
        if (work < least)
            return 1;
        var largest = Math.Min(Math.Min(4 * work / least, Most), pieces);
        var parts = 1;
        while (2 * parts <= largest)
            parts *= 2;
        return parts;
    }

    /// <summary>The first piece of a part.</summary>
    public static int First(int part, int parts, int pieces) => (int)((long)part * pieces / parts);

    /// <summary>Does the work in parts of whole steps of rows; the last part has the rows that are left as well.</summary>
    public static void ShareRows<T>(in Product<T> product, int step, long least, delegate*<in Product<T>, void> work)
        where T : unmanaged => Share(product, step, product.Rows / step, false, least, work);

    /// <summary>Does the work in parts of whole steps of columns; the last part has the columns that are left as well.</summary>
    public static void ShareColumns<T>(in Product<T> product, int step, long least, delegate*<in Product<T>, void> work)
        where T : unmanaged => Share(product, step, product.Columns / step, true, least, work);

    private static void Share<T>(in Product<T> product, int step, int pieces, bool isOfColumns, long least, delegate*<in Product<T>, void> work)
        where T : unmanaged
    {
        var parts = Count(product.Work, least, pieces);
        if (parts <= 1)
        {
            work(product);
            return;
        }

        var cut = new Cut<T>(product, step, pieces, parts, isOfColumns, work);
        Parallelism.For(parts, &Cut<T>.Run, &cut);
    }

    private readonly struct Cut<T>(in Product<T> product, int step, int pieces, int parts, bool isOfColumns, delegate*<in Product<T>, void> work)
        where T : unmanaged
    {
        private readonly bool isOfColumns = isOfColumns;
        private readonly Product<T> product = product;
        private readonly int step = step;
        private readonly int pieces = pieces;
        private readonly int parts = parts;
        private readonly delegate*<in Product<T>, void> work = work;

        public static void Run(int part, void* state) => ((Cut<T>*)state)->Run(part);

        private void Run(int part)
        {
            var first = First(part, parts, pieces) * step;
            var end = part == parts - 1 ? (isOfColumns ? product.Columns : product.Rows) : First(part + 1, parts, pieces) * step;
            work(isOfColumns ? product.OfColumns(first, end - first) : product.OfRows(first, end - first));
        }
    }
}
