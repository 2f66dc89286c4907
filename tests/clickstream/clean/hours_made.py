"""Hours of requests for tests of behaviour: from a few rows, or from lines of a log."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from tests.clickstream.clean.requests_made import KEY, RULES

from clickstream.clean import KINDS, clean
from clickstream.clean.bots import HourOfRequests, is_scanner_path


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
