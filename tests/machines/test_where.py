"""What `--on` and `--each` may say, and what keras-tuner's variables get."""

import sys

import pytest

from hornbook.errors import UsageError
from hornbook.machines.where import Share, Where, where_of


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((None, None), None),
        (("ray", None), Where()),
        (("ray", "cpus=2, gpus=0.5"), Where(None, Share(2.0, 0.5))),
        (("ray", "gpus=0.25"), Where(None, Share(1.0, 0.25))),
        (("ray://10.0.0.1:6379", "cpus=0.5"), Where("10.0.0.1:6379", Share(0.5))),
        (("ray://[::1]:06379", None), Where("[::1]:6379")),
    ],
)
def test_options_name_a_cluster_and_a_share(options, expected):
    assert where_of(*options) == expected


def test_without_gpus_none_is_taken():
    assert where_of("ray", device="cpu") == Where(has_gpus=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("spark", None), "--on: expected ray or ray://HOST:PORT, as in ray://10.0.0.1:6379, found 'spark'."),
        (("ray://10.0.0.1", None), "--on: expected ray or ray://HOST:PORT"),
        (("ray://10.0.0.1:70000", None), "--on: expected ray or ray://HOST:PORT"),
        ((None, "cpus=2"), "--each says what each run gets of Ray's machines; it needs --on ray."),
        (("ray", "cores=2"), "--each: expected cpus=2 or cpus=2,gpus=0.5, found 'cores=2'."),
        (("ray", "cpus=1,cpus=2"), "--each: expected cpus=2"),
        (("ray", "cpus=-1"), "--each: expected cpus=2"),
        (("ray", "cpus=nan"), "--each: expected cpus=2"),
        (("ray", "gpus=2"), "--each: a run takes one GPU at most"),
        (("ray", "cpus=1.5"), "--each: a run takes one GPU at most, and parts of cores below one only"),
        (("ray", "cpus=0"), "--each: a run that takes nothing has no place."),
    ],
)
def test_what_cannot_be_meant_is_refused(options, message):
    with pytest.raises(UsageError) as caught:
        where_of(*options)
    assert str(caught.value).startswith(message)


SWEEP = "hornbook sweep -c sweep_random"


@pytest.mark.parametrize(
    ("line", "variables", "message"),
    [
        (
            SWEEP,
            {"KERASTUNER_TUNER_ID": "chief"},
            "KERASTUNER_TUNER_ID is set. Sweeps over several machines run on Ray now",
        ),
        (
            SWEEP,
            {"KERASTUNER_ORACLE_IP": "10.0.0.1", "KERASTUNER_ORACLE_PORT": "80"},
            "KERASTUNER_ORACLE_IP, KERASTUNER_ORACLE_PORT are set. Sweeps over several machines run on Ray now: hornbook "
            "sweep --on ray (docs/sweep.md). Unset the variables.",
        ),
        (f"{SWEEP} --on ray --workers 2", {}, "--workers is for processes on this machine; with --on ray, --parallel"),
        (f"{SWEEP} --on ray --each gpus=1 --device cpu", {}, "--device cpu: and --each asks for a GPU."),
        (
            "hornbook ablate -c he_elu_bn --vary activation=tanh --on kubernetes",
            {},
            "--on: expected ray or ray://HOST:PORT",
        ),
    ],
)
def test_commands_say_so_before_anything_is_loaded(hornbook_command, monkeypatch, line, variables, message):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    outcome = hornbook_command(line)
    assert outcome.code == 2
    assert message in outcome.err


def test_without_ray_the_extra_is_named(hornbook_command, monkeypatch, tmp_path, tensorflow):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", None)
    outcome = hornbook_command(f"{SWEEP} --on ray")
    assert outcome.code == 1
    assert (
        outcome.err.splitlines()[-1] == "--on ray: Ray is not installed. Install it with: pip install 'hornbook[ray]'"
    )
    assert not list(tmp_path.rglob("sweep-*"))
