"""Every private attribute of Keras and TensorFlow that Hornbook touches, behind functions that say what for.

A new release of either is tried against this file first. What else the engine needs of a model beyond Keras's own calls is
here too: random draws and momentum as data of the step.

Random layers keep their Keras code. Before each step every generator is set to (layer's seed, step), so that what a
layer draws is a pure function of both; under XLA on CPU the draws use threefry, because TensorFlow's default generator is
86 times slower there.
"""

import contextlib
import functools
import random
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.src.saving.serialization_lib import SafeModeScope
from tensorflow.core.framework.resource_handle_pb2 import ResourceHandleProto
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto
from tensorflow.core.framework.types_pb2 import DT_RESOURCE
from tensorflow.python.eager import context
from tensorflow.python.framework import ops

__all__ = [
    "REFUSALS",
    "Statistics",
    "averages",
    "averaging_updates",
    "call_with_captures",
    "decay_from",
    "decayed_paths",
    "default_seeds",
    "finish_averages",
    "forget_compiled",
    "forget_executables",
    "forgettable",
    "frozen",
    "fused_normalization",
    "has_all_variables",
    "let_momentum_move",
    "logits_of",
    "loss_arguments",
    "momentum_from",
    "named",
    "rates_from",
    "reason",
    "run_through",
    "seed_states",
    "set_rate_factors",
    "set_step",
    "threefry",
    "traced_anew",
    "trusted",
    "unclipped",
    "with_lite_metadata",
    "with_logits",
]

DRAWS_PER_STEP = 1024  # more than any layer draws in one step
_TRACING = threading.RLock()


class Statistics:
    """Means and variances of a model's `Normalization` layers as variables.

    TensorFlow writes small constants into a compiled program, and runs that differ in them could not share it.

    Args:
        model: The model; nothing of it is changed.
    """

    def __init__(self, model: keras.Model) -> None:
        layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Normalization)]
        places = [(layer, name) for layer in layers for name in ("mean", "variance")]
        self._places = [(layer, name) for layer, name in places if getattr(layer, name, None) is not None]
        self.variables = [tf.Variable(getattr(layer, name), trainable=False) for layer, name in self._places]

    @contextlib.contextmanager
    def as_variables(self) -> Iterator[None]:
        """Let what is traced while this is open read the variables."""
        kept = [getattr(layer, name) for layer, name in self._places]
        try:
            for (layer, name), variable in zip(self._places, self.variables, strict=True):
                object.__setattr__(layer, name, variable.read_value())  # past Keras, which would track it
            yield
        finally:
            for (layer, name), value in zip(self._places, kept, strict=True):
                object.__setattr__(layer, name, value)


def seed_states(model: keras.Model) -> dict[str, Any]:
    """Return the state variables (2,) of all random generators in a model by the layer's name and their place in it.

    Their own paths (``seed_generator_3/…``) count the generators of the whole session, not of the model.
    """
    found: dict[str, Any] = {}
    for layer in model.layers:
        states = [variable for variable in layer.non_trainable_variables if "seed_generator_state" in variable.path]
        found |= {f"{layer.name}/{index}": state for index, state in enumerate(states)}
    return found


def set_step(states: Sequence[Any], seeds: Any, step: Any) -> None:
    """Set every generator to (its layer's seed, `step`).

    Args:
        states: The generators' state variables.
        seeds: (len(states),) int64, a seed for each.
        step: int64, batches since the start of the run.
    """
    for index, state in enumerate(states):
        state.assign(tf.cast(tf.stack([seeds[index], step * DRAWS_PER_STEP]), state.dtype))


@contextlib.contextmanager
def threefry(*, active: bool) -> Iterator[None]:
    """Trace random draws with the threefry generator while this is open, if `active`."""
    if not active:
        yield
        return
    originals = {
        (tf.random, "stateless_uniform"): "alg",
        (tf.random, "stateless_normal"): "alg",
        (tf.random, "stateless_truncated_normal"): "alg",
        (tf.nn.experimental, "stateless_dropout"): "rng_alg",
    }
    saved = {key: getattr(*key) for key in originals}
    try:
        for (module, name), argument in originals.items():
            setattr(module, name, functools.partial(saved[module, name], **{argument: "threefry"}))
        yield
    finally:
        for (module, name), function in saved.items():
            setattr(module, name, function)


