"""Predictions of many models in one process."""

import logging

import numpy as np


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
