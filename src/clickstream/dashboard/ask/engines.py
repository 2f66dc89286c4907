"""Engines that answer questions: the local copy of the facts, or Athena.

Both have a version: an answer stays valid until the version changes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from clickstream.core.sql_values import sql_literal
from clickstream.dashboard.ask.fact_copy import EMPTY, CopyState, FactCopy, state_of
from clickstream.dashboard.ask.question import Question
from clickstream.lake import Lake, athena, aws_errors
from clickstream.lake.fact_files import (
    COMPUTED_VIEWS,
    manifest_etag,
    read_file,
    read_manifest,
)
from clickstream.settings import Settings

AnswerRow = tuple[Any, ...]
POLL_SECONDS = 15.0
ATHENA = "Athena"


class Reader(Protocol):
    """Answers questions from one version of the facts."""

    @property
    def state(self) -> CopyState:
        """The version, and the time at which it was written."""

    def rows(self, question: Question) -> list[AnswerRow]:
        """Return the rows that answer a question."""


class AnswerEngine(Protocol):
    """A source of answers."""

    name: str
    """The engine of the views' SQL, as pages name it."""
    poll_seconds: float
    """The time between two calls of `refresh`."""

    def ask_views(self, question: Question) -> list[AnswerRow]:
        """Run the SQL of a question on the fact views themselves."""

    def reader(self) -> AbstractContextManager[Reader]:
        """Open a reader of the current version."""

    def refresh(self) -> bool:
        """Check for a new version; return whether there is one."""

    def close(self) -> None:
        """Release its resources."""


def computed_views(settings: Settings) -> dict[str, str]:
    """Return the SELECT of each view of facts without files; none without `[[sales]]`."""
    directory = settings.sql_directory
    paths = {name: directory / f"{name}.sql" for name in COMPUTED_VIEWS if settings.sales}
    return {name: path.read_text("utf-8") for name, path in paths.items() if path.is_file()}


class LocalEngine:
    """Answers from the local copy; `refresh` fetches the files of the manifest that it lacks."""

    name = ATHENA
    poll_seconds = POLL_SECONDS

    def __init__(self, lake: Lake, directory: Path) -> None:
        self._lake = lake
        self._copy = FactCopy(
            directory, lambda file: read_file(lake, file), computed_views(lake.settings)
        )
        self._etag: str | None = None

    def reader(self) -> AbstractContextManager[Reader]:
        """Open a snapshot of the copy."""
        return self._copy.snapshot()

    @aws_errors.translate_errors()
    def refresh(self) -> bool:
        """Update the copy to match the stored manifest, which is read only if it has changed."""
        if self._etag is not None and manifest_etag(self._lake) == self._etag:
            return False
        stored = read_manifest(self._lake)
        if stored is None:
            return False
        is_changed = self._copy.update(stored.value)
        with self._copy.snapshot() as snapshot:
            is_up_to_date = snapshot.state == state_of(stored.value)
        self._etag = stored.etag if is_up_to_date else None
        return is_changed

    def ask_views(self, question: Question) -> list[AnswerRow]:
        """Run the question on Athena. Raises QueryFailed with Athena's reason."""
        return ask_athena(self._lake, question)

    def close(self) -> None:
        """Close the copy."""
        self._copy.close()


@dataclass(frozen=True)
class AthenaReader:
    """Answers from the fact views in Athena."""

    state: CopyState
    lake: Lake

    def rows(self, question: Question) -> list[AnswerRow]:
        """Run the question. Raises QueryFailed with Athena's reason."""
        return ask_athena(self.lake, question)


class AthenaEngine:
    """Answers every question by an Athena query; the version is that of the manifest."""

    name = ATHENA
    poll_seconds = POLL_SECONDS

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._state = EMPTY

    @contextlib.contextmanager
    def reader(self) -> Iterator[Reader]:
        """Open a reader of the views."""
        yield AthenaReader(self._state, self._lake)

    @aws_errors.translate_errors()
    def refresh(self) -> bool:
        """Read the manifest's version."""
        stored = read_manifest(self._lake)
        before, self._state = self._state, state_of(stored.value) if stored else EMPTY
        return before != self._state

    def ask_views(self, question: Question) -> list[AnswerRow]:
        """Run the question on Athena. Raises QueryFailed with Athena's reason."""
        return ask_athena(self._lake, question)

    def close(self) -> None:
        """Do nothing: it holds no resources."""


def ask_athena(lake: Lake, question: Question) -> list[AnswerRow]:
    """Run a question on Athena. Raises QueryFailed with Athena's reason."""
    return athena.query(lake, question.sql, [sql_literal(v) for v in question.values]).rows
