"""Parsed requests and hours of requests, built from the few values that matter."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from clickstream.clean import CleanRules, TargetRules, clean
from clickstream.clean.bots import HourOfRequests, is_scanner_path
from clickstream.clean.orders import OrderRules
from clickstream.clean.request_kinds import KINDS
from clickstream.core import dictionary_encoding
from clickstream.core.expressions import Expression
from clickstream.parse import parse

KEY = bytes(range(32))
RULES = CleanRules(
    site="cafe",
    domains=("cafe.example",),
    targets=TargetRules(query_parameters=frozenset({"page", "q"})),
    orders=OrderRules(
        Expression(r"^/done(?:/|\?.*\border=)(?P<order>[^/?&]+)(?:&total=(?P<amount>[^&]*))?")
    ),
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


class Asked(NamedTuple):
    """One request of a visitor."""

    visitor: int
    path: str = "/"
    second: int = 0
    kind: str = "page"
    has_referrer: bool = False


def hour(rows: list[Asked], visitors: int | None = None) -> HourOfRequests:
    """The rows as columns."""
    visitor, path, second, kind, has_referrer = zip(*rows, strict=True) if rows else ((),) * 5
    codes, paths = pd.factorize(np.array(path, object))
    return HourOfRequests(
        visitors=max(visitor, default=-1) + 1 if visitors is None else visitors,
        visitor=np.array(visitor, np.int64),
        second=np.array(second, np.int64),
        kind=np.array([KINDS.index(one) for one in kind], np.int64),
        path=codes,
        is_robots_txt=np.array([one == "/robots.txt" for one in paths], np.bool_)[codes],
        is_scanner_path=np.array([is_scanner_path(one) for one in paths], np.bool_)[codes],
        has_referrer=np.array(has_referrer, np.bool_),
    )


def hour_of_log(parsed: pd.DataFrame) -> tuple[HourOfRequests, pd.MultiIndex]:
    """One hour's parsed requests, and the address and agent of each visitor."""
    texts = [parsed[name].astype("str").fillna("-") for name in ("client", "user_agent")]
    codes, clients = pd.factorize(pd.MultiIndex.from_arrays(texts))
    labelled = clean(parsed, RULES, KEY)
    path = labelled["path"].astype("str").fillna("")
    path_codes, paths = pd.factorize(path)
    requests = HourOfRequests(
        visitors=len(clients),
        visitor=codes,
        second=labelled["hit_at"].to_numpy().astype("datetime64[s]").astype(np.int64),
        kind=labelled["kind"].cat.codes.to_numpy(),
        path=path_codes,
        is_robots_txt=(path == "/robots.txt").to_numpy(np.bool_),
        is_scanner_path=np.array([is_scanner_path(one) for one in paths], np.bool_)[path_codes],
        has_referrer=(~parsed["referrer"].isna()).to_numpy(np.bool_),
    )
    return requests, clients
