"""Rules that span sections: the exact text of each, when it is silent, and that each is documented."""

from pathlib import Path

import numpy as np
import pytest

from hornbook.recipes import Recipe, check_recipe
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.rules.check import RULES, check_rules
from hornbook.recipes.rules.training import FLOAT32_HALF_STEP

ROOT = Path(__file__).parents[2]
CODES = [rule.code for rule in RULES]
IMAGES = {"data": "digits", "model": {"name": "mlp", "units": [30]}}
TABLE = {"data": "iris", "model": {"name": "mlp", "units": [30]}}
BINARY = {"data": "breast_cancer", "model": {"name": "mlp", "units": [30]}}
NUMBERS = {"data": "diabetes", "model": {"name": "mlp", "units": [30]}}
SEQUENCES = {"data": "waves", "model": {"name": "rnn", "units": [8]}}
NO_HIDDEN = {"data": "digits", "model": "mlp"}


HOUSES = {"name": "table", "path": "houses.csv", "target": ["price", "sold"]}
APPLICATION = {"from": {"application": "MobileNetV2", "weights": "none"}}


LEARNING = {"name": "dense", "units": 3}


def layers(**own):
    return {"data": "digits", "model": {"name": "layers", "layers": ["flatten", {"name": "dense", "units": 3, **own}]}}


