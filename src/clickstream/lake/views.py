"""The Athena views: one .sql and one .yml each, created in the order they read one another."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from clickstream.errors import InputError
from clickstream.lake import athena
from clickstream.lake.client import Lake

_PRESTO_VIEW = re.compile(r"/\* Presto View: (\S+) \*/")


@dataclass(frozen=True)
class View:
    """One view: its name, its SELECT, and the tables and views it reads."""

    name: str
    sql: str
    reads: tuple[str, ...]


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did."""

    created: list[str]
    unchanged: list[str]

    @property
    def sentence(self) -> str:
        """One line for the log."""
        made = ", ".join(self.created) or "none"
        return f"Views: {made} created or replaced; {len(self.unchanged)} unchanged."


def read_views(directory: Path) -> list[View]:
    """The directory's views, each after those it reads.

    Raises InputError for a missing .yml, and for views that read each other in a circle.
    """
    views = {path.stem: _read(path) for path in sorted(directory.glob("*.sql"))}
    if not views:
        raise InputError(f"No views in {directory}; set sql_directory under [build].")
    graph = {name: sorted(set(view.reads) & set(views)) for name, view in views.items()}
    try:
        return [views[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        circle = " reads ".join(reversed(error.args[1]))
        raise InputError(f"Views in {directory} read each other in a circle: {circle}.") from None


def _read(path: Path) -> View:
    description = path.with_suffix(".yml")
    if not description.is_file():
        raise InputError(f"{path} has no {description.name} beside it; describe the view there.")
    facts = yaml.safe_load(description.read_text(encoding="utf-8"))
    sql = path.read_text(encoding="utf-8").strip().rstrip(";")
    return View(path.stem, sql, tuple(facts["reads"]))


def outdated(lake: Lake, directory: Path) -> list[View]:
    """The views whose SQL differs from what the catalog holds, or that it lacks."""
    return [view for view in read_views(directory) if _stored_sql(lake, view.name) != view.sql]


def refresh(lake: Lake, directory: Path) -> Refreshed:
    """Create or replace the views whose SQL differs from what the catalog holds."""
    changed = [view.name for view in outdated(lake, directory)]
    done = Refreshed([], [])
    for view in read_views(directory):
        if view.name in changed:
            athena.query(lake, f"create or replace view {view.name} as\n{view.sql}")
        (done.created if view.name in changed else done.unchanged).append(view.name)
    return done


def _stored_sql(lake: Lake, name: str) -> str | None:
    """The SELECT that Glue holds for a view: Athena keeps it in base64 inside a comment."""
    try:
        table: dict[str, Any] = lake.glue.get_table(DatabaseName=lake.database, Name=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "EntityNotFoundException":
            return None
        raise
    match = _PRESTO_VIEW.search(table.get("ViewOriginalText") or "")
    if match is None:
        return None
    return str(json.loads(base64.b64decode(match[1]))["originalSql"]).strip()