@contextlib.contextmanager
def default_seeds(seed: int) -> Iterator[None]:
    """Let the seeds that Keras gives to layers and initializers without one follow from `seed` while this is open.

    Keras draws them from Python's own generator, whose state is put back.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


@contextlib.contextmanager
def fused_normalization(*, active: bool) -> Iterator[None]:
    """Trace batch normalization of images in training as one kernel of TensorFlow while this is open, if `active`.

    Keras 3 writes it as a dozen operations, each of which goes through all numbers. The kernel adds in another order, so
    that the last bits differ.
    """
    call = keras.layers.BatchNormalization.call

    @functools.wraps(call)
    def fused(layer: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        is_usual = mask is None and not layer.synchronized and not getattr(layer, "renorm", False)
        if not (training and layer.trainable and is_usual and len(inputs.shape) == 4 and layer.axis in (-1, 3)):
            return call(layer, inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=tf.cast(inputs, tf.float32),
            scale=layer.gamma.value if layer.scale else tf.ones(channels),
            offset=layer.beta.value if layer.center else tf.zeros(channels),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=layer.epsilon,
            is_training=True,
        )
        places = tf.cast(tf.size(inputs) // channels, tf.float32)
        variance = variance * (places - 1) / places  # without Bessel's factor, as Keras counts
        for variable, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            variable.assign(variable * layer.momentum + value * (1.0 - layer.momentum))
        return tf.cast(outputs, layer.compute_dtype)

    if active:
        keras.layers.BatchNormalization.call = fused
    try:
        yield
    finally:
        keras.layers.BatchNormalization.call = call


class _Momentum:
    """A scalar tensor in the place of an optimizer's momentum, which Keras compares with 0 in Python while tracing."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return tf.convert_to_tensor(self.value) if dtype is None else tf.cast(self.value, dtype)

    def __ne__(self, other: object) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return id(self)

    def __gt__(self, other: object) -> bool:
        return True

    def __rsub__(self, other: Any) -> Any:
        return other - self.value

    def __mul__(self, other: Any) -> Any:
        return self.value * other

    __rmul__ = __mul__


@contextlib.contextmanager
def momentum_from(optimizer: keras.optimizers.Optimizer, option: str | None, value: Any) -> Iterator[None]:
    """Let the optimizer's update read its momentum from a tensor while this is open, and put the number back after.

    Args:
        optimizer: A stock Keras optimizer.
        option: Its attribute, ``momentum`` or ``beta_1``; None leaves it alone.
        value: Scalar tensor.
    """
    if option is None:
        yield
        return
    optimizer = _inner(optimizer)
    number = getattr(optimizer, option)
    try:
        setattr(optimizer, option, _Momentum(value))
        yield
    finally:
        setattr(optimizer, option, number)


class _Scaled(_Momentum):
    """A number times a tensor or variable, which is read anew wherever this is traced."""

    def __init__(self, number: float, factor: Any) -> None:
        self.number, self.factor = number, factor

    @property
    def value(self) -> Any:
        return self.number * tf.convert_to_tensor(self.factor)


@contextlib.contextmanager
def rates_from(layers: Sequence[Any], factor: Any) -> Iterator[None]:
    """Let dropout layers read their rate, times a factor, from a tensor while this is open, and put the numbers back after.

    Args:
        layers: Layers of the class `Dropout`.
        factor: Scalar tensor or variable; None leaves them alone.
    """
    if factor is None:
        yield
        return
    numbers, dropout = [layer.rate for layer in layers], tf.nn.experimental.stateless_dropout

    def with_tensor(x: Any, rate: Any, **arguments: Any) -> Any:
        return dropout(x, rate=tf.convert_to_tensor(rate) if isinstance(rate, _Momentum) else rate, **arguments)

    try:
        tf.nn.experimental.stateless_dropout = with_tensor
        for layer, number in zip(layers, numbers, strict=True):
            layer.rate = _Scaled(number, factor)
        yield
    finally:
        tf.nn.experimental.stateless_dropout = dropout
        for layer, number in zip(layers, numbers, strict=True):
            layer.rate = number


