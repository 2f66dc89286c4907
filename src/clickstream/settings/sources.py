"""Sections `[[sources]]` and `[collect]`: the places of log files, and how they are pulled."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from clickstream.settings.values import Section

AUTO = "auto"

SOURCE_PROBLEM = "source"
"""Error type for a source whose settings contradict each other or are incomplete."""

LAST_PORT = 65_535


_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:\d{1,5})?")


def _check_host(text: str) -> str:
    """Refuse text that is not a name or an address, so that it is never read as option or path."""
    if not _HOST.fullmatch(text):
        raise PydanticCustomError("host", "write a name or an address, with :PORT if it isn't 22")
    return text


class InstanceSettings(Section):
    """EC2 instances, selected by their tags."""

    tags: dict[str, str] = Field(
        description="Tags that an instance must have, each with its value.", min_length=1
    )
    address: Literal["private", "public"] = Field(
        "private", description="Which address of an instance the pull connects to."
    )


class SourceSettings(Section):
    """One source of log files: a directory on this machine or on one or more hosts."""

    name: str = Field(
        description="Name of the source. The name of a host of kind sftp is this name and the "
        "host's own name.",
        pattern=r"^[a-z0-9][a-z0-9-]*$",
    )
    kind: Literal["directory", "sftp"] = Field(
        "directory",
        description="Where the files are: a directory of this machine, or hosts that are read by "
        "sftp over SSH.",
    )
    path: str = Field(description="Directory of the log files.")
    pattern: str = Field(
        "*access*log*", description="Pattern of the names of the access logs in the directory."
    )
    format: str = Field(
        "auto", description="Format of the lines: auto, a known format, or one of [formats]."
    )
    hosts: tuple[Annotated[str, AfterValidator(_check_host)], ...] = Field(
        (), description="For sftp: the hosts, by name or address, with :PORT if the port is not 22."
    )
    instances: InstanceSettings | None = Field(
        None,
        description="For sftp: EC2 instances instead of hosts, such as `{tags = {Role = 'web'}}`; "
        "with `address = 'public'`, by their public addresses.",
    )
    user: str = Field("", description="For sftp: the account for the login.")
    key_file: str = Field("", description="For sftp: the file with the private key of the account.")
    connection: str = Field(
        "",
        description="For sftp: an Airflow connection of type SSH or SFTP that has the user and "
        "the key, and the host and its key if hosts is not set.",
    )
    max_kb_per_second: Annotated[int, Field(ge=0)] = Field(
        0,
        description="For sftp: limit of the kilobytes per second that are read from a host; 0 for "
        "no limit.",
    )

    @model_validator(mode="after")
    def _check_kind(self) -> SourceSettings:
        """Refuse settings of the other kind, and an sftp source without a host or a login."""
        match self.kind:
            case "sftp":
                problem = self._sftp_problem()
            case "directory":
                sftp = ("hosts", "instances", "user", "key_file", "connection", "max_kb_per_second")
                used = next((name for name in sftp if getattr(self, name)), "")
                problem = f"{used} needs kind = 'sftp'" if used else ""
        if not problem and (self.pattern.startswith("/") or ".." in self.pattern.split("/")):
            problem = "its pattern must match files below its path: remove a leading / and any .."
        if problem:
            raise PydanticCustomError(SOURCE_PROBLEM, problem)
        return self

    def _sftp_problem(self) -> str:
        if self.hosts and self.instances:
            return "set hosts or instances, not both"
        if not (self.hosts or self.instances or self.connection):
            return "set hosts, instances or connection"
        if not self.connection and not (self.user and self.key_file):
            return "set user and key_file, or connection"
        if not self.path.startswith("/"):
            return "path must begin with / for kind = 'sftp'"
        seen: set[str] = set()
        for host in self.hosts:
            if host.lower() in seen:
                return f"it names the host {host} twice"
            if int(host.partition(":")[2] or 1) not in range(1, LAST_PORT + 1):
                return f"the port of {host} must be 1 to {LAST_PORT:,}"
            seen.add(host.lower())
        return ""


class CollectSettings(Section):
    """How logs are pulled. No setting here affects the rows of an hour."""

    known_hosts: str = Field(
        "var/ssh/known_hosts",
        description="File of the trusted host keys, in the format of OpenSSH.",
    )
    settle_minutes: Annotated[int, Field(ge=0, le=30)] = Field(
        5,
        description="Minutes that a scheduled run waits after the end of the hour before it pulls.",
    )
    connect_seconds: Annotated[int, Field(ge=1, le=120)] = Field(
        15, description="Seconds within which a host must answer and complete the login."
    )
    pull_minutes: Annotated[int, Field(ge=1, le=1_440)] = Field(
        30,
        description="Minutes after which a pull of a host over sftp ends; the next pull continues. "
        "Airflow ends it after 60 minutes in any case.",
    )
    hosts_at_once: Annotated[int, Field(ge=1, le=32)] = Field(
        4, description="Number of hosts from which the command line pulls at a time."
    )
