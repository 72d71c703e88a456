"""The six ingredients applied to one hidden layer: weights → normalization → activation → regularization."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import tensorflow as tf

from hornbook.builder.randomness import derive_seed
from hornbook.recipes.language.spec import component_class
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.activation import ActivationSpec, Linear
from hornbook.recipes.sections.initializer import Default, InitializerSpec, Ntk
from hornbook.recipes.sections.normalization import NoNormalization, NormalizationSpec, subtracts_biases
from hornbook.recipes.sections.regularization import Regularization

__all__ = ["Ingredients", "build_initializer", "build_normalization", "ntk_scaled", "suited_initializer"]

Tensor = Any
SPATIAL = {3: "SpatialDropout1D", 4: "SpatialDropout2D", 5: "SpatialDropout3D"}


def suited_initializer(activation: ActivationSpec) -> InitializerSpec:
    """Return what `initializer: default` means in front of an activation."""
    return _initializer_called(activation.suits)


def _initializer_called(name: str) -> InitializerSpec:
    cls = component_class("initializer", name)
    if cls is None or not issubclass(cls, InitializerSpec):
        raise TypeError(f"there is no initializer {name!r}")
    return cls.model_validate({"name": name})


def build_initializer(
    spec: InitializerSpec, activation: ActivationSpec, *, seed: int, name: str
) -> keras.initializers.Initializer:
    """Return the Keras initializer of one kernel, with a seed of its own where it draws numbers."""
    chosen = suited_initializer(activation) if isinstance(spec, Default) else spec
    return chosen.build(**({"seed": derive_seed(seed, name)} if chosen.random else {}))


def build_depthwise_initializer(
    spec: InitializerSpec, activation: ActivationSpec, *, channels: int, seed: int, name: str
) -> keras.initializers.Initializer:
    """Return the initializer of a depthwise kernel (H, W, channels, 1), which keeps the size of what it gets.

    A unit reads H·W numbers of one channel, where Keras counts those of all channels, so that signals would shrink with
    every layer. Nothing is cut off between this kernel and the pointwise one, so He's factor of 2 has no place here.
    """
    chosen = suited_initializer(activation) if isinstance(spec, Default) else spec
    if chosen.name.startswith("he_"):
        chosen = _initializer_called(chosen.name.replace("he_", "lecun_"))
    made = build_initializer(chosen, activation, seed=seed, name=name)
    if isinstance(made, keras.initializers.VarianceScaling):
        counted = {"fan_in": channels, "fan_out": 1}.get(made.mode, (channels + 1) / 2)
        return keras.initializers.VarianceScaling(made.scale * counted, made.mode, made.distribution, seed=made.seed)
    if isinstance(made, keras.initializers.Orthogonal):
        return keras.initializers.Orthogonal(made.gain * channels**0.5, seed=made.seed)
    return made


def build_normalization(spec: NormalizationSpec, *, name: str, dtype: str) -> keras.layers.Layer:
    """Return a normalization layer; batch normalization counts all replicas' examples where there are several."""
    arguments: dict[str, Any] = {"name": name, "dtype": dtype}
    if spec.name == "batch_normalization" and tf.distribute.get_strategy().num_replicas_in_sync > 1:
        arguments["synchronized"] = True
    return spec.build(**arguments)


def ntk_scaled(x: Tensor, name: str, dtype: str) -> Tensor:
    """Return what the kernel of a dense layer in NTK parametrization reads."""
    return keras.layers.Rescaling(x.shape[-1] ** -0.5, name=f"{name}_ntk", dtype=dtype)(x)


