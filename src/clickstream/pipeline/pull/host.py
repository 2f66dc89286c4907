"""Pull hosts: store every finished line of every log file in the raw store, in its own hour, once.

The command line and the hourly DAG call this, for one host or for several at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from clickstream import __version__
from clickstream.collect import (
    DirectorySource,
    Host,
    HostLogin,
    ListedFile,
    LogSource,
    event_loop,
    instance_name,
    is_named_access_log,
    kind_of,
)
from clickstream.core.errors import (
    AwsRefused,
    AwsUnavailable,
    ClickstreamError,
    HostKeyRefused,
    HostUnreachable,
    InputError,
    MissingDirectory,
    PullLimitReached,
    UnusableAnswer,
)
from clickstream.core.wording import printable, quantity, shorten
from clickstream.lake import Lake, aws_errors, bookmarks, pull_states
from clickstream.lake.bookmarks import FinishedFiles
from clickstream.lake.pull_states import (
    PULL_STATES,
    PullState,
    RefusedFile,
    SetAsideFile,
    WaitingFile,
)
from clickstream.pipeline import build_settings
from clickstream.pipeline.hosts.access import login_of, open_source
from clickstream.pipeline.hosts.listing import UNKNOWN_INSTANCES
from clickstream.pipeline.pull.context import HostPull, PullProgress, PullTotals
from clickstream.pipeline.pull.file import Outcome, pull_file
from clickstream.settings import AUTO, SourceSettings

NAMES_SHOWN = 5
"""Limit of the file names in a sentence; further ones are counted."""


@dataclass(frozen=True)
class Pulled:
    """The result of one pull.

    `files` is the number of files that are neither refused nor set aside. `refused` are files that
    can't be read, or only up to some line, with the reason; `newly_refused` are those that no
    earlier pull refused. `set_aside` are files that are not access logs. `waiting` are files whose
    lines could not be pulled yet, with the reason. `padding_bytes` at the beginning of
    `padded_files` new files (NULs, a byte-order mark) were left out.
    """

    host: str
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
        """The fields as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        files = quantity(self.files, "file")
        parts = [f"{self.host}: {quantity(self.lines, 'new line')} of {files}"]
        if self.hours:
            parts.append(f", hours {self.hours[0]} to {self.hours[-1]}")
        if self.padded_files:
            padding = f"{quantity(self.padding_bytes, 'byte')} of NULs or a byte-order mark"
            parts.append(
                f"; left out {padding} at the head of {quantity(self.padded_files, 'file')}"
            )
        if self.unfinished:
            names = shorten(self.unfinished, NAMES_SHOWN)
            parts.append(f"; the unfinished last line of {names} waits")
        if self.waiting:
            names = shorten(self.waiting, NAMES_SHOWN)
            parts.append(f"; {quantity(len(self.waiting), 'file')} WAITING: {names}")
        if self.set_aside:
            number = quantity(len(self.set_aside), "file")
            names = shorten(self.set_aside, NAMES_SHOWN)
            parts.append(f"; {number} set aside, not access logs: {names}")
        if self.newly_refused:
            parts.append(f"; {quantity(len(self.newly_refused), 'file')} REFUSED")
        if refused_before := len(self.refused) - len(self.newly_refused):
            parts.append(f"; {quantity(refused_before, 'file')} refused before and unchanged since")
        return "".join([*parts, "."])


SETTLED_SECONDS = 3
"""Seconds after which a further write to a file is certain to change its modification time.

Times on other machines are whole seconds, and so are the times of two pulls that are compared.
"""

SMALL_BYTES = 1 << 20
MANY_FILES = 16
THREADS = 8
"""Number of threads that pull files of up to SMALL_BYTES, if there are MANY_FILES or more.

They mostly wait for S3. Larger files are pulled one at a time, to limit memory.
"""

KEYS_PER_FILE = 50
"""Bookmarks of a host are listed if it has at most this number of them for each file to read.

S3 lists 1,000 keys per request. So a listing takes at most a twentieth of the requests that looking
up the bookmark of each file takes.
"""

CANCEL_SECONDS = 0.2

