"""Rows, numbers and pictures of a request become what `predict` reads from files, with its messages."""

import base64
import io
import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from hornbook.data.pictures.decode import decode
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.tables.plain import PlainRows
from hornbook.errors import DataError
from hornbook.serving.answers import answers
from hornbook.serving.errors import RequestError
from hornbook.serving.inputs import body_of, of_rows
from hornbook.serving.pictures import of_pictures

ANN = {"age": 30, "city": "Uri", "member": True}


def read(model, tree, most=100):
    return body_of(tree, model.info, most=most)


def test_rows_go_in_by_name_in_any_order_and_numbers_may_be_text(make):
    x, notes = read(make.table(), {"rows": [ANN, {"member": False, "age": 2.5, "city": "Bern"}]})
    assert x.tolist() == [[30, 2, 2], [2.5, 1, 1]]
    assert x.dtype == np.float32
    assert notes == ()
    x, _ = read(make.table(), {"rows": [{"age": " 41 ", "city": "Bern", "member": "TRUE"}]})
    assert x.tolist() == [[41, 1, 2]]


def test_a_column_of_dates_is_read_as_training_read_it(make):
    info = make.dates().info
    x, _ = body_of({"rows": [{"day": "31.01.2000", "age": 3}]}, info, most=10)
    assert x.tolist() == [[3, 30, 2000]]
    assert PlainRows(info).read([{"day": "31.01.2000", "age": 3}]) is None
    with pytest.raises(DataError, match=r"column 'day': '2000-01-31' in row 1 is no date of the format '%d.%m.%Y'"):
        body_of({"rows": [{"day": "2000-01-31", "age": 3}]}, info, most=10)


def test_rows_that_need_no_reading_are_read_as_a_data_frame_reads_them(make):
    draw = random.Random(0)
    ages = [30, -2.5, 0, 2**60, 2**70, 1e38, 3.4e38, 1e39, -1.0, True, "31", " 7", None, ""]
    cities = ["Bern", "Uri", "uri", " Uri", "", None, "Zug", True, 1]
    members = [True, False, "True", "true", "False", 1, None, "yes"]
    model, read_plain = make.table(), 0
    for _ in range(300):
        rows = [
            {
                "member": draw.choice(members[:3] * 4 + members),
                "age": draw.choice(ages[:7] * 3 + ages),
                "city": draw.choice(cities[:2] * 6 + cities),
            }
            for _ in range(draw.randint(1, 3))
        ]
        plain = model.plain.read(rows)
        if plain is not None:
            read_plain += 1
            x, notes = read(model, {"rows": rows})
            assert (x.tolist(), notes) == (plain.tolist(), ())
    assert 50 < read_plain < 250


def test_a_table_with_numbers_that_mean_missing_or_with_signs_leaves_them_to_the_data_frame(make):
    model = make.table()
    for extra in ({"missing": ["-999"]}, {"signs": {"age": "$"}}, {"reading": "loose"}):
        info = replace(model.info, extra={**model.info.extra, **extra})
        assert PlainRows(info).read([{**ANN, "age": -999}]) is None
    assert PlainRows(model.info).read([{**ANN, "age": -999}]).tolist() == [[-999, 2, 2]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"age": None}, "rows: column 'age' has no value in row 1 (1 missing in all)"),
        ({"age": "old"}, "rows: column 'age': 'old' in row 1 is no number"),
        ({"age": True}, "rows: column 'age' holds Boolean, expected numbers"),
        ({"age": 1e39}, "rows: column 'age': row 1 is too large for float32 (1e+39)"),
        ({"city": "Zug"}, "rows: column 'city' holds no category that training had: found 'Zug', known: Bern, Uri."),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused_with_the_words_of_predict(make, changes, message):
    with pytest.raises(DataError) as caught:
        read(make.table(), {"rows": [{**ANN, **changes}]})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([], "a mapping with rows or inputs alone is expected"),
        ({"rows": [ANN], "inputs": []}, "a mapping with rows or inputs alone is expected"),
        ({"rows": {"age": [1]}}, "rows: a list of mappings is expected"),
        ({"rows": []}, "rows: there are none."),
        ({"rows": [ANN, {"age": 1, "city": "Uri"}]}, "rows: row 2 has no 'member', which others have."),
        ({"rows": [{"age": 1, "city": "Uri"}, ANN]}, "rows: row 1 has no 'member', which others have."),
        ({"rows": [{**ANN, "age": [1]}]}, "rows: column 'age' holds a list or mapping in row 1."),
        ({"rows": [ANN, {**ANN, "age": "1"}]}, "rows: column 'age' holds numbers and texts. Write all of its values alike."),
    ],
)  # fmt: skip
def test_what_is_no_table_says_what_is_expected(make, tree, message):
    with pytest.raises(RequestError) as caught:
        read(make.table(), tree)
    assert str(caught.value).startswith(message)
    assert caught.value.status == 400


