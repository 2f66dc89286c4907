"""Readers of the data files of this directory: lists that people edit, with their sources.

Strings in TOML files are regular expressions where the file's first lines say so.
tests/clickstream/clean/test_data_files.py holds the schema of each file.
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
    """Read the rows of a CSV file, by the names of its header."""
    return csv.DictReader(read_text(name).splitlines())


def read_toml(name: str) -> dict[str, Any]:
    """Read the values of a TOML file."""
    return tomllib.loads(read_text(name))