SERIES = {"data": {"name": "seasons", "window": 24, "count": 3, "scaling": "series"}, "model": "mlp"}
CASES = [
    (
        "paths-reuse",
        {"data": "iris", "model": "wide_and_deep", "reuse": APPLICATION},
        "model: the wide path reads the inputs, and here layers of an earlier model stand in front of it. Use 'mlp', or fill"
        " this network by name: 'reuse.copy'.",
    ),
    (
        "series-scaling",
        {**SERIES, "head": {"standardize_targets": False}},
        "head.standardize_targets: does not go with 'data.scaling: series', by which inputs and targets are on their series'"
        " scale. Remove it, or use 'scaling: global'.",
    ),
    (
        "model-data",
        {**TABLE, "model": "cnn"},
        "model: 'cnn' reads images, sequences and token sequences, and 'iris' holds rows of a table."
        " Use 'model: {name: mlp, units: [300, 100]}'.",
    ),
    (
        "model-data",
        {**IMAGES, "data": "imdb"},
        "model: 'mlp' reads images, rows of a table and sequences, and 'imdb' holds token sequences."
        " Use 'model: {name: rnn}' or 'mean_embedding', or start 'layers' with an embedding.",
    ),
    (
        "embedding",
        {"data": "waves", "model": {"name": "rnn", "embedding": 8}},
        "model.embedding: only tokens are embedded, and this is sequence data. Remove it.",
    ),
    (
        "embedding",
        {"data": "sentences", "model": {"name": "transformer", "frozen_embedding": True}},
        "model.frozen_embedding: embeddings that are drawn and never learn say nothing."
        " Name a file in 'data.text.embeddings', or remove it.",
    ),
    (
        "layer-inputs",
        {"data": "waves", "model": {"name": "layers", "layers": ["masking", {"name": "lstm", "units": 8}]}},
        "warning: model.layers.0: 'masking' looks for steps whose numbers are all 0, and the inputs are standardized. Set"
        " 'data.standardize: false'.",
    ),
    (
        "layer-inputs",
        {
            "data": "iris",
            "model": {"name": "layers", "layers": [{"name": "embedding", "input_dim": 9, "output_dim": 2}, "flatten"]},
        },
        "warning: model.layers.0: 'embedding' looks for whole numbers, and the inputs are standardized. Set"
        " 'data.standardize: false'.",
    ),
    (
        "layer-inputs",
        {
            "data": {"name": "digits", "standardize": True},
            "model": {"name": "layers", "layers": [{"name": "embedding", "input_dim": 17, "output_dim": 2}, "flatten"]},
        },
        "warning: model.layers.0: 'embedding' looks for whole numbers, and the inputs are standardized and scaled to at most 1."
        " Set 'data.standardize: false' and 'data.scale: false'.",
    ),
    (
        "layer-inputs",
        {
            "data": "digits",
            "model": {"name": "layers", "layers": [{"name": "embedding", "input_dim": 17, "output_dim": 2}, "flatten"]},
        },
        "warning: model.layers.0: 'embedding' looks for whole numbers, and the inputs are scaled to at most 1. Set"
        " 'data.scale: false'.",
    ),
    (
        "text-read",
        {"data": {"name": "sentences", "text": {"ngrams": 2}}, "model": "transformer"},
        "data.text.ngrams: pairs of tokens stand behind the single ones, and 'transformer' reads tokens in their order."
        " Remove it, or use 'model: {name: bag_of_words}'.",
    ),
    (
        "text-read",
        {"data": {"name": "sentences", "text": {"embeddings": "glove.txt"}}, "model": "bag_of_words"},
        "data.text.embeddings: 'bag_of_words' embeds no tokens. Remove it, or use 'model: {name: mean_embedding}'.",
    ),
    (
        "steps",
        {"data": "sentences", "model": {"name": "transformer", "heads": 5}},
        "model.heads: 5 heads do not divide a width of 64. Use a number that divides it.",
    ),
    (
        "steps",
        {"data": "sentences", "model": "transformer", "normalization": "batch_normalization"},
        "normalization: 'batch_normalization' mixes steps, padding included, and a transformer normalizes each by itself."
        " Use 'layer_normalization', or omit it.",
    ),
    (
        "steps",
        {
            "data": "sentences",
            "model": "transformer",
            "normalization": {"name": "layer_normalization", "position": "after_activation"},
        },
        "normalization.position: a transformer normalizes in front of attention and dense layers. Remove it.",
    ),
    (
        "steps",
        {"data": "sentences", "model": {"name": "rnn"}, "normalization": {"name": "group_normalization", "groups": 8}},
        "normalization: 'group_normalization' mixes steps, padding included. Use 'layer_normalization'.",
    ),
    (
        "steps",
        {"data": "sentences", "model": {"name": "cnn", "separable": True}},
        "model.separable: is for images, and this network reads tokens. Remove it.",
    ),
    (
        "class-weights",
        {
            "data": {"name": "npz", "path": "a.npz", "weights": "w"},
            "model": "mlp",
            "training": {"engine": "fit", "class_weights": "balanced"},
        },
        "training.engine: Keras's 'fit' has one weight for class and example, which its metrics would count too."
        " Omit it: 'auto' chooses another engine.",
    ),
    (
        "mixing",
        {**IMAGES, "data": {"name": "digits", "augmentation": {"mixup": 0.2}}, "training": {"batch_size": 1}},
        "data.augmentation.mixup: 'mixup' mixes the examples of a batch, and batches have one."
        " Use a larger 'training.batch_size', or remove it.",
    ),
    (
        "mixing",
        {
            **NUMBERS,
            "data": {"name": "diabetes", "augmentation": {"mixup": 0.2}},
            "head": {"loss": "mean_absolute_percentage_error"},
        },
        "data.augmentation.mixup: 'mixup' mixes targets, and mixed ones may be 0, for which"
        " 'mean_absolute_percentage_error' is not made. Remove it, or use 'mean_absolute_error'.",
    ),
    (
        "loss-task",
        {**NUMBERS, "head": {"loss": "hinge"}},
        "head.loss: 'hinge' is for binary tasks, and this task is regression. Omit it to get the task's own loss.",
    ),
    (
        "loss-task",
        {**IMAGES, "head": {"loss": "squared_hinge"}},
        "head.loss: 'squared_hinge' is for binary tasks, and this task is multiclass. Use 'categorical_hinge'.",
    ),
    (
        "loss-task",
        {**IMAGES, "head": {"loss": "kl_divergence"}},
        "head.loss: 'kl_divergence' is for regression tasks, and this task is multiclass. Use"
        " 'sparse_categorical_crossentropy', which is the same where an example is wholly of one class.",
    ),
    (
        "loss-task",
        {**BINARY, "head": {"loss": "categorical_focal_crossentropy"}},
        "head.loss: 'categorical_focal_crossentropy' is for multiclass tasks, and this task is binary. Use"
        " 'binary_focal_crossentropy'.",
    ),
    (
        "head-loss",
        {**NUMBERS, "head": {"loss": "kl_divergence", "activation": "sigmoid"}},
        "head.activation: 'kl_divergence' needs a 'softmax' head, found 'sigmoid'. Omit one of the two.",
    ),
    (
        "head-targets",
        {**NUMBERS, "head": {"loss": "mean_absolute_percentage_error", "standardize_targets": True}},
        "head.standardize_targets: 'mean_absolute_percentage_error' compares targets in their own unit. Use"
        " 'mean_squared_error', or remove it.",
    ),
    (
        "head-loss",
        {**BINARY, "head": {"loss": "hinge", "activation": "sigmoid"}},
        "head.activation: 'hinge' needs a 'linear' head, found 'sigmoid'. Omit one of the two.",
    ),
    (
        "head-loss",
        {**BINARY, "head": {"activation": "step"}},
        "head.activation: the step function has no slope to follow, so only 'loss: perceptron' can train it."
        " Write 'head: {units: 1, activation: step, loss: perceptron}'.",
    ),
    (
        "head-loss",
        {**IMAGES, "head": {"activation": "sigmoid"}},
        "head.activation: a multiclass head ends in softmax, found 'sigmoid'. Omit it.",
    ),
    (
        "head-loss",
        {**BINARY, "head": {"activation": "linear"}},
        "head.activation: a binary head ends in sigmoid, found 'linear'."
        " Omit it, or name a loss that works with it ('hinge' with 'linear').",
    ),
    (
        "head-targets",
        {**IMAGES, "head": {"standardize_targets": True}},
        "head.standardize_targets: the task is multiclass, which has no numbers to standardize. Remove it.",
    ),
    (
        "head-loss",
        {**BINARY, "head": {"ordinal": True}},
        "head.ordinal: the task is binary, and an order needs three classes or more. Remove it.",
    ),
    (
        "head-loss",
        {**IMAGES, "head": {"ordinal": True, "loss": "categorical_hinge"}},
        "head.ordinal: 'categorical_hinge' is not about probabilities of classes."
        " Use 'sparse_categorical_crossentropy', or omit the loss.",
    ),
    (
        "head-targets",
        {**IMAGES, "head": {"target_transform": "log"}},
        "head.target_transform: the task is multiclass, which has no numbers to standardize. Remove it.",
    ),
    (
        "head-targets",
        {**NUMBERS, "head": {"target_transform": "quantile", "standardize_targets": False}},
        "head.standardize_targets: targets are standardized behind 'quantile'. Remove it, or 'target_transform'.",
    ),
    (
        "head-targets",
        {**NUMBERS, "head": {"target_transform": "log", "loss": "poisson"}},
        "head.target_transform: 'poisson' compares targets in their own unit. Use 'mean_squared_error', or remove it.",
    ),
    (
        "head-targets",
        {**NUMBERS, "head": {"standardize_targets": True, "activation": "exponential"}},
        "head.standardize_targets: standardized targets are on both sides of 0, which the head 'exponential' does not follow."
        " Use a linear head, or remove it.",
    ),
    (
        "head-targets",
        {**NUMBERS, "head": {"standardize_targets": True, "loss": "poisson"}},
        "head.standardize_targets: 'poisson' compares targets in their own unit."
        " Use 'mean_squared_error', or remove it.",
    ),
    (
        "head-units",
        {**IMAGES, "head": {"units": 3}},
        "head.units: 10 classes need 10 units, found 3. Omit it: it follows from the data.",
    ),
    (
        "head-units",
        {**BINARY, "head": {"units": 2}},
        "head.units: two classes need 1 unit, found 2. Omit it: it follows from the data.",
    ),
    (
        "class-weights",
        {**NUMBERS, "training": {"class_weights": "balanced"}},
        "training.class_weights: only exclusive classes have weights, and this task is regression. Remove it.",
    ),
    (
        "metric-task",
        {**NUMBERS, "training": {"metrics": ["accuracy"]}},
        "training.metrics.0: 'accuracy' is for multiclass, binary and multilabel tasks, and this task is regression."
        " 'hornbook list metric' shows what each is for.",
    ),
    (
        "metric-task",
        {**IMAGES, "training": {"metrics": ["accuracy", "accuracy"]}},
        "training.metrics.1: 'accuracy' is listed twice. Keep one.",
    ),
    (
        "metric-task",
        {**IMAGES, "training": {"metrics": ["f1_score", {"name": "f1_score", "average": "micro"}]}},
        "training.metrics.1: 'f1_score' is listed twice. Keep one, or give this one a name of its own: 'record_as:"
        " f1_score_2'.",
    ),
    (
        "metric-task",
        {**IMAGES, "training": {"metrics": [{"name": "f1_score", "record_as": "val_accuracy"}]}},
        "training.metrics.0.record_as: 'val_accuracy' is the name of something else that runs record. Use another, for"
        " instance 'f1_score_1'.",
    ),
    (
        "metric-task",
        {**NUMBERS, "training": {"metrics": [{"name": "f1_score", "average": "micro"}]}},
        "training.metrics.0: 'f1_score' is for multiclass, binary and multilabel tasks, and this task is regression."
        " 'hornbook list metric' shows what each is for.",
    ),
    (
        "metric-task",
        {**BINARY, "training": {"metrics": ["accuracy", {"name": "recall", "average": "macro"}]}},
        "training.metrics.1.average: there is nothing to average: of two classes the second is looked for. 'average' is for"
        " more. Remove it.",
    ),
    (
        "metric-task",
        {**IMAGES, "training": {"metrics": [{"name": "precision", "thresholds": 0.7}]}},
        "training.metrics.0.thresholds: of several classes the likeliest is predicted, whatever its probability. Remove it.",
    ),
    (
        "metric-task",
        {**IMAGES, "head": {"loss": "categorical_hinge"}, "training": {"metrics": ["f1_score", "auc"]}},
        "training.metrics.1: 'auc' needs probabilities, and a hinge head gives scores. Use 'accuracy', or the loss"
        " 'sparse_categorical_crossentropy'.",
    ),
    (
        "hidden-step",
        {**IMAGES, "activation": "step"},
        "activation: the step function has no slope, so nothing below it can learn."
        " Use 'relu' or 'sigmoid' here, or layers that do not learn: 'model: {name: layers}' with 'trainable: false'.",
    ),
    (
        "hidden-step",
        layers(activation="step"),
        "model.layers.1.activation: the step function has no slope, so nothing below it can learn."
        " Use 'relu' or 'sigmoid' here, or layers that do not learn: 'model: {name: layers}' with 'trainable: false'.",
    ),
    (
        "hidden-step",
        {
            "data": "digits",
            "model": {
                "name": "layers",
                "layers": ["flatten", {"name": "dense", "units": 3, "trainable": False}, LEARNING],
            },
            "activation": "step",
        },
        "activation: the step function has no slope, so nothing below it can learn."
        " Use 'relu' or 'sigmoid' here, or layers that do not learn: 'model: {name: layers}' with 'trainable: false'.",
    ),
    (
        "layer-bias",
        {**layers(bias_regularizer={"l2": 0.1}), "normalization": "batch_normalization"},
        "model.layers.1.bias_regularizer: this layer has no bias: 'batch_normalization' subtracts any bias in front of it,"
        " so there is none. Remove it.",
    ),
    (
        "layer-bias",
        layers(bias_constraint="non_negative", use_bias=False),
        "model.layers.1.bias_constraint: this layer has no bias: 'use_bias: false' leaves it without a bias. Remove it.",
    ),
    (
        "no-hidden-layers",
        {**NO_HIDDEN, "regularization": {"dropout": 0.2}},
        "regularization.dropout: applies to hidden layers, and this model has none."
        " Remove it, or add hidden layers: 'model.units=[100]'.",
    ),
    (
        "no-hidden-layers",
        {**NO_HIDDEN, "activation": "relu"},
        "activation: applies to hidden layers, and this model has none."
        " Remove it; the head has its own: 'head.activation'.",
    ),
    (
        "no-hidden-layers",
        {**NO_HIDDEN, "normalization": "batch_normalization"},
        "normalization: applies to hidden layers, and this model has none."
        " Remove it, or set 'input: true' to normalize the inputs.",
    ),
    (
        "dropout",
        {**IMAGES, "regularization": {"spatial_dropout": 0.2}},
        "regularization.spatial_dropout: drops whole channels, and a dense network has none. Use 'dropout'.",
    ),
    (
        "dropout",
        {**IMAGES, "regularization": {"dropout": 0.2, "gaussian_dropout": 0.1}},
        "warning: regularization.gaussian_dropout: dropout and gaussian_dropout would both act on every hidden layer."
        " Keep one of them.",
    ),
    (
        "cell-activation",
        {**SEQUENCES, "activation": "prelu"},
        "activation: a recurrent cell takes a plain function, and 'prelu' with these options is a layer."
        " Use 'tanh', 'relu' or 'elu' without options.",
    ),
    (
        "head-clamp",
        {**IMAGES, "head": {"clamp": True}},
        "head.clamp: the task is multiclass, whose outputs have a range of their own. Remove it.",
    ),
    (
        "heads-or-head",
        {**IMAGES, "heads": {"digit": {}}, "training": {"class_weights": "balanced"}},
        "training.class_weights: each of several heads has weights for classes of its own."
        " Write 'heads.digit.class_weights'.",
    ),
    (
        "class-weights",
        {
            "data": {"name": "iris", "columns": ["sepal_length", "petal_length"]},
            "model": {"name": "mlp", "units": [30]},
            "heads": {
                "species": {},
                "width": {"target": "petal_width", "task": "regression", "class_weights": "balanced"},
            },
        },
        "heads.width.class_weights: only exclusive classes have weights, and this task is regression. Remove it.",
    ),
    (
        "heads-weight",
        {**IMAGES, "heads": {"digit": {"weight": 0.0}, "early": {"weight": 0.0, "from": "hidden_1"}}},
        "heads.digit.weight: every weight is 0, so that there is no loss to minimize."
        " Give one of the heads a weight above 0; omitted it is 1.",
    ),
    (
        "heads-weight",
        {**IMAGES, "heads": {"digit": {}, "early": {"weight": 0.0, "from": "hidden_1"}}},
        "warning: heads.early.weight: with a weight of 0 the head learns nothing: what it predicts is what it starts with."
        " Give it a weight above 0, or remove it.",
    ),
    (
        "heads-name",
        {**IMAGES, "heads": {"digit": {}, "early_target": {"from": "hidden_1"}}},
        "heads.early_target: a name that ends in 'target' is that of a layer behind a head."
        " Use another name, and say what it predicts: '{target: early_target}'.",
    ),
    (
        "heads-name",
        {**IMAGES, "heads": {"digit": {}, "network": {"from": "hidden_1"}}},
        "heads.network: 'network' is what saved models call the network in front of the outputs."
        " Use another name, and say what it predicts: '{target: network}'.",
    ),
    (
        "heads-target",
        {"data": HOUSES, "model": "mlp", "heads": {"price": {}, "gone": {"target": "sald"}}},
        "heads.gone.target: 'sald' is none of the target columns (price, sold). Did you mean 'sold'?",
    ),
    (
        "heads-from",
        {**IMAGES, "heads": {"digit": {}, "early": {"from": "hidden_2"}}},
        "heads.early.from: there is no block 'hidden_2'. There are: hidden_1.",
    ),
    (
        "loss-task",
        {**IMAGES, "heads": {"digit": {}, "early": {"from": "hidden_1", "loss": "huber"}}},
        "heads.early.loss: 'huber' is for regression tasks, and this task is multiclass."
        " Omit it to get the task's own loss.",
    ),
    (
        "metric-task",
        {**IMAGES, "heads": {"digit": {"metrics": ["accuracy", "r2_score"]}}},
        "heads.digit.metrics.1: 'r2_score' is for regression tasks, and this task is multiclass."
        " 'hornbook list metric' shows what each is for.",
    ),
    (
        "monitor",
        {**IMAGES, "heads": {"digit": {}}, "training": {"early_stopping": {"monitor": "val_accuracy"}}},
        "training.early_stopping.monitor: 'val_accuracy' is not recorded. Recorded: val_loss, val_digit_loss,"
        " val_digit_accuracy.",
    ),
    (
        "amount-schedule",
        {**IMAGES, "regularization": {"dropout_schedule": "flat_cosine"}},
        "regularization.dropout_schedule: there is no dropout to change during the run. Remove it.",
    ),
    (
        "ntk",
        {**IMAGES, "model": {"name": "cnn"}, "initializer": "ntk"},
        "initializer: scales the inputs of the dense layers of 'mlp', and this is 'cnn'."
        " Use 'lecun_normal', which starts the same.",
    ),
    (
        "ensemble",
        {"data": "wine", "model": {"name": "mlp", "ensemble": 4}},
        "model.ensemble: members share hidden layers, and this model has none. Add some: 'model.units=[512, 512]'.",
    ),
    (
        "columns",
        {**IMAGES, "model": {"name": "mlp", "units": [30], "numbers": "pbld"}},
        "model.numbers: is for the columns of a table, and this is image data. Remove it.",
    ),
    (
        "groups",
        {**IMAGES, "normalization": "group_normalization"},
        "normalization.groups: 32 groups do not divide layers of 30 units."
        " Groups that divide all layers: 1, 2, 3, 5, 6, 10, 15, 30.",
    ),
    (
        "layer-input-dropout",
        layers(regularization={"input_dropout": 0.1}),
        "model.layers.1.regularization.input_dropout: a layer has no inputs of its own to drop."
        " Put it under the recipe's 'regularization'.",
    ),
    (
        "monitor",
        {**IMAGES, "training": {"early_stopping": {"monitor": "val_acc"}}},
        "training.early_stopping.monitor: 'val_acc' is not recorded. Recorded: val_loss, val_accuracy.",
    ),
    (
        "monitor",
        {**IMAGES, "schedule": {"name": "performance", "monitor": "f1"}},
        "schedule.monitor: 'f1' is not recorded. Recorded: loss, accuracy, val_loss, val_accuracy."
        " Add it to 'training.metrics'.",
    ),
    (
        "no-validation",
        {**IMAGES, "data": {"name": "digits", "split": {"validation": 0}}, "training": {"early_stopping": {}}},
        "warning: training.early_stopping.monitor: there is no validation split, so 'loss' is monitored instead."
        " Set 'data.split.validation' to hold out examples.",
    ),
    (
        "two-bests",
        {**IMAGES, "training": {"early_stopping": {}, "checkpoint": {"monitor": "val_accuracy"}}},
        "training.checkpoint.monitor: the best epoch is chosen by 'val_accuracy' here and by 'val_loss' in early"
        " stopping. Use one monitor; 'checkpoint' may be omitted.",
    ),
    (
        "two-bests",
        {**IMAGES, "training": {"early_stopping": {"ties": "last"}, "checkpoint": {"monitor": "val_loss"}}},
        "training.checkpoint.ties: of equally good epochs the first is kept here, and the last by early stopping."
        " Say the same; 'checkpoint' may be omitted.",
    ),
    (
        "momentum",
        {**IMAGES, "optimizer": {"name": "sgd", "nesterov": True}},
        "optimizer.nesterov: Nesterov's look-ahead needs momentum. Add 'momentum: 0.9'.",
    ),
    (
        "momentum",
        {**IMAGES, "optimizer": "adagrad", "schedule": {"name": "one_cycle", "max_momentum": 0.9}},
        "schedule.max_momentum: 'adagrad' runs without a momentum that could be cycled."
        " Remove 'max_momentum', or use 'sgd' with momentum.",
    ),
    (
        "schedule-length",
        {**IMAGES, "schedule": {"name": "cosine", "warmup": "30 epochs"}},
        "schedule.warmup: the warm-up is longer than the run of 20 epochs. Shorten it, for instance to 5%.",
    ),
    (
        "schedule-length",
        {**IMAGES, "schedule": {"name": "piecewise_constant", "boundaries": ["30 epochs"], "factors": [1, 0.1]}},
        "warning: schedule.boundaries: a boundary lies beyond the run of 20 epochs, so its factor is never used."
        " Move it, or train longer.",
    ),
    (
        "schedule-length",
        {**IMAGES, "schedule": {"name": "exponential", "decay_steps": "30 epochs"}},
        "warning: schedule.decay_steps: is longer than the run of 20 epochs: the schedule does not come to its end."
        " A percentage follows the run's length.",
    ),
    (
        "strategy",
        {**IMAGES, "training": {"strategy": "mirrored"}, "optimizer": {"name": "adam", "accumulation": 2}},
        "optimizer.accumulation: gradients are not accumulated over batches and devices at the same time."
        " Use larger batches instead.",
    ),
    (
        "strategy",
        {**IMAGES, "training": {"strategy": "mirrored"}, "optimizer": {"name": "adam", "ema": 0.9}},
        "optimizer.ema: averaged weights are not kept on several devices. Remove it.",
    ),
    (
        "strategy",
        {**IMAGES, "training": {"strategy": "multi_worker", "max_time": "1 h"}},
        "training.max_time: the workers' clocks differ, so they cannot stop together. Set 'epochs'.",
    ),
    (
        "strategy",
        {**IMAGES, "training": {"strategy": "mirrored", "on_divergence": {}}},
        "training.on_divergence: a distributed run does not roll back. Remove it.",
    ),
    (
        "strategy",
        {**IMAGES, "training": {"strategy": "mirrored", "engine": "fit"}},
        "training.engine: Keras's 'fit' does not train on several machines here. Omit it.",
    ),
    (
        "strategy",
        {**IMAGES, "training": {"strategy": "mirrored", "engine": "fused_graph"}},
        "training.engine: one operation normalizes the images of one device, and several devices count those of all. "
        "Omit it.",
    ),
    (
        "engine-fit",
        {**IMAGES, "training": {"engine": "fit"}, "optimizer": "adam", "schedule": "one_cycle"},
        "training.engine: Keras's 'fit' cannot move the momentum, which 'one_cycle' does."
        " Omit 'engine', or use another schedule.",
    ),
    (
        "engine-fit",
        {**IMAGES, "training": {"engine": "fit"}, "optimizer": {"name": "adam", "ema": 0.9}},
        "training.engine: Keras's 'fit' overwrites the weights with their average after each epoch."
        " Omit 'engine' or 'optimizer.ema'.",
    ),
    (
        "batch-of-one",
        {**IMAGES, "normalization": "batch_normalization", "training": {"batch_size": 1}},
        "training.batch_size: batch normalization over one example removes everything there is to learn from."
        " Use 16 or more, or 'layer_normalization'.",
    ),
    (
        "reuse-source",
        {"data": "digits", "model": "mlp", "reuse": {"from": "nowhere.keras"}},
        "reuse.from: nowhere.keras: there is no such file. Train the earlier model first, or name another run or file.",
    ),
    (
        "reuse-timeline",
        {"data": "digits", "model": "mlp", "reuse": {**APPLICATION, "unfreeze": [{"after": 20}]}},
        "reuse.unfreeze.0.after: the run ends with epoch 20, so these layers are never unfrozen."
        " Unfreeze earlier, or train longer.",
    ),
    (
        "reuse-timeline",
        {"data": "digits", "model": "mlp", "reuse": {**APPLICATION, "freeze": False, "unfreeze": [{"after": 2}]}},
        "reuse.unfreeze: nothing is frozen. Remove it, or remove 'freeze: false'.",
    ),
    (
        "reuse-inputs",
        {"data": "digits", "model": "mlp", "reuse": APPLICATION, "regularization": {"input_dropout": 0.2}},
        "regularization.input_dropout: the reused layers bring the preprocessing that they were trained with. Remove it.",
    ),
    (
        "pretraining-model",
        {"data": "digits", "model": "mlp", "pretraining": "rotation"},
        "pretraining: there is no hidden layer to pretrain."
        " Remove 'pretraining', or add hidden layers: 'model.units=[100]'.",
    ),
    (
        "pretraining-model",
        {**IMAGES, "model": "cnn", "pretraining": "autoencoder"},
        "pretraining: 'autoencoder' trains one dense layer after the other, and 'cnn' has others."
        " Use 'model: {name: mlp, units: [300, 100]}', or 'corruption'.",
    ),
    (
        "pretraining-model",
        {**IMAGES, "normalization": {"name": "batch_normalization", "input": True}, "pretraining": "autoencoder"},
        "normalization.input: 'autoencoder' starts from the inputs, and this layer does not know them before training."
        " Use 'data.standardize: true' instead.",
    ),
    (
        "pretraining-model",
        {**IMAGES, "activation": "relu", "pretraining": "rbm"},
        "activation: the units of a Boltzmann machine are on or off, which 'sigmoid' gives the odds of; found 'relu'."
        " Write 'activation: sigmoid', or use 'autoencoder'.",
    ),
    (
        "pretraining-model",
        {**IMAGES, "activation": "sigmoid", "normalization": "batch_normalization", "pretraining": "rbm"},
        "normalization: a Boltzmann machine needs the layer's bias and its outputs between 0 and 1, which this changes."
        " Remove it, or use 'autoencoder'.",
    ),
    (
        "pretraining-data",
        {**TABLE, "pretraining": "rotation"},
        "pretraining: only images can be rotated, and the data are rows of a table."
        " Use 'corruption', or 'autoencoder' for a dense network.",
    ),
    (
        "pretraining-data",
        {**TABLE, "activation": "sigmoid", "pretraining": "rbm"},
        "pretraining: a Boltzmann machine reads numbers between 0 and 1, and the inputs are standardized."
        " Use 'autoencoder', or inputs between 0 and 1 with 'data.standardize: false'.",
    ),
    (
        "pretraining-data",
        {**IMAGES, "pretraining": {"name": "autoencoder", "data": "iris"}},
        "pretraining.data: 'iris' holds rows of a table, and the network reads images."
        " The inputs need the shape of the recipe's own.",
    ),
    (
        "pretraining-alone",
        {**IMAGES, "pretraining": "autoencoder", "training": {"strategy": "mirrored"}},
        "training.strategy: pretraining runs on one device. Remove it, or pretrain first and name that run in 'reuse'.",
    ),
    (
        "auto-rate",
        {**IMAGES, "training": {"strategy": "mirrored"}, "optimizer": {"name": "adam", "learning_rate": "auto"}},
        "optimizer.learning_rate: a range test runs on one device."
        " Find it with 'hornbook lr-find … ~training.strategy' and give the number.",
    ),
    (
        "auto-rate",
        {**IMAGES, "pretraining": "autoencoder", "optimizer": {"name": "adam", "learning_rate": "auto"}},
        "optimizer.learning_rate: a range test would see the network before its pretraining."
        " Give it a number; 'hornbook lr-find … ~pretraining' finds one to start from.",
    ),
    (
        "auto-rate",
        {
            **IMAGES,
            "pretraining": {"name": "autoencoder", "optimizer": {"name": "adam", "learning_rate": "auto"}},
        },
        "pretraining.optimizer.learning_rate: is found for training on labels only. Give it a number.",
    ),
    (
        "auto-rate",
        {**IMAGES, "schedule": "performance", "optimizer": {"name": "adam", "learning_rate": "auto"}},
        "optimizer.learning_rate: with the schedule 'performance' the rate of a range test has not proved to be a good one."
        " Find one to start from with 'hornbook lr-find … schedule=constant', and try others beside it.",
    ),
    (
        "auto-rate",
        {**IMAGES, "optimizer": {"name": "adafactor", "learning_rate": "auto"}},
        "optimizer.learning_rate: with 'relative_step' it is only an upper limit, and there is nothing to find."
        " Give it a number, or set 'relative_step: false'.",
    ),
    (
        "auto-rate",
        {**IMAGES, "optimizer": {"name": "schedule_free_adamw", "learning_rate": "auto", "warmup_steps": 9}},
        "optimizer.learning_rate: 'warmup_steps' scales the rates of a range test."
        " Remove 'warmup_steps' while the rate is looked for.",
    ),
    (
        "he-activation",
        {**IMAGES, "initializer": "he_normal", "activation": "tanh"},
        "warning: initializer: He initialization is for ReLU and its variants; with 'tanh' units saturate from the start."
        " Use 'glorot_uniform', or omit it.",
    ),
    (
        "selu",
        {**TABLE, "activation": "selu", "initializer": "he_normal"},
        "warning: initializer: SELU normalizes itself only from LeCun initialization, found 'he_normal'."
        " Use 'lecun_normal', or omit it.",
    ),
    (
        "selu",
        {**TABLE, "activation": "selu", "normalization": "batch_normalization"},
        "warning: normalization: SELU normalizes itself, 'batch_normalization' works against it."
        " Remove the normalization, or use 'elu'.",
    ),
    (
        "selu",
        {**TABLE, "activation": "selu", "regularization": {"dropout": 0.1}},
        "warning: regularization.dropout: plain dropout changes mean and variance, which SELU keeps."
        " Use 'alpha_dropout'.",
    ),
    (
        "selu",
        {**IMAGES, "activation": "selu"},
        "warning: data: SELU normalizes itself only with standardized inputs."
        " Add 'standardize: per_feature' to the data.",
    ),
    (
        "selu",
        {**IMAGES, "model": "cnn", "activation": "selu"},
        "warning: data: SELU normalizes itself only with standardized inputs. Add 'standardize: true' to the data.",
    ),
    (
        "selu",
        {**IMAGES, "data": {"name": "digits", "standardize": True}, "activation": "selu"},
        "warning: data.standardize: SELU normalizes itself only with standardized inputs, and here all pixels of a channel"
        " share a mean. Use 'standardize: per_feature'.",
    ),
    (
        "alpha-dropout",
        {**IMAGES, "regularization": {"alpha_dropout": 0.1}},
        "warning: regularization.alpha_dropout: alpha dropout is made for SELU, and the activation is 'relu'."
        " Use 'dropout', or 'activation: selu'.",
    ),
    (
        "useless-bias",
        {**IMAGES, "initializer": {"name": "he_normal", "bias": "ones"}, "normalization": "batch_normalization"},
        "warning: initializer.bias: 'batch_normalization' subtracts any bias in front of it, so hidden layers have none."
        " Remove it, or set 'position: after_activation'.",
    ),
    (
        "mode",
        {**IMAGES, "training": {"early_stopping": {"monitor": "val_accuracy", "mode": "min"}}},
        "warning: training.early_stopping.mode: 'val_accuracy' is the better the higher it is; 'mode: min' takes its"
        " worst value for the best. Remove it: the metric says which is better.",
    ),
    (
        "mode",
        {**IMAGES, "training": {"checkpoint": {"mode": "max"}}},
        "warning: training.checkpoint.mode: 'val_loss' is the better the lower it is; 'mode: max' takes its"
        " worst value for the best. Remove it: the metric says which is better.",
    ),
    (
        "mode",
        {**IMAGES, "schedule": {"name": "performance", "monitor": "accuracy", "mode": "min"}},
        "warning: schedule.mode: 'accuracy' is the better the higher it is; 'mode: min' takes its"
        " worst value for the best. Remove it: the metric says which is better.",
    ),
    (
        "idle-decay",
        {**IMAGES, "optimizer": {"name": "adamw", "learning_rate": 1e-5, "weight_decay": 0.001}},
        "warning: optimizer.weight_decay: a step takes rate × decay = 1e-05 × 0.001 = 1e-08 of each weight, which is less"
        " than a float32 number can change by: no weight decays. Use 0.01 or more, or 0 for none.",
    ),
    (
        "idle-budget",
        {**TABLE, "training": {"memory_budget": "4 GB"}},
        "warning: training.memory_budget: 'iris' is a table, which is read into memory whatever its size: the budget"
        " changes nothing. Remove it; arrays in '.npy' or '.npz' files are streamed.",
    ),
    (
        "patience",
        {
            **IMAGES,
            "schedule": {"name": "performance", "patience": 10},
            "training": {"early_stopping": {"patience": 10}},
        },
        "warning: training.early_stopping.patience: training stops after 10 epochs without progress,"
        " before the rate is lowered (10). Use at least twice the schedule's patience.",
    ),
    (
        "unbounded-cell",
        {**SEQUENCES, "activation": "relu"},
        "warning: activation: 'relu' inside a recurrent cell can grow without bound over the steps."
        " Use 'tanh', or clip gradients and keep the rate low.",
    ),
    (
        "schedule-free",
        {**IMAGES, "optimizer": "schedule_free_adamw", "schedule": "cosine"},
        "warning: schedule: a schedule-free optimizer expects a constant rate. Remove the schedule.",
    ),
    (
        "float16",
        {**IMAGES, "training": {"precision": "mixed_float16"}},
        "warning: training.precision: mixed_float16 pays on GPUs only. On a CPU use 'float32' or 'mixed_bfloat16'.",
    ),
]
NEEDS_DATA = {"batch-size"}  # known only when the data is loaded; tested below
ELSEWHERE = {
    *("symmetry", "initializer-size", "deep-saturating", "linear-hidden", "hidden-softmax"),  # test_ill_recipes.py
    *("rate", "few-steps", "schedule-end", "too-much", "no-patience", "idle-steps", "augmentation"),  # the same
    *("input-scale", "head-range", "target-scale", "imbalance", "width"),  # the same
    "data",  # tests/data/test_rules.py
    *("layer-from", "layer-unread"),  # tests/recipes/test_connections.py
    "data-dependent",  # tests/builder/test_fitting.py
    "paths",  # tests/builder/test_wide_and_deep.py
    "encoders",  # tests/builder/test_encoders.py
    "data-split",  # tests/data/test_probe.py and tests/cli/test_check.py
    "pretraining-labels",  # tests/trainer/test_check_agrees.py
    *("tracked-twice", "tracker-client"),  # tests/recipes/test_tracking.py
    *("shrink-source", "shrink-training"),  # tests/shrink/test_shrink.py
    *("sweep-objective", "sweep-tuner", "sweep-space", "sweep-condition"),  # tests/recipes/test_sweep.py
    *("sweep-objectives", "sweep-loss", "sweep-tuner-packages", "sweep-evolution"),  # the same
}


