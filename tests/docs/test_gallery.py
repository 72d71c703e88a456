"""The gallery says of every shipped recipe what it has, what it promises, and whether a run kept that."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from hornbook import __version__, load_recipe
from hornbook.recipes import shipped_recipes

ROOT = Path(__file__).parents[2]
TEXTS = shipped_recipes()
FEW = ("schedule_exponential", "sparse_l1", "leaky_relu", "sweep_random", "rnn_imdb")


@pytest.fixture(scope="module")
def scripts():
    """The parts of the gallery, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        from gallery import effects, expected, ingredients, measured, page, pictures

        return {
            "effects": effects,
            "expected": expected,
            "ingredients": ingredients,
            "measured": measured,
            "page": page,
            "pictures": pictures,
        }


@pytest.fixture(scope="module")
def entries(scripts):
    """What there is to show of each recipe."""
    return scripts["page"].entries(scripts["measured"].read())


def test_every_recipe_was_measured_or_says_that_it_was_not(scripts):
    measured = scripts["measured"].read()
    unmeasured = {name for name, text in TEXTS.items() if "# Expected: not measured" in text}
    assert {*measured} | unmeasured == {*TEXTS}, "run `make gallery`"
    assert {*measured} & unmeasured == set()


def test_the_data_is_small_and_says_when_and_with_what_it_was_measured(scripts):
    assert (ROOT / "docs" / "gallery.json").stat().st_size < 150_000
    for name, entry in scripts["measured"].read().items():
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", entry.date), name
        assert {*entry.versions} == {"Hornbook", "TensorFlow", "Keras"}, name


@pytest.mark.parametrize(
    ("line", "claims", "others"),
    [
        ("test accuracy 0.96-0.99 (digits), about 10 s on 2 CPU cores", ["test accuracy 0.96 0.99 digits"], []),
        ("accuracy 1.0 (6 of 8 seeds; two can get stuck at 0.75), about 6 s on 2 CPU cores", [" accuracy 0.95 1.05"], []),
        ("test R² 0.97, root mean squared error 0.89-0.98 (the noise is 1.0)",
         ["test r2_score 0.965 0.975", "test root_mean_squared_error 0.89 0.98"], []),
        ("test accuracy 0.985 (mean 0.98), 80 % of the weights below 0.001, 45-70 s of training on 2 CPU cores",
         ["test accuracy 0.9845 0.9855", " small weights, % 79.5 80.5"], []),
        ("test accuracy 0.96-0.98 (digits) with over 80 % of the weights below 0.001",
         ["test accuracy 0.96 0.98 digits", " small weights, % 80 100"], []),
        ("test accuracy 0.96-0.99 (digits), after 17-31 epochs", ["test accuracy 0.96 0.99 digits", " epochs 17 31"], []),
        ("validation accuracy 0.9-0.92 (ten seeds)", ["validation accuracy 0.9 0.92"], []),
        ("test recall 0.85-1.00, without the weights 0.65; precision 0.47-0.54",
         ["test recall 0.85 1", "test precision 0.47 0.54"], ["without the weights 0.65"]),
        ("test accuracy 0.85-0.91 (digits), control 0.86-0.92: no gain here",
         ["test accuracy 0.85 0.91 digits"], ["control 0.86-0.92"]),
        ("test accuracy 0.95-0.98, of the early output 0.95-0.99",
         ["test accuracy 0.95 0.98", "test accuracy 0.95 0.99 early"], []),
    ],
)  # fmt: skip
def test_a_line_is_read_as_figures_and_what_is_no_figure_of_the_recipe_is_set_aside(scripts, line, claims, others):
    promise = scripts["expected"].promise(line)
    read = [f"{one.split} {one.figure} {one.low:g} {one.high:g} {one.head}".rstrip() for one in promise.claims]
    assert (read, [*promise.others]) == (claims, others)


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if "# Expected: not measured" not in text])
def test_no_number_of_an_expected_line_is_passed_over(scripts, name):
    expected = scripts["expected"]
    line = expected.expected_of(TEXTS[name])
    promise = expected.promise(line)
    plain = re.sub(r"\([^)]*\)", "", expected.TIME.sub("", line))
    told = " ".join([*(claim.text for claim in promise.claims), *promise.others])
    assert promise.claims
    assert [number for number in re.findall(r"\d+(?:\.\d+)?", plain) if number not in told] == []


