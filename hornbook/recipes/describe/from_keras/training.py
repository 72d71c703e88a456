"""What a Keras model was compiled with, as a recipe says it: optimizer, schedule, clipping, loss and metrics."""

from collections.abc import Mapping
from typing import Any

from hornbook.recipes.language.spec import catalog

__all__ = ["is_of_numbers", "scales_loss", "training_of"]

CLIPS = {"clipvalue": "value", "clipnorm": "norm", "global_clipnorm": "global_norm"}
SAID = frozenset({"name", "learning_rate", "use_ema", "ema_momentum", "ema_overwrite_frequency",
                  "gradient_accumulation_steps", *CLIPS})  # fmt: skip
SHORT = {
    "mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "kld": "kl_divergence", "logcosh": "log_cosh", "huber_loss": "huber",
    "acc": "accuracy", "sparse_categorical_accuracy": "accuracy", "categorical_accuracy": "accuracy",
    "binary_accuracy": "accuracy", "rmse": "root_mean_squared_error",
}  # fmt: skip
USUAL = {
    "multiclass": {"sparse_categorical_crossentropy", "categorical_crossentropy"},
    "binary": {"binary_crossentropy"},
    "multilabel": {"binary_crossentropy"},
    "regression": {"mean_squared_error"},
}
FROM_LOGITS = {"SparseCategoricalCrossentropy": "multiclass", "CategoricalCrossentropy": "multiclass"}
SCHEDULES = {
    "ExponentialDecay": ("exponential", {"decay_rate": "decay_rate", "staircase": "staircase"}),
    "InverseTimeDecay": ("inverse_time", {"decay_rate": "decay_rate", "staircase": "staircase"}),
    "CosineDecay": ("cosine", {"alpha": "end_factor"}),
    "PolynomialDecay": ("polynomial", {"power": "power"}),
}
SCALING = "LossScaleOptimizer"


def training_of(compiled: Mapping[str, Any] | None, task: str) -> tuple[dict[str, Any], list[str]]:
    """Return (sections of a recipe, notes) of what a model was compiled with.

    Args:
        compiled: What Keras has written of it; None where the model was not compiled.
        task: What the head's activation says the task is. A loss on logits may say better, as `task`.
    """
    if not compiled:
        return {}, ["the model was not compiled: optimizer, loss and metrics are the usual ones"]
    sections: dict[str, Any] = {}
    notes: list[str] = []
    better = _task_of_logits(compiled.get("loss"))
    if better is not None:
        task = sections["task"] = better
        notes.append("the model returns weighted sums (logits), and the recipe's model the probabilities made of them")
    loss = _loss(compiled.get("loss"), task, notes)
    if loss is not None:
        sections["head"] = {"loss": loss}
    sections |= _optimizer(compiled.get("optimizer"), notes)
    metrics = _metrics([*(compiled.get("metrics") or ()), *(compiled.get("weighted_metrics") or ())], task, notes)
    if metrics:
        sections.setdefault("training", {})["metrics"] = metrics
    return sections, notes


def is_of_numbers(compiled: Mapping[str, Any] | None) -> bool:
    """Return whether a model was compiled with a loss of numbers, such as the mean squared error."""
    name, _ = _named("loss", (compiled or {}).get("loss"))
    return "regression" in getattr(catalog("loss").get(name or ""), "tasks", ())


def scales_loss(compiled: Mapping[str, Any] | None) -> bool:
    """Return whether a model was compiled with an optimizer that scales the loss, as `mixed_float16` needs it."""
    return isinstance(stored := (compiled or {}).get("optimizer"), Mapping) and stored["class_name"] == SCALING


def _task_of_logits(loss: Any) -> str | None:
    """Return the task of a loss that is computed on weighted sums, under a head without activation."""
    if (
        not isinstance(loss, Mapping)
        or not isinstance(loss.get("config"), Mapping)
        or not loss["config"].get("from_logits")
    ):
        return None
    return FROM_LOGITS.get(loss["class_name"], "binary" if loss["class_name"] == "BinaryCrossentropy" else None)


def _loss(stored: Any, task: str, notes: list[str]) -> Any:
    """Return the loss where it is not the task's usual one."""
    if stored is None:
        return None
    name, options = _named("loss", stored)
    known = catalog("loss").get(name or "")
    if known is None or task not in getattr(known, "tasks", ()):
        notes.append(f"the loss {_shown(stored)} is left out: the task's usual one takes its place")
        return None
    options = {key: value for key, value in options.items() if key != "name"}  # what the object is called
    unsaved = known.model_fields.keys() - {"name", *options}
    if unsaved and isinstance(stored, Mapping) and str(known.builds).startswith("keras.losses:"):
        notes.append(
            f"Keras has not saved the loss's {', '.join(sorted(unsaved))}: say it where it is not the default of "
            f"'hornbook show {name}'"
        )
    kept = {
        key: value
        for key, value in options.items()
        if key in known.model_fields and value != known.model_fields[key].default
    }
    if not kept and name in USUAL[task]:
        return None
    return {"name": name, **kept} if kept else name


