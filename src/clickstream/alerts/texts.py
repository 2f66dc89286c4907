"""The text of an alert: what is wrong, what was lost, what happens by itself, and what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

from clickstream.alerts.incidents import ALERT, Incident, Kind
from clickstream.core.errors import ClickstreamError, RefusedFiles, UnknownLogFormat
from clickstream.core.wording import describe_duration, printable, shown_name
from clickstream.settings import Settings

LONGEST = 600
"""Limit of the sentence about what is wrong, in characters: it may quote an answer of a server."""

_QUOTED = re.compile(r"""(?<!\w)(['"]).*\1""", re.DOTALL)
_CODE = re.compile(r"\((CS-\d{3})\)\W*$")


@dataclass(frozen=True)
class Alert:
    """A message about an incident, before a sender gives it the form of its channel.

    `parts` are pairs of a label and a sentence. `id` is the same for each attempt to send it.
    """

    id: str
    title: str
    summary: str
    parts: tuple[tuple[str, str], ...]
    link: str
    at: datetime

    @property
    def text(self) -> str:
        """The message as plain text."""
        lines = [self.summary, ""]
        lines += [f"{label}: {sentence}" for label, sentence in self.parts]
        return "\n".join([*lines, f"Runbook: {self.link}", ""])


def code_of(text: str) -> str:
    """Return the code at the end of a text; that of unexpected errors if it has none."""
    match = _CODE.search(text)
    return match[1] if match else ClickstreamError.code


def without_lines(text: str) -> str:
    """Return the text of an error about a log without what it quotes of the log.

    Alerts leave the lake, and log lines have addresses.
    """
    if code_of(text) not in (RefusedFiles.code, UnknownLogFormat.code):
        return text
    return _QUOTED.sub("…", text)


def build_alert(settings: Settings, incident: Incident, kind: Kind, now: datetime) -> Alert:
    """Build the alert or the recovery of an incident, at `now`."""
    values = rule_texts()[incident.rule]
    subject = shown_name(incident.subject)
    title = values["title"].format(subject=subject)
    opened = f"{incident.opened_at:%Y-%m-%d %H:%M} UTC"
    text = _shorten(incident.text)
    if kind == ALERT:
        labels = {"Lost": "lost", "By itself": "by_itself", "What to do": "to_do"}
        parts = [
            (label, values[key].format(subject=incident.subject)) for label, key in labels.items()
        ]
        parts.append(("Since", opened))
    else:
        ended = incident.closed_at or now
        lasted = describe_duration(ended - incident.opened_at)
        to_do = "Nothing."
        if incident.is_unwatched:
            title = f"no longer watched: {title}"
            text = (
                f"No check looks at {subject} any more, after {lasted}. The last one found: {text}"
            )
            to_do = (
                "If it was removed from the settings on purpose, nothing. Otherwise restore the "
                "settings: its condition may still hold, and no check would find it."
            )
        else:
            title, text = f"over: {title}", f"It is over after {lasted}. It was: {text}"
        parts = [("What to do", to_do), ("Since", opened)]
    return Alert(
        f"{incident.rule}.{incident.opened_at:%Y%m%dT%H%M%S%f}.{incident.subject}.{kind}",
        f"{settings.site.title or settings.site.name}: {title}",
        text,
        tuple(parts),
        runbook_link(settings, code_of(incident.text)),
        now,
    )


def build_test(settings: Settings, now: datetime) -> Alert:
    """Build the message of `clickstream alerts test`."""
    return Alert(
        f"test.{now:%Y%m%dT%H%M%S%f}",
        f"{settings.site.title or settings.site.name}: test of the alerts",
        "This is a test: no incident is open because of it.",
        (("What to do", "Nothing. Alerts arrive over this channel."),),
        runbook_link(settings),
        now,
    )


def runbook_link(settings: Settings, code: str = "") -> str:
    """Return the address of the section of a code; its file without `[dashboard] docs_url`."""
    docs = settings.dashboard.docs_url.rstrip("/") or "docs"
    return f"{docs}/runbook.md#{code.lower()}" if code else f"{docs}/runbook.md"


def _shorten(text: str) -> str:
    """Return a text on one line, cut before its code if it is too long."""
    line = printable(" ".join(text.split()))
    code = _CODE.search(line)
    if len(line) <= LONGEST or code is None:
        return line[:LONGEST]
    return f"{line[: LONGEST - len(code[0]) - 2]}… {code[0]}"


@cache
def rule_texts() -> Mapping[str, Mapping[str, str]]:
    """Return the texts of each rule."""
    text = (files("clickstream.alerts") / "rule_texts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
