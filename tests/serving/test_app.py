"""What a service answers at each address, and what to bad requests."""

import json
import random

import numpy as np
import pytest

ROW = {"age": 30, "city": "Uri", "member": True}
FP32 = {"name": "input", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}


def post(path, tree=None, **more):
    return {"method": "POST", "url": path, **({"json": tree} if tree is not None else {}), **more}


def get(path, **more):
    return {"method": "GET", "url": path, **more}


def infer(path, *tensors, **more):
    return post(f"/v2/models/{path}/infer", {"inputs": [*tensors], **more})


def test_health_and_metadata_follow_the_open_inference_protocol(ask):
    server, live, ready, model, of_model = ask(
        get("/v2"), get("/v2/health/live"), get("/v2/health/ready"), get("/v2/models/people"),
        get("/v2/models/pictures/versions/20260101-000000-abcd/ready"),
    )  # fmt: skip
    assert server.json()["name"] == "hornbook"
    assert (live.json(), ready.json(), of_model.json()) == (
        {"live": True},
        {"ready": True},
        {"name": "pictures", "ready": True},
    )
    assert model.json()["inputs"] == [
        {"name": "age", "datatype": "FP32", "shape": [-1]},
        {"name": "city", "datatype": "BYTES", "shape": [-1]},
        {"name": "member", "datatype": "BYTES", "shape": [-1]},
    ]
    assert model.json()["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}]


def test_rows_and_tensors_of_the_same_values_get_the_same_answer(ask):
    columns = [
        {"name": "member", "datatype": "BOOL", "shape": [1], "data": [True]},
        {"name": "age", "datatype": "INT64", "shape": [1, 1], "data": [[30]]},
        {"name": "city", "datatype": "BYTES", "shape": [1], "data": ["Uri"]},
    ]
    plain, tensors = ask(post("/predict/people", {"rows": [ROW]}), infer("people", *columns, id="7"))
    assert plain.json() == {
        "model": "people",
        "version": "20260101-000000-abcd",
        "predictions": [{"label": "cow", "probabilities": {"ant": 34.0, "bee": 68.0, "cow": 1156.0}}],
    }
    assert tensors.json() == {
        "model_name": "people",
        "model_version": "20260101-000000-abcd",
        "id": "7",
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [1, 3], "data": [34.0, 68.0, 1156.0]}],
    }


def test_tensors_may_be_bytes_behind_the_json(ask):
    values = np.arange(4, dtype="<f4")
    tensor = {"name": "input", "datatype": "FP32", "shape": [2, 2], "parameters": {"binary_data_size": 16}}
    header = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {"Inference-Header-Content-Length": str(len(header)), "Content-Type": "application/octet-stream"}
    found = ask(post("/v2/models/numbers/infer", content=header + values.tobytes(), headers=headers))
    length = int(found.headers["inference-header-content-length"])
    (output,) = json.loads(found.content[:length])["outputs"]
    assert output == {"name": "values", "datatype": "FP32", "shape": [2, 3], "parameters": {"binary_data_size": 24}}
    assert np.frombuffer(found.content[length:], "<f4").tolist() == [1, 2, 1, 5, 10, 25]


def test_a_picture_beside_columns_is_answered_as_json_a_form_and_tensors(ask):
    import base64
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.full((4, 4), 2, np.uint8)).save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    form = {"photo": ("house.png", file.getvalue(), "image/png")}
    tensors = [
        {"name": "photo", "datatype": "BYTES", "shape": [1], "data": [text]},
        {"name": "rooms", "datatype": "FP32", "shape": [1], "data": [3]},
        {"name": "city", "datatype": "BYTES", "shape": [1], "data": ["Uri"]},
    ]
    rows, uploaded, infer_, twice, page, document = ask(
        post("/predict/houses", {"rows": [{"rooms": 3, "city": "Uri", "photo": text}]}),
        post("/predict/houses", files=form, data={"rooms": "3", "city": "Uri"}),
        infer("houses", *tensors),
        post("/predict/houses", files=form, data={"rooms": ["3", "4"], "city": "Uri"}),
        get("/?model=houses"),
        get("/openapi.json"),
    )
    assert rows.json()["predictions"][0]["probabilities"]["ant"] == 3 + 2 + 16 * 2
    assert uploaded.json()["predictions"] == rows.json()["predictions"]
    assert infer_.json()["outputs"][0]["data"][0] == 37
    assert (twice.status_code, "column 'rooms' is there twice" in twice.json()["error"]) == (400, True)
    assert 'data-name="photo" data-kind="picture" type="file"' in page.text
    content = document.json()["paths"]["/predict/houses"]["post"]["requestBody"]["content"]
    assert content["multipart/form-data"]["schema"]["required"] == ["rooms", "city", "photo"]


