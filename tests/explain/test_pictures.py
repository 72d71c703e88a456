"""`hornbook show … --plot`: curves of what a component builds, a file of their own, and a sentence where there is none."""

import re

import numpy as np
import pytest

from hornbook.errors import RecipeError, UsageError
from hornbook.explain.pictures import activation_curve, drawable, flat_regions
from hornbook.recipes.language.spec import catalog

CURVES = [name for name in catalog("activation") if name != "softmax"]
CLOSED_FORMS = {  # value and slope at -1 and 2
    "sigmoid": ([0.2689, 0.8808], [0.1966, 0.1050]),
    "tanh": ([-0.7616, 0.9640], [0.4200, 0.0707]),
    "relu": ([0, 2], [0, 1]),
    "leaky_relu": ([-0.3, 2], [0.3, 1]),
    "elu": ([-0.6321, 2], [0.3679, 1]),
    "selu": ([-1.1113, 2.1014], [0.6468, 1.0507]),
    "softplus": ([0.3133, 2.1269], [0.2689, 0.8808]),
    "step": ([0, 1], [0, 0]),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_a_curve_is_the_function_and_its_derivative(name):
    values, slopes = activation_curve(catalog("activation")[name](), np.float32([-1, 2]))
    np.testing.assert_allclose(values, CLOSED_FORMS[name][0], atol=1e-4)
    np.testing.assert_allclose(slopes, CLOSED_FORMS[name][1], atol=1e-4)


@pytest.mark.parametrize("name", CURVES)
def test_every_activation_has_a_picture_in_which_it_is_named(name):
    picture = drawable("activation", name).draw()
    assert picture.svg.startswith("<svg")
    assert f">{name}<" in picture.svg
    assert ">derivative<" in picture.svg
    assert picture.text.startswith(f"{name}: steepest slope ")


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("sigmoid", "a slope below 0.0125, below -4.36 and above 4.36"),  # σ(1 - σ) = 0.0125
        ("tanh", "a slope below 0.05, below -2.18 and above 2.18"),
        ("relu", "a slope below 0.05, below 0"),
        ("elu", "a slope below 0.05, below -3"),  # exp(-3) = 0.0498
        ("step", "a slope of 0, everywhere"),
    ],
)
def test_saturation_is_named_and_tinted_on_each_side(name, where):
    picture = drawable("activation", name).draw()
    assert picture.text.endswith(f"flat, with {where}")
    assert picture.svg.count("opacity: 0.14") == (2 if " and " in where else 1)


def test_a_leaky_unit_is_flat_nowhere():
    picture = drawable("activation", "leaky_relu").draw()
    assert picture.text.endswith("flat nowhere")
    assert "opacity: 0.14" not in picture.svg


def test_a_dip_between_two_slopes_is_no_saturation():
    z = np.linspace(-6, 6, 7, dtype=np.float32)
    assert flat_regions(z, np.float32([0, 0, 1, 0, 1, 0, 0])) == [(-6, -4), (4, 6)]


def test_options_change_the_curve_and_stand_in_its_title():
    picture = drawable("activation", "leaky_relu", ["negative_slope=0.01"]).draw()
    assert picture.text == "leaky_relu(negative_slope=0.01): steepest slope 1; flat, with a slope below 0.05, below 0"


def test_one_cycle_shows_its_momentum_and_others_the_rate_alone():
    assert ">momentum<" in drawable("schedule", "one_cycle").draw().svg
    cosine = drawable("schedule", "cosine", ["warmup=10%"]).draw()
    assert ">rate<" in cosine.svg
    assert ">momentum<" not in cosine.svg
    assert cosine.text.startswith("cosine(warmup=10%): from 0.00332 of the rate to ")  # 1 of 301 steps of the warm-up


def test_an_initializer_shows_the_spread_that_theory_expects():
    text = drawable("initializer", "he_normal").draw().text
    deviation, expected = map(float, re.search(r"deviation ([\d.]+), expected ([\d.]+)$", text).groups())
    assert expected == 0.0816  # √(2/300)
    assert deviation == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("what", [("activation", "elu"), ("initializer", "he_normal"), ("schedule", "one_cycle")])
def test_the_same_picture_has_the_same_bytes_and_a_ground_of_its_own(what):
    first, second = drawable(*what).draw(), drawable(*what).draw()
    assert first == second
    assert '<rect width="100%" height="100%" rx="6" fill="#ffffff" />' in first.svg
    assert re.findall(r"(?:href=|url\()[\"']?https?:", first.svg) == []


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        (
            "optimizer",
            "sgd",
            "there is no picture of optimizer 'sgd'. Activations, initializers and schedules have one.",
        ),
        ("initializer", "default", "'default' is the initializer that suits the activation. Draw that one: he_normal"),
        ("initializer", "zeros", "zeros draws no numbers, so there is no distribution to show."),
        ("schedule", "performance", "performance follows a figure of the run, so its curve is known after it"),
        ("activation", "softmax", "softmax looks at all units of a layer at once, so no curve shows it."),
    ],
)
def test_where_there_is_no_picture_a_sentence_says_why(kind, name, sentence):
    with pytest.raises(UsageError) as refusal:
        drawable(kind, name).draw()
    assert str(refusal.value).startswith(f"--plot: {sentence}")


def test_an_option_that_does_not_exist_is_refused_like_in_a_recipe():
    with pytest.raises(
        RecipeError, match="schedule.warmupp: unknown key for schedule 'cosine'. Did you mean 'warmup'?"
    ):
        drawable("schedule", "cosine", ["warmupp=10%"])


def test_the_command_says_which_file_it_has_written(hornbook_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = hornbook_command("hornbook show one_cycle rising=0.3 --plot")
    assert done.code == 0
    assert done.out.endswith("\n\npicture  schedule_one_cycle.svg\n")
    written = (tmp_path / "schedule_one_cycle.svg").read_text(encoding="utf-8")
    assert written == drawable("schedule", "one_cycle", ["rising=0.3"]).draw().svg
    assert hornbook_command("hornbook show schedule cosine -o here.svg").out.endswith("picture  here.svg\n")
    assert (tmp_path / "here.svg").exists()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("show elu alpha=2", "alpha=2: options are for the picture. Add --plot.\n"),
        ("show elu -o elu.png", "--output elu.png: the picture is an SVG file. Name one that ends in .svg.\n"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(line, sentence, hornbook_command):
    done = hornbook_command(f"hornbook {line}")
    assert (done.code, done.err) == (2, sentence)
