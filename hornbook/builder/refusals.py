"""What Keras and TensorFlow raise when layers do not fit, as one short sentence."""

import tensorflow as tf

__all__ = ["REFUSALS", "reason"]

REFUSALS = (ValueError, TypeError, AttributeError, IndexError, NotImplementedError, tf.errors.InvalidArgumentError)
LONGEST = 200  # characters; the rest repeats shapes and call stacks


def reason(error: BaseException) -> str:
    """Return the start of the error's text on one line, without a full stop."""
    return " ".join(str(error).split())[:LONGEST].rstrip(".")