def _metrics(stored: list[Any], task: str, notes: list[str]) -> list[Any]:
    """Return the metrics that a recipe has too."""
    found = []
    for item in stored:
        name, _ = _named("metric", item)
        if name is None or name not in catalog("metric"):
            notes.append(f"the metric {_shown(item)} is left out: see 'hornbook list metrics'")
        elif name not in found:
            found.append(name)
    return [] if found == ["accuracy"] and task != "regression" else found


def _named(kind: str, stored: Any) -> tuple[str | None, Mapping[str, Any]]:
    """Return (name, options) of a stored loss or metric."""
    if isinstance(stored, str):
        return SHORT.get(stored, stored), {}
    if not isinstance(stored, Mapping):
        return None, {}
    own = stored.get("config")
    for name, cls in catalog(kind).items():
        if cls.builds is not None and str(cls.builds).rpartition(":")[2] == stored.get("class_name"):
            return name, own if isinstance(own, Mapping) else {}
    name = str(own.get("name")) if isinstance(own, Mapping) else str(own)
    return SHORT.get(name, name), own if isinstance(own, Mapping) else {}


def _shown(stored: Any) -> str:
    return (
        repr(stored)
        if isinstance(stored, str)
        else str(stored.get("class_name") if isinstance(stored, Mapping) else stored)
    )


def _optimizer(stored: Any, notes: list[str]) -> dict[str, Any]:
    """Return optimizer, schedule and clipping."""
    if not isinstance(stored, Mapping):
        return {} if stored is None else {"optimizer": str(stored)}
    if stored["class_name"] == SCALING:
        stored = stored["config"]["inner_optimizer"]
    names = {str(cls.builds).rpartition(":")[2]: name for name, cls in catalog("optimizer").items()}
    own, name = stored["config"], names.get(stored["class_name"])
    if name is None:
        notes.append(f"the optimizer {stored['class_name']} is left out: see 'hornbook list optimizers'")
        return {}
    fields = catalog("optimizer")[name].model_fields
    rate, schedule = _rate(own.get("learning_rate"), notes)
    written: dict[str, Any] = {"name": name, **({} if rate is None else {"learning_rate": rate})}
    for key, value in own.items():
        if key in SAID or value is None:
            continue
        if key in fields:
            default = getattr(fields[key].default, "rate", fields[key].default)
            written |= {key: value} if value != default else {}
        elif value is not False:
            notes.append(f"the optimizer's {key} ({value}) is left out: 'hornbook show {name}'")
    if "weight_decay" in fields and own.get("weight_decay") is None and fields["weight_decay"].default is not None:
        written["weight_decay"] = 0.0
    if own.get("use_ema"):
        written["ema"] = own["ema_momentum"]
    if own.get("gradient_accumulation_steps"):
        written["accumulation"] = own["gradient_accumulation_steps"]
    clips = [{"by": by, "threshold": own[key]} for key, by in CLIPS.items() if own.get(key)]
    return {
        "optimizer": written,
        **({} if schedule is None else {"schedule": schedule}),
        **({"training": {"gradient_clipping": clips[0]}} if clips else {}),
    }


def _rate(stored: Any, notes: list[str]) -> tuple[Any, Any]:
    """Return (the highest rate, the schedule) of what Keras calls a learning rate."""
    if not isinstance(stored, Mapping):
        return (None if stored is None else float(f"{stored:.7g}")), None  # Keras keeps it as float32
    own, kind = stored["config"], stored["class_name"]
    rate = own.get("initial_learning_rate")
    if kind == "PiecewiseConstantDecay":
        first, *_ = values = own["values"]
        factors = [float(f"{value / first:.9g}") for value in values]
        steps = [f"{int(step)} steps" for step in own["boundaries"]]
        return first, {"name": "piecewise_constant", "boundaries": steps, "factors": factors}
    if kind not in SCHEDULES or own.get("warmup_steps") or own.get("cycle"):
        notes.append(f"the schedule {kind} is left out, and the rate stays constant: see 'hornbook list schedules'")
        return rate, None
    name, keys = SCHEDULES[kind]
    schedule: dict[str, Any] = {"name": name, "decay_steps": f"{int(own['decay_steps'])} steps"}
    if kind == "PolynomialDecay" and own.get("end_learning_rate"):
        schedule["end_factor"] = float(f"{own['end_learning_rate'] / rate:.9g}")
    defaults = catalog("schedule")[name].model_fields
    schedule |= {ours: own[theirs] for theirs, ours in keys.items() if own.get(theirs) != defaults[ours].default}
    return rate, schedule
