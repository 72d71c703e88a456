"""Seconds per epoch of hand-written JAX, a whole epoch in lax.scan: python jax_scan.py CASE EPOCHS (mlp only)"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import jax
import jax.numpy as jnp
import numpy as np
from cases import CASES, fashion_mnist

case, epochs = CASES[sys.argv[1]], int(sys.argv[2])
assert case.network == "mlp" and not case.dropout and not case.clip
images, labels = fashion_mnist(case.examples)
x_all, y_all = jnp.asarray(images.reshape(len(images), -1)), jnp.asarray(labels)
BATCH, RATE, MOMENTUM, DECAY, EPSILON = 32, 0.01, 0.9, 0.99, 1e-3
rng = np.random.default_rng(0)


def he(a, b):
    return jnp.asarray(rng.normal(0, (2 / a) ** 0.5, (a, b)).astype("float32"))


params = {
    "w1": he(784, 300), "g1": jnp.ones(300), "b1": jnp.zeros(300),
    "w2": he(300, 100), "g2": jnp.ones(100), "b2": jnp.zeros(100),
    "w3": he(100, 10), "b3": jnp.zeros(10),
}  # fmt: skip
stats = {"m1": jnp.zeros(300), "v1": jnp.ones(300), "m2": jnp.zeros(100), "v2": jnp.ones(100)}
velocity = jax.tree_util.tree_map(jnp.zeros_like, params)


def norm(z, gamma, beta):
    mean, variance = z.mean(0), z.var(0)
    return (z - mean) * jax.lax.rsqrt(variance + EPSILON) * gamma + beta, mean, variance


def loss_of(params, x, y):
    z, m1, v1 = norm(x @ params["w1"], params["g1"], params["b1"])
    z, m2, v2 = norm(jax.nn.elu(z) @ params["w2"], params["g2"], params["b2"])
    logits = jax.nn.elu(z) @ params["w3"] + params["b3"]
    loss = -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()
    return loss, ((m1, v1, m2, v2), (logits.argmax(1) == y).mean())


def step(carry, index):
    params, velocity, stats = carry
    x = x_all[index].astype(jnp.float32) / 255
    (loss, (seen, right)), grads = jax.value_and_grad(loss_of, has_aux=True)(params, x, y_all[index])
    velocity = jax.tree_util.tree_map(lambda v, g: MOMENTUM * v - RATE * g, velocity, grads)
    params = jax.tree_util.tree_map(lambda p, v, g: p + MOMENTUM * v - RATE * g, params, velocity, grads)
    stats = {
        key: DECAY * stats[key] + (1 - DECAY) * value for key, value in zip(("m1", "v1", "m2", "v2"), seen, strict=True)
    }
    return (params, velocity, stats), (loss, right)


@jax.jit
def epoch(carry, order):
    carry, (losses, rights) = jax.lax.scan(step, carry, order.reshape(-1, BATCH))
    return carry, losses.mean(), rights.mean()


carry, seconds, losses = (params, velocity, stats), [], []
for number in range(epochs):
    order = np.random.default_rng((0, number)).permutation(len(labels))[: len(labels) // BATCH * BATCH]
    begin = time.perf_counter()
    carry, loss, _ = epoch(carry, jnp.asarray(order))
    losses.append(float(loss))
    seconds.append(time.perf_counter() - begin)
print(json.dumps({"seconds": seconds, "loss": losses}))
