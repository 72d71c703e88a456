"""What is said of the release in several places is the same in all of them."""

import re
import tomllib
from pathlib import Path

import yaml

import hornbook

ROOT = Path(__file__).parents[2]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == hornbook.__version__
    assert f"## {citation['version']} - {citation['date-released']}" in read("CHANGELOG.md").splitlines()


def test_the_changelog_has_the_newest_version_first_and_what_changed_for_users_before_what_is_new():
    titles = re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)
    versions = [title.split(" - ")[0] for title in titles if title != "Unreleased"]
    assert versions == [hornbook.__version__, "0.1.0"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d|Unreleased", title) for title in titles)
    newest = read("CHANGELOG.md").partition(f"## {hornbook.__version__}")[2].partition("\n## ")[0]
    assert re.findall(r"^### (.+)$", newest, re.MULTILINE) == ["Changed", "Added", "Fixed"]


def test_ci_runs_the_tests_on_every_python_that_the_package_names():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    named = [entry.rpartition(" ")[2] for entry in project["classifiers"] if re.search(r":: 3\.\d+$", entry)]
    jobs = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]
    matrix = jobs["test"]["strategy"]["matrix"]
    assert sorted(matrix["python"]) == sorted(named)
    assert {"ubuntu-latest", "macos-latest"} == {*matrix["system"]}
    assert "make test" in [step.get("run") for step in jobs["test"]["steps"]]


def test_issue_forms_ask_for_something_under_an_id_of_its_own():
    for form in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"):
        if form.name == "config.yml":
            continue
        content = yaml.safe_load(form.read_text(encoding="utf-8"))
        assert {"name", "description", "body"} <= set(content), form.name
        fields = [field for field in content["body"] if field["type"] != "markdown"]
        assert len({field["id"] for field in fields}) == len(fields) > 1
        assert any(field.get("validations", {}).get("required") for field in fields), form.name
