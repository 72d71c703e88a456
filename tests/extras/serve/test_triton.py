"""Triton's client, which is not ours, in an environment of its own: it understands what a service answers."""

import json
import subprocess
import venv

import numpy as np
import pytest
from sklearn.datasets import load_digits

PROGRAM = """
import json, sys
import numpy as np
import tritonclient.http as triton

client = triton.InferenceServerClient("127.0.0.1:" + sys.argv[1])
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("digits")
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
assert [each["name"] for each in client.get_model_metadata("people")["inputs"]] == ["age", "city", "member"]
rows = np.load(sys.argv[2])
found = []
for is_binary in (True, False):
    tensor = triton.InferInput("input", rows.shape, "UINT8")
    tensor.set_data_from_numpy(rows, binary_data=is_binary)
    for outputs in (None, [triton.InferRequestedOutput("probabilities", binary_data=is_binary)]):
        found.append(client.infer("digits", [tensor], outputs=outputs, request_id="7").as_numpy("probabilities").tolist())
columns = []
for name, datatype, values in (("age", "FP32", [40.0, 70.0]), ("city", "BYTES", ["Bern", "Uri"]), ("member", "BYTES", ["true", "false"])):
    column = triton.InferInput(name, [2], datatype)
    column.set_data_from_numpy(np.array(values, np.float32 if datatype == "FP32" else object))
    columns.append(column)
shape = client.infer("people", columns).as_numpy("probabilities").shape
try:
    client.infer("digits", [columns[0]])
except triton.InferenceServerException as error:
    print(json.dumps([found, shape, str(error)]))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Python in an environment that has the client."""
    place = tmp_path_factory.mktemp("triton")
    venv.create(place, with_pip=True)
    command = [place / "bin" / "python", "-m", "pip", "install", "--quiet", "tritonclient[http]"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return command[0]


def test_it_reads_and_asks_as_of_any_server_of_the_protocol(python, folder, serve, tmp_path):
    from hornbook.inference.trained import load_run

    service = serve(folder, "digits", "people")
    rows = load_digits().images[:5].astype(np.uint8)[..., None]
    np.save(tmp_path / "rows.npy", rows)
    command = [python, "-c", PROGRAM, str(service.port), tmp_path / "rows.npy"]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    service.stop()
    assert done.returncode == 0, done.stderr
    found, shape, message = json.loads(done.stdout)
    expected = np.asarray(load_run(folder / "runs" / "digits").model(rows.astype(np.float32)))
    for scores in found:
        np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert shape == [2, 1]
    assert message == "[400] the model has one input, 'input', found: 'age'."
