"""The real logs, each read once, and the figures that others found in them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.real_logs.real_log import RealLog
from tests.support.shared_data import shared

from clickstream.parse.formats import compile_format

COMBINED_IN_UTC = (
    '%h %l %u [%{%d/%b/%Y:%H:%M:%S}t +0000] "%r" %>s %b "%{Referer}i" "%{User-agent}i"'
)


@pytest.fixture(scope="session")
def elastic() -> RealLog:
    """5,000 lines in the combined format; those of an hour are shuffled."""
    in_utc = compile_format("combined_in_utc", COMBINED_IN_UTC)
    return RealLog([shared("elastic-apache-5000", "access.log")], "combined", in_utc)


@pytest.fixture(scope="session")
def iis() -> RealLog:
    """137 days of a small site's W3C logs, a file for each; headers come again mid-file."""
    return RealLog(sorted(shared("iis-2009").glob("*.log")), "w3c")


@pytest.fixture(scope="session")
def known() -> Callable[[str], Any]:
    """What a file of known figures holds, in the shape it has there; a CSV as its rows."""

    def read(name: str) -> Any:
        text = shared("known-figures", name).read_text(encoding="utf-8")
        if name.endswith(".csv"):
            return [*csv.DictReader(text.splitlines())]
        return json.loads(text)

    return read
