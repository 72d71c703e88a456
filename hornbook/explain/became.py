"""Which facts a key of a recipe is answerable for: patterns of addresses, the first that fits a key counts."""

import re
from fnmatch import fnmatchcase
from typing import Any

from hornbook.errors import Path
from hornbook.explain.objects import Objects

__all__ = ["became"]

HIDDEN = "layer/hidden_*"
EVERYTHING_OF_DATA = (
    "data/source", "data/fingerprint", "data/classes", "data/class counts", "data/columns", "data/split", "data/examples/*",
)  # fmt: skip
KINDS = ("data", "layer", "run")
"""Where an address that begins with `*` is looked for: what draws numbers."""
NETWORK = ("network/layers/*",)
INITIALIZERS = (
    f"{HIDDEN}/kernel_initializer/*", f"{HIDDEN}/*/kernel_initializer/*", f"{HIDDEN}/depthwise_initializer/*",
    f"{HIDDEN}/pointwise_initializer/*", "layer/head/kernel_initializer/*",
)  # fmt: skip
ACTIVATIONS = (
    "network/layers/hidden_*_activation", f"{HIDDEN}_activation/class", f"{HIDDEN}_activation/activation",
    f"{HIDDEN}/activation", f"{HIDDEN}/*/activation", "network/order",
)  # fmt: skip
RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("seed", ("run/order of epoch 1", "*/seed", "data/examples/*")),
    ("data.standardize", ("layer/standardize/*",)),
    ("data.scale", ("layer/scale/scale",)),
    ("data.augmentation.flip", ("layer/augmentation_flip/mode",)),
    ("data.augmentation.shift", ("layer/augmentation_shift/height_factor*", "layer/augmentation_shift/width_factor*")),
    ("data.augmentation.rotate", ("layer/augmentation_rotate/factor*",)),
    ("data.augmentation.zoom", ("layer/augmentation_zoom/height_factor*",)),
    ("data.augmentation.noise", ("layer/augmentation_noise/stddev",)),
    ("data.augmentation.cutout", ("layer/augmentation_cutout/side",)),
    ("data.augmentation.mixup", ("layer/augmentation_mixing/mixup",)),
    ("data.augmentation.cutmix", ("layer/augmentation_mixing/cutmix",)),
    ("data.augmentation.*", ("layer/augmentation_{}/factor*",)),
    ("data.sample", ("data/examples/train", "data/class counts")),
    ("data.season", ("data/season",)),
    ("data.scaling", ("layer/standardize/*", "layer/head_activation/*", "data/windows")),
    ("data.*", (*EVERYTHING_OF_DATA, "data/task")),
    ("task", ("data/task", "loss/class", "layer/head/units", "network/layers/head_activation")),
    ("model.recurrent_dropout", (f"{HIDDEN}/recurrent_dropout", f"{HIDDEN}/*/recurrent_dropout")),
    ("model.numbers.name", ("network/layers/numbers*",)),
    ("model.numbers.*", ("layer/numbers*/*", "network/layers/numbers*")),
    ("model.embedding", ("layer/embedding/output_dim",)),
    ("model.frozen_embedding", ("layer/embedding/learns",)),
    ("model.weighting", ("layer/counts/weighting",)),
    ("model.heads", ("layer/attention_*/heads",)),
    ("model.positions", ("layer/positions/way", "network/layers/positions")),
    ("model.kernel_size", (f"{HIDDEN}/kernel_size",)),
    ("model.stem_strides", (f"{HIDDEN}/strides", *NETWORK)),
    ("model.padding", (f"{HIDDEN}/padding", *NETWORK)),
    ("model.pool_size", ("layer/pooling_*/pool_size", f"{HIDDEN}/strides")),
    ("model.layers.*.as", ("network/reads/*",)),
    ("model.layers.*.from*", ("network/reads/*",)),
    ("model.layers.*.regularization*", (f"{HIDDEN}*/*",)),
    ("model.layers.*", (*NETWORK, f"{HIDDEN}/*", "layer/*_[0-9]/*", "layer/activation_*/*", f"{HIDDEN}_activation/*",
                        f"{HIDDEN}_normalization/*")),
    ("model.*", NETWORK),
    ("head.units", ("layer/head/units",)),
    ("head.activation.name", ("layer/head_activation/class", "layer/head_activation/activation", "network/layers/head_a*")),
    ("head.activation.*", ("layer/head_activation/{}", "layer/head_activation/*")),
    ("head.loss.name", ("loss/class", "loss/name", "loss/loss/class")),
    ("head.loss.*", ("loss/{}", "loss/*/{}", "loss/*")),
    ("head.initializer.bias.*", ("layer/head/bias_initializer/*",)),
    ("head.initializer.*", ("layer/head/kernel_initializer/*", "network/start/head")),
    ("head.ordinal", ("network/layers/head_order", "layer/head/units")),
    ("head.target_transform", ("network/layers/head_target", "layer/head_target/*")),
    ("head.clamp", ("network/layers/head_clamp",)),
    ("head.standardize_targets", ("network/layers/head_activation", "layer/head_activation/mean")),
    ("heads.*.task", ("data/heads/{key}/task", "loss/heads/{key}/loss/class", "layer/head_{key}/units")),
    ("heads.*.weight", ("loss/heads/{key}/weight",)),
    ("heads.*.class_weights*", ("data/heads/{key}/class weights",)),
    ("heads.*.metrics*", ("metric/{key}_*",)),
    ("heads.*.from", ("network/reads/{key}",)),
    ("heads.*.units", ("layer/head_{key}/units",)),
    ("heads.*.activation.name", (
        "layer/head_{key}_activation/class", "layer/head_{key}_activation/activation", "network/layers/head_{key}_a*")),
    ("heads.*.activation.*", ("layer/head_{key}_activation/{}", "layer/head_{key}_activation/*")),
    ("heads.*.loss.name", ("loss/heads/{key}/loss/class", "loss/heads/{key}/loss/loss/class")),
    ("heads.*.loss.*", ("loss/of heads/{key}/{}", "loss/heads/{key}/loss/{}", "loss/heads/{key}/loss/*")),
    ("heads.*.initializer.bias.*", ("layer/head_{key}/bias_initializer/*",)),
    ("heads.*.initializer.*", ("layer/head_{key}/kernel_initializer/*", "network/start/head_{key}")),
    ("heads.*.ordinal", ("network/layers/head_{key}_order", "layer/head_{key}/units")),
    ("heads.*.target_transform", ("network/layers/head_{key}_target", "layer/head_{key}_target/*")),
    ("heads.*.target*", ("data/heads/{key}/*", *EVERYTHING_OF_DATA)),
    ("heads.*.clamp", ("network/layers/head_{key}_clamp",)),
    ("heads.*.standardize_targets", ("network/layers/head_{key}_activation", "layer/head_{key}_activation/mean")),
    ("initializer.bias.*", (f"{HIDDEN}/bias_initializer/*", "layer/head/bias_initializer/*")),
    ("initializer.data_dependent", ("network/start/*",)),
    ("initializer.*", INITIALIZERS),
    ("activation.name", ACTIVATIONS),
    ("activation.*", (f"{HIDDEN}_activation/{{}}*", f"{HIDDEN}_activation/*")),
    ("normalization.name", ("network/layers/*_normalization",)),
    ("normalization.position", ("network/order",)),
    ("normalization.input", ("network/layers/input_normalization", "network/layers/standardize")),
    ("normalization.output", ("network/layers/head_normalization",)),
    ("normalization.*", ("layer/*_normalization/{}",)),
    ("regularization.l1", ("layer/*/kernel_regularizer/l1", "layer/*/*wise_regularizer/l1")),
    ("regularization.l2", ("layer/*/kernel_regularizer/l2", "layer/*/*wise_regularizer/l2")),
    ("regularization.max_norm", (f"{HIDDEN}/kernel_constraint/max_value", f"{HIDDEN}/*wise_constraint/max_value")),
    ("regularization.dropout_schedule*", ("rates/dropout/*", "rates/dropout of all batches")),
    ("regularization.input_dropout", ("layer/input_dropout/rate",)),
    ("regularization.gaussian_noise", (f"{HIDDEN}_gaussian_noise/stddev",)),
    ("regularization.*", (f"{HIDDEN}_{{}}/rate",)),
    ("optimizer.name", ("optimizer/class", "optimizer/inner_optimizer/class")),
    ("optimizer.learning_rate", ("rates/highest",)),
    ("optimizer.accumulation", ("optimizer/*gradient_accumulation_steps", "rates/steps")),
    ("optimizer.ema.momentum", ("optimizer/ema_momentum", "optimizer/*/ema_momentum")),
    ("optimizer.weight_decay.rate", ("optimizer/weight_decay", "optimizer/*/weight_decay")),
    ("optimizer.weight_decay.schedule*", ("rates/weight decay/*", "rates/weight decay of all batches")),
    ("optimizer.factors*", ("optimizer/factors/*",)),
    ("optimizer.weight_decay.exclude", ("optimizer/decays",)),
    ("optimizer.*", ("optimizer/{}", "optimizer/*/{}")),
    ("schedule.name", ("rates/curve/*", "rates/of all batches", "rates/momentum/*", "watch/reducer/*")),
    ("schedule.min_learning_rate", ("watch/reducer/min_factor",)),
    ("schedule.*_momentum", ("rates/momentum/*", "rates/momentum of all batches")),
    ("schedule.*", ("watch/reducer/{}", "rates/curve/*", "rates/of all batches")),
    ("training.epochs", ("rates/epochs", "rates/batches")),
    ("training.batch_size", ("run/batch size", "rates/batches of an epoch")),
    ("training.drop_remainder", ("rates/batches of an epoch",)),
    ("training.metrics.*", ("metric/*",)),
    ("training.metrics", ("metric/*",)),
    ("training.early_stopping.restore_best", ("run/final weights",)),
    ("training.early_stopping.ties", ("watch/keeper/ties",)),
    ("training.early_stopping.*", ("watch/stopper/{}",)),
    ("training.checkpoint.every", ("run/saves every seconds",)),
    ("training.checkpoint.*", ("watch/keeper/{}",)),
    ("training.gradient_clipping.*", ("optimizer/*clip*", "optimizer/*/*clip*")),
    ("training.class_weights*", ("data/class weights",)),
    ("training.precision", ("layer/*/dtype",)),
    ("training.engine", ("run/engine", "run/programs")),
    ("training.strategy", ("run/strategy",)),
    ("training.memory_budget", ("data/training inputs",)),
    ("training.max_time", ("run/limit in seconds",)),
    ("training.on_divergence.*", ("run/divergence/{}",)),
    ("health", ("run/measurements of health",)),
    ("tracking.*.name", ("tracker/{key}/class",)),
    ("tracking.*", ("tracker/{key}/{}", "tracker/{key}/{}/*")),
    ("reuse.freeze*", ("phase/*/frozen", "layer/*/learns")),
    ("reuse.unfreeze.*after", ("phase/*/start",)),
    ("reuse.unfreeze.*every", ("phase/*/start",)),
    ("reuse.unfreeze.*layers", ("phase/*/frozen",)),
    ("reuse.unfreeze.*learning_rate_factor", ("phase/*/factors/*",)),
    ("reuse.unfreeze.*optimizer", ("phase/*/resets_optimizer",)),
    ("reuse.learning_rate_factor*", ("phase/*/factors/*",)),
    ("reuse.dropout", ("layer/reused_dropout/rate",)),
    ("reuse.weights", ("network/layers that have learned", "network/start/*")),
    ("reuse.batch_normalization", ("layer/*/learns",)),
    ("reuse.from.size*", ("network/layers/resize",)),
    ("reuse.from.options*", NETWORK),
    ("reuse.from.pooling", NETWORK),
    ("reuse.trust", ()),
    ("reuse.*", ("network/from", "network/copied/*", "network/checksum")),
    ("pretraining.name", ("pretraining/phases", "pretraining/task/class")),
    ("pretraining.epochs", ("pretraining/epochs",)),
    ("pretraining.batch_size", ("pretraining/batch size",)),
    ("pretraining.labeled", ("data/source", "data/examples/train")),
    ("pretraining.control", ("data/unlabeled", "pretraining/phases")),
    ("pretraining.optimizer.name", ("pretraining/optimizer/class",)),
    ("pretraining.optimizer.learning_rate", ("pretraining/rate",)),
    ("pretraining.optimizer.accumulation", ("pretraining/optimizer/gradient_accumulation_steps",)),
    ("pretraining.optimizer.*", ("pretraining/optimizer/{}",)),
    ("pretraining.data.*", ("data/unlabeled", "pretraining/batches of an epoch")),
    ("pretraining.decoder", ("pretraining/decoder",)),
    ("pretraining.*", ("pretraining/task/{}",)),
    ("shrink.from", ("shrink/source", "shrink/sha256", "network/start/*")),
    ("shrink.fold", ("shrink/folds", "shrink/folded/*", "shrink/kept/*")),
    ("shrink.prune.schedule", ("shrink/share of the zeros/*",)),
    ("shrink.prune.until", ("shrink/share of the zeros/*",)),
    ("shrink.prune.*", ("shrink/living weights/*",)),
    ("shrink.units", ("shrink/removes dead units",)),
    ("shrink.precision", ("shrink/rounds to",)),
    ("shrink.calibration", ("shrink/calibration rows",)),
    ("shrink.max_loss", ("shrink/points that may be lost",)),
    ("shrink.trust", ()),
    ("sweep.space.*", ("sweep/space/{key}/*",)),
    ("sweep.tuner.name", ("sweep/tuner/class",)),
    ("sweep.tuner.*", ("sweep/tuner/{}",)),
    ("sweep.mode", ("sweep/direction",)),
    ("sweep.*", ("sweep/{}",)),
)  # fmt: skip


