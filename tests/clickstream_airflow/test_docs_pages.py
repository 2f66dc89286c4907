"""The documentation as HTML pages."""

from __future__ import annotations

import pytest
from tests.support.lake_settings import ROOT

from clickstream_airflow.pages import docs_pages


def test_headings_have_the_anchors_that_links_use() -> None:
    page = docs_pages.render("# Run *book*\n\n## First: `clickstream status`\n\n### clean_hits\n")
    assert page.title == "Run *book*"
    assert '<h2 id="first-clickstream-status">' in page.html
    assert '<h3 id="clean_hits">' in page.html


def test_html_in_a_page_is_text_and_scripts_are_no_links() -> None:
    html = docs_pages.render("<script>alert(1)</script> [run](javascript:alert(1))").html
    assert "<script>" not in html
    assert "href" not in html


def test_tables_are_tables() -> None:
    assert "<td>wait</td>" in docs_pages.render("| see | do |\n|---|---|\n| red | wait |\n").html


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.stem)
def test_every_page_of_the_documentation_can_be_read(path) -> None:
    name = path.relative_to(ROOT / "docs").as_posix()
    assert docs_pages.read(name) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["../README.md", "runbook", "", "/etc/passwd"])
def test_nothing_else_can_be_read(name: str) -> None:
    assert docs_pages.read(name) is None