@contextlib.contextmanager
def decay_from(optimizer: keras.optimizers.Optimizer, factor: Any) -> Iterator[None]:
    """Let the optimizer multiply its weight decay by a tensor while this is open, and put the number back after.

    Args:
        optimizer: A stock Keras optimizer.
        factor: Scalar tensor; None leaves it alone.
    """
    inner = _inner(optimizer)
    if factor is None or not inner.weight_decay:
        yield
        return
    number = inner.weight_decay
    try:
        inner.weight_decay = _Scaled(number, factor)
        yield
    finally:
        inner.weight_decay = number


class _MovingMomentum(_Momentum, float):
    """The same, which is the optimizer's own number to whoever asks for one: its config is saved with a model."""

    def __new__(cls, value: Any, number: float) -> "_MovingMomentum":
        return float.__new__(cls, number)

    def __init__(self, value: Any, number: float) -> None:
        super().__init__(value)


def let_momentum_move(optimizer: keras.optimizers.Optimizer, option: str) -> Any:
    """Return a variable that the optimizer's updates read its momentum from, where they are traced from now on.

    Args:
        optimizer: A stock Keras optimizer.
        option: Its attribute, ``momentum`` or ``beta_1``; assign a number to it to end this.
    """
    number = float(getattr(optimizer, option))
    variable = tf.Variable(number, dtype=tf.float32, trainable=False)
    setattr(optimizer, option, _MovingMomentum(variable, number))
    return variable