@pytest.mark.parametrize(("code", "recipe", "sentence"), CASES)
def test_a_rule_speaks_in_its_exact_words(code, recipe, sentence):
    [problem] = check_recipe(recipe).problems
    assert (problem.code, problem.sentence()) == (code, sentence)


def test_every_code_is_tested():
    assert {code for code, *_ in CASES} | NEEDS_DATA | ELSEWHERE >= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_documented(code):
    assert f"`{code}`" in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_codes_are_unique_and_read_real_sections():
    assert len(set(CODES)) == len(CODES)
    assert {key for rule in RULES for key in rule.reads} <= set(Recipe.model_fields)


@pytest.mark.parametrize(
    "code", [rule.code for rule in RULES if rule.check.__module__ == "hornbook.recipes.rules.theory"]
)
def test_theory_only_warns(code):
    severities = [
        problem.severity for case, recipe, _ in CASES if case == code for problem in check_recipe(recipe).problems
    ]
    assert set(severities) == {"warning"}


def found(recipe, **facts):
    recipe = Recipe.model_validate(recipe)
    return [problem.sentence() for problem in check_rules(recipe, Facts(**facts))]


def test_a_batch_fits_into_the_data():
    recipe = {**IMAGES, "training": {"batch_size": 64}}
    assert found(recipe, task="multiclass", kind="image", train_size=64) == []
    assert found(recipe, task="multiclass", kind="image", train_size=50) == [
        "training.batch_size: a batch of 64 is larger than the training split of 50 examples. Use at most 50."
    ]


