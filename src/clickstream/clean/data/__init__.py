"""Functions that read the data files in this directory: lists that people edit, with sources.

The comment at the top of a TOML file states whether its strings are regular expressions.
tests/clickstream/clean/test_data_files.py checks each file against its schema.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any


def read_text(name: str) -> str:
    """Return the text of a file."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def read_csv(name: str) -> Iterator[dict[str, str]]:
    """Read the rows of a CSV file, as dictionaries by column name."""
    return csv.DictReader(read_text(name).splitlines())


def read_toml(name: str) -> dict[str, Any]:
    """Read the values of a TOML file."""
    return tomllib.loads(read_text(name))