def test_an_uploaded_picture_is_answered(ask):
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.full((4, 4), 255, np.uint8)).save(file, "PNG")
    found = ask(post("/predict/pictures", files={"files": ("white.png", file.getvalue(), "image/png")}))
    assert found.json()["predictions"][0]["probabilities"]["ant"] == 256


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        (post("/predict/nobody", {"rows": []}), 404, "there is no model 'nobody'. There are: people, pictures, texts, numbers, houses."),
        (get("/v2/models/people/versions/2"), 404, "model 'people' has version 20260101-000000-abcd, not '2'."),
        (get("/nowhere"), 404, "there is nothing at this address. All addresses: /docs."),
        (get("/predict/people"), 405, "Method Not Allowed"),
        (post("/predict/people", content=b"{"), 415, "content type '': expected application/json"),
        (post("/predict/people", data={"rows": "1"}), 415, "content type 'application/x-www-form-urlencoded'"),
        (post("/predict/people", content=b"{", headers={"Content-Type": "application/json"}), 400, "the body is no JSON in UTF-8"),
        (post("/predict/people", {"rows": [{**ROW, "city": "Zug"}]}), 400, "rows: column 'city' holds no category"),
        (post("/predict/people", {"rows": [ROW] * 9}), 413, "rows: 9 of them, at most 8"),
        (post("/predict/people", content=b" " * 5000, headers={"Content-Type": "application/json"}), 413, "the body has more than 4,096 bytes"),
        (infer("numbers", {**FP32, "shape": [2, 2]}), 400, "input 'input': shape [2, 2] needs 4 values, and there are 2."),
        (infer("numbers", {**FP32, "data": [[1], [1, 2]]}), 400, "input 'input': its data are lists of different lengths."),
        (infer("numbers", {**FP32, "data": ["1", "2"]}), 400, "input 'input': its data are no FP32."),
        (infer("numbers", {**FP32, "shape": [1] * 69 + [2]}), 400, "input 'input': its shape has 70 dimensions."),
        (infer("numbers", {**FP32, "datatype": "FLOAT"}), 400, "input 'input': there is no such datatype."),
        (infer("numbers", {**FP32, "datatype": "UINT8", "data": [1, 300]}), 400, "input 'input': UINT8 goes from 0 to 255."),
        (infer("numbers", {**FP32, "name": "x"}), 400, "the model has one input, 'input', found: 'x'."),
        (infer("numbers", FP32, FP32), 400, "input 'input' is there twice."),
        (infer("numbers", FP32, outputs=[{"name": "y"}]), 400, "the model has one output, 'values'."),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_says_why(ask, request_, status, message):
    found = ask(request_, body=4096, rows=8)
    assert found.status_code == status
    assert found.json()["error"].startswith(message)


def test_each_model_answers_the_example_of_the_openapi_document(ask, models):
    paths = ask(get("/openapi.json")).json()["paths"]
    examples = [
        post(path, of["post"]["requestBody"]["content"]["application/json"]["example"])
        for path, of in paths.items()
        if "post" in of
    ]
    assert len(examples) == 2 * len(models)
    assert [found.status_code for found in ask(*examples)] == [200] * len(examples)


