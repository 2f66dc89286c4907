"""What kind of request each one is, and the balance of kinds that closes an hour."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream.clean.columns import flags
from clickstream.clean.urls import extension
from clickstream.tables import BALANCE

KINDS = ("page", "asset", "redirect", "client_error", "server_error", "other")
"""Every kind of request."""

_KIND = pd.CategoricalDtype(pd.Index(KINDS, dtype="str"))
_PEOPLE = {
    "page": "pages",
    "redirect": "redirects",
    "client_error": "client_errors",
    "server_error": "server_errors",
    "other": "others",
}


def kind_of(
    path: pd.Series,
    method: pd.Series,
    status: npt.NDArray[np.int16],
    asset_extensions: frozenset[str],
) -> pd.Categorical:
    """The kind of each request.

    A path decides first, whatever the status: an asset by its extension, robots.txt is other. Then
    the status: 3xx save 304 is a redirect, 4xx and 5xx are errors. What remains is a page when it
    was asked for with GET and answered in full (200) or found unchanged (304), else other.
    """
    robots = flags(path, lambda text: _name(text) == "robots.txt")
    asset = flags(path, lambda text: _is_asset(text, asset_extensions))
    get = np.asarray(method == "GET", np.bool_)
    hundreds = status // 100
    rules = (
        ("other", robots),
        ("asset", asset),
        ("redirect", (hundreds == 3) & (status != 304)),
        ("client_error", hundreds == 4),
        ("server_error", hundreds == 5),
        ("page", get & ((status == 200) | (status == 304))),
    )
    codes = [KINDS.index(kind) for kind, _ in rules]
    chosen = np.select([holds for _, holds in rules], codes, KINDS.index("other"))
    return pd.Categorical.from_codes(chosen, dtype=_KIND)


def balance(requests: pd.DataFrame) -> dict[str, int]:
    """How many of the requests that `clean` labelled are what; the sum is their number.

    An asset is an asset whoever asked for it; any other request of a bot counts under bots; a
    person's by its kind.
    """
    kind, is_bot = requests["kind"], requests["is_bot"]
    asset = kind == "asset"
    counts = {"assets": int(asset.sum()), "bots": int((is_bot & ~asset).sum())}
    people = kind[~is_bot & ~asset].astype(str).value_counts()
    counts |= {name: int(people.get(one, 0)) for one, name in _PEOPLE.items()}
    return {name: counts[name] for name in BALANCE}


def _name(path: str) -> str:
    return path.rpartition("/")[2].lower()


def _is_asset(path: str, asset_extensions: frozenset[str]) -> bool:
    return extension(path) in asset_extensions or _name(path) == "favicon.ico"