HOST_FAILURES = (HostUnreachable, HostKeyRefused, InputError, UnusableAnswer, PullLimitReached)
"""Errors that end the pull of one host, and of no other."""

Outcomes = Mapping[ListedFile, Outcome | None]
"""The outcome of each file of a listing; None before the file is read."""


@aws_errors.translate_errors()
def pull_source(
    lake: Lake,
    source: SourceSettings,
    logs: LogSource | None = None,
    host: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> Pulled:
    """Pull the new lines in the files of a source's host into raw.

    `logs` reads the files, by default from the source's directory. `host` is the name in bookmarks
    and raw objects, by default the source's name. `progress` is called with a sentence every few
    seconds. An access log whose lines have no known format is refused by name, and the others are
    still pulled; a damaged one is refused from its first damaged line on. Other files without a
    line in a known format are set aside. Concurrent pulls of a host share the files: a range that
    another pull began is left to it while other files remain, and is checked last. Raises
    InputError if the source can't be listed. After any of HOST_FAILURES, the next pull continues.
    """
    host = host or source.name
    logs = logs or DirectorySource(lake.settings.resolve(source.path), source.pattern)
    began_at, record = int(time.time()), PULL_STATES.read(lake, host)
    state = record.value if record else PullState(host)
    finished_before, stored = bookmarks.finished_files(lake, host), PullTotals()
    shared = HostPull(
        lake,
        source,
        host,
        logs,
        began_at,
        finished_before,
        stored,
        PullProgress(host, stored, progress),
    )
    listed: dict[ListedFile, Outcome | None] = {}
    try:
        _pull_listed(shared, state, listed)
        if any(
            outcome and outcome.is_rotated for outcome in listed.values()
        ):  # lines are in other files now
            _pull_listed(shared, state, listed)
    except HOST_FAILURES:  # the next pull continues after the files that this one has finished
        new = _find_finished(shared, _outcomes(listed))
        so_far = FinishedFiles(
            {**finished_before.trailers, **new.trailers}, {**finished_before.read_at, **new.read_at}
        )
        if so_far != finished_before:
            bookmarks.save_finished_files(lake, host, so_far)
        raise
    outcomes = _outcomes(listed)
    finished = _find_finished(shared, outcomes)
    if finished != finished_before:
        bookmarks.save_finished_files(lake, host, finished)
    observed = _observed_state(shared, outcomes)
    merged = _merge_states(observed, state)
    if not PULL_STATES.swap(lake, host, merged, record.etag if record else None):
        pull_states.update_pull_state(lake, host, partial(_merge_states, observed))
    build_settings.look_again(lake)
    return _build_result(observed, state, outcomes, stored)


def _pull_listed(
    shared: HostPull, state: PullState, outcomes: dict[ListedFile, Outcome | None]
) -> None:
    """List the files, and pull those that are not known to be finished or set aside.

    `outcomes` has those of an earlier listing of this pull, and gets those of this one, each as
    soon as it is known. A file that could not be opened after either listing is refused.
    """
    listed = _known_outcomes(shared, state, outcomes)
    gone_before = {file for file, outcome in outcomes.items() if outcome and outcome.gone}
    outcomes.clear()
    outcomes.update(listed)
    todo = [file for file, outcome in outcomes.items() if outcome is None]
    shared.progress.files += len(todo)
    pull = shared
    if len(todo) >= MANY_FILES:  # one listing of the bookmarks, and no request for each file
        limit = KEYS_PER_FILE * len(todo)
        fingerprints = bookmarks.known_fingerprints(shared.lake, shared.host, limit)
        pull = replace(shared, fingerprints=fingerprints)
    for file, outcome in _pull_files(pull, todo):
        is_gone_again = outcome.gone and file in gone_before
        outcomes[file] = Outcome(refusal=outcome.gone) if is_gone_again else outcome
    for gives_up in (False, True):
        last = replace(shared, gives_up_intents=gives_up)
        for file, previous in outcomes.items():
            if previous is not None and (previous.is_left or previous.waits):
                outcomes[file] = pull_file(last, file, may_leave=False)


def _outcomes(listed: Outcomes) -> dict[ListedFile, Outcome]:
    """Return the outcomes of the files that were read."""
    return {file: outcome for file, outcome in listed.items() if outcome}


def _known_outcomes(
    shared: HostPull, state: PullState, before: Outcomes
) -> dict[ListedFile, Outcome | None]:
    """List the files with the known outcomes of unchanged ones; None for those to read."""
    is_same_version = state.library_version == __version__ and shared.source.format == AUTO
    set_aside = {file.identity for file in state.set_aside} if is_same_version else set()
    read = {
        outcome.identity: outcome for outcome in before.values() if outcome and outcome.identity
    }
    trailers = shared.finished.trailers
    outcomes: dict[ListedFile, Outcome | None] = {}
    for file in shared.logs.list():
        outcomes[file] = read.get(file.identity)
        if file.identity in trailers:
            outcomes[file] = Outcome(identity=file.identity, trailer=trailers[file.identity])
        elif file.identity in set_aside and not is_named_access_log(file.name):
            outcomes[file] = Outcome(is_set_aside=True)
    return outcomes


def _is_settled(shared: HostPull, file: ListedFile) -> bool:
    """Return whether any further write would change the identity that the file was listed with.

    On this machine, that is so if its last write is some seconds old. The clock of another machine
    is not known: there an earlier pull, some seconds ago, must have seen the same identity.
    """
    first_read = shared.finished.read_at.get(file.identity, shared.began_at)
    if not file.stat.is_remote:
        first_read = min(first_read, file.stat.modified_ns // 1_000_000_000)
    return shared.began_at - first_read >= SETTLED_SECONDS


def _find_finished(shared: HostPull, outcomes: Mapping[ListedFile, Outcome]) -> FinishedFiles:
    """Return the files that did not change between their listing and their last read.

    A compressed file that is not settled is identified by its trailer.
    """
    trailers: dict[str, str] = {}
    read_at: dict[str, int] = {}
    for file, outcome in outcomes.items():
        if outcome.identity != file.identity and not outcome.is_set_aside:
            continue
        if not _is_settled(shared, file):
            read_at[file.identity] = shared.finished.read_at.get(file.identity, shared.began_at)
            trailers |= {outcome.trailer: outcome.trailer} if outcome.trailer else {}
        elif not outcome.is_set_aside:
            trailers[file.identity] = outcome.trailer
    return FinishedFiles(trailers, read_at)


def _pull_files(shared: HostPull, todo: list[ListedFile]) -> Iterator[tuple[ListedFile, Outcome]]:
    """Pull files, many small ones at the same time; leave ranges of other pulls to them."""

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


def _observed_state(shared: HostPull, outcomes: Mapping[ListedFile, Outcome]) -> PullState:
    """Return the state of the host as this pull observed it."""
    return PullState(
        shared.host,
        pulled_at=shared.began_at,
        newest_line_at=shared.stored.newest,
        files=len(outcomes),
        set_aside=tuple(
            SetAsideFile(printable(file.name), file.identity if _is_settled(shared, file) else "")
            for file, outcome in outcomes.items()
            if outcome.is_set_aside
        ),
        refused=(
            *(
                RefusedFile(printable(file.name), file.identity, outcome.refusal)
                for file, outcome in outcomes.items()
                if outcome.refusal
            ),
            *(
                RefusedFile(
                    printable(left_out.name), f"{left_out.name}: {left_out.reason}", left_out.reason
                )
                for left_out in shared.logs.list_left_out()
                if left_out.is_refused
            ),
        ),
        waiting=tuple(
            WaitingFile(printable(file.name), outcome.waits)
            for file, outcome in outcomes.items()
            if outcome.waits
        ),
        library_version=__version__,
        lines=shared.stored.lines.total(),
        bytes=shared.stored.bytes,
        seconds=round(shared.progress.seconds, 3),
    )


def _merge_states(observed: PullState, state: PullState) -> PullState:
    """Return the state to store over `state`, which an earlier or a concurrent pull stored."""
    pulled = [at for at in (state.pulled_at, observed.pulled_at) if at is not None]
    newest = [at for at in (state.newest_line_at, observed.newest_line_at) if at is not None]
    return replace(
        observed,
        pulled_at=max(pulled, default=None),
        newest_line_at=max(newest, default=None),
    )


def _build_result(
    observed: PullState,
    before: PullState,
    outcomes: Mapping[ListedFile, Outcome],
    stored: PullTotals,
) -> Pulled:
    refused_before = {file.identity for file in before.refused}
    return Pulled(
        host=observed.host,
        files=sum(not (outcome.is_set_aside or outcome.refusal) for outcome in outcomes.values()),
        lines=stored.lines.total(),
        bytes=stored.bytes,
        hours=[str(hour) for hour in sorted(stored.lines)],
        unfinished=sorted(
            printable(file.name)
            for file, outcome in outcomes.items()
            if outcome.has_unfinished_line
        ),
        refused=[f"{file.name}: {file.reason}" for file in observed.refused],
        newly_refused=[
            f"{file.name}: {file.reason}"
            for file in observed.refused
            if file.identity not in refused_before
        ],
        set_aside=[file.name for file in observed.set_aside],
        waiting=[f"{file.name} {file.reason}" for file in observed.waiting],
        padding_bytes=sum(stored.padding),
        padded_files=len(stored.padding),
    )


def pull_host(
    lake: Lake,
    host: Host,
    login: HostLogin | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Pulled:
    """Pull the new lines of a host into raw; `login` is required if its source has a connection.

    `progress` is called with a sentence every few seconds. A failure is stored in the state of the
    host, except a missing login: Airflow may be able to pull the host. Raises HostUnreachable or
    HostKeyRefused if the host can't be reached, InputError if its files can't be listed, and
    UnusableAnswer or PullLimitReached for what its server answers.
    """
    if kind_of(host.source).needs_login and not host.problem:
        login = login or login_of(lake.settings, host.source)
    try:
        with open_source(lake.settings, host, login) as logs:
            return pull_source(lake, host.source, logs, host.name, progress)
    except HOST_FAILURES as error:
        failure: ClickstreamError = error
        if host.name != instance_name(host.source, UNKNOWN_INSTANCES):
            with suppress(AwsRefused, AwsUnavailable):  # the host's own error says more
                failure = _record_failure(lake, host, error)
        raise failure from None


@aws_errors.translate_errors()
def _record_failure(lake: Lake, host: Host, error: ClickstreamError) -> ClickstreamError:
    """Store the error of a pull; return it, with the last pull if a directory is missing."""
    if isinstance(error, MissingDirectory):
        pulled_at = pull_states.pull_state(lake, host.name).pulled_at
        if pulled_at is not None:
            at = f"{datetime.fromtimestamp(pulled_at, UTC):%Y-%m-%d %H:%M} UTC"
            error = MissingDirectory.of(error.fault, f"; it was read at {at}")
    pull_states.record_failure(lake, host.name, error.printed)
    return error


def pull_all(
    lake: Lake,
    hosts: Iterable[Host],
    at_once: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Host, Pulled | ClickstreamError]]:
    """Pull several hosts at a time; yield each with its result or its error when it is done.

    A host that fails does not stop the others. Hosts whose last pull failed are pulled last, since
    a slow one may take until its limit. Memory grows with `at_once`, not with the hosts.
    """
    hosts = [*hosts]
    with aws_errors.translate_errors():
        states = pull_states.states_of(lake, [host.name for host in hosts])
    failed = {state.host for state in states if state.failure}
    hosts.sort(key=lambda host: host.name in failed)
    with ThreadPoolExecutor(at_once, thread_name_prefix="pull") as pool:
        futures = {pool.submit(pull_host, lake, host, None, progress): host for host in hosts}
        try:
            for future in as_completed(futures):
                try:
                    result: Pulled | ClickstreamError = future.result()
                except ClickstreamError as error:
                    result = error
                yield futures[future], result
        except BaseException:  # an interruption, or the caller stops early
            # Pulls that have not begun are cancelled at once, the others at their next wait.
            running = [future for future in futures if not future.cancel()]
            while wait(running, timeout=CANCEL_SECONDS).not_done:
                event_loop.cancel_all()
            raise