def test_a_column_is_missing_where_no_row_has_it(make):
    with pytest.raises(
        DataError, match=r"rows: no column 'city', which the model reads. Did you mean 'ciy'\?|no column 'city'"
    ):
        read(make.table(), {"rows": [{"age": 1, "ciy": "Uri", "member": True}]})


def test_columns_that_are_not_read_are_named(make):
    _, notes = read(make.table(), {"rows": [{**ANN, "id": 7}]})
    assert notes == ("rows: columns that the model does not read: id.",)


def test_more_rows_than_allowed_are_refused(make):
    for tree in ({"rows": [ANN] * 3}, {"inputs": [[1, 2]] * 3}):
        with pytest.raises(RequestError, match="3 of them, at most 2 are taken at once") as caught:
            read(make.table() if "rows" in tree else make.numbers(), tree, most=2)
        assert caught.value.status == 413


def test_raw_inputs_have_the_shape_and_type_of_the_training_data(make):
    x, notes = read(make.pictures(), {"inputs": np.full((4, 4, 1), 7).tolist()})
    assert (x.shape, x.dtype, notes) == ((1, 4, 4, 1), np.uint8, ("inputs: one example without a batch axis.",))
    assert read(make.tokens(), {"inputs": [[1, 2, 3]]})[0].dtype == np.int32
    assert read(make.numbers(), {"inputs": [[1, 2.5]]})[0].tolist() == [[1, 2.5]]


@pytest.mark.parametrize(
    "values", [5, None, "1", [], [[]], [[1, 2], [3]], [["1", "2"]], [[1, None]], [[1, {}]], [[1e39, 0]], [[1, 2, 3]]]
)
def test_what_are_no_inputs_is_refused(make, values):
    with pytest.raises((RequestError, DataError)):
        read(make.numbers(), {"inputs": values})


def picture(array, kind="PNG", mode=None):
    file = io.BytesIO()
    image = Image.fromarray(np.asarray(array, np.uint8))
    (image.convert(mode) if mode else image).save(file, kind)
    return file.getvalue()


def test_a_white_pixel_becomes_the_largest_number_of_the_training_data(make):
    grey = np.arange(16).reshape(4, 4) * 17  # 0 to 255
    model = make.pictures()
    x, notes = of_pictures([("a.png", picture(grey))], model.facts, model.info)
    assert x.reshape(-1).tolist() == [round(value * 16 / 15) for value in range(16)]
    assert (x.dtype, notes) == (np.uint8, ())
    model = make.pictures(scale=255.0)
    assert of_pictures([("a.png", picture(grey))], model.facts, model.info)[0].reshape(4, 4).tolist() == grey.tolist()


def test_size_and_colours_are_changed_and_said(make):
    model = make.pictures()
    red = np.full((8, 6, 3), [255, 0, 0])
    x, notes = of_pictures([("red.png", picture(red))], model.facts, model.info)
    assert x.shape == (1, 4, 4, 1)
    assert notes == ("red.png: its colours were turned to grey.", "red.png: resized from 6 × 8 to 4 × 4 pixels.")
    model = make.pictures(shape=(4, 4, 3))
    assert of_pictures([("a.png", picture(np.full((4, 4), 255)))], model.facts, model.info)[0].tolist() == [
        [[[16] * 3] * 4] * 4
    ]


def test_transparent_parts_are_white(make):
    model = make.pictures()
    clear = np.zeros((4, 4, 4))
    x, notes = of_pictures([("clear.png", picture(clear))], model.facts, model.info)
    assert x.min() == 16
    assert notes == ("clear.png: its transparent parts were taken for white.",)


def test_pictures_are_read_as_the_run_that_was_trained_on_files_read_its_own(make):
    settings = PictureSettings(4, 4, "pad", 1, "#404040")
    model = make.pictures(scale=255.0)
    info = replace(model.info, extra={**model.info.extra, "pictures": {"settings": settings.to_json()}})
    sent = picture(np.arange(32).reshape(8, 4) * 8)
    x, _ = of_pictures([("a.png", sent)], model.facts, info)
    assert x.dtype == np.uint8
    assert (x[0, :, [0, 3]] == 0x40).all()
    np.testing.assert_array_equal(x[0], decode(sent, settings).pixels)


