"""The house rules of include/sql: one view, one .sql, one .yml, and how both are written."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
import yaml
from sqlglot import exp
from tests.support.cases import each_case

from clickstream.lake.views import ViewComments
from clickstream.tables import TABLES
from clickstream.tables.sales import SALES_TABLES

DIRECTORY = Path(__file__).parents[2] / "include" / "sql"
FILES = sorted(DIRECTORY.glob("*.sql"))
WITHOUT_DATES = (
    *("customers", "demographic_versions", "menu_versions", "store_versions"),
    *("revenue_by_order_date", "money_facts", "attribution", "attribution_intervals"),
    *("revenue_by_channel", "revenue_by_campaign", "revenue_by_page", "refund_differences"),
)
"""Views that read all dates of a table."""

FILTER_KEYS = ["column", "days_before", "days_after"]
SOURCES = {table.name for table in (*TABLES, *SALES_TABLES)} | {path.stem for path in FILES}

each_file = each_case("path", FILES)


@cache
def described(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))


@cache
def parsed(path: Path) -> exp.Query:
    return sqlglot.parse_one(path.read_text(encoding="utf-8"), read="trino")


def tables_read(query: exp.Expression, steps: set[str]) -> list[str]:
    """Tables and views that a query reads, its own steps left out."""
    return [table.name for table in query.find_all(exp.Table) if table.name not in steps]


def steps(query: exp.Query) -> dict[str, exp.Expression]:
    """The named steps of the outermost query, in order."""
    return {cte.alias: cte.this for cte in query.ctes}


def without_comments_and_texts(path: Path) -> str:
    return re.sub(r"--.*|'[^']*'", "", path.read_text(encoding="utf-8"))


@each_file
def test_every_view_has_a_description_and_the_reverse(path) -> None:
    stems = {file.stem for file in DIRECTORY.iterdir()}
    assert {file.stem for file in DIRECTORY.glob("*.yml")} == stems
    assert path.with_suffix(".yml").is_file()
    assert {file.suffix for file in DIRECTORY.iterdir()} == {".sql", ".yml"}


@each_file
def test_the_description_has_all_its_parts(path) -> None:
    facts = described(path)
    parts = ["one_row_per", "owner", "reads", "filter_by", "columns", "checks"]
    if path.stem in WITHOUT_DATES:
        parts.remove("filter_by")
    assert list(facts) == parts
    assert facts["owner"] == "data-engineering"
    for name, meaning in facts["columns"].items():
        assert meaning.endswith("."), name
        assert len(meaning) > 8, name


@each_file
def test_comments_fit_into_glue(path) -> None:
    """Limits of Glue's Column.Comment and TableInput.Description, in bytes; each is one line."""
    comments = ViewComments.of(described(path))
    limits = [(comments.view, 2048), *((text, 255) for text in comments.columns.values())]
    assert [text for text, limit in limits if len(text.encode()) > limit or "\n" in text] == []


@each_file
def test_the_description_names_a_date_to_filter_by_and_what_a_filter_reads(path) -> None:
    facts = described(path)
    if (chosen := facts.get("filter_by")) is None:
        return
    assert list(chosen) in (FILTER_KEYS, [*FILTER_KEYS, "note"])
    assert chosen["column"] in ("event_date", "session_date")
    assert chosen["column"] in facts["columns"]
    assert chosen["days_before"] in (0, 1, "key_days")
    assert chosen["days_after"] in (0, 1)
    assert chosen.get("note", "None.").endswith(".")


@each_file
def test_each_table_is_an_input_once(path) -> None:
    named = steps(parsed(path))
    reads = [name for step in named.values() for name in tables_read(step, set(named))]
    assert len(reads) == len(set(reads))


@each_file
def test_checks_name_columns_and_say_what_follows(path) -> None:
    facts = described(path)
    assert any("unique" in check for check in facts["checks"])
    for check in facts["checks"]:
        kind, consequence = check
        assert kind in ("unique", "not_null")
        assert consequence == "otherwise"
        assert check["otherwise"] in ("stop", "warn")
        assert set(check[kind]) <= set(facts["columns"])


@each_file
def test_no_description_of_a_column_stands_for_another(path) -> None:
    meanings = list(described(path)["columns"].values())
    assert len(set(meanings)) == len(meanings)


@each_file
def test_reads_is_what_the_sql_reads(path) -> None:
    query = parsed(path)
    read = set(tables_read(query, set(steps(query))))
    assert read <= SOURCES
    assert sorted(described(path)["reads"]) == sorted(read)


@each_file
def test_the_columns_are_described_in_their_order(path) -> None:
    last = list(steps(parsed(path)).values())[-1]
    assert [column.alias_or_name for column in last.selects] == list(described(path)["columns"])


@each_file
def test_a_header_says_what_one_row_is(path) -> None:
    assert path.read_text(encoding="utf-8").startswith("-- One row is one ")


@each_file
def test_inputs_are_named_first_one_table_each(path) -> None:
    query = parsed(path)
    named = steps(query)
    reads = [tables_read(step, set(named)) for step in named.values()]
    inputs = [read for read in reads if read]
    assert reads[: len(inputs)] == inputs
    assert all(len(read) == 1 for read in inputs)


@each_file
def test_the_last_line_selects_the_last_step(path) -> None:
    query = parsed(path)
    last = list(steps(query))[-1]
    assert path.read_text(encoding="utf-8").endswith(f"\n\nselect *\nfrom {last}\n")
    assert not query.args.get("where")


@each_file
def test_it_is_written_in_lower_case_with_four_spaces_and_trailing_commas(path) -> None:
    text = path.read_text(encoding="utf-8")
    code = without_comments_and_texts(path)
    assert code == code.lower()
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip(" "))
        assert indent % 4 == 0, number
        assert len(line) <= 100, number
        assert "\t" not in line, number
        assert line == line.rstrip(), number
        assert not line.lstrip().startswith(","), number


@each_file
def test_every_column_that_is_worked_out_has_a_name(path) -> None:
    for select in parsed(path).find_all(exp.Select):
        for column in select.selects:
            assert isinstance(column, exp.Column | exp.Alias | exp.Star), column.sql("trino")
