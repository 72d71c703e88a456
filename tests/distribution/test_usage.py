"""What cannot be distributed is refused before any work, with the reason."""

import json
from types import SimpleNamespace

import pytest

from hornbook import load_recipe
from hornbook.errors import RecipeError, UsageError

FORM = """TF_CONFIG='{"cluster": {"worker": ["host1:port", "host2:port"]}, "task": {"type": "worker", "index": 0}}'"""
HOSTS = ["127.0.0.1:40001", "127.0.0.1:40002"]


def test_several_workers_need_tf_config(tensorflow, monkeypatch):
    from hornbook.engine.strategies import make_strategy

    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UsageError) as error:
        make_strategy("multi_worker")
    assert str(error.value) == f"training.strategy: multi_worker needs the environment variable TF_CONFIG: {FORM}"
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "{worker",
        "[]",
        "3",
        json.dumps({"cluster": {"worker": HOSTS}}),
        json.dumps({"cluster": {"chief": HOSTS}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": {"worker": HOSTS}, "task": {"type": "worker", "index": 2}}),
        json.dumps({"cluster": {"worker": HOSTS}, "task": {"type": "worker", "index": -1}}),
        json.dumps({"cluster": {"worker": HOSTS}, "task": {"type": "worker", "index": "first"}}),
        json.dumps({"cluster": {"worker": 2}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": {"worker": []}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": {"worker": HOSTS[0]}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": {"worker": HOSTS}, "task": {"type": "evaluator", "index": 0}}),
        json.dumps({"cluster": {"chief": HOSTS[:1], "worker": HOSTS}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": {"worker": ["127.0.0.1"]}, "task": {"type": "worker", "index": 0}}),
    ],
)
def test_a_tf_config_that_cannot_be_read_is_shown_the_form(tensorflow, monkeypatch, text):
    from hornbook.engine.strategies import make_strategy

    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError) as error:
        make_strategy("multi_worker")
    assert str(error.value) == f"TF_CONFIG cannot be read. Expected {FORM}"


def test_several_workers_need_a_fresh_process(tensorflow, monkeypatch):
    from hornbook.engine.strategies import make_strategy

    tensorflow.constant(1.0) + 1.0
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": HOSTS}, "task": {"type": "worker", "index": 0}}))
    with pytest.raises(UsageError, match="multi_worker has to start before TensorFlow has run anything"):
        make_strategy("multi_worker")


def test_a_device_with_one_example_of_a_batch_has_none_to_mix_it_with(tensorflow):
    from hornbook.engine.distributed import DistributedLoop

    data = {"name": "digits", "augmentation": {"mixup": 0.4}}
    recipe = load_recipe({"data": data, "model": {"name": "mlp", "units": [4]}})
    strategy = SimpleNamespace(num_replicas_in_sync=4)
    with pytest.raises(
        RecipeError, match=r"each of 4 devices mixes its part .* Use a 'training\.batch_size' of 8 or more"
    ):
        DistributedLoop(SimpleNamespace(recipe=recipe, strategy=strategy, batch_size=7))
