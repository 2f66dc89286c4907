"""The directory of what this user's commands and dashboards can build again."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path:
    """Return `clickstream` in the user's cache directory. Raises RuntimeError without a home."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clickstream"
