"""The faults that `hornbook doctor` knows, and the codes by which a recipe mutes them."""

__all__ = ["CODES", "FAULTS", "code_of"]

FAULTS = {
    "lr_too_high": "the learning rate is too high",
    "lr_too_low": "the learning rate is too low",
    "wrong_activation_hidden": "the hidden activation does not suit the network",
    "wrong_head_activation": "the head cannot return what the targets are",
    "wrong_loss": "the loss does not measure what is wanted",
    "bad_initializer": "the initial weights keep the network from learning",
    "vanishing_gradient": "the first layers get hardly any gradient",
    "exploding_gradient": "signals or gradients grow from layer to layer",
    "dying_relu": "units are dead",
    "saturated": "units are saturated",
    "not_normalized_inputs": "the inputs are not normalized",
    "target_scale": "the targets are far from 1",
    "too_few_epochs": "training ended too early",
    "batch_size": "the batch size does not suit the data",
    "wrong_optimizer": "the optimizer does not suit the task",
    "schedule": "the schedule lowers the rate too early",
    "clipping": "gradients are clipped to almost nothing",
    "overfitting": "the network learns its training examples by heart",
    "underfitting_capacity": "the network is too small",
    "missing_regularization": "nothing keeps the network from learning by heart",
    "too_much_dropout": "dropout takes too much",
    "too_much_regularization": "penalties weigh more than the loss",
    "class_imbalance": "a rare class is ignored",
    "label_leak": "a column gives the target away",
    "duplicates_between_splits": "the same examples stand in several splits",
    "wrong_labels": "targets contradict the inputs",
    "wrong_metric": "the metric does not show what matters",
    "frozen_too_much": "layers that should learn are frozen",
    "batch_norm_mismatch": "batch normalization's moving statistics are not those of the batches",
    "plateau": "the loss stands still",
    "diverged": "numbers were lost",
}
"""{fault: what it says}."""


def code_of(fault: str) -> str:
    """Return the stable code of a fault's findings."""
    return fault.replace("_", "-")


CODES = tuple(code_of(fault) for fault in FAULTS)