def test_a_run_has_a_step():
    recipe = {**IMAGES, "optimizer": {"name": "sgd", "accumulation": 8}, "training": {"batch_size": 32, "epochs": 2}}
    assert found(recipe, task="multiclass", kind="image", train_size=128) == []
    assert found(recipe, task="multiclass", kind="image", train_size=96) == [
        "optimizer.accumulation: a step takes 8 batches, and the whole run has 6, so nothing would be trained."
        " Use at most 6, or train longer."
    ]


@pytest.mark.parametrize(("size", "better"), [(64, 65), (2, 3), (8, 9), (33, None)])
def test_a_last_batch_of_one_example_spoils_batch_normalization(size, better):
    recipe = {**IMAGES, "normalization": "batch_normalization", "training": {"batch_size": size}}
    assert found(recipe, task="multiclass", kind="image", train_size=65) == (
        [
            "warning: training.batch_size: the last batch of an epoch has a single one of the 65 examples, and its variance of 0 "
            f"enters the statistics of batch normalization. Use {better}, or leave it out (drop_remainder: true)."
        ]
        if 65 % size == 1
        else []
    )
    assert found({**recipe, "normalization": "none"}, task="multiclass", kind="image", train_size=65) == []
    recipe["training"]["drop_remainder"] = True
    assert found(recipe, task="multiclass", kind="image", train_size=65) == []


