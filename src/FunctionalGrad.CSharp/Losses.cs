using static FunctionalGrad.Interop;

namespace FunctionalGrad;

/// <summary>Losses: each a scalar, the mean over examples (or over elements, where there are no classes).</summary>
public static class Loss
{
    /// <summary>Cross entropy of logits [N, C] with classes [N] (int): the negative log likelihood of log-softmax.</summary>
    /// <exception cref="ShapeException">The shapes are others.</exception>
    /// <exception cref="IndexException">A class is not in 0 … C − 1.</exception>
    public static Tensor CrossEntropy(Tensor logits, Tensor classes) => Losses.crossEntropy(Given(classes), Given(logits));

    /// <summary>Cross entropy of logits [N, C] with target probabilities [N, C]: the mean over rows of −Σ t·log-softmax.</summary>
    /// <exception cref="ShapeException">The shapes differ, or the rank is not 2.</exception>
    public static Tensor CrossEntropySoft(Tensor logits, Tensor targets) => Losses.crossEntropySoft(Given(targets), Given(logits));

    /// <summary>Negative log likelihood: minus the mean of the log probabilities [N, C] at the classes [N] (int).</summary>
    /// <exception cref="ShapeException">The shapes are others.</exception>
    /// <exception cref="IndexException">A class is not in 0 … C − 1.</exception>
    public static Tensor NegativeLogLikelihood(Tensor logProbabilities, Tensor classes) =>
        Losses.nllLoss(Given(classes), Given(logProbabilities));

    /// <summary>The mean of (x − t)².</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor MeanSquaredError(Tensor x, Tensor target) => Losses.mseLoss(Given(target), Given(x));

    /// <summary>The mean of |x − t|.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor MeanAbsoluteError(Tensor x, Tensor target) => Losses.l1Loss(Given(target), Given(x));

    /// <summary>The mean of max(0, 1 − t·x), with targets −1 and 1.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor Hinge(Tensor x, Tensor target) => Losses.hingeLoss(Given(target), Given(x));
}
