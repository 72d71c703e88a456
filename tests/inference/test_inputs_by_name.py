"""Runs on several inputs: saved by their names, resumed, predicted from files; tables that name pictures."""

import csv
import io
import json

import keras
import numpy as np
import pytest
from pictures import digit, encoded

import hornbook
from hornbook.errors import DataError, UsageError
from hornbook.inference.evaluate import evaluate_run
from hornbook.inference.predict import predict_file
from hornbook.runs import find_run

RNG = np.random.default_rng(0)
ROWS = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tensorflow):
    """A folder with a table of digits in files, an amount and a city, and a run that has learned from it."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "photos").mkdir()
    lines = ["photo,amount,city,label"]
    for place in range(ROWS):
        (folder / f"photos/{place}.png").write_bytes(encoded(digit(place, (12, 12))))
        lines.append(f"photos/{place}.png,{place % 7},{['Oslo', 'Rome'][place % 2]},{place % 3 + place % 2}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    hornbook.train(recipe(folder), runs=str(folder / "runs"), progress=False)
    return folder


def recipe(folder, **more):
    data = {"name": "table", "path": str(folder / "t.csv"), "target": "label", "types": {"photo": "picture"}}
    data |= {"pictures": {"size": 8, "channels": 1}, "split": {"validation": 8, "test": 8}}
    model = {"name": "mlp", "units": [6], "encoders": {"photo": {"name": "cnn", "filters": [3]}}}
    training = {"epochs": 2, "batch_size": 16, "engine": "graph"}
    return {"name": "houses", "task": "regression", "data": data, "model": model, "training": training} | more


def test_a_row_is_its_columns_and_its_picture(folder):
    run = find_run(str(folder / "runs/houses"))
    assert run.data["input_shape"] == [2 + 64]
    assert [(each["name"], each["kind"], each["shape"]) for each in run.data["blocks"]] == [
        ("photo", "picture", [8, 8, 1])
    ]
    assert [each["name"] for each in run.data["features"]] == ["amount", "city"]
    assert run.data["extra"]["picture_columns"]["files"] == ROWS


def test_pixels_are_those_of_the_files(folder):
    from PIL import Image

    from hornbook.data import load_data

    splits = load_data(hornbook.load_recipe(recipe(folder))).splits
    name = str(splits.train.names[3])
    pixels = np.asarray(Image.open(folder / name).resize((8, 8), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(splits.train.x[3, 2:].reshape(8, 8), pixels, atol=1)


def test_a_table_is_predicted_with_the_pictures_beside_it(folder, hornbook_command, monkeypatch):
    monkeypatch.chdir(folder)
    code, out, err = hornbook_command("hornbook predict houses --input t.csv")
    assert code == 0, err
    assert "does not read: label" in err
    found = [float(row["prediction"]) for row in csv.DictReader(io.StringIO(out))]
    assert len(found) == ROWS
    from hornbook.data import load_data

    splits = load_data(hornbook.load_recipe(recipe(folder))).splits
    model = keras.models.load_model(find_run("houses").model_path(), compile=False)
    rows = splits.test.x
    inputs = {"columns": rows[:, :2], "photo": rows[:, 2:].reshape(-1, 8, 8, 1)}  # the saved model's own
    expected = dict(zip(splits.test.names, model.predict(inputs, verbose=0)[:, 0], strict=True))
    for name, value in expected.items():
        assert found[int(name.removeprefix("photos/").removesuffix(".png"))] == pytest.approx(value, rel=1e-4, abs=1e-5)


def test_a_package_is_refused_where_a_picture_stands_beside_columns(folder, monkeypatch):
    from hornbook.exports.export import export_run

    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match="columns and texts of a table, and this run reads 'photo' beside them"):
        export_run("houses", "package")


def test_bad_pictures_are_refused_together_or_left_out(folder, tmp_path, hornbook_command, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "photos/cut.png").write_bytes((folder / "photos/0.png").read_bytes()[:60])
    rows = ["photos/1.png,1,Oslo", "photos/gone.png,2,Rome", "photos/cut.png,3,Oslo"]
    (folder / "bad.csv").write_text("photo,amount,city\n" + "\n".join(rows) + "\n")
    code, _, err = hornbook_command("hornbook predict houses --input bad.csv")
    assert code == 1
    assert "bad.csv: 2 pictures cannot be read." in err
    assert "row 2, column 'photo': photos/gone.png cannot be opened (No such file or directory)." in err
    assert "row 3, column 'photo': photos/cut.png is incomplete" in err
    code, out, err = hornbook_command("hornbook predict houses --input bad.csv --missing skip")
    assert code == 0, err
    assert len(out.splitlines()) == 2
    assert "left out 2 rows" in err


def test_training_refuses_bad_pictures_with_their_rows(folder, tmp_path):
    lines = (folder / "t.csv").read_text().splitlines()
    lines[3] = lines[3].replace("photos/2.png", "photos/gone.png")
    lines[5] = lines[5].replace("photos/4.png", "photos/empty.png")
    (folder / "photos/empty.png").write_bytes(b"")
    (folder / "faulty.csv").write_text("\n".join(lines) + "\n")
    tree = recipe(folder)
    tree["data"]["path"] = str(folder / "faulty.csv")
    with pytest.raises(DataError) as error:
        hornbook.train(tree, runs=str(tmp_path), progress=False)
    assert [line.strip() for line in str(error.value).splitlines()] == [
        f"{folder / 'faulty.csv'}: 2 pictures cannot be read.",
        "row 3, column 'photo': photos/gone.png is not there.",
        "row 5, column 'photo': photos/empty.png is empty (0 bytes).",
        "Repair or remove them.",
    ]


def test_rows_that_stay_on_disk_train_alike(folder, tmp_path):
    whole, streamed = (
        hornbook.train(
            recipe(folder, training={"epochs": 1, "batch_size": 16, "engine": "graph", "memory_budget": budget}),
            runs=str(tmp_path / budget.replace(" ", "")), progress=False,
        )
        for budget in ("1 GB", "1 MB")
    )  # fmt: skip
    assert streamed.history[0]["loss"] == pytest.approx(whole.history[0]["loss"], rel=1e-6)


@pytest.mark.whole
def test_importance_shuffles_a_picture_as_a_whole(folder, hornbook_command, monkeypatch):
    monkeypatch.chdir(folder)
    code, out, err = hornbook_command("hornbook evaluate houses --importance --json")
    assert code == 0, err
    found = json.loads(out)["importance"]["columns"]
    assert sorted(column["name"] for column in found) == ["amount", "city", "photo"]


@pytest.mark.whole
def test_a_page_shows_rows_of_columns_named_by_their_pictures(folder, hornbook_command, monkeypatch):
    monkeypatch.chdir(folder)
    code, _, err = hornbook_command("hornbook report houses")
    assert code == 0, err
    code, out, err = hornbook_command("hornbook evaluate houses --errors 2")
    assert code == 0, err
    assert "photos/" in out + err


@pytest.fixture(scope="module")
def by_name(folder):
    """A run on arrays by name."""
    x = {"facts": RNG.normal(size=(40, 3)), "photo": RNG.integers(0, 256, (40, 6, 6), np.uint8)}
    tree = recipe(folder, name="named", data={"name": "arrays", "split": {"validation": 8, "test": 8}})
    hornbook.train(tree, data=(x, np.arange(40.0)), runs=str(folder / "runs"), progress=False)
    return x


def test_a_saved_model_takes_inputs_by_name_and_predicts_the_same(folder, by_name, monkeypatch):
    monkeypatch.chdir(folder)
    model = keras.models.load_model(find_run("named").model_path(), compile=False)
    x = {name: values.astype(np.float32) for name, values in by_name.items()}
    x["photo"] = x["photo"][..., None]
    np.savez(folder / "new.npz", **by_name)
    predict_file("named", folder / "new.npz", output=folder / "found.npz")
    with np.load(folder / "found.npz") as arrays:
        np.testing.assert_allclose(arrays["scores"], model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_a_table_cannot_stand_for_arrays(folder, by_name, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(DataError, match=r"reads arrays by name: facts, photo. Give it a .npz file."):
        predict_file("named", folder / "t.csv", output=folder / "never.csv")
    assert not (folder / "never.csv").exists()


REVIEWS = ["a fine house by the sea", "bad dark rooms", "fine view, fine garden", "dark and bad and cold"]


@pytest.fixture(scope="module")
def with_texts(folder):
    """A run on a table of a number, a category, a picture and a text."""
    lines = ["review,photo,amount,city,label"]
    for place in range(ROWS):
        review = REVIEWS[place % 4].replace(",", "")
        lines.append(f"{review},photos/{place}.png,{place % 7},{['Oslo', 'Rome'][place % 2]},{(place % 4 + 1) % 2}")
    (folder / "texts.csv").write_text("\n".join(lines) + "\n")
    tree = recipe(folder, name="texts")
    types = {"photo": "picture", "review": "text"}
    tree["data"] |= {"path": str(folder / "texts.csv"), "types": types}
    tree["model"] = {"name": "mlp", "units": [6], "encoders": {"review": {"name": "bag_of_words", "dense": [4]}}}
    tree["training"] |= {"epochs": 30}
    tree["optimizer"] = {"name": "adam", "learning_rate": 0.01}
    tree["activation"] = "elu"  # six units of relu may die
    return hornbook.train(tree, runs=str(folder / "runs"), progress=False)


def test_a_text_beside_columns_and_pictures_is_one_network(folder, with_texts, hornbook_command, monkeypatch):
    monkeypatch.chdir(folder)
    run = find_run("texts")
    blocks = [(each["name"], each["kind"]) for each in run.data["blocks"]]
    assert blocks == [("photo", "picture"), ("review", "text")]
    assert {"review_hidden_1", "photo_hidden_1"} <= {
        layer.name for layer in with_texts.model.get_layer("network").layers
    }
    code, out, err = hornbook_command("hornbook predict texts --input texts.csv")
    assert code == 0, err
    found = [float(row["prediction"]) for row in csv.DictReader(io.StringIO(out))]
    assert np.mean(found[0::2]) > np.mean(found[1::2]) + 0.5  # the text says it, and no column does
    code, out, err = hornbook_command("hornbook evaluate texts --importance --errors 1 --json")
    assert code == 0, err
    costs = {column["name"]: column["mean"] for column in json.loads(out)["importance"]["columns"]}
    assert sorted(costs) == ["amount", "city", "photo", "review"]
    assert "fine" in out or "dark" in out  # rows are shown with their texts


SLOW = [pytest.param(name, marks=pytest.mark.whole) for name in ("mean_embedding", "rnn", "transformer")]


@pytest.mark.parametrize("encoder", [*SLOW, {"name": "cnn", "filters": [3]}])
def test_every_backbone_that_reads_tokens_reads_a_text_beside_columns(folder, with_texts, prepare, encoder):
    tree = with_texts.recipe.to_dict()
    tree["model"]["encoders"]["review"] = encoder
    prepared = prepare(tree)
    outputs = prepared.built.model(prepared.splits.train.x[:4])
    assert np.isfinite(outputs).all()
    assert {layer.name.split("_")[0] for layer in prepared.built.model.layers} >= {"review", "photo", "columns"}


def test_texts_without_a_column_beside_them_are_refused(folder, with_texts):
    tree = with_texts.recipe.to_dict()
    tree["data"] |= {"types": {"review": "text", "city": "text"}, "columns": ["review", "city"]}
    tree["data"].pop("pictures")
    with pytest.raises(DataError, match="columns 'review' and 'city' are texts, and nothing stands beside them"):
        hornbook.train({"data": tree["data"], "task": "regression", "model": "bag_of_words"}, progress=False)


def test_what_is_built_and_what_a_run_returns_take_inputs_by_name(tmp_path, tensorflow):
    x = {"wide": RNG.normal(size=(60, 2)).astype(np.float32), "deep": RNG.normal(size=(60, 3)).astype(np.float32)}
    y = (x["wide"][:, 0] + x["deep"][:, 1]).astype(np.float32)
    tree = {
        "name": "two", "data": {"name": "arrays", "split": {"validation": 0, "test": 10}},
        "model": {"name": "wide_and_deep", "units": [8]}, "optimizer": {"name": "adam", "learning_rate": 0.05},
        "training": {"epochs": 20, "batch_size": 25, "engine": "graph"},
    }  # fmt: skip
    model = hornbook.build(tree, data=(x, y))
    history = model.fit(x, y, epochs=5, batch_size=20, verbose=0).history
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    result = hornbook.train(tree, data=(x, y), runs=str(tmp_path), progress=False)
    assert np.corrcoef(result.model.predict(x, verbose=0)[:, 0], y)[0, 1] > 0.95


@pytest.fixture(scope="module")
def said(tmp_path_factory, tensorflow):
    """Texts and numbers by name, their targets, a recipe on them, and its run."""
    words = np.array([("good sun", "bad rain", "GOOD, wind!", "rain rain")[place % 4] for place in range(40)])
    x = {"what they say": words, "n": np.arange(40.0) % 5}
    spec = {"name": "mlp", "units": [4], "encoders": {"what they say": {"name": "mean_embedding", "dense": [3]}}}
    tree = {
        "name": "said", "data": {"name": "arrays", "split": {"validation": 8, "test": 8}}, "task": "regression",
        "model": spec, "training": {"epochs": 2, "batch_size": 8, "engine": "graph"},
    }  # fmt: skip
    y = np.arange(40) % 2
    return x, y, tree, hornbook.train(tree, data=(x, y), runs=str(tmp_path_factory.mktemp("said")), progress=False)


@pytest.mark.whole
def test_texts_from_python_are_learned_as_those_of_a_table_are(said, tmp_path):
    x, y, tree, result = said
    lines = [f'"{text}",{n:g},{label}' for text, n, label in zip(*x.values(), y, strict=True)]
    (tmp_path / "t.csv").write_text("what they say,n,label\n" + "\n".join(lines) + "\n")
    types = {"what they say": "text", "n": "number"}
    table = tree["data"] | {"name": "table", "path": str(tmp_path / "t.csv"), "target": "label", "types": types}
    other = hornbook.train(tree | {"data": table}, runs=str(tmp_path), progress=False)
    assert [row["loss"] for row in other.history] == [row["loss"] for row in result.history]
    assert other.test == result.test


def test_the_saved_model_of_texts_from_python_predicts_what_files_get(said, tmp_path, tensorflow):
    result = said[-1]
    texts = ["good sun", "bad rain", "", "unheard of", "wind! wind"]
    numbers = np.arange(5.0)
    model = keras.models.load_model(find_run(str(result.run)).model_path(), compile=False)
    expected = model.predict(
        {"what they say": tensorflow.constant(texts), "n": numbers.astype(np.float32)[:, None]}, verbose=0
    )
    assert np.ptp(expected) > 0
    np.savez(tmp_path / "new.npz", **{"what they say": texts, "n": numbers, "y": [0, 1, 0, 1, 0]})
    (tmp_path / "new.csv").write_text(
        "n,what they say\n" + "".join(f'{n:g},"{text}"\n' for n, text in zip(numbers, texts, strict=True))
    )
    for name in ("new.npz", "new.csv"):
        predict_file(str(result.run), str(tmp_path / name), output=tmp_path / "out.csv")
        written = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))
        np.testing.assert_allclose([float(row["prediction"]) for row in written], expected[:, 0], rtol=1e-4, atol=1e-5)
    report = evaluate_run(str(result.run), input=str(tmp_path / "new.npz"))
    errors = expected[:, 0] - [0, 1, 0, 1, 0]
    assert report.metrics["root_mean_squared_error"] == pytest.approx(np.mean(errors**2) ** 0.5, rel=1e-4)


CALLED = [pytest.param(name, marks=pytest.mark.whole) for name in ("row", "review_numbers")]


@pytest.mark.parametrize("name", ["review_tokens", *CALLED])
def test_an_input_may_be_called_as_a_layer_would_be(name, tensorflow):
    x = {"review": ["good sun", "bad rain"] * 20, "review!": ["a", "b"] * 20, name: np.arange(40.0)}
    tree = {"data": "arrays", "model": {"name": "mlp", "units": [2]}, "training": {"epochs": 1, "batch_size": 8}}
    assert {*hornbook.build(tree, data=(x, np.arange(40.0))).input} == {"review", "review!", name}


def test_the_saved_model_of_a_table_with_texts_reads_the_texts_themselves(tmp_path, tensorflow):
    words = ["good sun", "bad rain", "GOOD, wind!", "rain rain", "", "unheard of"]
    lines = [f"{place % 5},{words[place % 4]!r},{place % 2}" for place in range(40)]
    (tmp_path / "t.csv").write_text("n,what they say,label\n" + "\n".join(lines).replace("'", '"') + "\n")
    data = {"name": "table", "path": str(tmp_path / "t.csv"), "target": "label", "types": {"what they say": "text"}}
    spec = {"name": "mlp", "units": [4], "encoders": {"what they say": {"name": "mean_embedding", "dense": [3]}}}
    training = {"epochs": 2, "batch_size": 8, "engine": "graph"}
    recipe = {"name": "said", "task": "regression", "data": data, "model": spec, "training": training}
    result = hornbook.train(recipe, runs=str(tmp_path / "runs"), progress=False)
    new = "n,what they say\n" + "".join(f'{place},"{text}"\n' for place, text in enumerate(words))
    (tmp_path / "new.csv").write_text(new)
    predict_file(str(result.run), str(tmp_path / "new.csv"), output=tmp_path / "out.csv")
    written = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))
    expected = [float(row["prediction"]) for row in written]
    model = keras.models.load_model(find_run(str(result.run)).model_path(), compile=False)
    given = {"columns": np.arange(len(words), dtype=np.float32)[:, None], "what_they_say": tensorflow.constant(words)}
    np.testing.assert_allclose(model.predict(given, verbose=0)[:, 0], expected, rtol=1e-4, atol=1e-5)
