"""Storage of the site's inferred own domain: one small object, written once for the whole lake.

Every hour that is built later uses it, so that a rebuilt hour gives the same bytes. It is replaced
only after somebody has deleted it; `site.domains` in the settings wins over it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from clickstream.lake import objects
from clickstream.lake.client import Lake

KEY = "site/own-domain.json"


def load(lake: Lake) -> dict[str, Any] | None:
    """Return the stored domain with its evidence; None if the lake has none yet."""
    stored = objects.get(lake, KEY)
    return json.loads(stored.body) if stored else None


def store(lake: Lake, found: Mapping[str, Any]) -> dict[str, Any]:
    """Store a domain unless another process has; returns the one that is stored now."""
    body = json.dumps(found, sort_keys=True).encode()
    while not objects.swap(lake, KEY, body, etag=None):
        if stored := load(lake):  # else it was deleted meanwhile
            return stored
    return dict(found)