def test_a_recipe_names_its_ingredients_wherever_they_stand(scripts):
    def of(config):
        return scripts["ingredients"].ingredients(load_recipe(config, for_training=False))

    bare = of({"data": "iris", "model": "mlp"})
    assert bare == {
        "initializer": ["default"], "activation": ["default"], "normalization": ["none"], "regularization": ["none"],
        "optimizer": ["adam"], "schedule": ["constant"], "data": ["iris"], "model": ["mlp"], "training": [],
    }  # fmt: skip
    rich = {
        "data": {"name": "digits", "augmentation": {"shift": 0.1}},
        "model": {"name": "layers", "layers": ["flatten", {"name": "dense", "units": 3, "activation": "tanh"}]},
        "activation": "elu",
        "regularization": {"dropout": 0.1, "dropout_schedule": "cosine", "l2": 0.1},
        "optimizer": {"name": "sgd", "ema": 0.9},
        "training": {"epochs": 3, "gradient_clipping": {"by": "norm", "threshold": 1.0}},
    }
    found = of(rich)
    assert {*found["activation"]} == {"elu", "tanh"}
    assert {*found["regularization"]} == {"dropout", "dropout_schedule", "l2"}
    assert {*found["schedule"]} == {"constant", "cosine"}
    assert {*found["training"]} == {"gradient_clipping", "augmentation", "ema"}


@pytest.mark.parametrize("name", TEXTS)
def test_what_the_text_of_a_recipe_names_is_among_its_ingredients(scripts, name):
    found = scripts["ingredients"].ingredients(load_recipe(name, for_training=False))
    plain = yaml.safe_load(TEXTS[name])
    for kind in ("data", "model", "initializer", "activation", "normalization", "optimizer", "schedule"):
        given = plain.get(kind)
        if given is not None:
            assert (given["name"] if isinstance(given, dict) else given) in found[kind]
    assert {*plain.get("regularization", {})} <= {*found["regularization"]}
    assert {*plain.get("training", {})} - {"epochs", "batch_size", "metrics"} <= {*found["training"]}
    assert {*plain} & {"heads", "pretraining", "reuse", "sweep"} <= {*found["training"]}


def test_a_figure_outside_of_what_is_promised_is_said_to_differ(scripts, entries):
    page, entry = scripts["page"], entries["leaky_relu"]
    (verdict,) = page.verdicts(entry)
    assert verdict.state == page.AGREES
    figures = {"test": {"accuracy": 0.95}}
    (verdict,) = page.verdicts(entry._replace(measured=replace(entry.measured, figures=figures)))
    assert verdict == (page.DIFFERS, "test accuracy 0.96-0.98 (digits); here 0.95")
    (verdict,) = page.verdicts(entry._replace(measured=replace(entry.measured, figures={"train": {"loss": 0.1}})))
    assert verdict.state == page.UNKNOWN


def test_a_squared_error_is_that_of_the_root_and_a_head_is_found_by_its_name(scripts):
    expected = scripts["expected"]
    (claim,) = expected.promise("test mean squared error 0.0038-0.0043").claims
    assert expected.figure_of(claim, {"test": {"root_mean_squared_error": 0.2}}) == pytest.approx(0.04)
    first, second = expected.promise("test accuracy 0.9-1.0, of the early output 0.5-0.6").claims
    figures = {"test": {"digit_accuracy": 0.95, "early_accuracy": 0.55}}
    assert expected.figure_of(first, figures, ["digit", "early"]) == 0.95
    assert expected.figure_of(second, figures, ["digit", "early"]) == 0.55


