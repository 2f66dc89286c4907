"""Pull: every finished line of every log file lands in the raw lines of its own hour, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from clickstream import __version__
from clickstream.collect import DirectorySource, ListedFile, LogSource, is_named_access_log
from clickstream.lake import Lake, aws_errors, bookmarks, collection
from clickstream.lake.collection import RefusedFile, SetAsideFile, SourceState, WaitingFile
from clickstream.pipeline import site
from clickstream.pipeline.host_pull import HostPull, PullProgress, Stored
from clickstream.pipeline.pull_file import Outcome, pull_file
from clickstream.pipeline.pulled import Pulled
from clickstream.settings import AUTO, Source

SETTLED_NS = 2_000_000_000
"""Age at which a file of another machine surely has a later time of writing when it is written to
again: its times are whole seconds."""

SMALL_BYTES = 1 << 20
MANY_FILES = 16
THREADS = 8
"""Of MANY_FILES or more, those of SMALL_BYTES or fewer are pulled at the same time: most of their
time is spent waiting for S3. Memory limits the others to one at a time."""

KEYS_PER_FILE = 50
"""Bookmarks that are listed at most for each file to read. A page of the listing has a thousand, so
it costs a twentieth of looking up each file's bookmark, however many a host has."""


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
    every few seconds. An access log whose lines have no known format is refused by name, and the
    others are still pulled; so is one that is damaged, from its first damaged line on. Other files
    without a line in a known format are set aside. Pulls at the same time share the files: a range
    that another pull began is left to it while there are other files, and is looked at last.
    Raises InputError when the source can't be listed.
    """
    host = host or source.name
    logs = logs or DirectorySource(lake.settings.resolve(source.path), source.pattern)
    began_at, state = int(time.time()), collection.source_state(lake, host)
    known, stored = bookmarks.finished_files(lake, host), Stored()
    shared = HostPull(lake, source, host, logs, known, stored, PullProgress(host, stored, progress))
    seen = _pull_listed(shared, state)
    if any(one.is_rotated for one in seen.outcomes.values()):  # lines have other names now
        seen = _pull_listed(replace(shared, finished=seen.finished), state)
    if seen.finished != known:
        bookmarks.save_finished_files(lake, host, seen.finished)
    observed = _observed(shared, seen, began_at)
    collection.update_source_state(lake, state, partial(_merged, observed))
    site.look_again(lake)
    return _pulled(observed, state, seen, stored)


@dataclass(frozen=True)
class _Seen:
    """What came of each file of a listing.

    A file written to at `unsettled_ns` or later may get lines without a change of its identity.
    """

    outcomes: Mapping[ListedFile, Outcome]
    unsettled_ns: int

    def is_settled(self, file: ListedFile) -> bool:
        """Whether any further line changes the file's identity."""
        return not file.stat.is_remote or file.stat.modified_ns < self.unsettled_ns

    @property
    def finished(self) -> dict[str, str]:
        """Identity and trailer of the files that did not change from listing to last read.

        A compressed file that is not settled is known by its trailer only.
        """
        whole = (
            (file.identity if self.is_settled(file) else one.trailer, one.trailer)
            for file, one in self.outcomes.items()
            if one.identity == file.identity
        )
        return {identity: trailer for identity, trailer in whole if identity}


def _pull_listed(shared: HostPull, state: SourceState) -> _Seen:
    """List the files, and pull those that are not known to be finished or set aside."""
    files = shared.logs.list()
    outcomes = _known_outcomes(shared, files, state)
    todo = [file for file, before in outcomes.items() if before is None]
    shared.progress.add_files(len(todo))
    outcomes.update(_pull_some(_with_fingerprints(shared, todo), todo))
    for file, before in outcomes.items():
        if before is not None and (before.is_left or before.waits):
            outcomes[file] = pull_file(shared, file, may_leave=False)
    found = {file: outcome for file, outcome in outcomes.items() if outcome}
    return _Seen(found, _host_clock(files) - SETTLED_NS)


