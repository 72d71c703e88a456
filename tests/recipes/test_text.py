"""YAML text to plain values with places: YAML 1.2's types, and every mistake a text can have."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.recipes.language.text import Place, parse, shown, to_yaml


def value_of(text):
    document = parse(text, origin="x.yaml")
    assert document.problems == []
    return document.tree


def complaints(text):
    return [(problem.line, problem.column, problem.sentence()) for problem in parse(text, origin="x.yaml").problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-0.1", -0.1),
        ("+3", 3),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
    ],
)
def test_numbers_booleans_and_null_are_those_of_yaml_1_2(text, value):
    found = value_of(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["on", "off", "yes", "no", "NO", "y", "1_000", "1:30", "0b11", "2020-01-01", "1e", "="]
)
def test_what_only_yaml_1_1_converts_is_text(text):
    assert value_of(f"a: {text}")["a"] == text


def test_not_a_number_is_read_as_such():
    assert math.isnan(value_of("a: .nan")["a"])


@pytest.mark.parametrize("text", ["'3'", '"true"', "'~'", "|-\n  1e-3"])
def test_quoted_values_are_text(text):
    assert isinstance(value_of(f"a: {text}")["a"], str)


def test_places_are_those_of_key_and_value():
    document = parse("a: 1\nb:\n  c: [10, x]\n", origin="x.yaml")
    assert document.places[("a",)] == Place((1, 1), (1, 4), "x.yaml")
    assert document.places[("b", "c")] == Place((3, 3), (3, 6), "x.yaml")
    assert document.places[("b", "c", 1)] == Place((3, 11), (3, 11), "x.yaml")


def test_duplicate_key_names_both_lines():
    assert complaints("a: 1\nb: 2\na: 3\n") == [(3, 1, "a: appears twice, on lines 1 and 3. Keep one.")]


def test_tab_as_indentation_is_explained():
    text = (
        "not valid YAML: while scanning for the next token found character '\\t' that cannot start any token."
        " Indent with spaces, not tabs."
    )
    assert complaints("a:\n\tb: 1\n") == [(2, 1, text)]


def test_text_with_a_colon_wants_quotes():
    text = "not valid YAML: mapping values are not allowed here. Put text that contains ': ' in quotes."
    assert complaints("notes: first try: slow\n") == [(1, 17, text)]


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a: !!python/object/apply:os.system [ls]", "!!python/object/apply:os.system"),
        ("a: !env HOME", "!env"),
        ("a: !thing {b: 1}", "!thing"),
        ("a: !!int 'x'", "!!int"),
        ("a: !!set {x}", "!!set"),
        ("a: !!binary aGk=", "!!binary"),
    ],
)
def test_tags_are_refused(text, tag):
    assert complaints(text) == [(1, 4, f"a: the tag '{tag}' is not allowed in a recipe. Write plain values.")]


def test_alias_bomb_is_refused_at_once():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    [(_, _, sentence)] = complaints("\n".join(lines))
    assert "too large or nested too deeply for a recipe. Write it without aliases." in sentence


def test_alias_of_itself_is_refused():
    assert complaints("a: &x [*x]")[0][2].startswith("a.0: too large or nested too deeply")


@pytest.mark.parametrize("text", ["[" * 5000, "- " * 200 + "x", "{a: " * 100 + "1" + "}" * 100])
def test_deep_nesting_is_a_problem_and_no_crash(text):
    assert complaints(text)


def test_plain_aliases_work():
    assert value_of("a: &x {b: 1}\nc: *x\n") == {"a": {"b": 1}, "c": {"b": 1}}


def test_a_second_document_is_refused():
    assert complaints("a: 1\n---\nb: 2\n") == [
        (2, 1, "not valid YAML: expected a single document in the stream but found another document.")
    ]


@pytest.mark.parametrize("text", ["", "   \n", "# only a comment\n", "---\n"])
def test_empty_text_has_no_value_and_no_problem(text):
    assert value_of(text) is None


def test_byte_order_mark_and_windows_line_ends_are_harmless():
    document = parse("\ufeffa: 1\r\nb: x\r\n", origin="x.yaml")
    assert document.tree == {"a": 1, "b": "x"}
    assert document.places[("b",)].key == (2, 1)


def test_unicode_text_is_kept():
    assert value_of("notes: η₀·0.1^(t/s) – 日本\n") == {"notes": "η₀·0.1^(t/s) – 日本"}


def test_control_characters_are_refused():
    assert complaints("a: \x00")[0][2] == (
        "not valid YAML: unacceptable character #x0000: special characters are not allowed."
    )


@pytest.mark.parametrize("key", ["[1]", "{a: 1}", "1.5", "true", "~"])
def test_keys_are_text_or_whole_numbers(key):
    assert [sentence for *_, sentence in complaints(f"? {key}\n: x\n")] == ["a key is text or a whole number."]


def test_endless_numbers_are_refused():
    assert complaints("a: " + "9" * 5000) == [
        (1, 4, "a: this number is too long. Write it with an exponent, such as 1e20.")
    ]


@pytest.mark.parametrize(("value", "text"), [(None, "nothing"), (True, "true"), ("x", "'x'"), (0.5, "0.5")])
def test_values_are_quoted_as_yaml_has_them(value, text):
    assert shown(value) == text


def test_long_values_are_cut_in_messages():
    assert len(shown("x" * 500)) == 60


scalars = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(0, 99), inner, max_size=4),
    max_leaves=12,
)


@given(trees)
def test_what_is_written_is_read_back_unchanged(tree):
    document = parse(to_yaml(tree), origin="x.yaml")
    assert document.problems == []
    assert document.tree == tree


@given(st.text())
def test_no_text_makes_parsing_raise(text):
    parse(text, origin="x.yaml")


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#?,%@`~ \n\t1.e", max_size=40))
def test_no_punctuation_makes_parsing_raise(text):
    parse(text, origin="x.yaml")
