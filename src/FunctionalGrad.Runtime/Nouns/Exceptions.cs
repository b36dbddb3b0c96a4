namespace FunctionalGrad;

/// <summary>What every refusal of this library is; catch it to catch them all.</summary>
public abstract class TensorException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Shapes, axes or sizes that do not fit what was asked.</summary>
public sealed class ShapeException(string message) : TensorException(message);

/// <summary>An element type that the operation does not take.</summary>
public sealed class DTypeException(string message) : TensorException(message);

/// <summary>An index or a label that lies outside of the axis it points into.</summary>
public sealed class IndexException(string message) : TensorException(message);


/// <summary>A matrix without the property that an operation needs: singular, or not positive definite.</summary>
public sealed class MatrixException(string message) : TensorException(message);

/// <summary>An integer was divided by 0.</summary>
public sealed class DivisionByZeroException(string message) : TensorException(message);


/// <summary>A value was looked at while it was not known: inside <c>jit</c> or <c>vmap</c>.</summary>
public sealed class TracingException(string message) : TensorException(message);

/// <summary>A value was looked at whose memory had been given away: donated to a function made by <c>jitDonating</c>.</summary>
public sealed class DonationException(string message) : TensorException(message);

/// <summary>A derivative that does not exist: of a non-scalar, of an integer, of something unrelated.</summary>
public sealed class GradientException(string message) : TensorException(message);

/// <summary>A user's own operation whose forward function failed; the inner exception says why.</summary>
public sealed class CustomOpException(string message, Exception? inner = null) : TensorException(message, inner);

/// <summary>A file or a .NET collection whose content is not what its format promises.</summary>
public sealed class DataFormatException(string message, Exception? inner = null) : TensorException(message, inner);
