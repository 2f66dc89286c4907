"""Comments of the views and their columns in the Glue Data Catalog, from the views' .yml files.

Athena's SQL has no comments for views. So the entry that Athena wrote for a view is updated in
Glue, as dbt-athena does (dbt-labs/dbt-athena, pull request 337). `views.refresh` calls this.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from clickstream.lake.client import Lake


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


def update(lake: Lake, entry: Mapping[str, Any], comments: ViewComments) -> None:
    """Replace Glue's entry of a view by one with comments.

    Glue refuses the update if the entry has changed since it was read. Then another process has
    just replaced the view, and that process adds the comments.
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
