"""Checks the names of a URL's parameters, so that a misspelt filter never shows all visits."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from clickstream.errors import InputError

_APPENDED = ("utm_", "_ga", "_gl")
"""How names begin that programs append to links which they send, beside click ids."""


def check_names(names: Iterable[str], known: Collection[str]) -> None:
    """Raise InputError for the first name that is not known; it names the nearest known name.

    Parameters that mail programs, social networks and ads append to a link are ignored.
    """
    for name in names:
        if name in known or name.startswith(_APPENDED) or name.lower() in _click_ids():
            continue
        near = get_close_matches(name.lower(), known, n=1)
        advice = f"Did you mean {near[0]}?" if near else "Remove it from the address."
        raise InputError(f"{name[:40]!r} is not a parameter of this page. {advice}")


@cache
def _click_ids() -> frozenset[str]:
    """Return the click ids that the pipeline knows; its package is not imported: it has pandas."""
    file = files("clickstream") / "clean" / "data" / "click_ids.csv"
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    return frozenset(name for row in rows for name in row["parameters"].split())
