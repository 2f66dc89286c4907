"""Workgroups: the default output location of results, and whether a query may choose another."""

from __future__ import annotations

import json
import time
from typing import Any

from localaws.athena.errors import invalid_request
from localaws.store import Database

Json = dict[str, Any]
ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
KNOWN_SETTINGS = frozenset(
    "EnforceWorkGroupConfiguration EngineVersion PublishCloudWatchMetricsEnabled "
    "RequesterPaysEnabled ResultConfiguration ResultConfigurationUpdates".split()
)


class Workgroups:
    """The workgroups of the account; ``primary`` always exists."""

    def __init__(self, store: Database) -> None:
        self._store = store
        if not store.query("select 1 from athena_workgroup where name = 'primary'"):
            self._save(_new("primary", {}, ""))

    def get(self, name: str) -> Json:
        """Return a workgroup. Raises AwsError if there is none."""
        row = self._store.query_one("select record from athena_workgroup where name = ?", (name,))
        if row is None:
            raise invalid_request(f"WorkGroup {name} is not found.")
        group: Json = json.loads(row["record"])
        return group

    def output_location(self, name: str, asked: str | None) -> str:
        """Return the folder for the results of a query that asks for ``asked``. Raises AwsError."""
        group = self.get(name)
        if group["State"] != "ENABLED":
            raise invalid_request(f"WorkGroup {name} is disabled.")
        settings = group["Configuration"]
        own = settings.get("ResultConfiguration", {}).get("OutputLocation")
        chosen = own if settings.get("EnforceWorkGroupConfiguration") and own else asked or own
        if not chosen:
            raise invalid_request(
                "No output location provided. An output location is required either through the "
                "Workgroup result configuration setting or as an API input.",
            )
        return str(chosen)

    def create(self, body: Json) -> Json:
        """CreateWorkGroup."""
        name = body["Name"]
        if self._store.query("select 1 from athena_workgroup where name = ?", (name,)):
            raise invalid_request("WorkGroup is already created")
        settings = body.get("Configuration", {})
        _check_settings(settings)
        self._save(_new(name, settings, body.get("Description", "")))
        return {}

    def update(self, body: Json) -> Json:
        """UpdateWorkGroup."""
        group = self.get(body["WorkGroup"])
        updates = dict(body.get("ConfigurationUpdates", {}))
        _check_settings(updates)
        results = updates.pop("ResultConfigurationUpdates", {})
        current = group["Configuration"].setdefault("ResultConfiguration", {})
        if results.get("RemoveOutputLocation"):
            current.pop("OutputLocation", None)
        if "OutputLocation" in results:
            current["OutputLocation"] = results["OutputLocation"]
        group["Configuration"].update(updates)
        group["Description"] = body.get("Description", group["Description"])
        group["State"] = body.get("State", group["State"])
        self._save(group)
        return {}

    def delete(self, name: str) -> Json:
        """DeleteWorkGroup; its queries can still be read by id."""
        if name == "primary":
            raise invalid_request("The primary workgroup cannot be deleted.")
        self.get(name)
        with self._store.write() as connection:
            connection.execute("delete from athena_workgroup where name = ?", (name,))
        return {}

    def summaries(self) -> list[Json]:
        """Return the WorkGroupSummary of each workgroup, by name."""
        rows = self._store.query("select record from athena_workgroup order by name")
        groups = [json.loads(row["record"]) for row in rows]
        shown = ("Name", "State", "Description", "CreationTime")
        return [{key: group[key] for key in shown} for group in groups]

    def _save(self, group: Json) -> None:
        with self._store.write() as connection:
            connection.execute(
                "insert or replace into athena_workgroup values (?, ?)",
                (group["Name"], json.dumps(group)),
            )


def _new(name: str, settings: Json, description: str) -> Json:
    configuration = {"EnforceWorkGroupConfiguration": False, "ResultConfiguration": {}, **settings}
    return {
        "Name": name,
        "State": "ENABLED",
        "Description": description,
        "CreationTime": time.time(),
        "Configuration": {**configuration, "EngineVersion": ENGINE},
    }


def _check_settings(settings: Json) -> None:
    unknown = sorted(set(settings) - KNOWN_SETTINGS)
    if unknown:
        raise invalid_request(
            f"localaws does not implement the workgroup settings {', '.join(unknown)}.",
        )
