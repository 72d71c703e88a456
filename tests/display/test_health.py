"""Layers over time as shaded tables, and their histograms."""

from hornbook.display.health import heat_tables, layer_pictures


def row(epoch, layers):
    return {"step": int(10 * epoch), "epoch": epoch, "loss": 1.0, "layers": layers}


def named(tables, title):
    return next(table for table in tables if table.title == title)


def test_ratios_are_shaded_by_their_powers_of_ten():
    rows = [row(0, {"hidden_1": {"gradient_rms": 1e-6}, "head": {"gradient_rms": 1e-2}}),
            row(1, {"hidden_1": {"gradient_rms": 1e-4}, "head": {"gradient_rms": 1e-2}})]  # fmt: skip
    (table,), _ = heat_tables(rows)
    assert table.columns == ("0", "1")
    assert [(name, [cell.text for cell in cells]) for name, cells in table.rows] == [
        ("hidden_1", ["1e-6", "0.0001"]),
        ("head", ["0.01", "0.01"]),
    ]
    assert [[round(cell.shade, 3) for cell in cells] for _, cells in table.rows] == [[0.0, 0.5], [1.0, 1.0]]


def test_shares_are_percent_and_what_is_nowhere_is_a_sentence():
    rows = [
        row(0, {"hidden_1": {"dead": 0.0, "saturated": 0.0}}),
        row(1, {"hidden_1": {"dead": 0.25, "saturated": 0.0}}),
    ]
    tables, sentences = heat_tables(rows)
    dead = named(tables, "Dead units")
    assert dead.is_share
    assert dead.rows == (("hidden_1", (("0%", 0.0), ("25%", 0.25))),)
    assert sentences == ["Saturated outputs: none, in any layer at any time."]


def test_what_is_not_finite_or_was_not_measured_says_so():
    rows = [
        row(0, {"hidden_1": {"deviation": None}}),
        row(1, {"hidden_1": {}}),
        row(2, {"hidden_1": {"deviation": 0.0}}),
    ]
    (table,), _ = heat_tables(rows)
    assert [cell.text for cell in table.rows[0][1]] == ["not finite", "", "0"]


def test_of_many_layers_and_measurements_some_are_shown_the_first_and_the_last_among_them():
    layers = {f"hidden_{number}": {"weight_norm": 1.0 + number} for number in range(200)}
    (table,), _ = heat_tables([row(epoch, layers) for epoch in range(50)])
    assert (len(table.rows), len(table.columns), table.left_out) == (40, 13, 160)
    assert (table.rows[0][0], table.rows[-1][0]) == ("hidden_0", "hidden_199")
    assert (table.columns[0], table.columns[-1]) == ("0", "49")


def test_histograms_are_of_the_first_and_the_last_measurement(read):
    first = {"from": -1.0, "to": 1.0, "counts": [1, 2, 1]}
    last = {"from": -3.0, "to": 2.0, "counts": [0, 5, 1]}
    rows = [row(0, {"head": {"histograms": {"weights": first}}}), row(1, {"head": {}}),
            row(2, {"head": {"histograms": {"weights": last}}})]  # fmt: skip
    (group,) = layer_pictures(rows)
    ((layer, picture),) = group.pictures
    assert (group.kind, layer) == ("weights", "head")
    assert {"-3", "2"} <= {*read(picture).texts}
    assert "first from -1 to 1, last from -3 to 2" in picture


def test_a_run_without_health_has_nothing_to_show():
    assert heat_tables([]) == ([], [])
    assert layer_pictures([]) == []
