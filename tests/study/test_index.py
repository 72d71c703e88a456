"""All runs of a folder as one page; no network is trained here."""

import json
import re

import pytest

EVIL = "<i>&\x1b"


def make_run(root, name, losses=(), *, state="finished", test=None, has_page=False):
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text("data: digits\nmodel: {name: mlp, units: [4]}\n")
    result = {"state": state, "epochs": len(losses), "test": {"loss": 1.0, "accuracy": test} if test else {}}
    (folder / "result.json").write_text(json.dumps(result))
    rows = [{"epoch": 1 + place, "val_loss": loss} for place, loss in enumerate(losses)]
    (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if has_page:
        (folder / "report.html").write_text("")
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def rows_of(page):
    return re.findall(r"<tr><td>(.*?)</tr>", page, re.DOTALL)


def test_each_run_has_a_row_with_its_figure_and_a_link_to_its_page_or_folder(folder, hornbook_command):
    make_run(folder, "a/20261126-120000-0001", [3, 2, 1], test=0.75, has_page=True)
    make_run(folder, "b c/20261126-120000-0002", [1], state="interrupted")
    done = hornbook_command("hornbook runs list --html")
    assert (done.code, done.out) == (0, "runs/index.html\n"), done.err
    rows = {re.search(r"<a[^>]*>([^<]*)", row)[1]: row for row in rows_of((folder / "index.html").read_text())}
    first, second = rows["a/20261126-120000-0001"], rows["b c/20261126-120000-0002"]
    assert 'href="a/20261126-120000-0001/report.html"' in first
    assert 'data-n="0.75">accuracy 0.75<' in first
    assert 'aria-label="from 3 to 1"' in first
    assert '<polyline points="1,2 48,11 95,20"/>' in first
    assert 'href="b%20c/20261126-120000-0002/"' in second
    assert ("interrupted" in second, "polyline" in second) == (True, False)


def test_names_are_escaped_and_damaged_runs_are_there_and_named(folder, hornbook_command):
    make_run(folder, f"{EVIL}/20261126-120000-0001", [1, 2])
    damaged = make_run(folder, "d/20261126-120000-0002", [1, 2])
    (damaged / "history.jsonl").write_text("no\n")
    (damaged / "result.json").write_text("no")
    done = hornbook_command("hornbook runs list --html")
    assert (done.code, "result.json: damaged" in done.err) == (1, True)
    page = (folder / "index.html").read_text()
    assert len(rows_of(page)) == 2
    assert "&lt;i&gt;&amp;\\x1b/20261126-120000-0001" in page
    assert ("<i>" in page, "\x1b" in page) == (False, False)


def test_a_thousand_rows_stay_small_and_trials_are_left_out(folder, hornbook_command):
    for number in range(40):
        make_run(folder, f"a/20261126-120000-{number:04x}", [1 / (1 + epoch) for epoch in range(200)], test=0.5)
    make_run(folder, "a/sweep-20261126-120000-0001/trials/trial-001/20261126-120000-0001")
    assert hornbook_command("hornbook runs list --html").code == 0
    page = (folder / "index.html").read_text()
    assert len(rows_of(page)) == 40
    assert len(page) / 40 < 1000, "bytes a run"


def test_a_page_and_json_at_once_are_refused(folder, hornbook_command):
    folder.mkdir()
    assert hornbook_command("hornbook runs list --html --json").code == 2
