using static FunctionalGrad.Interop;

namespace FunctionalGrad;

/// <summary>Products that sum.</summary>
public static class TensorProducts
{
    extension(Tensor)
    {
        /// <summary>
        /// The matrix product by NumPy's rules: vectors count as a row (left) or a column (right) and that axis vanishes; axes before
        /// the last two are a batch, which broadcasts.
        /// </summary>
        /// <exception cref="ShapeException">Inner sizes differ, the batch does not broadcast, or an operand is a scalar.</exception>
        public static Tensor MatMul(Tensor x, Tensor y) => Contraction.matmul(Given(x), Given(y));

        /// <summary>The inner product of two vectors.</summary>
        /// <exception cref="ShapeException">An operand is no vector, or their sizes differ.</exception>
        public static Tensor Dot(Tensor x, Tensor y) => Contraction.dot(Given(x), Given(y));

        /// <summary>All products of the elements of two vectors: element [i, j] is xᵢ·yⱼ.</summary>
        /// <exception cref="ShapeException">An operand is no vector.</exception>
        public static Tensor Outer(Tensor x, Tensor y) => Contraction.outer(Given(x), Given(y));

        /// <summary>
        /// Sums of products by labels, as NumPy's einsum: <c>"ij,jk->ik"</c>. Without an arrow the labels that occur once remain, in
        /// order. A repeated label of one operand takes its diagonal; <c>...</c> stands for further axes, which broadcast.
        /// </summary>
        /// <exception cref="ShapeException">The equation is malformed or does not fit the shapes.</exception>
        public static Tensor Einsum(string equation, params Tensor[] operands) => Contraction.einsum(Given(equation), Tensors(operands));
    }
}