def test_the_run_of_a_recipe_that_was_changed_since_is_not_shown(scripts):
    page, measured = scripts["page"], scripts["measured"].read()
    measured["leaky_relu"] = replace(measured["leaky_relu"], recipe="another")
    entry = page.entries(measured)["leaky_relu"]
    cards, shown = page.gallery({"Activations": ["leaky_relu"]}, {"leaky_relu": entry})
    assert "Measured before the recipe was changed" in cards
    assert shown == []


@pytest.fixture(scope="module")
def few(scripts, entries, tensorflow):
    """The page of a few recipes, and its pictures."""
    return scripts["page"].gallery({"Some": FEW}, {name: entries[name] for name in FEW})


def test_a_recipe_has_a_card_with_its_picture_its_file_and_its_verdict(few):
    cards, shown = few
    assert re.findall(r'<h3 id="(\w+)">', cards) == [*FEW]
    assert [picture.file for picture in shown] == [*dict.fromkeys(re.findall(r'src="gallery/([^"]+)"', cards))]
    assert {picture.file for picture in shown} == {
        "schedule_exponential-accuracy.svg", "schedule_exponential-schedule.svg", "sparse_l1-accuracy.svg",
        "sparse_l1-weights.svg", "leaky_relu-accuracy.svg", "leaky_relu-activation.svg", "sweep_random-trials.svg",
    }  # fmt: skip
    for picture in shown:
        assert picture.svg.startswith("<svg")
        assert '<rect width="100%" height="100%" rx="6" fill="#ffffff" />' in picture.svg
    assert '<p class="recipe-when">Not measured yet.</p>' in cards
    for name in FEW:
        assert f'href="files/hornbook/configs/{name}.yaml.html"' in cards


def test_the_rate_is_drawn_as_the_schedule_has_it(few):
    _, shown = few
    (rate,) = [picture for picture in shown if picture.file == "schedule_exponential-schedule.svg"]
    assert re.search(r"from 0\.003 to 0\.0003\d*, at most 0\.003", rate.label)  # ten times lower in the end


def test_the_filter_offers_what_some_recipe_has_and_the_index_leads_to_it(few):
    cards, _ = few
    for kind, options in re.findall(r'<select name="(\w+)">(.*?)</select>', cards):
        values = re.findall(r'value="(\w+)"', options)
        tagged = {name for names in re.findall(rf'data-{kind}="([^"]*)"', cards) for name in names.split()}
        assert tagged == {*values}
    assert {*re.findall(r'<a href="#(\w+)">', cards)} == {*FEW}
    assert "hidden" in re.search(r"<form [^>]*>", cards)[0]


def test_the_sections_are_those_of_the_list_of_recipes_and_name_each_once(scripts):
    sections = scripts["page"].in_sections((ROOT / "docs" / "recipes.md").read_text(encoding="utf-8"))
    named = [name for names in sections.values() for name in names]
    assert sorted(named) == sorted(TEXTS)
    assert next(iter(sections)) == "Default configurations"


def test_the_page_in_the_docs_has_a_place_for_the_cards(scripts):
    assert scripts["page"].PLACE.search((ROOT / "docs" / "gallery.md").read_text(encoding="utf-8"))


def test_a_run_of_an_earlier_version_says_that_it_was_not_repeated(scripts, entries):
    page, entry = scripts["page"], entries["sweep_random"]

    def card(version):
        versions = {**entry.measured.versions, "Hornbook": version}
        changed = entry._replace(measured=replace(entry.measured, versions=versions))
        return page.gallery({"Some": ["sweep_random"]}, {"sweep_random": changed})[0]

    assert f"Not run again with Hornbook {__version__}." in card("0.0.9")
    assert "Not run again" not in card(__version__)


