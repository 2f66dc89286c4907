"""Write docs/data-dictionary.md: every table from `tables.py`, every view from its .yml.

    python scripts/data_dictionary.py            writes the file
    python scripts/data_dictionary.py --check    fails if the file is not what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from clickstream.tables import TABLES, Table

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "data-dictionary.md"
INTRODUCTION = """\
# Data dictionary

Made by `make docs` from `src/clickstream/tables.py` and the descriptions beside the views in
`include/sql/`; change it there. Times are UTC. *pseudonymous* values tell visitors apart without
saying who they are; *free text* may hold what a visitor typed or a link carried.
"""


def dictionary() -> str:
    """The whole page."""
    tables = (line for table in TABLES for line in table_page(table))
    views = (line for path in sorted((ROOT / "include/sql").glob("*.yml")) for line in view(path))
    return "\n".join([INTRODUCTION, "## Tables", "", *tables, "## Views", "", *views]).rstrip() + "\n"


def table_page(table: Table) -> Iterator[str]:
    """A table: what one row is, and its columns."""
    yield f"### {table.name}"
    yield ""
    yield f"One row is {table.one_row_is}. Partitioned by `event_date`."
    yield ""
    yield "| column | type | may be null | privacy | meaning |"
    yield "|---|---|---|---|---|"
    for column in table.columns:
        null = "" if column.required else "yes"
        privacy = "" if column.privacy == "plain" else column.privacy
        yield f"| {column.name} | {column.type} | {null} | {privacy} | {column.meaning} |"
    yield ""


def view(path: Path) -> Iterator[str]:
    """A view: what one row is, what it reads, and its columns."""
    facts = yaml.safe_load(path.read_text(encoding="utf-8"))
    yield f"### {path.stem}"
    yield ""
    yield f"One row per {facts['one_row_per']}. Owner: {facts['owner']}."
    yield f"Reads {', '.join(f'`{name}`' for name in facts['reads'])}."
    yield ""
    yield "| column | meaning |"
    yield "|---|---|"
    for name, meaning in facts["columns"].items():
        yield f"| {name} | {meaning} |"
    yield ""


def main() -> int:
    """Write the page, or with --check compare it."""
    if "--check" not in sys.argv:
        TARGET.write_text(dictionary(), encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == dictionary():
        return 0
    sys.stderr.write(f"{TARGET.name} is out of date; run: make docs\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