def test_pages_load_nothing_from_elsewhere_and_label_their_fields(ask):
    import re

    for page in ask(get("/"), get("/?model=pictures"), get("/?model=texts"), get("/?model=houses"), get("/docs")):
        assert page.status_code == 200
        assert re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page.text) == []
        fields = set(re.findall(r'<(?:input|select|textarea) id="([^"]+)"', page.text))
        assert fields == set(re.findall(r'<label for="([^"]+)"', page.text))


def test_a_token_is_asked_for_everywhere_but_of_the_health(ask):
    import base64

    token = "a-token-of-some-length"
    basic = base64.b64encode(f"me:{token}".encode()).decode()
    without, wrong, right, browser, health = ask(
        get("/"), get("/v2", headers={"Authorization": f"Bearer {token}x"}), get("/v2", headers={"Authorization": f"Bearer {token}"}),
        get("/", headers={"Authorization": f"Basic {basic}"}), get("/v2/health/live"), token=token, base="http://elsewhere",
    )  # fmt: skip
    assert [found.status_code for found in (without, wrong, right, browser, health)] == [401, 401, 200, 200, 200]
    assert without.json()["error"].startswith("a token is needed")


def test_without_a_token_only_the_names_of_this_machine_are_answered(ask):
    assert ask(get("/v2"), base="http://evil.example").status_code == 403
    assert ask(get("/v2"), base="http://127.0.0.1:8080").status_code == 200


def test_what_was_answered_is_counted(ask):
    *_, metrics = ask(
        post("/predict/people", {"rows": [ROW, ROW]}), post("/predict/people", {"rows": []}), get("/metrics")
    )
    lines = metrics.text.splitlines()
    assert 'hornbook_requests_total{endpoint="/predict/{name}",status="200"} 1.0' in lines
    assert 'hornbook_requests_total{endpoint="/predict/{name}",status="400"} 1.0' in lines
    assert 'hornbook_rows_total{model="people"} 2.0' in lines


def test_a_body_of_unknown_length_is_read_to_the_limit_and_no_further(ask):
    sent = []

    async def chunks():
        for _ in range(100):
            sent.append(1000)
            yield b" " * 1000

    found = ask(post("/predict/people", content=chunks(), headers={"Content-Type": "application/json"}), body=4096)
    assert (found.status_code, found.json()["error"]) == (413, "the body has more than 4,096 bytes. Send it in parts.")
    assert sum(sent) < 8000


def test_too_slow_a_model_is_given_up(ask, models, make):
    import threading

    gate = threading.Event()
    models[:] = [make.table(run=lambda rows: gate.wait(10))]
    found = ask(post("/predict/people", {"rows": [ROW]}), deadline_s=0.05)
    gate.set()
    assert (found.status_code, found.json()["error"][:30]) == (504, "the model did not come to this")


