"""Pull: every finished line of every log file lands in the raw lines of its own hour, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from clickstream import __version__
from clickstream.collect import DirectorySource, ListedFile, LogSource, is_named_access_log
from clickstream.lake import Lake, aws_errors, collection
from clickstream.lake.bookmarks import finished_files, save_finished_files
from clickstream.lake.collection import RefusedFile, SetAsideFile, SourceState, WaitingFile
from clickstream.pipeline import site
from clickstream.pipeline.pull_file import Outcome, Stored, pull_file
from clickstream.settings import AUTO, Source
from clickstream.wording import quantity, shorten

NAMES_SHOWN = 5
"""File names in a sentence; of more, the number is given."""


@dataclass(frozen=True)
class Pulled:
    """What one pull brought.

    `refused` are files that can't be read, or only up to some line, with the reason;
    `newly_refused` those of them that no earlier pull found so. `set_aside` are files that are no
    access logs. `waiting` are files whose lines could not be taken yet, with the reason.
    `padding_bytes` at the head of `padded_files` new files (NULs, a byte-order mark) were left out.
    """

    source: str
    files: int
    lines: int
    bytes: int
    hours: list[str]
    unfinished: list[str]
    refused: list[str]
    newly_refused: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    padding_bytes: int = 0
    padded_files: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        files = quantity(self.files, "file")
        said = [f"{self.source}: {quantity(self.lines, 'new line')} of {files}"]
        if self.hours:
            said.append(f", hours {self.hours[0]} to {self.hours[-1]}")
        if self.padded_files:
            padding = f"{quantity(self.padding_bytes, 'byte')} of NULs or a byte-order mark"
            said.append(
                f"; left out {padding} at the head of {quantity(self.padded_files, 'file')}"
            )
        if self.unfinished:
            said.append(f"; the unfinished last line of {_names(self.unfinished)} waits")
        if self.waiting:
            said.append(f"; {quantity(len(self.waiting), 'file')} WAITING: {_names(self.waiting)}")
        if self.set_aside:
            number = quantity(len(self.set_aside), "file")
            said.append(f"; {number} set aside, not access logs: {_names(self.set_aside)}")
        if self.newly_refused:
            said.append(f"; {quantity(len(self.newly_refused), 'file')} REFUSED")
        if known := len(self.refused) - len(self.newly_refused):
            said.append(f"; {quantity(known, 'file')} refused before and unchanged since")
        return "".join([*said, "."])


def _names(names: Sequence[str]) -> str:
    return shorten(names, NAMES_SHOWN)


@aws_errors.translate_errors()
def pull(
    lake: Lake,
    source: Source,
    logs: LogSource | None = None,
    host: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> Pulled:
    """Pull what is new in the files of a source's host into raw.

    `logs` is where the files are read; the source's directory if left out. `host` is the name that
    the bookmarks and raw objects keep; the source's name if left out. `progress` gets a sentence
    now and then. An access log whose
    lines have no known format is refused by name, and the others are still pulled; so is one that
    is damaged, from its first damaged line on. Other files without a line in a known format are
    set aside. Pulls at the same time share the files: a range that another pull began is left to
    it while there are other files, and is looked at last.
    Raises InputError when the source can't be listed.
    """
    logs = logs or DirectorySource(lake.settings.resolve(source.path), source.pattern)
    known, state = finished_files(lake, source.name), collection.source_state(lake, source.name)
    stored = Stored()
    found = _pull_listed(lake, source, logs, known, state, stored)
    if any(one.is_rotated for one in found.values()):  # the lines are under other names now
        found = _pull_listed(lake, source, logs, _finished(found), state, stored)
    if _finished(found) != known:
        save_finished_files(lake, source.name, _finished(found))
    observed = _observed(source, found)
    collection.update_source_state(lake, state, partial(_updated, observed, stored.newest))
    site.look_again(lake)
    return _pulled(observed, state, found, stored)


def _pull_listed(
    lake: Lake,
    source: Source,
    logs: LogSource,
    finished: Set[str],
    state: SourceState,
    stored: Stored,
) -> dict[ListedFile, Outcome]:
    """List the files, and pull those that are not known to be finished or set aside."""
    outcomes = _known_outcomes(source, logs.list(), finished, state)
    for may_leave in (True, False):
        for file, before in outcomes.items():
            if before is None or before.is_left or before.waits:
                outcomes[file] = pull_file(lake, source, logs, file, stored, may_leave)
    return {file: outcome for file, outcome in outcomes.items() if outcome}


def _finished(found: dict[ListedFile, Outcome]) -> set[str]:
    """The identities of files that did not change from their listing to their last read."""
    return {file.identity for file, one in found.items() if one.identity == file.identity}


def _known_outcomes(
    source: Source, files: Iterable[ListedFile], finished: Set[str], state: SourceState
) -> dict[ListedFile, Outcome | None]:
    """What earlier pulls know of the files that did not change since; None for those to read."""
    is_same_version = state.library_version == __version__ and source.format == AUTO
    set_aside = {one.identity for one in state.set_aside} if is_same_version else set()
    outcomes: dict[ListedFile, Outcome | None] = {}
    for file in files:
        outcomes[file] = None
        if file.identity in finished:
            outcomes[file] = Outcome(identity=file.identity)
        elif file.identity in set_aside and not is_named_access_log(file.name):
            outcomes[file] = Outcome(is_set_aside=True)
    return outcomes


def _observed(source: Source, found: dict[ListedFile, Outcome]) -> SourceState:
    """The state of the source as this pull saw it."""
    return SourceState(
        source.name,
        files=len(found),
        set_aside=tuple(
            SetAsideFile(file.name, file.identity)
            for file, one in found.items()
            if one.is_set_aside
        ),
        refused=tuple(
            RefusedFile(file.name, file.identity, one.refusal)
            for file, one in found.items()
            if one.refusal
        ),
        waiting=tuple(
            WaitingFile(file.name, one.waits) for file, one in found.items() if one.waits
        ),
        library_version=__version__,
    )


def _updated(observed: SourceState, newest: Iterable[int], state: SourceState) -> SourceState:
    """The state to store over `state`, which is the one before or that of a pull beside this."""
    now = int(time.time())
    times = [at for at in (state.newest_line_at, *newest) if at is not None and at <= now]
    return replace(observed, pulled_at=now, newest_line_at=max(times, default=None))


def _pulled(
    observed: SourceState, before: SourceState, found: dict[ListedFile, Outcome], stored: Stored
) -> Pulled:
    known = {one.identity for one in before.refused}
    return Pulled(
        source=observed.source,
        files=len(found),
        lines=stored.lines.total(),
        bytes=stored.bytes,
        hours=[str(hour) for hour in sorted(stored.lines)],
        unfinished=sorted(file.name for file, one in found.items() if one.has_unfinished_line),
        refused=[f"{one.name}: {one.reason}" for one in observed.refused],
        newly_refused=[
            f"{one.name}: {one.reason}" for one in observed.refused if one.identity not in known
        ],
        set_aside=[one.name for one in observed.set_aside],
        waiting=[f"{one.name} {one.reason}" for one in observed.waiting],
        padding_bytes=sum(stored.padding),
        padded_files=len(stored.padding),
    )
