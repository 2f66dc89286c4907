"""Templates are compiled once for a user, and again when they change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from clickstream.dashboard.templates import template_environment


@pytest.fixture
def compiled(tmp_path, monkeypatch) -> Path:
    """The directory of compiled templates, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "clickstream" / "templates"


def rendered(directory: Path) -> str:
    loader = FileSystemLoader(directory)
    return template_environment(loader).get_template("page.html").render(name="Ana")


def test_a_template_is_compiled_once_and_again_after_a_change(
    compiled, tmp_path, monkeypatch
) -> None:
    compilations = []
    compile_ = Environment.compile

    def count(self, source, *names, **options):
        compilations.append(source)
        return compile_(self, source, *names, **options)

    monkeypatch.setattr(Environment, "compile", count)
    for text, page in (("Hello {{ name }}", "Hello Ana"), ("Bye {{ name }}", "Bye Ana")):
        (tmp_path / "page.html").write_text(text)
        assert [rendered(tmp_path), rendered(tmp_path)] == [page, page]
    assert compilations == ["Hello {{ name }}", "Bye {{ name }}"]
    assert compiled.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("fault", ["writable by others", "of another user", "a file", "no home"])
def test_no_compiled_template_is_stored_where_another_user_could_change_it(
    compiled, tmp_path, monkeypatch, fault
) -> None:
    (tmp_path / "page.html").write_text("Hello {{ name }}")
    if fault == "a file":
        compiled.parent.parent.mkdir()
        compiled.parent.touch()
    elif fault == "no home":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(Path, "home", no_home)
    else:
        compiled.mkdir(parents=True)
        compiled.chmod(0o777 if fault == "writable by others" else 0o700)
    if fault == "of another user":
        monkeypatch.setattr(os, "getuid", lambda: compiled.stat().st_uid + 1)
    assert rendered(tmp_path) == "Hello Ana"
    assert not compiled.is_dir() or not [*compiled.iterdir()]


def no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")
