"""What the hidden layers learn from unlabeled examples before the labels come: `pretraining` in a recipe."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.spec import Component, ComponentOf, NonNegative, Positive, PositiveInt, register
from hornbook.recipes.sections.optimizer import Adam, Optimizer
from hornbook.recipes.sources.common import DataSpec

__all__ = ["Autoencoder", "Corruption", "Greedy", "Pretraining", "PretrainingSpec", "Rbm", "Rotation"]


class PretrainingSpec(Component):
    """Base of every pretraining method.

    First the hidden layers learn from inputs alone, then the whole network is trained as usual, on the labels there are.
    The inputs are those of the training split, all of them, also where `labeled` leaves only some of the labels; or those
    of another source (`data`) or file (`inputs`).
    """

    kind: ClassVar[str] = "pretraining"
    path_fields: ClassVar[frozenset[str]] = frozenset({"inputs"})
    shared: ClassVar[frozenset[str]] = frozenset(
        {"epochs", "batch_size", "optimizer", "labeled", "data", "inputs", "control"}
    )

    epochs: PositiveInt = 10
    """Passes over the unlabeled inputs; of a greedy method for each layer."""
    batch_size: PositiveInt | None = None
    """Inputs per batch; omitted: `training.batch_size`."""
    optimizer: Optimizer = Adam()
    """How these gradients become steps; training has its own."""
    labeled: PositiveInt | None = None
    """Only a sample of so many examples of the training split keeps its labels, of each class its share; omitted: all."""
    data: Annotated[DataSpec, ComponentOf("data")] | None = None
    """Another source for the inputs: its training split, whose labels are not looked at."""
    inputs: Annotated[str, Field(min_length=1)] | None = None
    """A .npz, .npy, CSV or Parquet file of inputs without labels, relative to the current folder."""
    control: bool = False
    """Leave the pretraining out and train on the same labels: what the pretrained network is compared with."""

    @model_validator(mode="after")
    def _one_source(self) -> "PretrainingSpec":
        if self.data is not None and self.inputs is not None:
            raise PydanticCustomError("either", "give either 'data' or 'inputs', not both.")
        return self


Pretraining = Annotated[PretrainingSpec, ComponentOf("pretraining")]


class Greedy(PretrainingSpec):
    """Base of the methods that train one hidden layer after the other, each on the outputs of the one before."""


@register
class Autoencoder(Greedy):
    """A stack of autoencoders: each hidden layer learns to give back what goes into it.

    Trained greedily, layer by layer; the decoders are thrown away. `noise` or `masking` make them denoising, `sparsity`
    sparse. Bengio et al. (2007), "Greedy layer-wise training of deep networks"; Vincent et al. (2010), JMLR 11; Géron,
    ch. 17.

    Example:
        pretraining: {name: autoencoder, decoder: tied, masking: 0.3, epochs: 10, labeled: 200}
    """

    name: Literal["autoencoder"] = "autoencoder"
    builds = "hornbook.trainer.pretraining.autoencoder:Autoencoder"

    decoder: Literal["tied", "free"] = "tied"
    """Whether decoders use the layer's own weights, transposed, or weights of their own."""
    noise: Positive | None = None
    """Standard deviation of Gaussian noise added to what goes in; what shall come out is without it."""
    masking: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Fraction of the numbers that go in that are set to zero."""
    sparsity: NonNegative | None = None
    """Penalty on the sum of the absolute outputs of the hidden layer."""


@register
class Rbm(Greedy):
    """A stack of restricted Boltzmann machines, trained by contrastive divergence: how deep networks were first trained.

    For sigmoid layers over inputs between 0 and 1. The gradient is that of F(v) - F(v_k), F being the free energy and
    v_k what `steps` rounds of Gibbs sampling make of v. Hinton et al. (2006), "A fast learning algorithm for deep belief
    nets"; Hinton (2010), "A practical guide to training restricted Boltzmann machines".

    Example:
        pretraining: {name: rbm, steps: 1, epochs: 10, labeled: 200}
    """

    name: Literal["rbm"] = "rbm"
    builds = "hornbook.trainer.pretraining.boltzmann:BoltzmannMachine"

    steps: PositiveInt = 1
    """Rounds of Gibbs sampling: the k of CD-k."""


@register
class Rotation(PretrainingSpec):
    """An auxiliary task for images: tell by how many quarter turns an image was rotated.

    All layers below the head learn it together, under a head of its own. For square images that have an upright
    position. Gidaris et al. (2018), arXiv:1803.07728.

    Example:
        pretraining: {name: rotation, epochs: 10, labeled: 200}
    """

    name: Literal["rotation"] = "rotation"
    builds = "hornbook.trainer.pretraining.auxiliary:Rotation"


@register
class Corruption(PretrainingSpec):
    """An auxiliary task for any data: tell real examples from those in which values come from another example.

    All layers below the head learn it together, under a head of its own. For tables this asks which values go together.
    Yoon et al. (2020), "VIME"; Bahri et al. (2021), arXiv:2106.15147.

    Example:
        pretraining: {name: corruption, rate: 0.3, epochs: 10, labeled: 200}
    """

    name: Literal["corruption"] = "corruption"
    builds = "hornbook.trainer.pretraining.auxiliary:Corruption"

    rate: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Fraction of a corrupted example's values that are swapped in."""
