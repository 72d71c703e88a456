"""Recipes that are wrong on purpose: one or more for each code of a problem. Their outputs make up docs/errors.md."""

__all__ = ["CLASS_COUNTS", "MEANINGS", "SAMPLES", "TRAIN_SIZE"]

TRAIN_SIZE = 50
"""Training examples that rules are told of which speak only when the data is loaded."""
CLASS_COUNTS = (47, 3)
"""How many of them there are of each class."""

MEANINGS = {
    "yaml": "The text is not YAML, or uses something of YAML that recipes do not: tags, several documents, a key twice.",
    "file": "The recipe itself cannot be found or read.",
    "override": "An argument of the command cannot be applied to the recipe.",
    "missing-key": "Something required is not there.",
    "unknown-key": "A key that nobody reads: misspelt, from another library, or in the wrong place.",
    "unknown-name": "There is no component of that name.",
    "value": "A value of the wrong type or out of range, or values of one section that contradict each other.",
    "layer": "A layer of `model: {name: layers}` that Keras refuses, or inputs of shapes that it cannot join; known only "
    "when the model is built.",
    "ablation": "Options of `hornbook ablate` that name no cells, or cells that cannot be trained.",
    "reuse-shape": "Layers or inputs whose shapes differ from the earlier model's; known only when the model is built.",
    "engine-xla": "Layers that XLA cannot run, under `training.engine: xla`; known only when the model is built.",
    "factors": "A key of `optimizer.factors` that fits no layer that learns; known only when the model is built.",
    "data-kind": "A key of the data that means nothing for this kind of data.",
    "data-classes": "`classes` and `relabel` that do not fit the classes there are.",
    "data-file": "A file that the recipe names and that is not there.",
    "data-content": "Something in a file that does not fit, cannot be read or should be known; found by `hornbook check`.",
    "shrink-weights": "More zeros than a layer has weights to spare; known only when its weights are looked at.",
    "shrink-nothing": "A model that nothing can be folded into or removed from; known only when it is loaded.",
    "reuse-range": "Inputs far from those that the reused layers have learned from; known when the data is loaded.",
    "data-columns": "Columns or arrays that are missing, named twice, or have two roles.",
    "windows": "Keys of windows of a series that do not fit each other, or a split that is not by time.",
}
"""What the codes mean that are not rules'; a rule says it in its docstring."""

HEAD = "data: digits\nmodel: {name: mlp, units: [300, 100]}\n"
BINARY = "data: breast_cancer\nmodel: {name: mlp, units: [30]}\n"
NUMBERS = "data: diabetes\nmodel: {name: mlp, units: [30]}\n"
SEVERAL = HEAD + "heads:\n  digit: {}\n  early: {from: hidden_1}\n"
HOUSES = "data: {name: table, path: houses.csv, target: [price, sold]}\nmodel: {name: mlp, units: [30]}\n"
RECURRENT = "data: waves\nmodel: {name: rnn, units: [64]}\n"
SEASONS = "data: {name: seasons, window: 12, "
NO_HIDDEN = "data: digits\nmodel: mlp\n"
LAYERS = "data: digits\nmodel:\n  name: layers\n  layers:\n    - flatten\n    - name: dense\n      units: 10\n"
BRANCHES = "data: wine\nmodel:\n  name: layers\n  layers:\n    - {name: dense, units: 10, as: deep}\n"

