"""Every data file of the cleaning rules has its schema, its sources, and patterns that compile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import re2

from clickstream.clean import data
from clickstream.clean.bots import BOT_CLASSES
from clickstream.clean.data import origin_of, read_csv, read_toml
from clickstream.clean.known_sites import SOURCE_CATEGORIES

ORIGIN = ("source", "date")
OF_CHANNELS = {
    *("channel_rules.toml", "click_ids.csv", "known_apps.csv", "known_sites.csv"),
    *("mail_hosts.csv", "source_aliases.csv"),
}
PAGE = (Path(__file__).parents[3] / "docs" / "bots.md").read_text()
COLUMNS = {
    "ai_agents.csv": ["name", "class", "documented_at"],
    "click_ids.csv": ["parameters", "platform", "source", "medium", "documented_at"],
    "hosting_networks.csv": ["asn", "name", "role"],
    "known_apps.csv": ["source", "ids"],
    "known_sites.csv": ["category", "source", "hosts"],
    "mail_hosts.csv": ["source", "hosts", "seen_in"],
    "proxy_browsers.csv": ["browser", "documented_at"],
    "scanners.csv": ["name", "documented_at"],
    "source_aliases.csv": ["alias", "source", "medium", "seen_in"],
}
MAY_BE_EMPTY = {("mail_hosts.csv", "source"), ("source_aliases.csv", "medium")}
KEYS = {
    "attacks.toml": {"attacks", *ORIGIN},
    "bot_shapes.toml": {"exceptions", "platforms", "models", "words", "marks", *ORIGIN},
    "channel_rules.toml": {"rules"},
    "crawler_corrections.toml": {"apps", "left_out", "class_of_tag", "narrowed", *ORIGIN},
    "scanner_paths.toml": {"paths", *ORIGIN},
}


BOT_FILES = sorted({*COLUMNS, *KEYS} - OF_CHANNELS)


def compile_all(patterns: Iterable[str]) -> None:
    for pattern in patterns:
        re2.compile(pattern)


def test_every_data_file_has_a_schema_here() -> None:
    names = {one.name for one in files(data).iterdir() if not one.name.startswith("__")}
    assert names == {*COLUMNS, *KEYS}


@pytest.mark.parametrize("name", COLUMNS)
def test_rows_have_every_value_and_no_row_comes_twice(name: str) -> None:
    rows = [*read_csv(name)]
    for row in rows:
        assert list(row) == COLUMNS[name], row
        empty = {column for column, value in row.items() if not value}
        assert {(name, column) for column in empty} <= MAY_BE_EMPTY, row
    assert len({tuple(row.values()) for row in rows}) == len(rows)


@pytest.mark.parametrize("name", COLUMNS)
def test_cells_that_name_a_source_begin_with_an_https_address(name: str) -> None:
    columns = {"documented_at", "seen_in"}.intersection(COLUMNS[name])
    cells = [row[column] for row in read_csv(name) for column in columns]
    assert [cell for cell in cells if not re.match(r"https://[\w.-]+(/|\s|$)", cell)] == []


@pytest.mark.parametrize("name", BOT_FILES)
def test_lists_of_bots_and_networks_have_a_source_and_a_date(name: str) -> None:
    origin = origin_of(name)
    assert len(origin.source) > 10
    assert date(2026, 1, 1) <= origin.date
    assert f"| `{name}` | {origin.date} |" in " ".join(PAGE.split())


def test_the_page_on_bots_lists_these_files_and_no_others() -> None:
    assert sorted(re.findall(r"^\| `(\w+\.(?:csv|toml))`", PAGE, re.MULTILINE)) == sorted(BOT_FILES)


def test_classes_and_categories_are_known() -> None:
    assert {row["class"] for row in read_csv("ai_agents.csv")} <= set(BOT_CLASSES)
    assert {row["category"] for row in read_csv("known_sites.csv")} <= set(SOURCE_CATEGORIES)
    assert set(read_toml("crawler_corrections.toml")["class_of_tag"].values()) <= set(BOT_CLASSES)


@pytest.mark.parametrize("name", KEYS)
def test_toml_files_have_the_tables_of_their_schema(name: str) -> None:
    assert read_toml(name).keys() == KEYS[name]


@pytest.mark.parametrize("part", ["words", "marks"])
def test_shapes_have_a_sign_a_class_and_patterns(part: str) -> None:
    shapes: list[dict[str, Any]] = read_toml("bot_shapes.toml")[part]
    for shape in shapes:
        assert shape.keys() == {"sign", "class", "patterns"}
        assert shape["class"] in BOT_CLASSES
        compile_all(shape["patterns"])
    assert len({shape["sign"] for shape in shapes}) == len(shapes)


def test_attacks_have_a_sign_a_source_and_patterns() -> None:
    for family in read_toml("attacks.toml")["attacks"]:
        assert family.keys() == {"sign", "source", "patterns"}
        assert family["source"].startswith("https://")
        compile_all(family["patterns"])


def test_patterns_of_shapes_and_crawlers_compile() -> None:
    shapes = read_toml("bot_shapes.toml")
    compile_all([*shapes["exceptions"], *shapes["platforms"]])
    compile_all(read_toml("crawler_corrections.toml")["narrowed"].values())
    for model in shapes["models"]:
        re.compile(model)


def test_scanner_paths_are_lower_case_and_come_once() -> None:
    parts = [part for some in read_toml("scanner_paths.toml")["paths"].values() for part in some]
    assert parts == [part.lower() for part in parts]
    assert len(set(parts)) == len(parts)
