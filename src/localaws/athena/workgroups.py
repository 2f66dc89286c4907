"""Workgroups of the local Athena: names with an output location, given when the server starts.

No setting is enforced, so a location that the client gives takes precedence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localaws.athena.api_errors import invalid_request

PRIMARY = "primary"
"""The workgroup that every account has, and that a client uses if it names none."""

ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
Json = dict[str, Any]


class Workgroups:
    """The workgroups of the account, which no request can change."""

    def __init__(self, locations: Mapping[str, str]) -> None:
        """Take an output location by name of a workgroup; ``primary`` exists without one, too."""
        self._locations = {PRIMARY: "", **locations}

    def require(self, body: Json) -> str:
        """Return the workgroup of a request. Raises AwsError if it does not exist."""
        name: str = body.get("WorkGroup") or PRIMARY
        if name not in self._locations:
            raise invalid_request(
                f"WorkGroup {name} is not found. Start localaws with --workgroup {name}=S3_URI."
            )
        return name

    def location(self, name: str) -> str:
        """Return the output location of a workgroup, empty if it has none."""
        return self._locations[name]

    def get(self, body: Json) -> Json:
        """Answer GetWorkGroup."""
        name = self.require(body)
        location = self.location(name)
        configuration = {
            "ResultConfiguration": {"OutputLocation": location} if location else {},
            "EnforceWorkGroupConfiguration": False,
            "PublishCloudWatchMetricsEnabled": False,
            "RequesterPaysEnabled": False,
            "EngineVersion": ENGINE,
        }
        return {"WorkGroup": {"Name": name, "State": "ENABLED", "Configuration": configuration}}

    def list_all(self, _body: Json) -> Json:
        """Answer ListWorkGroups, with all workgroups on one page."""
        return {
            "WorkGroups": [
                {"Name": name, "State": "ENABLED", "EngineVersion": ENGINE}
                for name in sorted(self._locations)
            ]
        }
