"""Parsed requests for tests of `clean`, written as the few values that matter."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from clickstream import dictionary_encoding
from clickstream.clean import CleanRules, TargetRules
from clickstream.parse import parse

KEY = bytes(range(32))
RULES = CleanRules(
    site="cafe",
    domains=("cafe.example",),
    targets=TargetRules(query_parameters=frozenset({"page", "q"})),
)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def line(
    target: str = "/",
    *,
    client: str = "192.0.2.7",
    method: str = "GET",
    status: int = 200,
    referrer: str = "-",
    agent: str = BROWSER,
    request: str | None = None,
) -> str:
    """One combined line."""
    request = f"{method} {target} HTTP/1.1" if request is None else request
    return (
        f'{client} - - [20/Nov/2026:05:00:00 +0000] "{request}" {status} 1 "{referrer}" "{agent}"'
    )


def requests(*lines: str) -> pd.DataFrame:
    """The lines as `parse` reads them; every one must be usable."""
    parsed = parse("\n".join(lines).encode(), "combined")
    assert parsed.rejects.empty
    return parsed.requests


def table(parsed: pd.DataFrame) -> pa.Table:
    """Parsed requests, changed as a test likes, as the cleaner takes them."""
    return pa.table({name: dictionary_encoding.to_arrow(parsed[name]) for name in parsed})


def row(labelled: pd.DataFrame, index: int = 0) -> dict[str, Any]:
    """One row, with None for whatever is missing."""
    return {k: None if pd.isna(v) else v for k, v in labelled.iloc[index].items()}