def _inner(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return the optimizer that does the updates: the one inside, where losses are scaled."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def averages(optimizer: keras.optimizers.Optimizer) -> list[tuple[Any, Any]]:
    """Return (variable, its average) of averaged weights; nothing without `use_ema`, and before the first step.

    The optimizer's variables: the model's own trainable ones may be fewer, while layers are frozen.
    """
    inner = _inner(optimizer)
    if not inner.use_ema or not int(inner._iterations.value):
        return []
    return list(zip(inner._trainable_variables, inner._model_variables_moving_average, strict=True))


def finish_averages(optimizer: keras.optimizers.Optimizer) -> None:
    """Put averaged weights in the place of the last ones, at the end of training; nothing without `use_ema`."""
    inner = _inner(optimizer)
    if inner.use_ema:
        inner.finalize_variable_values(inner._trainable_variables)


def has_all_variables(metric: keras.metrics.Metric) -> bool:
    """Return whether a metric has made its variables; some do so at their first update."""
    inner = getattr(metric, "metric", metric)  # of one of several heads
    return bool(inner.variables) and bool(getattr(inner, "_built", True))


def inputs_of_output(model: keras.Model) -> list[Any]:
    """Return the tensors that the last operation of a model of one output reads."""
    operation, node, _ = model.output._keras_history
    return list(operation._inbound_nodes[node].input_tensors)


def columns_of(outputs: Any, place: slice, name: str) -> Any:
    """Return columns of a functional model's tensor (B, K), by an operation of this name; Keras would count a name up."""
    chosen = outputs[:, place]
    chosen._keras_history.operation.name = name
    return chosen


def loss_arguments(loss: keras.losses.Loss) -> dict[str, Any]:
    """Return the arguments of the function that a loss calls; Keras leaves some out of the loss's config."""
    return dict(getattr(loss, "_fn_kwargs", {}))


def decayed_paths(optimizer: keras.optimizers.Optimizer, variables: Sequence[Any]) -> list[str]:
    """Return the paths of the variables that an optimizer's weight decay acts on."""
    return [variable.path for variable in variables if _inner(optimizer)._use_weight_decay(variable)]


def run_through(model: keras.Model, x: Any, replace: Callable[[Any], Any]) -> Any:
    """Return what calling a functional model on symbolic inputs gives, with other operations in the places of its own."""
    return model._run_through_graph(x, operation_fn=replace)


def named(output: Any, name: str) -> None:
    """Give the operation that a symbolic output comes from a name, which Keras would count otherwise."""
    output._keras_history.operation.name = name


def trusted() -> Any:
    """Return a context in which layers may be made from configs that carry code: who loaded the model has decided."""
    return SafeModeScope(safe_mode=False)


def with_logits(output: Any, logits: Any) -> Any:
    """Return an activation's output with its weighted sums attached, the way Keras does it for softmax."""
    output._keras_logits = logits
    return output


def logits_of(output: Any) -> Any:
    """Return the weighted sums that are attached to an output; the output itself where there are none."""
    return getattr(output, "_keras_logits", output)


def call_with_captures(function: Any, arguments: Sequence[Any], captures: Sequence[Any]) -> Any:
    """Call a concrete function of tensors with these in the places of what it captured, and leave it as it is.

    Two threads may do so at once: swapping what it captures, as TensorFlow's public call would need, is for one alone.
    """
    tensors = [tf.convert_to_tensor(argument) for argument in arguments]
    return function.inference_fn.call_preflattened([*tensors, *captures])


def stand_ins(tensors: Sequence[Any], most_bytes: int) -> list[Any] | None:
    """Return the same tensors, with handles of new variables of zeros in the places of handles.

    None where all of them together take more bytes than this, or a handle is not a variable's of a known shape.
    """
    found = []
    for tensor in tensors:
        if tensor.dtype != tf.resource:
            found.append(tensor)
            continue
        data = tensor._handle_data
        if data is None or not data.is_set or len(data.shape_and_type) != 1:
            return None
        shape, dtype = tf.TensorShape(data.shape_and_type[0].shape), tf.as_dtype(data.shape_and_type[0].dtype)
        if not shape.is_fully_defined():
            return None
        most_bytes -= shape.num_elements() * dtype.size
        if most_bytes < 0:
            return None
        found.append(tf.Variable(tf.zeros(shape, dtype)).handle)
    return found


@contextlib.contextmanager
def forgettable() -> Iterator[None]:
    """Let what is traced while this is open leave little behind once it is forgotten.

    TensorFlow keeps every gradient that is registered for ever, with the graph it was traced in: Keras's optimizers and
    some activations have such gradients. What is traced here takes its own and is never differentiated from outside, so
    nobody asks for them; kept, every program that was forgotten left 3 MB behind. XLA keeps a copy of each function's
    graph, with the Python stack of every operation: 6 MB a program, and errors of a program that runs do not need it.

    One thread traces at a time: what is registered and patched meanwhile belongs to all of them.
    """
    registered = ops.gradient_registry._registry
    with _TRACING:
        before = set(registered)
        extract_stack = ops.tf_stack.extract_stack
        stack = extract_stack(stacklevel=1)
        ops.tf_stack.extract_stack = lambda stacklevel=1: stack
        try:
            yield
        finally:
            ops.tf_stack.extract_stack = extract_stack
            for name in registered.keys() - before:
                if name.startswith("CustomGradient-"):
                    del registered[name]


XLA_COMPILER = 0x6B406BD7CBE180FF  # TensorFlow's name for the C++ type DeviceCompiler<LocalExecutable, LocalClient>


def forget_compiled() -> bool:
    """Let TensorFlow forget what it keeps of functions that are gone; returns whether it could.

    That is a kernel of each operation and function that was called, and each executable of XLA, for ever. Functions that
    are still used get theirs again with the next call. Nothing is forgotten while any thread is inside of TensorFlow: it
    may be running one.
    """
    frames = [frame for top in sys._current_frames().values() for frame, _ in traceback.walk_stack(top)]
    if any(frame.f_globals.get("__name__", "").startswith("tensorflow.") for frame in frames):
        return False
    context.context().clear_kernel_cache()
    forget_executables(ignore_lookup_error=True)
    return True


def forget_executables(*, ignore_lookup_error: bool = False) -> bool:
    """Let XLA forget all that it has compiled for the CPU; returns whether there was anything.

    With `ignore_lookup_error` nobody asks: TensorFlow writes a warning where there was nothing.

    TensorFlow itself never does, https://github.com/tensorflow/tensorflow/issues/64170. Executables belong to a resource
    of the device, which TensorFlow makes anew with the next call.
    """
    handle = ResourceHandleProto(
        device="/job:localhost/replica:0/task:0/device:CPU:0",
        container="localhost",
        name="xla_device_compiler",
        hash_code=XLA_COMPILER,
    )
    serialized = TensorProto(dtype=DT_RESOURCE, tensor_shape=TensorShapeProto(), resource_handle_val=[handle])
    try:
        with tf.device("CPU:0"):
            resource = tf.io.parse_tensor(serialized.SerializeToString(), tf.resource)
            tf.raw_ops.DestroyResourceOp(resource=resource, ignore_lookup_error=ignore_lookup_error)
    except tf.errors.OpError:  # nothing was compiled, or TensorFlow calls it otherwise now
        return False
    return True


@contextlib.contextmanager
def averaging_updates(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Let averaged weights move once per update while this is open; Keras moves them with each accumulated batch."""
    inner = _inner(optimizer)
    every, number = inner.gradient_accumulation_steps, inner.ema_momentum
    if not (inner.use_ema and every):
        yield
        return
    is_update = tf.equal((inner._iterations.value + 1) % every, 0)
    try:
        inner.ema_momentum = tf.where(is_update, tf.constant(number, tf.float32), 1.0)
        yield
    finally:
        inner.ema_momentum = number


def traced_anew(function: Any) -> Any:
    """Return a `tf.function` that each model gets its own of: TensorFlow would warn at the fifth that it is traced again."""
    function._omit_frequent_tracing_warning = True
    return function


@contextlib.contextmanager
def unclipped(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Let the optimizer take gradients as they are while this is open."""
    optimizer = _inner(optimizer)
    names = ("clipvalue", "clipnorm", "global_clipnorm")
    saved = {name: getattr(optimizer, name) for name in names}
    try:
        for name in names:
            setattr(optimizer, name, None)
        yield
    finally:
        for name, value in saved.items():
            setattr(optimizer, name, value)


def set_rate_factors(
    optimizer: keras.optimizers.Optimizer, factors: Mapping[int, float], decays: Mapping[int, float] | None = None
) -> None:
    """Let the optimizer use its rate times a factor for some variables, weight decay included.

    The rate is scaled and not the gradient, which under Adam would change nothing.

    Args:
        optimizer: A stock Keras optimizer, built.
        factors: {id of a Keras variable: factor}; 1 where a variable is missing.
        decays: The same for weight decay, beside the rate's.
    """
    inner = _inner(optimizer)
    for name in ("update_step", "_apply_weight_decay"):
        vars(inner).pop(name, None)
    by_place = [factors.get(id(variable), 1.0) for variable in inner._trainable_variables]
    own = [(decays or {}).get(id(variable), 1.0) for variable in inner._trainable_variables]
    if all(factor == 1.0 for factor in (*by_place, *own)):
        return
    update, decay = inner.update_step, inner._apply_weight_decay

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> Any:
        factor = by_place[inner._get_variable_index(variable)]
        return update(gradient, variable, learning_rate if factor == 1.0 else learning_rate * factor)

    def apply_weight_decay(variables: Sequence[Any]) -> None:
        rate = inner.weight_decay
        if rate is None:
            return
        try:
            for variable in variables:
                place = inner._get_variable_index(variable)
                inner.weight_decay = rate * (by_place[place] * own[place])
                decay([variable])
        finally:
            inner.weight_decay = rate

    inner.update_step, inner._apply_weight_decay = update_step, apply_weight_decay


REFUSALS = (ValueError, TypeError, AttributeError, IndexError, NotImplementedError, tf.errors.InvalidArgumentError)
LONGEST = 200  # characters; the rest repeats shapes and call stacks


def reason(error: BaseException) -> str:
    """Return the start of the error's text on one line, without a full stop."""
    text = re.sub(r"\{\{[^}]*\}\}|\[Op:.*", "", str(error))  # names of TensorFlow's kernels say nothing
    return " ".join(text.split())[:LONGEST].rstrip(".")


def frozen(function: Any) -> Any:
    """Return a concrete function with its variables as constants, which LiteRT's converter needs."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(function)


def with_lite_metadata(content: bytes, metadata: Mapping[str, str], names: Mapping[str, str]) -> bytes:
    """Return a LiteRT model with texts in its metadata and names for its first input and output (`inputs`, `outputs`)."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for place, name in names.items():
        graph = model.subgraphs[0]
        graph.tensors[getattr(graph, place)[0]].name = name
    model.metadata = model.metadata or []
    for name, text in metadata.items():
        buffer = schema.BufferT()
        buffer.data = text.encode()
        model.buffers.append(buffer)
        entry = schema.MetadataT()
        entry.name, entry.buffer = f"hornbook.{name}", len(model.buffers) - 1
        model.metadata.append(entry)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
