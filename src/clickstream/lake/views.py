"""The Athena views: one .sql and one .yml file each, created in the order of their dependencies.

The comments of views and columns in the Glue Data Catalog are from the .yml files. The task
`refresh_views`, the facts and backfills call this.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from clickstream.core.errors import InputError
from clickstream.core.zone_names import sql_zone
from clickstream.lake import athena
from clickstream.lake.client import Lake
from clickstream.settings import Settings
from clickstream.tables import ENGAGED_SECONDS
from clickstream.tables.sales import SALES_TABLES

# libyaml's loader reads the descriptions of all views in 10 ms, the one in Python in 130.
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PRESTO_VIEW = re.compile(r"/\* Presto View: (\S+) \*/")


@dataclass(frozen=True)
class ViewComments:
    """The comment of a view, and those of its columns by name; both may be empty."""

    view: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> ViewComments:
        """Return the comments from the content of a view's .yml file."""
        sentences = []
        if "one_row_per" in description:
            sentences.append(f"One row per {description['one_row_per']}.")
        if "filter_by" in description:
            sentences.append(f"Filter by {description['filter_by']['column']} to read less.")
        return cls(" ".join(sentences), description.get("columns", {}))

    def are_in(self, entry: Mapping[str, Any]) -> bool:
        """Return whether Glue's entry of the view has these comments."""
        return self.added_to(entry) == entry

    def added_to(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return Glue's entry of the view with these comments, and otherwise unchanged.

        Trino reads only views whose parameter `comment` is "Presto View", so the view's comment is
        the description of the entry.
        """
        storage = entry["StorageDescriptor"]
        columns = [
            column | {"Comment": self.columns[column["Name"]]}
            if column["Name"] in self.columns
            else column
            for column in storage["Columns"]
        ]
        described = {"Description": self.view} if self.view else {}
        return {**entry, **described, "StorageDescriptor": {**storage, "Columns": columns}}


@dataclass(frozen=True)
class DateFilter:
    """The date column that a view is filtered by, and the dates that a filter for one date reads.

    It reads the tables' rows of that date, of `days_before` dates before it and of `days_after`
    dates after it.
    """

    column: str
    days_before: int
    days_after: int


@dataclass(frozen=True)
class AthenaView:
    """One view: its name, SELECT, the tables and views it reads, date filter and comments."""

    name: str
    sql: str
    reads: tuple[str, ...]
    filter_by: DateFilter | None = None
    comments: ViewComments = field(default_factory=ViewComments)


@dataclass(frozen=True)
class Refreshed:
    """The result of a refresh: names of views.

    `described` are views that were not replaced, but whose comments were updated.
    """

    created: list[str]
    described: list[str]
    unchanged: list[str]

    @property
    def sentence(self) -> str:
        """One line for the log."""
        made = ", ".join(self.created) or "none"
        described = f"comments of {len(self.described)} updated; " if self.described else ""
        return f"Views: {made} created or replaced; {described}{len(self.unchanged)} unchanged."


ViewValues = Mapping[str, int | str]
"""The values that replace the names in braces in the views' SQL."""

Entries = Mapping[str, Mapping[str, Any]]
"""Glue's entries of views by name."""


def read_views(directory: Path, values: ViewValues) -> list[AthenaView]:
    """Return the directory's views, each after those it reads, with values in place of names.

    Raises InputError for a missing .yml, and for views that read each other in a circle.
    """
    views = {path.stem: _read(path, values) for path in sorted(directory.glob("*.sql"))}
    if not views:
        raise InputError(f"No views in {directory}; set sql_directory under [build].")
    graph = {name: sorted(set(view.reads) & set(views)) for name, view in views.items()}
    try:
        return [views[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        circle = " reads ".join(reversed(error.args[1]))
        raise InputError(f"Views in {directory} read each other in a circle: {circle}.") from None


def _read(path: Path, values: ViewValues) -> AthenaView:
    description = path.with_suffix(".yml")
    if not description.is_file():
        raise InputError(f"{path} has no {description.name} beside it; describe the view there.")
    facts = yaml.load(description.read_text(encoding="utf-8"), _YAML)  # noqa: S506, it is safe
    sql = path.read_text(encoding="utf-8").strip().rstrip(";")
    for name, value in values.items():
        sql = sql.replace(f"{{{name}}}", str(value))
    filter_by = None
    if described := facts.get("filter_by"):  # the number of days may be a name such as key_days
        days = (described[name] for name in ("days_before", "days_after"))
        before, after = (int(values.get(number, number)) for number in days)
        filter_by = DateFilter(described["column"], before, after)
    return AthenaView(path.stem, sql, tuple(facts["reads"]), filter_by, ViewComments.of(facts))


def views_of(settings: Settings, directory: Path) -> list[AthenaView]:
    """Return the directory's views with values in place of the names in braces.

    The names are `{key_days}`, the setting, which limits how long a visitor can be recognized,
    `{engaged_seconds}`, and `{time_zone}`, the site's. Without `[[sales]]`, views of sales are left
    out, because the lake has no tables of sales. Raises InputError, see `read_views`.
    """
    values: ViewValues = {
        "key_days": settings.privacy.key_days,
        "engaged_seconds": ENGAGED_SECONDS,
        "time_zone": sql_zone(settings.site.time_zone),
    }
    views = read_views(directory, values)
    if settings.sales:
        return views
    of_sales = {table.name for table in SALES_TABLES}
    for view in views:
        if not of_sales.isdisjoint(view.reads):
            of_sales.add(view.name)
    return [view for view in views if view.name not in of_sales]


def outdated(lake: Lake, directory: Path) -> list[AthenaView]:
    """Return the views whose SQL differs from the catalog's, or that the catalog lacks."""
    views = views_of(lake.settings, directory)
    return _outdated(views, _entries(lake, views))


def refresh(lake: Lake, directory: Path) -> Refreshed:
    """Create or replace the views whose SQL differs from the catalog's, and update comments."""
    views = views_of(lake.settings, directory)
    entries = _entries(lake, views)
    replaced = _outdated(views, entries)
    for view in replaced:
        athena.query(lake, f"create or replace view {view.name} as\n{view.sql}")
    if replaced:  # Athena has written new entries, without comments
        entries = _entries(lake, views)
    created = [view.name for view in replaced]
    described = [name for name in _describe(lake, views, entries) if name not in created]
    changed = {*created, *described}
    return Refreshed(created, described, [view.name for view in views if view.name not in changed])


def _describe(lake: Lake, views: Sequence[AthenaView], entries: Entries) -> list[str]:
    """Update the comments of views that differ from the catalog's; return the views' names."""
    described = []
    for view in views:
        entry = entries.get(view.name)
        if entry is not None and not view.comments.are_in(entry):
            update_comments(lake, entry, view.comments)
            described.append(view.name)
    return described


def update_comments(lake: Lake, entry: Mapping[str, Any], comments: ViewComments) -> None:
    """Replace Glue's entry of a view by one with comments, as dbt-athena does.

    Athena's SQL has no comments for views (dbt-labs/dbt-athena, pull request 337). Glue refuses the
    update if the entry has changed since it was read. Then another process has just replaced the
    view, and that process adds the comments.
    """
    accepted = lake.glue.meta.service_model.shape_for("TableInput").members
    described = comments.added_to(entry)
    version = {"VersionId": entry["VersionId"]} if "VersionId" in entry else {}
    with suppress(lake.glue.exceptions.ConcurrentModificationException):
        lake.glue.update_table(
            DatabaseName=lake.database,
            TableInput={name: described[name] for name in accepted if name in described},
            SkipArchive=True,
            **version,
        )


def _entries(lake: Lake, views: Sequence[AthenaView]) -> Entries:
    return lake.catalog_entries([view.name for view in views])


def _outdated(views: Sequence[AthenaView], entries: Entries) -> list[AthenaView]:
    return [view for view in views if _stored_sql(entries.get(view.name, {})) != view.sql]


def _stored_sql(entry: Mapping[str, Any]) -> str | None:
    """Return the SELECT that Glue has for a view: Athena stores it in base64 inside a comment."""
    match = _PRESTO_VIEW.search(entry.get("ViewOriginalText") or "")
    if match is None:
        return None
    return str(json.loads(base64.b64decode(match[1]))["originalSql"]).strip()