def test_what_is_no_picture_is_refused(make):
    model = make.pictures()
    whole = picture(np.zeros((4, 4)))
    for data in (b"", b"GIF89a", whole[:40], b"%PDF-1.4"):
        with pytest.raises(RequestError, match="a.png: is no picture that can be read"):
            of_pictures([("a.png", data)], model.facts, model.info)
    with pytest.raises(RequestError, match="reads table inputs, no pictures"):
        of_pictures([("a.png", whole)], make.table().facts, make.table().info)


def test_answers_name_classes_labels_and_targets(make):
    model = make.pictures()
    scores = np.array([[0.1, 0.7, 0.2]], np.float32)
    assert answers(scores, model.facts, model.info) == [
        {"label": "bee", "probabilities": {"ant": scores[0, 0], "bee": scores[0, 1], "cow": scores[0, 2]}}
    ]
    model = make.numbers()
    assert answers(scores, model.facts, model.info)[0]["values"].keys() == {"low", "twice", "square"}


def test_texts_are_read_by_the_vocabulary_of_a_run_on_texts(make):
    facts = {"tokens": "words", "ngrams": 1, "standardize": "lower", "length": 3, "vocabulary": ["fine", "dull"]}
    info = replace(make.tokens().info, input_shape=(3,), extra={"texts": {"review": facts}})
    x, notes = body_of({"inputs": ["A FINE film of 4", "dull"]}, info, most=10)
    assert x.tolist() == [[1, 2, 1], [3, 0, 0]]
    assert notes == ("inputs: 1 of 2 texts is cut behind 3 words.",)
    x, _ = body_of({"inputs": [[2, 3]]}, info, most=10)
    assert x.tolist() == [[2, 3, 0]]
    with pytest.raises(RequestError, match="at most 1 are taken"):
        body_of({"inputs": ["a", "b"]}, info, most=1)


GREY = np.arange(16).reshape(4, 4) * 17
HOUSE = {"rooms": 3, "city": "Uri", "photo": picture(GREY)}


def as_text(data, *, width=None):
    text = base64.b64encode(data).decode()
    return text if width is None else "\n".join(text[place : place + width] for place in range(0, len(text), width))


@pytest.mark.parametrize(
    "photo",
    [
        HOUSE["photo"],
        as_text(HOUSE["photo"]),
        as_text(HOUSE["photo"], width=20),
        f"data:image/png;base64,{as_text(HOUSE['photo'])}",
    ],
)
def test_a_picture_stands_behind_the_columns_of_its_row(make, photo):
    rows = [{**HOUSE, "photo": photo}, {"city": "Bern", "photo": picture(np.full((4, 4), 9)), "rooms": 1.5}]
    x, notes = of_rows(rows, make.houses().info, most=10)
    assert (x.dtype, notes) == (np.float32, ())
    assert x.tolist() == [[3, 2, *GREY.reshape(-1)], [1.5, 1, *[9] * 16]]


def test_what_is_changed_in_a_picture_beside_columns_is_said(make):
    x, notes = of_rows([{**HOUSE, "photo": picture(np.full((8, 6, 3), [255, 0, 0]))}], make.houses().info, most=10)
    assert x.shape == (1, 18)
    assert notes == ("column 'photo' of row 1: its colours were turned to grey.",)


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (None, "column 'photo' of row 2: there is no picture."),
        ("", "column 'photo' of row 2: there is no picture."),
        ("photos/1.png", "column 'photo' of row 2: the base64 of a picture's file is expected."),
        (["a"], "column 'photo' of row 2: the base64 of a picture's file is expected."),
        ("é", "column 'photo' of row 2: the base64 of a picture's file is expected."),
        (7, "column 'photo' of row 2: the base64 of a picture's file is expected."),
        ("AAAA", "column 'photo' of row 2: is no picture that can be read: it "),
    ],
)
def test_what_is_no_picture_beside_columns_is_refused(make, photo, message):
    with pytest.raises(RequestError) as caught:
        of_rows([HOUSE, {**HOUSE, "photo": photo}], make.houses().info, most=10)
    assert caught.value.status == 400
    assert str(caught.value).startswith(message)


def test_rows_with_pictures_lack_nothing_and_are_few(make):
    info = make.houses().info
    with pytest.raises(DataError, match="rows: no column 'photo', which the model reads"):
        of_rows([{"rooms": 3, "city": "Uri"}], info, most=10)
    with pytest.raises(RequestError, match="257 of them, at most 256 are taken at once"):
        of_rows([HOUSE] * 257, info, most=1000)
    with pytest.raises(RequestError, match="inputs: the model reads pictures beside numbers. Send rows"):
        read(make.houses(), {"inputs": [[1.0] * 18]})
