"""The README's five commands lead from a table of one's own to predictions, in a folder with nothing but the table."""

import csv
import re
from pathlib import Path

import numpy as np

README = Path(__file__).parents[2] / "README.md"
COLUMNS = ("area", "rooms", "district", "built", "price")


def commands():
    block = README.read_text(encoding="utf-8").partition("in five commands\n")[2]
    return re.findall(r"^\$ (.+)$", re.search(r"^```console.*?^```$", block, re.MULTILINE | re.DOTALL)[0], re.MULTILINE)


def houses(count, seed):
    """Rows of houses; the price follows from the other columns, up to 5 %."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        area, district = draw.uniform(30, 200), draw.choice(["north", "harbour", "old town"])
        rooms, built = int(area // 25) + draw.integers(1, 3), draw.integers(1900, 2025)
        price = area * {"north": 2500, "harbour": 4000, "old town": 5000}[district] + 300 * (built - 1900)
        yield f"{area:.1f}", rooms, district, built, round(price * draw.normal(1, 0.05))


def write(name, columns, rows):
    with open(name, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def test_they_lead_from_a_table_to_predictions(tmp_path, monkeypatch, hornbook_command, tensorflow):
    monkeypatch.chdir(tmp_path)
    install, *others = commands()
    assert install == "python3 -m pip install ."
    assert [line.split()[:2] for line in others] == [
        ["hornbook", verb] for verb in ("new", "check", "train", "predict")
    ]
    new = list(houses(100, seed=1))
    write("houses.csv", COLUMNS, houses(400, seed=0))
    write("new_houses.csv", COLUMNS[:-1], [row[:-1] for row in new])

    for line in others:
        done = hornbook_command(line)
        assert done.code == 0, (line, done.out, done.err)

    with open("prices.csv", encoding="utf-8", newline="") as file:
        predicted = [float(row["prediction"]) for row in csv.DictReader(file)]
    prices = np.array([row[-1] for row in new], dtype=float)
    assert len(predicted) == 100
    assert np.sqrt(np.mean((predicted - prices) ** 2)) < 0.3 * prices.std()  # the mean price would be at 1
