"""What trains an ensemble that shares weights: the loss of each member, in `fit` too."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from hornbook.layers.augmentation import MixingModel

__all__ = ["MembersLoss", "MembersModel"]


@keras.saving.register_keras_serializable("hornbook")
class MembersLoss(keras.losses.Loss):
    """The mean of a loss over the members of an ensemble, each of which predicts the same targets.

    Gorishniy et al. (2024), arXiv:2410.24210, section 3.

    Args:
        loss: What is computed of each member.
    """

    def __init__(self, loss: Any, name: str = "loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.loss = keras.losses.deserialize(loss) if isinstance(loss, dict) else loss

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example (B,): of targets (B, …) and predictions (B, members, K), or (B, K) of one."""
        if len(y_pred.shape) < 3:
            return self.loss.call(y_true, y_pred)
        members = y_pred.shape[1]
        losses = self.loss.call(ops.repeat(y_true, members, axis=0), ops.reshape(y_pred, (-1, *y_pred.shape[2:])))
        return ops.mean(ops.reshape(losses, (-1, members)), axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "loss": keras.losses.serialize(self.loss)}


@keras.saving.register_keras_serializable("hornbook")
class MembersModel(MixingModel):
    """A functional model that `fit` trains by what comes before its last layers: by members of an ensemble, or by heads."""

    def train_by(self, scores: keras.Model, activate: Callable[[Any], Any], in_loss: Callable[[Any], Any]) -> None:
        """Set what the loss is of.

        Args:
            scores: The same network up to what the loss reads, (B, …).
            activate: Makes outputs of that.
            in_loss: Makes targets what the loss reads.
        """
        object.__setattr__(self, "_by", (scores, activate, in_loss))  # past Keras, which would track layers twice

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Return the outputs, and remember the scores for the loss."""
        scores, activate, _ = self._by
        x = scores(inputs, training=training)
        object.__setattr__(self, "_scores", x)
        return activate(x)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss of the members' scores, which `call` has left."""
        return super().compute_loss(x, self._by[2](y), self._scores, sample_weight, training)