def became(path: Path, objects: Objects) -> dict[str, Any]:
    """Return the facts that a key is answerable for; nothing where nothing of this recipe depends on it.

    Args:
        path: Of the key.
        objects: What the recipe became.
    """
    key = ".".join(str(part) for part in path)
    last = next((str(part) for part in reversed(path) if not isinstance(part, int)), "")
    for pattern, addresses in RULES:
        if fnmatchcase(key, pattern):
            own = path[2] if path[:2] == ("sweep", "space") else path[1] if path[0] in {"tracking", "heads"} else ""
            wanted = [address.replace("{key}", str(own)) for address in addresses]
            exact = _chosen([one.replace("{}", last) for one in wanted if "{}" in one], objects)
            return exact or _chosen([one for one in wanted if "{}" not in one], objects)
    return {}


def _chosen(patterns: list[str], objects: Objects) -> dict[str, Any]:
    kinds = KINDS if any(pattern.startswith("*") for pattern in patterns) else [one.split("/")[0] for one in patterns]
    expressions = [re.compile(_expression(pattern)) for pattern in patterns]
    facts = {address: value for kind in dict.fromkeys(kinds) for address, value in objects.facts(kind).items()}
    return {address: value for address, value in facts.items() if any(one.fullmatch(address) for one in expressions)}


def _expression(pattern: str) -> str:
    """Return a pattern of addresses as a regular expression: the last `*` alone reaches over `/`."""
    first, star, rest = pattern.rpartition("*")
    parts = (re.escape(first).replace(r"\*", "[^/]*") + ".*" if star else "") + re.escape(rest)
    return parts.replace(re.escape("[0-9]"), "[0-9]")
