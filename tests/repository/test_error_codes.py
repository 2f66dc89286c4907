"""The codes of errors and the section of the runbook on each of them."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.cases import each_case

import clickstream
from clickstream.errors import ClickstreamError, StateCode

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs" / "runbook.md"
SECTION = re.compile(r"^### (CS-\d{3}): .*?$(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
MESSAGES = re.compile(r"^Messages: (.*?)\n\n", re.MULTILINE | re.DOTALL)
WITHOUT_IMPORT = re.compile(r"\.__main__$|^clickstream\.spark")
"""Modules that need PySpark or run at their import."""


def sections() -> list[tuple[str, str]]:
    """Each code of the runbook with the text below its heading."""
    return SECTION.findall(RUNBOOK.read_text(encoding="utf-8"))


def error_classes() -> list[type[ClickstreamError]]:
    for module in pkgutil.walk_packages(clickstream.__path__, "clickstream."):
        if not WITHOUT_IMPORT.search(module.name):
            importlib.import_module(module.name)
    found = [ClickstreamError]
    for one in found:
        found += [other for other in one.__subclasses__() if other not in found]
    return [one for one in found if one.__module__.startswith("clickstream")]


def codes_of_classes() -> list[str]:
    """The code of each class that has one of its own."""
    return [vars(one)["code"] for one in error_classes() if "code" in vars(one)]


def codes_of_tasks() -> set[str]:
    """The codes in `clickstream_airflow.failures`, read without an import of Airflow."""
    text = (ROOT / "src/clickstream_airflow/failures.py").read_text(encoding="utf-8")
    return set(re.findall(r'"(CS-\d{3})"', text))


@cache
def strings_of_source() -> str:
    """All strings of the source, one a line; an ellipsis replaces each value in an f-string."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "dags").glob("*.py")]
    return "\n".join(
        " ".join(text.split())
        for file in files
        for text in _strings(ast.parse(file.read_text(encoding="utf-8")))
    )


def _strings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
        yield "".join(map(str, parts))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _strings(child)


def test_every_code_has_one_section_in_the_runbook_and_no_section_is_left_over() -> None:
    documented = [code for code, _ in sections()]
    assert documented == sorted(set(documented))
    assert set(documented) == {*codes_of_classes(), *codes_of_tasks(), *StateCode}


def test_no_two_classes_define_the_same_code() -> None:
    codes = [*codes_of_classes(), *StateCode]
    assert sorted(codes) == sorted(set(codes))
    assert all(re.fullmatch(r"CS-[1-9]\d\d", code) for code in codes)


@each_case("code, text", sections())
def test_messages_of_a_section_are_messages_of_the_source(code: str, text: str) -> None:
    (messages,) = MESSAGES.findall(text)
    quoted = [" ".join(one.split()) for one in re.findall(r"`([^`]+)`", messages)]
    assert quoted, code
    assert [one for one in quoted if one not in strings_of_source()] == []


def test_messages_in_the_tables_of_the_runbook_are_messages_of_the_source() -> None:
    rows = [line for line in RUNBOOK.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    quoted = [text for row in rows for text in re.findall(r"\*([^*]+)\*", row.split("|")[1])]
    assert len(quoted) > 30
    pieces = [piece.strip(" ,") for text in quoted for piece in text.split("…") if piece.strip()]
    source = strings_of_source().lower()
    assert [piece for piece in pieces if piece.lower() not in source] == []


@each_case("error", error_classes())
def test_the_printed_message_ends_with_the_code(error: type[ClickstreamError]) -> None:
    assert error("No.").printed == f"No. ({error.code})"
    assert str(error("No.")) == "No."
