"""Which shipped recipes are of the same structure as others, so that looking at those says most about them."""

LONG = {"tabm", "reused_application"}
"""Recipes that take long to build: their parts are looked at where they are tested, all of them with `--whole`."""

COMPARED_AS = {
    "default_adam": "default_nesterov",
    "ema": "leaky_relu",
    "fashion_model_a": "leaky_relu",
    "lion": "leaky_relu",
    "mnist_l1": "sparse_l1",
    "mnist_plain": "leaky_relu",
    "muon": "leaky_relu",
    "pretrained_autoencoder": "leaky_relu",
    "pretrained_rbm": "leaky_relu",
    "schedule_cosine": "leaky_relu",
    "schedule_cosine_restarts": "leaky_relu",
    "schedule_exponential": "leaky_relu",
    "schedule_free": "leaky_relu",
    "schedule_performance": "leaky_relu",
    "schedule_polynomial": "leaky_relu",
    "schedule_power": "leaky_relu",
    "self_normalizing": "leaky_relu",
    "sweep_bayesian": "leaky_relu",
    "sweep_grid": "leaky_relu",
    "sweep_random": "leaky_relu",
}
"""Recipes that are not compared themselves, and the one of their structure that is."""
IN_PARTS = {
    "default_one_cycle": ("he_elu_bn", "cnn_residual"),
    "fashion_b_scratch": ("xor_mlp", "class_weights"),
    "linear_regression": ("xor_linear", "elastic_net"),
    "mnist_300_100": ("he_elu_bn", "max_norm"),
    "mnist_dropout": ("leaky_relu", "max_norm"),
    "rnn_image_rows": ("rnn_imdb", "rnn_waves", "layer_normalization", "he_elu_bn"),
    "sweep_hyperband": ("default_nesterov", "mixed_precision"),
}
"""Recipes of kinds that all are in others, and the compared ones that they are in."""