@pytest.fixture
def drawn(scripts, tensorflow):
    """A function that returns the picture of an ingredient of a recipe, by kind, before it is drawn."""

    def draw(kind, config):
        recipe = load_recipe({"data": "digits", "model": {"name": "mlp", "units": [9]}, **config}, for_training=False)
        (part,) = [part for part in scripts["effects"].effects(recipe) if part.kind == kind]
        return part.draw(recipe)

    return draw


def test_gradient_descent_goes_down_the_bowl_as_by_hand(drawn):
    effect = drawn("optimizer", {"optimizer": {"name": "sgd", "learning_rate": 7.0}})
    way = effect.chart.lines[-1]
    steps = np.arange(51)
    np.testing.assert_allclose(way.x, -4.3 * (1 - 0.1) ** steps, rtol=1e-4)  # 0.1 is the best of the five rates
    np.testing.assert_allclose(way.y, 1.7 * (1 - 0.1 * 10.0) ** steps, atol=1e-5)
    assert "at rate 0.1" in effect.caption


def test_a_penalty_pulls_as_its_derivative_says(drawn):
    (line,) = drawn("regularization", {"regularization": {"l1": 0.13, "l2": 0.1}}).chart.lines
    weights = np.array(line.x)
    np.testing.assert_allclose(line.y, -(0.13 * np.sign(weights) + 2 * 0.1 * weights), atol=1e-6)


def test_max_norm_shortens_what_is_longer(drawn):
    (line,) = drawn("regularization", {"regularization": {"max_norm": 2.0}}).chart.lines
    np.testing.assert_allclose(line.y, np.minimum(line.x, 2.0), atol=1e-3)


def test_dropout_spreads_what_it_leaves(drawn):
    effect = drawn("regularization", {"regularization": {"dropout": 0.3}})
    assert "mean -0.00 and deviation 1.20, 30 % of them 0" in effect.label.replace(
        "mean 0.00", "mean -0.00"
    )  # 1 / √0.7
    before, after = effect.chart.lines
    middle = len(before.y) // 2
    assert 10 ** after.y[middle] == pytest.approx(30 + 0.7 * 10 ** before.y[middle], rel=0.3)


def test_a_normalization_keeps_in_bounds_what_grows_without_it(drawn):
    effect = drawn("normalization", {"activation": "relu", "normalization": "batch_normalization"})
    without, with_it = ([10**value for value in line.y] for line in effect.chart.lines)
    growth = np.array(without[1:]) / np.array(without[:-1])
    assert growth.min() > 1.5  # He's weights keep the spread of ReLU's outputs, twice as large ones double it
    assert growth.mean() == pytest.approx(2.0, abs=0.2)
    assert max(with_it) < 1.3 * min(with_it)


def test_an_initializer_is_shown_beside_the_default_of_keras(drawn):
    effect = drawn("initializer", {"activation": "relu", "initializer": "he_normal"})
    default, own = ([10**value for value in line.y] for line in effect.chart.lines)
    assert [line.label for line in effect.chart.lines] == ["glorot_uniform", "he_normal"]
    assert default[-1] / default[0] == pytest.approx(0.5**4.5, rel=0.5)  # ReLU drops half of the square in each layer
    assert own[-1] / own[0] == pytest.approx(1.0, rel=0.5)


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("lion", "optimizer: lion"),
        ("layer_normalization", "normalization: layer_normalization"),
        ("max_norm", "regularization: max_norm"),
        ("schedule_cosine", "schedule: cosine"),
        ("leaky_relu", "activation: leaky_relu"),
        ("sparse_l1", "regularization: l1, where the weights"),
        ("class_weights", "loss by epoch"),
    ],
)
def test_the_ingredient_is_the_one_that_the_recipe_is_called_after(scripts, entries, tensorflow, name, caption):
    pictures = scripts["pictures"]
    rarity = pictures.rarities({one: entry.recipe for one, entry in entries.items()})
    shown = pictures.ingredient(name, entries[name].recipe, entries[name].measured, rarity)
    assert shown.caption.startswith(caption)
