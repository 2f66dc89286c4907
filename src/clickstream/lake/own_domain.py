"""Storage of the site's inferred own domain: one small object, written once for the whole lake.

Every later build uses it, so that a rebuilt hour has the same bytes. It is inferred again only
after the object was deleted; `site.domains` in the settings takes precedence.
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
    """Store a domain unless another process has; return the stored one."""
    body = json.dumps(found, sort_keys=True).encode()
    while not objects.swap(lake, KEY, body, etag=None):
        if stored := load(lake):  # else it was deleted meanwhile
            return stored
    return dict(found)
