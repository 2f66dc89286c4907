"""The icons beside the site's title, which pages and Airflow's navigation draw."""

from __future__ import annotations

import re
from importlib.resources import files


def read_static(name: str) -> bytes:
    """Read a file of static/."""
    return (files("clickstream.dashboard") / "static" / name).read_bytes()


def read_icon_path(icon: str) -> str:
    """Return the path of an icon, which its file draws."""
    found = re.search(rb'<path d="([^"]+)"', read_static(f"{icon}.svg"))
    return found[1].decode() if found else ""
