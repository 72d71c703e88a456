"""The name that was probably meant, for errors. Nothing here is ever accepted in its place."""

import difflib
import re
from collections.abc import Iterable

__all__ = ["MOVED", "did_you_mean", "nearest"]

# What people write who come from elsewhere: suggested in errors, never accepted.
SYNONYMS = {
    "lr": "learning_rate",
    "rate": "learning_rate",
    "swish": "silu",
    "hard_swish": "hard_silu",
    "hardswish": "hard_silu",
    "logistic": "sigmoid",
    "lrelu": "leaky_relu",
    "rrelu": "randomized_leaky_relu",
    "heaviside": "step",
    "he": "he_normal",
    "kaiming": "he_normal",
    "kaiming_normal": "he_normal",
    "kaiming_uniform": "he_uniform",
    "xavier": "glorot_uniform",
    "xavier_uniform": "glorot_uniform",
    "xavier_normal": "glorot_normal",
    "lecun": "lecun_normal",
    "bn": "batch_normalization",
    "batchnorm": "batch_normalization",
    "batch_norm": "batch_normalization",
    "layernorm": "layer_normalization",
    "layer_norm": "layer_normalization",
    "groupnorm": "group_normalization",
    "group_norm": "group_normalization",
    "rmsnorm": "rms_normalization",
    "onecycle": "one_cycle",
    "1cycle": "one_cycle",
    "reduce_lr_on_plateau": "performance",
    "plateau": "performance",
    "cosine_decay": "cosine",
    "exponential_decay": "exponential",
    "min_lr": "min_learning_rate",
    "max_lr": "learning_rate",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "rmse": "root_mean_squared_error",
    "acc": "accuracy",
    "val_acc": "val_accuracy",
    "beta1": "beta_1",
    "beta2": "beta_2",
    "eps": "epsilon",
    "alpha_leaky": "negative_slope",
    "hidden": "units",
    "width": "units",
    "num_layers": "depth",
    "n_layers": "depth",
    "hidden_layers": "depth",
    "num_hidden_layers": "depth",
    "layers": "units",
    "batch": "batch_size",
    "bs": "batch_size",
    "num_epochs": "epochs",
    "max_epochs": "epochs",
    "weight_decay_rate": "weight_decay",
    "l2_regularization": "l2",
    "maxnorm": "max_norm",
    "resnet": "residual_cnn",
    "lstm": "rnn",
    "gru": "rnn",
    "dense": "mlp",
    "cifar": "cifar10",
    "boston": "california_housing",
    "momentum_sgd": "sgd",
}
MOVED = {
    "clipnorm": "Clipping is 'training.gradient_clipping: {by: norm, threshold: 1.0}'.",
    "clipvalue": "Clipping is 'training.gradient_clipping: {by: value, threshold: 1.0}'.",
    "global_clipnorm": "Clipping is 'training.gradient_clipping: {by: global_norm, threshold: 1.0}'.",
    "use_ema": "Averaging is 'optimizer.ema: {momentum: 0.99}'.",
    "ema_momentum": "Averaging is 'optimizer.ema: {momentum: 0.99}'.",
    "gradient_accumulation_steps": "Accumulation is 'optimizer.accumulation: 4'.",
    "kernel_initializer": "The initializer is 'initializer: he_normal'.",
    "kernel_regularizer": "Penalties are 'regularization: {l2: 0.0001}'.",
    "callbacks": "Callbacks are passed in Python: hornbook.train(recipe, callbacks=[…]).",
}


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was probably meant to be, or None."""
    names, name = [str(candidate) for candidate in known], str(name)[:100]
    synonym = SYNONYMS.get(name.lower())
    if synonym in names:
        return synonym
    plain = re.sub(r"[\s-]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower()
    if plain in names:
        return plain
    matches = difflib.get_close_matches(plain, names, n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a hint with the nearest name, or with all names where none is near."""
    names = sorted(known)
    best = nearest(name, names)
    if best is not None:
        return f"Did you mean '{best}'?"
    return f"Known: {', '.join(names)}." if names else ""