def test_layers_start_from_pretraining_or_from_an_earlier_model():
    recipe = {**IMAGES, "pretraining": "autoencoder", "reuse": {"from": {"application": "VGG16", "weights": "none"}}}
    said = "pretraining: layers start from an earlier model or from pretraining, not from both."
    assert f"{said} Remove 'pretraining' or 'reuse'." in found(recipe, task="multiclass", kind="image", train_size=100)


def test_regression_heads_have_a_unit_per_target():
    recipe = {**NUMBERS, "head": {"units": 2}}
    assert found(recipe, task="regression", kind="table", target_size=2) == []
    assert found(recipe, task="regression", kind="table", target_size=1) == [
        "head.units: 1 target needs 1 unit, found 2. Omit it: it follows from the data."
    ]


ANY = {"lowest": 0.5, "zeros": 0, "sums": [1.0, 1.0], "zero_rows": 0}


@pytest.mark.parametrize(
    ("loss", "size", "targets", "sentence"),
    [
        ("mean_absolute_percentage_error", 1, {"zeros": 12},
         "'mean_absolute_percentage_error' divides by the target, and 12 targets are 0. Use 'mean_absolute_error'."),
        ("poisson", 1, {"lowest": -2.0},
         "'poisson' is for targets from 0 on, and the lowest is -2. Omit it to get the task's own loss."),
        ("cosine_similarity", 1, {},
         "'cosine_similarity' compares several numbers per example, and there is one target. Omit it to get the task's own"
         " loss."),
        ("cosine_similarity", 3, {"zero_rows": 1},
         "'cosine_similarity' compares directions, and 1 example has none: all of its targets are 0. Remove such examples, or"
         " use 'mean_squared_error'."),
        ("kl_divergence", 1, {},
         "'kl_divergence' compares several numbers per example, and there is one target. Omit it to get the task's own loss."),
        ("kl_divergence", 3, {"lowest": -0.25},
         "'kl_divergence' is for targets that are shares of a whole, from 0 on and 1 together, and the lowest is -0.25."
         " Divide them by their sum, or use 'mean_squared_error'."),
        ("kl_divergence", 3, {"sums": [0.5, 100.0]},
         "'kl_divergence' is for targets that are shares of a whole, from 0 on and 1 together, and those of an example add up"
         " to 0.5 to 100. Divide them by their sum, or use 'mean_squared_error'."),
    ],
)  # fmt: skip
def test_a_loss_is_refused_for_targets_that_it_is_not_defined_for(loss, size, targets, sentence):
    recipe = {**NUMBERS, "head": {"loss": loss}}
    known = {"task": "regression", "kind": "table", "target_size": size}
    assert found(recipe, **known, targets={**ANY, **targets}) == [f"head.loss: {sentence}"]
    assert found(recipe, **known | {"target_size": 3}, targets=ANY) == []
    assert found(recipe, **known | {"target_size": None}) == []