def _host_clock(files: Iterable[ListedFile]) -> int:
    """The least that the clock of the files' host shows, in nanoseconds.

    It shows the newest time that a file was written at, or more. A time that lies in the future
    here comes from another clock, or from nowhere.
    """
    return min(max((file.stat.modified_ns for file in files), default=0), time.time_ns())


def _with_fingerprints(shared: HostPull, todo: list[ListedFile]) -> HostPull:
    """Read which bookmarks exist by one listing, where many files would look up one each."""
    if len(todo) < MANY_FILES:
        return shared
    limit = KEYS_PER_FILE * len(todo)
    fingerprints = bookmarks.known_fingerprints(shared.lake, shared.host, limit)
    return replace(shared, fingerprints=fingerprints)


def _pull_some(shared: HostPull, todo: list[ListedFile]) -> Iterator[tuple[ListedFile, Outcome]]:
    """Pull files, many small ones at the same time; ranges of other pulls are left to them."""

    def pull_one(file: ListedFile) -> tuple[ListedFile, Outcome]:
        outcome = pull_file(shared, file, may_leave=True)
        shared.progress.file_done()
        return file, outcome

    small = [file for file in todo if file.stat.size <= SMALL_BYTES]
    if len(small) < MANY_FILES:
        yield from map(pull_one, todo)
        return
    yield from (pull_one(file) for file in todo if file.stat.size > SMALL_BYTES)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="pull")
    try:
        yield from pool.map(pull_one, small)
    finally:
        pool.shutdown(cancel_futures=True)


def _known_outcomes(
    shared: HostPull, files: Iterable[ListedFile], state: SourceState
) -> dict[ListedFile, Outcome | None]:
    """What earlier pulls know of the files that did not change since; None for those to read."""
    is_same_version = state.library_version == __version__ and shared.source.format == AUTO
    set_aside = {one.identity for one in state.set_aside} if is_same_version else set()
    outcomes: dict[ListedFile, Outcome | None] = {}
    for file in files:
        outcomes[file] = None
        if file.identity in shared.finished:
            trailer = shared.finished[file.identity]
            outcomes[file] = Outcome(identity=file.identity, trailer=trailer)
        elif file.identity in set_aside and not is_named_access_log(file.name):
            outcomes[file] = Outcome(is_set_aside=True)
    return outcomes


def _observed(shared: HostPull, seen: _Seen, began_at: int) -> SourceState:
    """The state of the host as this pull saw it."""
    found = seen.outcomes
    return SourceState(
        shared.host,
        pulled_at=began_at,
        newest_line_at=shared.stored.newest,
        files=len(found),
        set_aside=tuple(
            SetAsideFile(file.name, file.identity if seen.is_settled(file) else "")
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
        lines=shared.stored.lines.total(),
        bytes=shared.stored.bytes,
        seconds=round(shared.progress.seconds, 3),
    )


def _merged(observed: SourceState, state: SourceState) -> SourceState:
    """The state to store over `state`, which is the one before or that of a pull beside this."""
    pulled = [at for at in (state.pulled_at, observed.pulled_at) if at is not None]
    newest = [at for at in (state.newest_line_at, observed.newest_line_at) if at is not None]
    return replace(
        observed,
        pulled_at=max(pulled, default=None),
        newest_line_at=max(newest, default=None),
    )


def _pulled(observed: SourceState, before: SourceState, seen: _Seen, stored: Stored) -> Pulled:
    known = {one.identity for one in before.refused}
    return Pulled(
        source=observed.source,
        files=observed.files,
        lines=stored.lines.total(),
        bytes=stored.bytes,
        hours=[str(hour) for hour in sorted(stored.lines)],
        unfinished=sorted(
            file.name for file, one in seen.outcomes.items() if one.has_unfinished_line
        ),
        refused=[f"{one.name}: {one.reason}" for one in observed.refused],
        newly_refused=[
            f"{one.name}: {one.reason}" for one in observed.refused if one.identity not in known
        ],
        set_aside=[one.name for one in observed.set_aside],
        waiting=[f"{one.name} {one.reason}" for one in observed.waiting],
        padding_bytes=sum(stored.padding),
        padded_files=len(stored.padding),
    )