def mutated(draw):
    """Return a request that is hardly ever right."""
    odd = [
        None, True, -1, 0, 1.5, 2**63, 2**70, -(10**30), 1e308, "", "a", "\x00", "é" * 5, [], {}, [[]], [None], {"": 1}, "1e400",
        [1, [2]], [["a"]], list(range(40)), {"rows": 1}, [[[[1]]]],
    ]  # fmt: skip
    anything = lambda: draw.choice(odd)  # noqa: E731
    good = [
        ("/predict/people", {"rows": [dict(ROW)]}),
        ("/predict/pictures", {"inputs": np.zeros((1, 4, 4, 1), int).tolist()}),
        ("/predict/texts", {"inputs": [[1, 2]]}),
        ("/predict/numbers", {"inputs": [[1, 2]]}),
        ("/predict/houses", {"rows": [{"rooms": 3, "city": "Uri", "photo": "AAAA"}]}),
        ("/v2/models/numbers/infer", {"id": "1", "inputs": [dict(FP32)], "outputs": [{"name": "values"}]}),
        ("/v2/models/people/infer", {"inputs": [{"name": "age", "datatype": "FP32", "shape": [1], "data": [3]}]}),
    ]
    path, tree = draw.choice(good)
    tree = json.loads(json.dumps(tree))
    place, key = [tree], 0
    for _ in range(draw.randrange(5)):
        value = place[key]
        if isinstance(value, dict) and value:
            place, key = value, draw.choice([*value])
        elif isinstance(value, list) and value:
            place, key = value, draw.randrange(len(value))
    if "infer" in path and draw.random() < 0.5:
        tensor = tree["inputs"][0]
        telling = [
            "INT64",
            "BYTES",
            "BOOL",
            "UINT8",
            "FP16",
            [1, 1],
            [2],
            [-1, 2],
            [1] * 70,
            {"binary_data_size": 8},
            {"binary_data_size": -1},
            [[1], [1, 2]],
        ]
        tensor[draw.choice(["name", "datatype", "shape", "data", "parameters"])] = draw.choice(
            [*odd, *telling, *telling]
        )
    else:
        place[key] = anything()
    if isinstance(place, dict) and draw.random() < 0.2:
        place[draw.choice(["rows", "inputs", "parameters", "binary_data_size", "zzz"])] = anything()
    wrapped = [tree] if draw.random() < 0.02 else tree
    if isinstance(place, list) and place is not tree and key == 0 and not isinstance(wrapped, dict):
        wrapped = place[0]
    text = json.dumps(wrapped)
    for old, new in (("1.5", "NaN"), ("true", "Infinity"), ("null", "-1e999"), ("30", "[" * 1200 + "]" * 1200)):
        if draw.random() < 0.05:
            text = text.replace(old, new)
    body = text.encode(draw.choice(["utf-8"] * 8 + ["utf-16", "utf-32"]))
    if draw.random() < 0.15:
        body = body[: draw.randrange(len(body) + 1)]
    if draw.random() < 0.1:
        body = bytes(byte ^ (draw.random() < 0.05) * draw.randrange(256) for byte in body)
    if draw.random() < 0.01:
        body = b" " * 70_000
    headers = {
        "Content-Type": draw.choice(
            ["application/json"] * 12
            + ["text/plain", "", "multipart/form-data", "multipart/form-data; boundary=x", "application/octet-stream"]
        )
    }
    if draw.random() < 0.1:
        headers["Inference-Header-Content-Length"] = draw.choice(
            ["0", "-1", "5", "99999999999999999999", "²", "1e3", str(len(body))]
        ).encode()
    if draw.random() < 0.05:
        headers["Content-Encoding"] = "gzip"
    return post(
        draw.choice([path] * 9 + ["/predict/%ff%00", "/v2/models/people/versions/x/infer"]),
        content=body,
        headers=headers,
    )


def test_a_thousand_malformed_requests_bring_no_fault_of_the_service(ask):
    draw = random.Random(20260101)
    requests = [mutated(draw) for _ in range(1000)]
    answers = ask(*requests, post("/predict/people", {"rows": [ROW]}), body=65_536, rows=64)
    statuses = [found.status_code for found in answers]
    faults = [
        (request, found.text) for request, found in zip(requests, answers, strict=False) if found.status_code >= 500
    ]
    assert faults == []
    assert all("error" in found.json() for found in answers if found.status_code != 200)
    assert statuses[-1] == 200
    assert {400, 404, 413, 415} <= {*statuses}
    assert statuses.count(200) < 300


def test_a_column_of_dates_is_asked_for_as_text_and_answered(make):
    pytest.importorskip("orjson", reason="not installed: hornbook[serve]")
    from hornbook.serving import examples
    from hornbook.serving.inputs import body_of
    from hornbook.serving.open_inference import metadata

    model = make.dates()
    body = examples.body(model.facts, model.info)
    assert body == {"rows": [{"age": 41.5, "day": "31.01.2024"}]}
    assert body_of(body, model.info, most=10)[0].tolist() == [[41.5, 8796.0, 2024.0]]
    tensors = metadata(model.facts, model.info)["inputs"]
    assert [(tensor["name"], tensor["datatype"]) for tensor in tensors] == [("age", "FP32"), ("day", "BYTES")]
    assert examples.infer_body(model.facts, model.info)["inputs"][1]["data"] == ["31.01.2024"]