def test_directions_need_several_targets():
    recipe = {**NUMBERS, "training": {"metrics": ["cosine_similarity"]}}
    assert found(recipe, task="regression", target_size=3) == []
    assert found(recipe, task="regression", target_size=1) == [
        "training.metrics.0: 'cosine_similarity' compares several numbers per example, and there is one target. Remove it."
    ]
    default = Recipe.model_validate({**NUMBERS, "head": {"loss": "cosine_similarity"}})
    assert "val_cosine_similarity" in recorded_names(default, Facts(task="regression"))


def test_percentages_of_0_are_warned_about_as_a_metric():
    recipe = {**NUMBERS, "training": {"metrics": ["mean_absolute_percentage_error"]}}
    assert found(recipe, task="regression", targets={**ANY, "zeros": 1}) == [
        "warning: training.metrics.0: 'mean_absolute_percentage_error' divides by the target, and 1 target is 0. Use"
        " 'mean_absolute_error'."
    ]


def test_multilabel_heads_have_a_unit_per_label():
    recipe = {**TABLE, "data": {"name": "table", "path": "x.csv", "target": ["a", "b", "c"]}, "head": {"units": 2}}
    assert found(recipe, task="multilabel", kind="table", num_classes=3) == [
        "head.units: 3 labels need 3 units, found 2. Omit it: it follows from the data."
    ]


