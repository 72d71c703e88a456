"""Where a process stands in a sweep over several machines, and what is refused before anything is written."""

import socket
from dataclasses import replace

import pytest

from hornbook.errors import RunError, UsageError

IP, PORT, ID = "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({IP: "10.0.0.1"}, f"{IP} is set, but not {ID} and {PORT}"),
        ({IP: "::1", ID: "chief", PORT: "80a"}, "expected a port between 1 and 65535, found '80a'"),
        ({IP: "::1", ID: "chief", PORT: "0"}, "expected a port between 1 and 65535, found '0'"),
    ],
)
def test_variables_that_do_not_make_a_place_are_refused(variables, message, tensorflow):
    from hornbook.sweep.network.address import place_of

    with pytest.raises(UsageError, match=message):
        place_of(variables)


def test_variables_make_a_place_of_either_version_of_the_protocol(tensorflow):
    from hornbook.sweep.network.address import place_of

    assert place_of({}) is None
    assert place_of({IP: "10.0.0.1", ID: "tuner0", PORT: "80"}).address == "10.0.0.1:80"
    six = place_of({IP: "::1", ID: "chief", PORT: "80"})
    assert (six.address, six.is_chief) == ("[::1]:80", True)


@pytest.mark.parametrize(
    ("ip", "message"),
    [
        (
            "192.0.2.7",
            r"192.0.2.7:\d+: a chief cannot listen here \(.*KERASTUNER_ORACLE_IP has to be one of its addresses",
        ),
        ("no such name", "a chief cannot listen here"),
        (None, "the port is taken, perhaps by another chief. This process is 'chief', and an id with 'chief' in it"),
    ],
    ids=["another machine's", "no address", "taken"],
)
def test_a_chief_that_cannot_listen_says_why_and_leaves_no_sweep(ip, message, place, recipe_of, tmp_path, tensorflow):
    from hornbook.sweep.sweep import sweep

    own, port = place.address.split(":")
    with socket.socket() as taken:
        taken.bind((own, int(port)))
        taken.listen()
        with pytest.raises(RunError, match=message):
            sweep(recipe_of(), runs=tmp_path / "runs", place=replace(place, address=f"{ip or own}:{port}"))
    assert not list(tmp_path.rglob("sweep-*"))
