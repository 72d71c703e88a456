"""`hornbook serve` as a process: it answers what the run predicts, stops gracefully, follows newer runs, survives anything."""

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def service(folder, serve):
    """A service of both runs."""
    started = serve(folder, "digits", "people")
    yield started
    started.process.kill()
    started.process.wait()


@pytest.fixture(scope="module")
def pictures():
    """Raw pictures."""
    return load_digits().images[:30].astype(np.uint8)[..., None]


def test_it_answers_what_the_run_predicts(service, folder, pictures):
    from hornbook.inference.trained import load_run

    expected = np.asarray(load_run(folder / "runs" / "digits").model(pictures.astype(np.float32)))
    status, plain = service.ask("POST", "/predict/digits", {"inputs": pictures.tolist()})
    assert status == 200
    np.testing.assert_allclose([[*one["probabilities"].values()] for one in plain["predictions"]], expected, atol=1e-5)
    tensor = {"name": "input", "datatype": "UINT8", "shape": [30, 8, 8, 1], "data": pictures.reshape(-1).tolist()}
    status, infer = service.ask("POST", "/v2/models/digits/infer", {"inputs": [tensor]})
    np.testing.assert_allclose(np.reshape(infer["outputs"][0]["data"], (30, 10)), expected, atol=1e-5)


def test_rows_are_answered_as_predict_answers_a_file(service, folder, tmp_path):
    import polars as pl

    from hornbook.inference.predict import predict_file

    predict_file(folder / "runs" / "people", folder / "people.csv", output=tmp_path / "expected.csv")
    expected = pl.read_csv(tmp_path / "expected.csv")
    rows = pl.read_csv(folder / "people.csv").drop("buys").to_dicts()
    status, found = service.ask("POST", "/predict/people", {"rows": rows})
    assert status == 200
    assert [one["label"] for one in found["predictions"]] == expected["prediction"].to_list()
    shown = [one["probabilities"]["yes"] for one in found["predictions"]]
    np.testing.assert_allclose(shown, expected["probability_yes"], atol=1e-5)


def test_a_port_in_use_is_said_before_anything_is_loaded(service, folder):
    command = [sys.executable, "-m", "hornbook", "serve", "digits", "--port", str(service.port)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"--port {service.port}: in use. Choose another one, or stop what listens there.\n"


def test_clients_of_many_kinds_that_misbehave_do_not_stop_it(service):
    draw = random.Random(0)
    start = b"POST /predict/digits HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    bodies = [
        b"", b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", start, start + b"\r\n",
        start + b"Content-Length: 100\r\n\r\n{", start + b"Content-Length: -1\r\n\r\n", start + b"Content-Length: 99999999999\r\n\r\n",
        start + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", start + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        start + b"Content-Length: 8\r\n\r\n\xff\xfe{}\x00\x00\x00\x00", b"POST /predict/" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        start + b"Content-Length: 20000\r\n\r\n" + b"[" * 20_000,
    ]  # fmt: skip
    bodies += [draw.randbytes(draw.randrange(200)) for _ in range(40)]
    for body in bodies:
        with socket.create_connection(("127.0.0.1", service.port), timeout=5) as client:
            client.sendall(body)
            client.shutdown(socket.SHUT_WR)
            try:
                answer = client.recv(4096)
            except OSError:
                answer = b""
        assert b" 500 " not in answer[:20], (body[:200], answer)
    assert service.ask("GET", "/v2/health/ready") == (200, {"ready": True})


def half_a_request(port, body):
    """Return a connection on which half of a body was sent, and the other half."""
    client = socket.create_connection(("127.0.0.1", port), timeout=60)
    head = f"POST /predict/digits HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body[:50])
    return client, body[50:]


def test_it_ends_what_was_begun_when_it_is_told_to_stop(folder, serve, pictures):
    service = serve(folder, "digits")
    client, rest = half_a_request(service.port, json.dumps({"inputs": pictures.tolist()}).encode())
    time.sleep(0.5)
    service.process.send_signal(signal.SIGTERM)
    time.sleep(1)
    client.sendall(rest)
    answer = client.recv(100)
    client.close()
    assert answer.startswith(b"HTTP/1.1 200")
    assert service.process.wait(60) == 0
    assert service.log.read_text().splitlines()[-1].endswith("stopped")


def test_it_starts_again_at_the_same_address_after_a_kill(folder, serve, pictures):
    service = serve(folder, "digits")
    with half_a_request(service.port, b"x" * 200)[0]:
        assert service.stop(signal.SIGKILL) == -9
    again = serve(folder, "digits", port=service.port)
    assert again.ask("POST", "/predict/digits", {"inputs": pictures.tolist()})[0] == 200
    assert again.stop() == 0


def test_a_newer_run_takes_over_without_a_lost_request_and_a_damaged_one_does_not(folder, serve, train_again, pictures):
    service = serve(folder, "digits")
    first = service.ask("GET", "/v2/models/digits")[1]["versions"]
    statuses, ends = [], threading.Event()

    def hammer():
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        while not ends.is_set():
            body = json.dumps({"inputs": pictures[:2].tolist()})
            connection.request("POST", "/predict/digits", body, {"Content-Type": "application/json"})
            with connection.getresponse() as response:
                statuses.append((response.status, json.loads(response.read())["version"]))
            time.sleep(0.005)
        connection.close()

    clients = [threading.Thread(target=hammer) for _ in range(4)]
    for client in clients:
        client.start()
    second = train_again("digits")
    service.wait_for(f"{second.name} answers now")
    third = folder / "runs" / "digits" / "20990101-000000-dead"
    shutil.copytree(second, third)
    for model in (third / "checkpoints").glob("*.keras"):
        model.write_bytes(b"PK\x03\x04 damaged")
    link = folder / "runs" / "digits" / "latest"
    link.unlink()
    link.symlink_to(third.name)
    service.wait_for("goes on answering, because the newer run cannot be loaded.")
    time.sleep(0.5)
    ends.set()
    for client in clients:
        client.join()
    link.unlink()
    link.symlink_to(second.name)
    shutil.rmtree(third)
    assert service.stop() == 0
    assert {status for status, _ in statuses} == {200}
    assert {version for _, version in statuses} == {first[0], second.name}
    assert statuses[-1][1] == second.name


def test_it_runs_in_tensorflow_where_there_is_no_onnx(folder, serve, pictures):
    hidden = folder / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['tf2onnx'] = None\n")
    path = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = f"{hidden}{os.pathsep}{path}"
    try:
        service = serve(folder, "digits")
    finally:
        os.environ["PYTHONPATH"] = path
    from hornbook.inference.trained import load_run

    expected = np.asarray(load_run(folder / "runs" / "digits").model(pictures.astype(np.float32)))
    for count in (1, 7, 30):
        _, found = service.ask("POST", "/predict/digits", {"inputs": pictures[:count].tolist()})
        numbers = [[*one["probabilities"].values()] for one in found["predictions"]]
        np.testing.assert_allclose(numbers, expected[:count], atol=1e-6)
    assert service.ask("GET", "/v2/models/digits")[1]["platform"] == "tensorflow"
    assert service.stop() == 0