def test_steps_are_judged_when_the_data_is_known():
    recipe = {**IMAGES, "schedule": {"name": "exponential", "decay_steps": 2000}}
    assert check_recipe(recipe).problems == ()
    assert len(found(recipe, task="multiclass", kind="image", train_size=1000)) == 1
    assert found(recipe, task="multiclass", kind="image", train_size=10_000) == []


@pytest.mark.parametrize(
    "recipe",
    [
        {**IMAGES, "initializer": "he_normal", "activation": "elu", "normalization": "batch_normalization"},
        {**TABLE, "initializer": "lecun_normal", "activation": "selu", "regularization": {"alpha_dropout": 0.1}},
        {**IMAGES, "data": {"name": "digits", "standardize": "per_feature"}, "activation": "selu"},
        {**IMAGES, "model": "cnn", "data": {"name": "digits", "standardize": True}, "activation": "selu"},
        {**BINARY, "head": {"activation": "linear", "loss": "hinge"}},
        {**IMAGES, "head": {"loss": "categorical_hinge"}, "training": {"metrics": ["f1_score", "top_k_accuracy"]}},
        {**IMAGES, "training": {"metrics": ["f1_score"], "early_stopping": {"monitor": "val_f1_score"}}},
        {**BINARY, "model": "mlp", "head": {"activation": "step", "loss": "perceptron"}},
        {**NUMBERS, "head": {"activation": "exponential", "loss": "poisson"}},
        {**NO_HIDDEN, "regularization": {"l2": 0.01, "input_dropout": 0.1}},
        {**NO_HIDDEN, "normalization": {"name": "batch_normalization", "input": True}},
        {**SEQUENCES, "activation": "tanh"},
        {**IMAGES, "activation": "sigmoid", "pretraining": "rbm"},
        {**IMAGES, "model": "cnn", "pretraining": "rotation"},
        {**IMAGES, "optimizer": {"name": "sgd", "momentum": 0.9, "nesterov": True}, "schedule": "one_cycle"},
        {**IMAGES, "optimizer": {"name": "adamw", "learning_rate": 1e-4, "weight_decay": 0.001}},
        {**IMAGES, "optimizer": {"name": "adamw", "learning_rate": 1e-5, "weight_decay": 0}},
        {**IMAGES, "training": {"early_stopping": {"monitor": "val_accuracy", "mode": "max"}, "memory_budget": "4 GB"}},
        {
            **IMAGES,
            "schedule": {"name": "performance", "patience": 5},
            "training": {"early_stopping": {"patience": 10}},
        },
    ],
)
def test_sound_recipes_have_no_problems(recipe):
    assert check_recipe(recipe).problems == ()


