"""Where a run is shown besides its folder: `tracking` in a recipe."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.spec import Component, ComponentOf, as_tuple, register
from hornbook.recipes.language.text import shown

__all__ = ["MLflow", "TensorBoard", "Tracker", "TrackerSpec", "WandB", "WithFiles"]

Words = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^\S(.*\S)?$")]


class TrackerSpec(Component):
    """Base of every tracker. It is told of a run and changes nothing in it; one that fails only causes a warning."""

    kind: ClassVar[str] = "tracker"
    client: ClassVar[str | None] = None
    """The package that it needs, and that has to be installed; also the name of Hornbook's extra that brings it."""


Tracker = Annotated[TrackerSpec, ComponentOf("tracker")]


class WithFiles(TrackerSpec):
    """Base of trackers that keep files of a run, too."""

    files: Annotated[tuple[Literal["model", "recipe", "page"], ...], BeforeValidator(as_tuple)] = (
        "model",
        "recipe",
        "page",
    )
    """What is stored at the end of a run: the final model, the resolved recipe, the page of `hornbook report`."""

    @field_validator("files")
    @classmethod
    def _are_named_once(cls, files: tuple[str, ...]) -> tuple[str, ...]:
        repeated = [one for place, one in enumerate(files) if one in files[:place]]
        if repeated:
            raise PydanticCustomError("repeated", "{found} is listed twice.", {"found": shown(repeated[0])})
        return files


@register
class TensorBoard(TrackerSpec):
    """Event files for TensorBoard, in the run's folder: curves, what layers do, the recipe.

    Figures of each epoch, rate and momentum; numbers and histograms of each layer, where `health` is on; the recipe as text
    and what of it is no default as hyperparameters. `tensorboard --logdir runs` shows all runs. Comes with Hornbook.
    Abadi et al. (2016), "TensorFlow: a system for large-scale machine learning", OSDI.

    Example:
        tracking: [tensorboard]
    """

    name: Literal["tensorboard"] = "tensorboard"
    builds = "hornbook.trainer.tracking.tensorboard:TensorBoardTracker"


@register
class MLflow(WithFiles):
    """A run in MLflow: the recipe as parameters, figures of each epoch, model, recipe and page as artifacts.

    For many runs of several people in one place that can be searched. Without `uri` in an SQLite file in the current
    folder, `mlflow.db`. Needs `pip install 'hornbook[mlflow]'`. Zaharia et al. (2018), "Accelerating the machine learning
    lifecycle with MLflow".

    Example:
        tracking: [{name: mlflow, uri: "sqlite:///mlflow.db", experiment: digits}]
    """

    name: Literal["mlflow"] = "mlflow"
    builds = "hornbook.trainer.tracking.mlflow:MLflowTracker"
    client = "mlflow"

    uri: str | None = None
    """A server, `http://host:5000`, or a database, `sqlite:///mlflow.db`; omitted: what MLFLOW_TRACKING_URI says, else
    `sqlite:///mlflow.db` in the current folder."""
    experiment: Words | None = None
    """The experiment that the run belongs to; omitted: the recipe's name, or that of its sweep."""

    @field_validator("uri")
    @classmethod
    def _is_no_folder(cls, uri: str | None) -> str | None:
        if uri is not None and ("://" not in uri or uri.startswith("file:")) and not uri.startswith("databricks"):
            message = (
                "a plain folder holds no runs since MLflow 3. Expected a server or a database, for instance {example}, "
                "found {found}"
            )
            raise PydanticCustomError("tracking_uri", message, {"example": "sqlite:///mlflow.db", "found": shown(uri)})
        return uri


@register
class WandB(WithFiles):
    """A run in Weights & Biases: the recipe as config, figures of each epoch, model, recipe and page as an artifact.

    Offline, it is written into the run's folder and needs no account; `wandb sync` uploads it later. Online, everything is
    sent to W&B's servers while the run trains. Needs `pip install 'hornbook[wandb]'`. Biewald (2020), "Experiment tracking
    with Weights and Biases", wandb.com.

    Example:
        tracking: [{name: wandb, project: digits, mode: offline}]
    """

    name: Literal["wandb"] = "wandb"
    builds = "hornbook.trainer.tracking.wandb:WandBTracker"
    client = "wandb"

    project: Words | None = None
    """The project that the run belongs to; omitted: the recipe's name, or that of its sweep."""
    entity: Words | None = None
    """The user or team that the project belongs to; omitted: your own."""
    mode: Literal["offline", "online"] = "offline"
    """`offline`: nothing leaves the machine; `online`: sent while the run trains, which needs `wandb login` before."""
