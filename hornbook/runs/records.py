"""What stands in the files of a run, a sweep or a study; `reading` holds the files against it.

Keys that are not known are allowed, so that later versions may add some.
"""

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = [
    "DataRecord", "EnvironmentRecord", "EpochRecord", "EventRecord", "ExportsRecord", "HealthRecord", "ImportanceRecord",
    "ResultRecord", "ReuseRecord", "ShrinkRecord", "StudyRecord", "SweepRecord", "TrackingRecord",
]  # fmt: skip

Figures = dict[str, float | None]
Count = Annotated[int, Field(ge=0)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class ForecastRecord(_Record):
    """What `result.json` says of forecasts."""

    examples: Count
    season: Count | None = None
    figures: dict[str, Figures]
    steps: dict[str, dict[str, list[float | None]]]


class ResultRecord(_Record):
    """`result.json`: how a run stands."""

    state: Literal["running", "finished", "interrupted", "paused", "diverged", "failed"]
    stop_reason: str = ""
    epochs: Count | None = None
    best_epoch: Count | None = None
    final: Literal["best", "last"] | None = None
    parameters: Count | None = None
    validation: Figures | None = None
    test: Figures | None = None
    baseline: Figures | None = None
    targets: dict[str, Figures] | None = None
    forecast: ForecastRecord | None = None
    seconds: float | None = None


class EpochRecord(_Record):
    """A line of `history.jsonl`."""

    __pydantic_extra__: dict[str, float | bool | list[Any] | dict[str, Any] | None]
    epoch: Count
    phase: str = ""
    seconds: float = 0.0


class LayerRecord(_Record):
    """What a line of `health.jsonl` says of a layer: numbers, beside these."""

    __pydantic_extra__: dict[str, float | None]
    activation: str | None = None
    histograms: dict[str, dict[str, Any]] | None = None


class HealthRecord(_Record):
    """A line of `health.jsonl`; a number that is not finite is null."""

    step: Count
    epoch: float
    loss: float | None
    penalty: float | None = None
    layers: dict[str, LayerRecord]


class FeatureRecord(_Record):
    """A column of a table."""

    name: str
    type: Literal["number", "category"]
    categories: list[str] = Field(default_factory=list)


class HeadInfoRecord(_Record):
    """What is known of one of several heads."""

    name: str
    task: Literal["binary", "multiclass", "multilabel", "regression"]
    num_classes: Count
    target_size: Count
    class_names: list[str] | None
    class_counts: list[Count]
    columns: list[Count]
    target_names: list[str] | None = None
    targets: dict[str, Any] | None = None


class DataRecord(_Record):
    """`data.json`: what is known about the data."""

    name: str
    kind: Literal["image", "table", "sequence", "tokens"]
    input_shape: list[Count | None]
    input_dtype: str
    task: Literal["binary", "multiclass", "multilabel", "regression", "several"]
    num_classes: Count
    target_size: Count
    class_names: list[str] | None
    features: list[FeatureRecord] | None
    vocabulary_size: Count | None
    counts: dict[Literal["train", "validation", "test"], Count]
    class_counts: list[Count]
    fingerprint: str
    split_method: str
    warnings: list[str] = Field(default_factory=list)
    extra: dict[str, Any] = Field(default_factory=dict)
    heads: list[HeadInfoRecord] = Field(default_factory=list)

    @model_validator(mode="after")
    def _classes_agree(self) -> "DataRecord":
        names = self.class_names
        if names and self.task != "regression" and len(names) != self.num_classes:
            raise ValueError(f"{self.num_classes} classes with {len(names)} names")
        return self


class EnvironmentRecord(_Record):
    """`environment.json`: what may change a result."""

    seed: int
    versions: dict[str, str]
    device: str | None = None
    threads: int | None = None
    onednn: bool | None = None
    data_fingerprint: str | None = None
    platform: str | None = None


class ReusedLayerRecord(_Record):
    """One layer of a network that reuses an earlier one."""

    layer: str
    from_: Annotated[str | None, Field(alias="from")]
    learns: str
    parameters: Count
    moved: float | None = None


class SizeRecord(_Record):
    """How large a model is: bytes of its file, as it is and compressed, its numbers and zeros."""

    file: Count
    compressed: Count
    parameters: Count
    zeros: Count


class LostRecord(_Record):
    """How two models do on one split, in points, example by example."""

    metric: str
    unit: str
    before: float
    after: float
    lost: float
    half: float | None
    examples: Count


class LatencyRecord(_Record):
    """How long a call takes, in milliseconds."""

    batch: Count
    before: dict[str, float]
    after: dict[str, float]


class ShrinkRecord(_Record):
    """`shrink.json`: what a smaller model was made of; at the end also what was gained and what it cost."""

    source: str
    sha256: str
    folded: dict[str, list[str]]
    kept: dict[str, str]
    removed: list[str]
    difference: float
    units: dict[str, Count] = Field(default_factory=dict)
    rounding: dict[str, float] = Field(default_factory=dict)
    size: dict[Literal["before", "after"], SizeRecord] = Field(default_factory=dict)
    latency: list[LatencyRecord] = Field(default_factory=list)
    metric: dict[Literal["train", "validation", "test"], LostRecord] = Field(default_factory=dict)


class ReuseRecord(_Record):
    """`reuse.json`: where reused layers came from."""

    source: str
    sha256: str | None
    weights: str
    layers: list[ReusedLayerRecord]
    skipped: dict[str, str]


class TrackingRecord(_Record):
    """`tracking.json`: for each tracker, what it needs to go on with a run."""

    __pydantic_extra__: dict[str, dict[str, str]]


class ExportRecord(_Record):
    """The run's model in another format."""

    format: str
    precision: str
    path: str
    bytes: Count
    rows: Count
    difference: float
    tolerance: float
    agreement: float | None
    load: str


class ExportsRecord(_Record):
    """`exports/exports.json`: the files beside it."""

    exports: list[ExportRecord]


def _inside(path: str) -> str:
    """Refuse a path that leads out of the folder it is relative to: what it names may be deleted."""
    if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError("a path inside of the sweep's folder is expected")
    return path


RunPaths = list[Annotated[str, AfterValidator(_inside)]]


class RankedRecord(_Record):
    """A trial in the order of the scores."""

    trial: int
    score: float | None = None
    runs: RunPaths
    front: bool = False


class SweepRecord(_Record):
    """`result.json` of a sweep."""

    state: Literal["running", "finished", "interrupted"]
    fingerprint: str | None = None
    ranking: list[RankedRecord] = Field(default_factory=list)
    confirm_runs: RunPaths = Field(default_factory=list)


class ColumnRecord(_Record):
    """What shuffling one column costs."""

    name: str
    mean: float
    half_width: float


class AlikeRecord(_Record):
    """Two columns that say nearly the same."""

    one: str
    other: str
    correlation: float


class ImportanceRecord(_Record):
    """`importance.json`: which columns a run's predictions rest on."""

    metric: str
    value: float
    split: str | None = None
    count: Count
    repeats: Count
    columns: list[ColumnRecord] = Field(min_length=1)
    alike: list[AlikeRecord] = Field(default_factory=list)


class StudyRunRecord(_Record):
    """A run of a study's cell."""

    run: str | None = None
    state: str


class CellRecord(_Record):
    """A cell of an ablation, a point of a learning curve."""

    runs: list[StudyRunRecord] = Field(default_factory=list)


class StudyRecord(_Record):
    """`result.json` of an ablation or a learning curve."""

    cells: list[CellRecord] = Field(default_factory=list)


class RejectionRecord(_Record):
    """A combination that the rules reject."""

    values: dict[str, Any]
    reason: str


def _listed(rejected: Any) -> Any:
    """Return the rejections of an event; those of early sweeps say how many there were, and not which."""
    return [] if isinstance(rejected, int) else rejected


class EventRecord(_Record):
    """A line of `trials.jsonl`: that a trial begins, or how it ended."""

    event: Literal["start", "end"]
    trial: Count
    values: dict[str, Any] | None = None
    until: int | None = None
    parent: Count | None = None
    drawn: dict[str, Any] | None = None
    rejected: Annotated[list[RejectionRecord], BeforeValidator(_listed)] = Field(default_factory=list)
    state: str = ""
    score: float | None = None
    scores: list[float | None] = Field(default_factory=list)
    figures: Figures = Field(default_factory=dict)
    epochs: Count = 0
    seconds: float = 0.0
    reason: str = ""
    runs: RunPaths = Field(default_factory=list)
    elapsed: float = 0.0

    @model_validator(mode="after")
    def _says_what_it_is_about(self) -> "EventRecord":
        needed = {"values", "drawn"} if self.event == "start" else {"state", "elapsed"}
        missing = needed - self.model_fields_set
        if missing or (self.event == "start" and (self.values is None or self.drawn is None)):
            raise ValueError(f"'{min(missing or needed)}' is missing")
        return self