@dataclass(frozen=True)
class Ingredients:
    """What a recipe says about every hidden layer; a free layer may replace some of it."""

    initializer: InitializerSpec
    activation: ActivationSpec
    normalization: NormalizationSpec | NoNormalization
    regularization: Regularization
    seed: int
    precision: str
    blocks_before: int = 0
    """Hidden blocks of an earlier model in front of this one's; names go on from there."""
    taken: frozenset[str] = frozenset()
    """Names of an earlier model's layers in front of this one's."""
    outputs: keras.regularizers.L1L2 | None = None
    """Penalty on what the activation returns."""
    is_trainable: bool = True
    """Whether the weights of this layer, its normalization's and its activation's too, change in training."""

    @classmethod
    def of(cls, recipe: Recipe) -> "Ingredients":
        """Return the ingredients of a resolved recipe; without hidden layers there is no activation."""
        return cls(
            recipe.initializer,
            recipe.activation if recipe.activation is not None else Linear(),
            recipe.normalization,
            recipe.regularization,
            recipe.seed,
            recipe.training.precision,
        )

    def replaced(self, **own: Any) -> "Ingredients":
        """Return the ingredients with those of one layer in place; None leaves the recipe's."""
        return replace(self, **{key: value for key, value in own.items() if value is not None})

    def weights(self, name: str, *, kernels: tuple[str, ...] = ("kernel",), axes: Any = 0) -> dict[str, Any]:
        """Return the arguments of a layer with weights: initializers, penalties, max-norm, bias, precision.

        Args:
            name: The layer's name.
            kernels: Prefixes of its kernels' arguments.
            axes: Axes of the kernel over which one unit's incoming weights run.
        """
        regularization = self.regularization
        arguments: dict[str, Any] = {"name": name, "dtype": self.precision, "use_bias": self.needs_bias()}
        if not self.is_trainable:
            arguments["trainable"] = False
        for kernel in kernels:
            arguments[f"{kernel}_initializer"] = build_initializer(
                self.initializer, self.activation, seed=self.seed, name=f"{name}/{kernel}"
            )
            if regularization.l1 is not None or regularization.l2 is not None:
                penalty = keras.regularizers.L1L2(l1=regularization.l1 or 0.0, l2=regularization.l2 or 0.0)
                arguments[f"{kernel}_regularizer"] = penalty
            if regularization.max_norm is not None:
                arguments[f"{kernel}_constraint"] = keras.constraints.MaxNorm(regularization.max_norm, axis=axes)
        if self.initializer.bias is not None:
            arguments["bias_initializer"] = build_initializer(
                self.initializer.bias, self.activation, seed=self.seed, name=f"{name}/bias"
            )
        return arguments

    def needs_bias(self) -> bool:
        """Return whether a bias has any effect: not where batch normalization follows and subtracts it."""
        return not subtracts_biases(self.normalization)

    def finish(self, x: Tensor, name: str, *, activate: bool = True) -> Tensor:
        """Apply normalization, activation and regularization behind a layer with weights."""
        x = self.normalize(x, name, "before_activation")
        if activate:
            x = self.activate(x, name)
        if self.outputs is not None:
            l1, l2 = float(self.outputs.l1), float(self.outputs.l2)
            x = keras.layers.ActivityRegularization(l1, l2, name=f"{name}_penalty", dtype=self.precision)(x)
        x = self.normalize(x, name, "after_activation")
        return self.regularize(x, name)

    def normalize(self, x: Tensor, name: str, position: str) -> Tensor:
        """Apply the normalization if it stands at this position."""
        normalization = self.normalization
        if not isinstance(normalization, NormalizationSpec) or normalization.position != position:
            return x
        layer = build_normalization(normalization, name=f"{name}_normalization", dtype=self.precision)
        layer.trainable = self.is_trainable
        return layer(x)

    def activate(self, x: Tensor, name: str) -> Tensor:
        """Apply the activation; nothing for `linear`."""
        activation = self.activation
        if activation.name == "linear":
            return x
        arguments: dict[str, Any] = {"name": f"{name}_activation", "dtype": self.precision}
        if activation.name == "prelu" and activation.options()["shared_axes"] is None and len(x.shape) > 2:
            arguments["shared_axes"] = list(range(1, len(x.shape) - 1))
        if activation.name == "randomized_leaky_relu":
            arguments["seed"] = derive_seed(self.seed, f"{name}_activation")
        layer = activation.build(**arguments)
        layer.trainable = self.is_trainable
        return layer(x)

    def regularize(self, x: Tensor, name: str) -> Tensor:
        """Apply dropout and noise in a fixed order."""
        given = self.regularization
        kinds: list[tuple[str, float | None, str]] = [
            ("Dropout", given.dropout, "dropout"),
            ("AlphaDropout", given.alpha_dropout, "alpha_dropout"),
            (SPATIAL.get(len(x.shape), ""), given.spatial_dropout, "spatial_dropout"),
            ("GaussianDropout", given.gaussian_dropout, "gaussian_dropout"),
            ("GaussianNoise", given.gaussian_noise, "gaussian_noise"),
        ]
        for cls, amount, suffix in kinds:
            if cls and amount:
                layer_name = f"{name}_{suffix}"
                layer = getattr(keras.layers, cls)
                x = layer(amount, seed=derive_seed(self.seed, layer_name), name=layer_name, dtype=self.precision)(x)
        return x

    def dense(self, x: Tensor, units: int, name: str) -> Tensor:
        """Return a dense hidden layer with all ingredients: (…, F) → (…, units)."""
        return self.finish(keras.layers.Dense(units, **self.weights(name))(self.scaled(x, name)), name)

    def dense_stack(self, x: Tensor, sizes: tuple[int, ...], first: int) -> Tensor:
        """Return dense hidden layers; `first` is the number of the first one's block."""
        for index, units in enumerate(sizes, first):
            x = self.dense(x, units, f"hidden_{index}")
        return x

    def scaled(self, x: Tensor, name: str) -> Tensor:
        """Return what a dense layer's kernel reads: of an NTK layer, the inputs over the root of their number."""
        return ntk_scaled(x, name, self.precision) if isinstance(self.initializer, Ntk) else x

    def conv(
        self, x: Tensor, filters: int, name: str, *, finish: bool = True, separable: bool = False, **options: Any
    ) -> Tensor:
        """Return a convolution with all ingredients: (B, H, W, C) → (B, H', W', filters), or of steps (B, T, C)."""
        if separable:
            weights = self._separable_weights(name, channels=x.shape[-1])
            x = keras.layers.SeparableConv2D(filters, **options, **weights)(x)
        else:
            layer = keras.layers.Conv2D if len(x.shape) == 4 else keras.layers.Conv1D
            x = layer(filters, **options, **self.weights(name, axes=[*range(len(x.shape) - 1)]))(x)
        return self.finish(x, name) if finish else x

    def _separable_weights(self, name: str, *, channels: int) -> dict[str, Any]:
        """Return the arguments of a separable convolution; a unit of its depthwise kernel reads one of the channels."""
        arguments = self.weights(name, kernels=("depthwise", "pointwise"), axes=[0, 1, 2])
        arguments["depthwise_initializer"] = build_depthwise_initializer(
            self.initializer, self.activation, channels=channels, seed=self.seed, name=f"{name}/depthwise"
        )
        if "depthwise_constraint" in arguments:
            arguments["depthwise_constraint"] = keras.constraints.MaxNorm(self.regularization.max_norm, axis=[0, 1])
        return arguments
