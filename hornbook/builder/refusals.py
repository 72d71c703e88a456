"""What Keras and TensorFlow raise when layers do not fit, as one short sentence."""

import re

import tensorflow as tf

__all__ = ["REFUSALS", "reason"]

REFUSALS = (ValueError, TypeError, AttributeError, IndexError, NotImplementedError, tf.errors.InvalidArgumentError)
LONGEST = 200  # characters; the rest repeats shapes and call stacks


def reason(error: BaseException) -> str:
    """Return the start of the error's text on one line, without a full stop."""
    text = re.sub(r"\{\{[^}]*\}\}|\[Op:.*", "", str(error))  # names of TensorFlow's kernels say nothing
    return " ".join(text.split())[:LONGEST].rstrip(".")
