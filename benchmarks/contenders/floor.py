"""Seconds that one epoch's matrix products take at this machine's large-matrix rate: python floor.py CASE EPOCHS"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))
import tensorflow as tf
from cases import CASES

case = CASES[sys.argv[1]]
sizes = {"mlp": [784, 300, 100, 10], "deep": [784, *[100] * 20, 10]}[case.network]
products = [a * b * (2 if place == 0 else 3) for place, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False))]
operations = 2 * case.examples * sum(products)  # forward, kernel gradient, and all but the first layer's input gradient
SIZE = 2048
a, b = tf.random.normal((SIZE, SIZE)), tf.random.normal((SIZE, SIZE))
multiply = tf.function(tf.matmul)
multiply(a, b)
rates = []
for _ in range(15):
    begin = time.perf_counter()
    multiply(a, b).numpy()
    rates.append(2 * SIZE**3 / (time.perf_counter() - begin))
rate = statistics.median(rates)
print(json.dumps({"seconds": [operations / rate] * int(sys.argv[2]), "gflops": rate / 1e9}))
