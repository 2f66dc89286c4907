"""Functions that read the data files in this directory: lists that people edit, with sources.

The comment at the top of a TOML file states whether its strings are regular expressions. Lists of
bots and networks name their source and date: in the keys `source` and `date` of a TOML file, and in
the comment at the top of a CSV file. tests/clickstream/clean/test_data_files.py checks each file
against its schema.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from typing import Any, NamedTuple


class Origin(NamedTuple):
    """Where the entries of a data file come from, and when they were last changed."""

    source: str
    date: date


def read_text(name: str) -> str:
    """Return the text of a file."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def read_csv(name: str) -> Iterator[dict[str, str]]:
    """Read the rows of a CSV file, as dictionaries by column name; a line of # is a comment."""
    lines = read_text(name).splitlines()
    return csv.DictReader(line for line in lines if not line.startswith("#"))


def read_toml(name: str) -> dict[str, Any]:
    """Read the values of a TOML file."""
    return tomllib.loads(read_text(name))


def origin_of(name: str) -> Origin:
    """Return the source and the date of a file. Raises KeyError for a file without them."""
    if name.endswith(".toml"):
        values = read_toml(name)
        return Origin(values["source"], values["date"])
    values = dict(re.findall(r"^# (source|date): (.+)$", read_text(name), re.MULTILINE))
    return Origin(values["source"], date.fromisoformat(values["date"]))
