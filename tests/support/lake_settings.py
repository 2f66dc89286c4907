"""A settings file of its own for a test: one lake, and the directories its logs come from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
SITE_DOMAIN = "cafe.example"


def write_settings(folder: Path, name: str, sources: Iterable[str]) -> Path:
    """Write `clickstream.toml` and make an empty log directory below `folder` for each source.

    `name`, of letters, digits and `_`, becomes the name of the lake's bucket and database.
    """
    text = f"""
[site]
name = "cafe"
domains = ["{SITE_DOMAIN}"]

[lake]
bucket = "lake-{name.replace("_", "-")}"
database = "{name}"
key_secret = "{name}/visitor-keys"

[build]
sql_directory = "{ROOT / "include" / "sql"}"
"""
    for source in sources:
        (folder / source).mkdir(parents=True)
        text += f'\n[[sources]]\nname = "{source}"\npath = "{source}"\nformat = "combined"\n'
    path = folder / "clickstream.toml"
    path.write_text(text, encoding="utf-8")
    return path
