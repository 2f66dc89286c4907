"""The bookmark of a log: found by the content, whatever the file's name is.

A file is recognized by how it begins. Digests of the bytes before the bookmark's offset, or before
an earlier checkpoint, distinguish files that begin alike. `pull_file` calls this.
"""

from __future__ import annotations

from datetime import UTC, datetime

from clickstream import parse
from clickstream.collect import OpenLog, is_named_access_log
from clickstream.collect.identity import TAIL_BYTES, digest, fingerprint
from clickstream.errors import InputError
from clickstream.hours import Hour
from clickstream.lake.bookmarks import Bookmark, load
from clickstream.parse.detect import SAMPLE_LINES
from clickstream.pipeline.host_pull import HostPull
from clickstream.settings import AUTO

ALIKE_FILES = 8


class NotAnAccessLog(Exception):
    """No line of the file has a known format, and its name does not say *access*."""


def find_bookmark(pull: HostPull, log: OpenLog, name: str) -> Bookmark | None:
    """Return the log's bookmark; None for a log without a finished line.

    Several files may begin alike: each further one gets a fingerprint of its own. A server may
    begin every file with the same line; then more lines make the fingerprint.
    Raises NotAnAccessLog, and InputError for an access log in no known format.
    """
    head = b""
    for head in log.heads():
        for attempt in range(ALIKE_FILES):
            fresh = Bookmark(pull.host, fingerprint(head, attempt), "")
            known = load(pull.lake, fresh) if pull.may_have_bookmark(fresh.fingerprint) else fresh
            if known is fresh:
                return _new_bookmark(pull, log, fresh.fingerprint, name)
            if _is_file_of(known, log):
                return known
    if head:
        raise InputError(f"{ALIKE_FILES} different files begin with this file's first lines.")
    return None


def _is_file_of(known: Bookmark, log: OpenLog) -> bool:
    """Whether the log has the bytes that a bookmark has seen, as far as it reaches.

    For a log that ends earlier, the last checkpoint that fits decides: it is a shorter copy of the
    known file, or another file that begins alike. So it does while nothing was pulled yet and the
    first range is intended. A bookmark of an earlier version has no checkpoints: the log is taken
    for a copy.
    """
    seen = known.offset if known.tail else known.pending_end or known.offset
    found = _digest_before(log, seen)
    if found is not None and known.tail:
        return found == known.tail
    size = log.size_up_to(seen)
    fitting = [pair for pair in known.checkpoints if pair[0] <= size]
    return not fitting or _digest_before(log, fitting[-1][0]) == fitting[-1][1]


def _digest_before(log: OpenLog, offset: int) -> str | None:
    """Digest of the bytes just before an offset; None when the log ends before it."""
    begin = max(0, offset - TAIL_BYTES)
    data = log.read(begin, offset - begin)
    return digest(data) if len(data) == offset - begin else None


def _new_bookmark(pull: HostPull, log: OpenLog, found_fingerprint: str, name: str) -> Bookmark:
    named, likely = pull.source.format, pull.stored.last_format
    log_format = _detect(log, name, likely) if named == AUTO else named
    modified_at = datetime.fromtimestamp(log.stat().modified_ns / 1e9, UTC)
    return Bookmark(
        pull.host,
        found_fingerprint,
        log_format,
        offset=log.padding,
        start=log.padding,
        last_hour=str(Hour.of(modified_at)),
    )


def _detect(log: OpenLog, name: str, likely: str) -> str:
    """The format of a log's first lines; all the first 1,000 are tried only if need be."""
    try:
        return parse.detect(log.sample(), likely).name
    except InputError:
        pass
    try:
        return parse.detect(log.first_lines(SAMPLE_LINES), likely).name
    except InputError as error:
        raise (error if is_named_access_log(name) else NotAnAccessLog(name)) from None
