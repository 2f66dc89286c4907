"""Each error code has a section in the runbook, which quotes messages of the source."""

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
from clickstream.core.errors import ClickstreamError, StateCode

ROOT = Path(__file__).parents[2]
SECTION = re.compile(r"^### (CS-\d{3}): .*?$(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
SECTIONS: list[tuple[str, str]] = SECTION.findall((ROOT / "docs" / "runbook.md").read_text())
MESSAGES = re.compile(r"^Messages: (.*?)\n\n", re.MULTILINE | re.DOTALL)
WITHOUT_IMPORT = re.compile(r"\.__main__$|^clickstream\.spark")
"""Modules that need PySpark or run at their import."""


def codes_of_classes() -> list[str]:
    """Return the code of each class of errors that has one of its own."""
    for module in pkgutil.walk_packages(clickstream.__path__, "clickstream."):
        if not WITHOUT_IMPORT.search(module.name):
            importlib.import_module(module.name)
    classes = [ClickstreamError]
    for error in classes:
        classes += [below for below in error.__subclasses__() if below not in classes]
    in_source = (error for error in classes if error.__module__.startswith("clickstream"))
    return [vars(error)["code"] for error in in_source if "code" in vars(error)]


@cache
def strings_of_source() -> str:
    """Return all strings of the source; an ellipsis replaces each value in an f-string."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "dags").glob("*.py")]
    texts = (text for file in files for text in strings(ast.parse(file.read_text())))
    return "\n".join(" ".join(text.split()) for text in texts)


def strings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
        yield "".join(map(str, parts))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from strings(child)


def test_every_code_has_one_section_in_the_runbook_and_one_class() -> None:
    codes = [*codes_of_classes(), *StateCode]
    assert sorted(codes) == sorted(set(codes))
    of_tasks = re.findall(
        r'"(CS-\d{3})"', (ROOT / "src/clickstream_airflow/failures.py").read_text()
    )
    assert [code for code, _ in SECTIONS] == sorted({*codes, *of_tasks})


@each_case("code, text", SECTIONS)
def test_messages_of_a_section_are_messages_of_the_source(code: str, text: str) -> None:
    (messages,) = MESSAGES.findall(text)
    quoted = [" ".join(message.split()) for message in re.findall(r"`([^`]+)`", messages)]
    assert quoted, code
    assert [message for message in quoted if message not in strings_of_source()] == []