@pytest.mark.parametrize("weight", np.float32([1, 1.5, 2, np.nextafter(np.float32(2), np.float32(0)), 3e-5]))
def test_a_decay_that_is_warned_of_changes_no_float32_number_and_twice_as_much_some(weight):
    assert weight - weight * np.float32(FLOAT32_HALF_STEP) == weight
    just_below_two = np.nextafter(np.float32(2), np.float32(0))
    assert just_below_two - just_below_two * np.float32(2 * FLOAT32_HALF_STEP) < just_below_two


@pytest.mark.parametrize(
    ("recipe", "facts", "names"),
    [
        (IMAGES, {"task": "multiclass"}, {"loss": "min", "accuracy": "max", "val_loss": "min", "val_accuracy": "max"}),
        (IMAGES, {"task": "multiclass", "has_validation": False}, {"loss": "min", "accuracy": "max"}),
        (
            NUMBERS,
            {"task": "regression"},
            {
                "loss": "min",
                "root_mean_squared_error": "min",
                "val_loss": "min",
                "val_root_mean_squared_error": "min",
            },
        ),
        ({**BINARY, "training": {"metrics": ["auc"]}}, {"has_validation": False}, {"loss": "min", "auc": "max"}),
        (
            {**BINARY, "training": {"metrics": ["auc", {"name": "auc", "curve": "PR", "record_as": "pr"}]}},
            {"has_validation": False},
            {"loss": "min", "auc": "max", "pr": "max"},
        ),
        (IMAGES, {}, None),
    ],
)
def test_what_a_run_records_is_known_beforehand(recipe, facts, names):
    assert recorded_names(Recipe.model_validate(recipe), Facts(**facts)) == names


@pytest.mark.parametrize(
    ("data", "task", "num_classes"),
    [
        ({"name": "digits"}, "multiclass", 10),
        ({"name": "digits", "classes": [3, 5]}, "binary", 2),
        ({"name": "digits", "classes": [1, 2, 3]}, "multiclass", 3),
        ({"name": "iris", "relabel": {"setosa": 1, "versicolor": 0, "virginica": 0}}, "binary", 2),
        ({"name": "diabetes"}, "regression", None),
        ({"name": "table", "path": "x.csv", "target": "y"}, None, None),
    ],
)
def test_kept_and_relabelled_classes_decide_the_task(data, task, num_classes):
    facts = Facts.of(Recipe.model_validate({**IMAGES, "data": data}))
    assert (facts.task, facts.num_classes) == (task, num_classes)


def test_layers_that_look_for_numbers_are_content_with_inputs_as_they_are():
    layers = [{"name": "embedding", "input_dim": 9, "output_dim": 2}, "flatten"]
    recipe = {"data": {"name": "iris", "standardize": False}, "model": {"name": "layers", "layers": layers}}
    assert not [text for text in found(recipe, kind="table", inputs={"largest": 49.0}) if "standardize" in text]


def test_an_embedding_has_a_row_for_each_token():
    layers = [{"name": "embedding", "input_dim": 20, "output_dim": 8}, "global_average_pooling1d"]
    recipe = {"data": "sentences", "model": {"name": "layers", "layers": layers}}
    assert found(recipe, task="binary", kind="tokens", vocabulary_size=20) == []
    assert found(recipe, task="binary", kind="tokens", vocabulary_size=58) == [
        "model.layers.0.input_dim: 20 embeddings are fewer than the 58 different tokens. Write 58."
    ]
