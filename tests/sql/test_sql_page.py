"""The page for analysts: its programs and queries run as printed, and give what it prints."""

from __future__ import annotations

import contextlib
import io
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.support.localaws_process import LocalAwsProcess

from clickstream.lake import Lake, athena

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
PROGRAMS = dict(
    re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
)
QUESTIONS = {
    question: (sql, table)
    for question, sql, table in re.findall(
        r"^([^\n]+)\n\n```sql\n(.*?)^```\n\n((?:\|[^\n]*\n)+)", TEXT, re.MULTILINE | re.DOTALL
    )
}
VIEWS = [path.stem for path in (ROOT / "include" / "sql").glob("*.sql")]


def client_of(program: str) -> str:
    return re.findall(r"^(?:import|from) (\w+)", program, re.MULTILINE)[-1]


# Requirements of awswrangler and of the pipeline exclude each other, so CI has no awswrangler.
RUNNABLE = {client_of(one): one for one in PROGRAMS if find_spec(client_of(one))}


def test_every_example_has_its_result() -> None:
    assert len(PROGRAMS) == TEXT.count("```python") == 5
    assert len(QUESTIONS) == TEXT.count("```sql") == 10
    assert len(RUNNABLE) >= 4


@pytest.mark.parametrize("client", RUNNABLE)
def test_a_program_prints_what_the_page_says(
    lake: Lake, cafe_aws: LocalAwsProcess, monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    for name, value in cafe_aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_REGION", cafe_aws.environment()["AWS_DEFAULT_REGION"])
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(RUNNABLE[client], client, "exec"), {})
    assert out.getvalue() == PROGRAMS[RUNNABLE[client]]


def cells(table: str) -> list[list[str]]:
    """The cells of a Markdown table, its header first."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return [rows[0], *rows[2:]]


def printed(value: Any) -> str:
    return "" if value is None else str(value)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_has_the_answer_of_the_page(lake: Lake, question: str) -> None:
    sql, table = QUESTIONS[question]
    found = athena.query(lake, sql)
    assert [found.columns, *([printed(one) for one in row] for row in found.rows)] == cells(table)


def test_every_view_has_a_use() -> None:
    uses = re.findall(r"^\|[^|]+\| `(\w+)` \| (?:`\w+`|all dates) \|$", TEXT, re.MULTILINE)
    assert sorted(uses) == sorted(view for view in VIEWS if not view.endswith("_facts"))