SAMPLES: dict[str, list[tuple[str, list[str]]]] = {
    "yaml": [
        (HEAD + "seed: 1\nseed: 2\n", []),
        ("data: digits\nmodel:\n\tname: mlp\n", []),
        (HEAD + "notes: first try: slow\n", []),
    ],
    "file": [],
    "override": [(HEAD, ["training.epochs"]), (HEAD, ["model.units.5=10"])],
    "missing-key": [("seed: 1\n", []), (HEAD + "optimizer: {learning_rate: 0.1}\n", [])],
    "unknown-key": [
        (HEAD + "optimizer: {name: adam, lr: 0.01, clipnorm: 1.0}\n", []),
        (HEAD + "dropout: 0.2\n", []),
    ],
    "unknown-name": [(HEAD + "activation: swish\nnormalization: BatchNorm\n", [])],
    "value": [
        (HEAD + "training: {epochs: many, batch_size: 0}\n", []),
        (HEAD + "schedule: {name: piecewise_constant, boundaries: [5 epochs], factors: [1.0]}\n", []),
    ],
    "data-file": [],
    "data-content": [],
    "layer": [],
    "factors": [],
    "engine-xla": [],
    "reuse-shape": [],
    "reuse-range": [],
    "shrink-weights": [],
    "shrink-nothing": [],
    "shrink-source": [("shrink: {from: runs/he_elu_bn/latest, prune: {share: 0.9}}\n", [])],
    "shrink-training": [
        (NO_HIDDEN + "shrink: {from: runs/he_elu_bn/latest}\ntraining: {epochs: 5}\n", []),
        (HEAD + "training: {epochs: 0}\n", []),
    ],
    "ablation": [],
    "reuse-source": [(NO_HIDDEN + "reuse: {from: model_a.keras}\n", [])],
    "reuse-timeline": [(NO_HIDDEN + "reuse: {from: {application: MobileNetV2}, unfreeze: [{after: 20 epochs}]}\n", [])],
    "reuse-inputs": [
        (NO_HIDDEN + "reuse: {from: {application: MobileNetV2}}\nregularization: {input_dropout: 0.2}\n", [])
    ],
    "data-kind": [("data: {name: iris, augmentation: {flip: horizontal}}\nmodel: {name: mlp, units: [30]}\n", [])],
    "data-classes": [("data: {name: iris, classes: [setosa, versicolour]}\nmodel: {name: mlp, units: [30]}\n", [])],
    "data-split": [("data: {name: diabetes, split: {method: stratified}}\nmodel: {name: mlp, units: [30]}\n", [])],
    "data-columns": [("data: {name: iris, columns: [petal_lenght]}\nmodel: {name: mlp, units: [30]}\n", [])],
    "amount-schedule": [(HEAD + "regularization: {dropout_schedule: flat_cosine}\n", [])],
    "head-clamp": [(HEAD + "head: {clamp: true}\n", [])],
    "windows": [
        (
            SEASONS + "season: 24, split: {method: random}}\nmodel: mlp\n",
            [],
        )
    ],
    "series-scaling": [(SEASONS + "count: 3, scaling: series}\nmodel: mlp\nhead: {target_transform: log}\n", [])],
    "data-dependent": [
        ("data: digits\nmodel: cnn\ninitializer: {name: he_normal, data_dependent: scale}\n", []),
        (HEAD + "initializer: {name: he_normal, bias: zeros, data_dependent: scale_and_bias}\n", []),
    ],
    "ntk": [("data: digits\nmodel: cnn\ninitializer: ntk\n", [])],
    "ensemble": [("data: wine\nmodel: {name: mlp, ensemble: 32}\n", [])],
    "columns": [(HEAD.replace("100]}", "100], numbers: pbld}"), [])],
    "paths": [
        ("data: diabetes\nmodel: {name: wide_and_deep, inputs: {wide: [aeg, bmi], deep: [s1]}}\n", []),
        ("data: iris\nmodel: {name: wide_and_deep, inputs: {wide: [sepal_length], deep: [petal_length]}}\n", []),
    ],
    "paths-reuse": [("data: iris\nmodel: wide_and_deep\nreuse: {from: {application: MobileNetV2}}\n", [])],
    "encoders": [("data: iris\nmodel: {name: mlp, units: [30], encoders: {photo: cnn}}\n", [])],
    "model-data": [("data: iris\nmodel: cnn\n", [])],
    "embedding": [
        ("data: waves\nmodel: {name: rnn, embedding: 64}\n", []),
        ("data: sentences\nmodel: {name: mean_embedding, frozen_embedding: true}\n", []),
    ],
    "layer-inputs": [
        ("data: waves\nmodel:\n  name: layers\n  layers:\n    - masking\n    - {name: lstm, units: 8}\n", []),
        (
            "data: digits\nmodel:\n  name: layers\n  layers:\n    - {name: embedding, input_dim: 17, output_dim: 4}\n"
            "    - flatten\n",
            [],
        ),
    ],
    "text-read": [
        ("data: {name: sentences, text: {ngrams: 2}}\nmodel: {name: transformer}\n", []),
        ("data: {name: sentences, text: {embeddings: glove.txt}}\nmodel: bag_of_words\n", []),
    ],
    "steps": [
        ("data: sentences\nmodel: {name: transformer, heads: 5}\nnormalization: batch_normalization\n", []),
        ("data: sentences\nmodel: {name: cnn, separable: true}\n", []),
    ],
    "loss-task": [(NUMBERS + "head: {loss: hinge}\n", [])],
    "head-loss": [
        (HEAD + "head: {activation: sigmoid}\n", []),
        (BINARY + "head: {activation: sigmoid, loss: hinge}\n", []),
    ],
    "head-targets": [
        (HEAD + "head: {standardize_targets: true}\n", []),
        (NUMBERS + "head: {loss: poisson, standardize_targets: true}\n", []),
    ],
    "heads-or-head": [(SEVERAL + "head: {loss: categorical_crossentropy}\ntraining: {metrics: [accuracy]}\n", [])],
    "heads-weight": [(HEAD + "heads:\n  digit: {weight: 0}\n  early: {weight: 0, from: hidden_1}\n", [])],
    "heads-name": [(HEAD + "heads:\n  val: {}\n", [])],
    "heads-target": [(HOUSES + "heads:\n  price: {}\n  sold: {target: sald}\n", [])],
    "heads-from": [(HEAD + "heads:\n  digit: {}\n  early: {from: hidden_3}\n", [])],
    "head-units": [(HEAD + "head: {units: 1}\n", [])],
    "class-weights": [(NUMBERS + "training: {class_weights: balanced}\n", [])],
    "metric-task": [(NUMBERS + "training: {metrics: [accuracy]}\n", [])],
    "batch-size": [(HEAD + "training: {batch_size: 64}\n", [])],
    "hidden-step": [(HEAD + "activation: step\n", [])],
    "layer-from": [
        (BRANCHES + "    - {name: add, from: [input, dep]}\n    - {name: dense, units: 5, from: [input, deep]}\n", []),
    ],
    "layer-unread": [(BRANCHES + "    - {name: dense, units: 5, from: input}\n", [])],
    "no-hidden-layers": [(NO_HIDDEN + "regularization: {dropout: 0.2}\n", [])],
    "dropout": [
        (HEAD + "regularization: {spatial_dropout: 0.2}\n", []),
        (HEAD + "regularization: {dropout: 0.2, gaussian_dropout: 0.1}\n", []),
    ],
    "cell-activation": [(RECURRENT + "activation: prelu\n", [])],
    "groups": [(HEAD + "normalization: {name: group_normalization, groups: 32}\n", [])],
    "layer-bias": [(LAYERS + "      bias_regularizer: {l2: 0.01}\nnormalization: batch_normalization\n", [])],
    "layer-input-dropout": [(LAYERS + "      regularization: {input_dropout: 0.1}\n", [])],
    "monitor": [(HEAD + "training:\n  early_stopping: {monitor: val_acc}\n", [])],
    "no-validation": [
        (
            "data: {name: digits, split: {validation: 0}}\nmodel: {name: mlp, units: [30]}\n"
            "training:\n  early_stopping: {patience: 5}\n",
            [],
        )
    ],
    "mode": [(HEAD + "training:\n  early_stopping: {monitor: val_accuracy, mode: min}\n", [])],
    "idle-decay": [(HEAD + "optimizer: {name: adamw, learning_rate: 1e-5, weight_decay: 0.001}\n", [])],
    "idle-budget": [("data: iris\nmodel: {name: mlp, units: [30]}\ntraining: {memory_budget: 4 GB}\n", [])],
    "two-bests": [
        (
            HEAD + "training:\n  early_stopping: {monitor: val_loss}\n  checkpoint: {monitor: val_accuracy}\n",
            [],
        )
    ],
    "momentum": [(HEAD + "optimizer: {name: sgd, nesterov: true}\n", [])],
    "schedule-length": [
        (HEAD + "schedule: {name: cosine, warmup: 30 epochs}\n", []),
        (HEAD + "schedule: {name: exponential, decay_steps: 30 epochs}\n", []),
    ],
    "tracked-twice": [(HEAD + "tracking: [tensorboard, tensorboard]\n", [])],
    "tracker-client": [(HEAD + "tracking: [tensorboard, mlflow]\n", [])],
    "strategy": [(HEAD + "optimizer: {name: adam, ema: 0.99}\ntraining: {strategy: mirrored}\n", [])],
    "auto-rate": [(HEAD + "optimizer: {name: adam, learning_rate: auto}\npretraining: autoencoder\n", [])],
    "engine-fit": [(HEAD + "optimizer: {name: adam, ema: 0.99}\ntraining: {engine: fit}\n", [])],
    "batch-of-one": [(HEAD + "normalization: batch_normalization\ntraining: {batch_size: 1}\n", [])],
    "pretraining-model": [
        (RECURRENT + "pretraining: autoencoder\n", []),
        (HEAD + "activation: relu\npretraining: rbm\n", []),
    ],
    "pretraining-data": [
        ("data: iris\nmodel: {name: mlp, units: [30]}\npretraining: rotation\n", []),
        (HEAD + "pretraining: {name: autoencoder, data: iris}\n", []),
    ],
    "pretraining-labels": [(HEAD + "pretraining: {name: corruption, labeled: 5000}\n", [])],
    "pretraining-alone": [(HEAD + "pretraining: autoencoder\ntraining: {strategy: mirrored}\n", [])],
    "sweep-objective": [
        (HEAD + "sweep:\n  objective: val_acuracy\n  max_trials: 9\n  space: {activation: [elu, relu]}\n", []),
        (HEAD + "sweep:\n  objective: accuracy\n  max_trials: 9\n  space: {activation: [elu, relu]}\n", []),
    ],
    "sweep-objectives": [
        (
            HEAD + "sweep:\n  tuner: bayesian\n  objective: [val_loss, parameters]\n  select: parameters<=many\n"
            "  max_trials: 9\n  space: {activation: [elu, relu]}\n",
            [],
        ),
        (HEAD + "sweep:\n  select: knee\n  max_trials: 9\n  space: {activation: [elu, relu]}\n", []),
    ],
    "sweep-loss": [
        (SEVERAL + "sweep: {max_trials: 9, space: {heads.early.weight: {min: 0.1, max: 1.0}}}\n", []),
        (HEAD + "sweep: {max_trials: 9, space: {regularization.l2: [0.01, 0.001]}}\n", []),
    ],
    "sweep-tuner-packages": [
        (HEAD + "sweep:\n  tuner: optuna\n  max_trials: 9\n  space: {activation: [elu, relu]}\n", []),
    ],
    "sweep-evolution": [
        (
            HEAD + "sweep:\n  tuner: {name: optuna, sampler: cma_es}\n  max_trials: 9\n"
            "  space: {activation: [elu, relu], training.epochs: {min: 1, max: 9}}\n",
            [],
        ),
    ],
    "sweep-tuner": [
        (HEAD + "sweep:\n  tuner: hyperband\n  max_trials: 9\n  space: {activation: [elu, relu]}\n", []),
        (HEAD + "sweep:\n  tuner: random\n  space: {activation: [elu, relu]}\n", []),
    ],
    "sweep-space": [
        (HEAD + "sweep:\n  max_trials: 9\n  space:\n    activation: [elu, rellu]\n    data.split: [1]\n", []),
    ],
    "sweep-condition": [
        (
            HEAD
            + "sweep:\n  max_trials: 9\n  space:\n    activation: {choices: [elu, relu], when: {optimizer: sgd}}\n",
            [],
        ),
    ],
    "he-activation": [(HEAD + "initializer: he_normal\nactivation: tanh\n", [])],
    "selu": [(HEAD + "initializer: he_normal\nactivation: selu\nregularization: {dropout: 0.2}\n", [])],
    "alpha-dropout": [(HEAD + "regularization: {alpha_dropout: 0.1}\n", [])],
    "useless-bias": [(HEAD + "initializer: {name: he_normal, bias: ones}\nnormalization: batch_normalization\n", [])],
    "patience": [
        (
            HEAD + "schedule: {name: performance, patience: 10}\ntraining:\n  early_stopping: {patience: 10}\n",
            [],
        )
    ],
    "unbounded-cell": [(RECURRENT + "activation: relu\n", [])],
    "schedule-free": [(HEAD + "optimizer: schedule_free_adamw\nschedule: cosine\n", [])],
    "symmetry": [(HEAD + "initializer: zeros\n", [])],
    "initializer-size": [
        (HEAD + "initializer: {name: random_normal, stddev: 1.0}\n", []),
        (HEAD + "initializer: {name: random_normal, stddev: 0.001}\n", []),
    ],
    "deep-saturating": [("data: digits\nmodel: {name: mlp, units: 32, depth: 5}\nactivation: sigmoid\n", [])],
    "linear-hidden": [(HEAD + "activation: linear\n", [])],
    "hidden-softmax": [(HEAD + "activation: softmax\n", [])],
    "rate": [
        (HEAD + "optimizer: {name: adam, learning_rate: 0.5}\n", []),
        (HEAD + "optimizer: {name: adam, learning_rate: 1e-6}\n", []),
    ],
    "few-steps": [(HEAD + "training: {batch_size: 1024}\n", [])],
    "schedule-end": [(HEAD + "schedule: {name: exponential, decay_steps: 1 epoch}\n", [])],
    "too-much": [(HEAD + "regularization: {dropout: 0.9, l2: 1.0}\n", [])],
    "no-patience": [(HEAD + "training:\n  early_stopping: {patience: 0}\n", [])],
    "idle-steps": [(HEAD + "optimizer: {name: sgd, momentum: 0.999}\n", [])],
    "mixing": [(HEAD + "training: {batch_size: 1}\n", ["data.augmentation.mixup=0.2"])],
    "augmentation": [(HEAD, ["data.augmentation={flip: horizontal, cutout: 0.8}"])],
    "input-scale": [
        ("data: {name: digits, scale: false}\nmodel: {name: mlp, units: [30]}\n", []),
        ("data: {name: wine, standardize: false}\nmodel: {name: mlp, units: [30]}\n", []),
    ],
    "head-range": [(NUMBERS + "head: {activation: sigmoid}\n", [])],
    "target-scale": [(NUMBERS + "head: {standardize_targets: false}\n", [])],
    "imbalance": [(HEAD, [])],
    "width": [("data: iris\nmodel: {name: mlp, units: [4096]}\n", [])],
    "float16": [(HEAD + "training: {precision: mixed_float16}\n", [])],
}
