"""Predictions of many models in one process."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest


def test_many_models_predict_without_a_word_from_tensorflow(tensorflow, caplog):
    import keras

    from hornbook.engine.prediction import predict_scores

    x = np.ones((3, 2), np.float32)
    logger = tensorflow.get_logger()
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.WARNING, logger="tensorflow"):
            for units in range(1, 8):
                inputs = keras.Input((2,))
                model = keras.Model(inputs, keras.layers.Dense(units, kernel_initializer="ones")(inputs))
                assert predict_scores(model, x).tolist() == [[2.0] * units] * 3
    finally:
        logger.removeHandler(caplog.handler)
    assert caplog.messages == []


def test_threads_that_predict_at_once_leave_tensorflow_as_it_was(tensorflow):
    import keras
    from tensorflow.python.framework import ops

    from hornbook.engine.prediction import predict_scores

    extract_stack = ops.tf_stack.extract_stack
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    inputs = keras.Input((4,))
    models = [keras.Model(inputs, keras.layers.Dense(8, activation="softmax")(inputs)) for _ in range(16)]
    with ThreadPoolExecutor(8) as threads:
        scores = list(threads.map(lambda model: predict_scores(model, x), models))
    assert ops.tf_stack.extract_stack is extract_stack
    for model, of_thread in zip(models, scores, strict=True):
        np.testing.assert_allclose(of_thread, model.predict(x, verbose=0), rtol=1e-5)


def test_batches_at_once_come_back_in_their_order_and_a_fault_in_one_ends_all(tensorflow):
    import keras

    from hornbook.engine.prediction import predict_scores

    x = np.random.default_rng(0).normal(size=(1003, 4)).astype(np.float32)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="elu")(inputs))
    np.testing.assert_allclose(predict_scores(model, x, batch_size=10), model(x).numpy(), rtol=1e-5, atol=1e-6)
    assert predict_scores(model, x[:0]).shape == (0, 3)

    def fails_late(numbers):
        tensorflow.debugging.assert_less(numbers, 100.0, "a number is too large")
        return numbers

    x[505, 2] = 100.0
    model = keras.Model(inputs, keras.layers.Lambda(fails_late)(inputs))
    running = threading.active_count()
    with pytest.raises(tensorflow.errors.InvalidArgumentError, match="a number is too large"):
        predict_scores(model, x, batch_size=10)
    assert threading.active_count() == running


def test_a_model_for_batches_of_one_size_predicts_any_number_of_rows(tensorflow):
    import keras

    from hornbook.engine.prediction import predict_scores

    rows = keras.Input((4, 1), batch_size=8)
    model = keras.Model(rows, keras.layers.LSTM(3, stateful=True)(rows))
    x = np.random.default_rng(0).normal(size=(20, 4, 1)).astype(np.float32)
    found = predict_scores(model, x)
    model.layers[-1].reset_state()
    padded = np.concatenate([x, np.repeat(x[16:17], 4, axis=0)])
    np.testing.assert_allclose(found, model.predict(padded, batch_size=8, verbose=0)[:20], rtol=1e-5, atol=1e-6)
