"""One base template and one environment for every page."""

import jinja2
import pytest

from hornbook.display import page
from hornbook.display.page import render

TEMPLATE = """{% extends "hornbook.display/page.html.jinja" %}
{% block title %}{{ name }}{% endblock %}
{% block heading %}{{ name }}{% endblock %}
{% block content %}
<p>{{ name }} {{ picture | safe }}</p>
{% endblock %}
"""


@pytest.fixture(autouse=True)
def template(monkeypatch):
    read = page._read
    monkeypatch.setattr(page, "_read", lambda name: TEMPLATE if name == "here/x" else read(name))


def test_a_page_escapes_text_and_loads_nothing():
    text = render("here/x", name="<i>&", picture="<svg/>")
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>&lt;i&gt;&amp;</title>" in text
    assert "<h1>&lt;i&gt;&amp;</h1>" in text
    assert "<p>&lt;i&gt;&amp; <svg/></p>" in text
    assert [word for word in ("http", "<script", "@import", "url(", "<link") if word in text] == []


def test_a_name_that_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="'picture' is undefined"):
        render("here/x", name="x")
