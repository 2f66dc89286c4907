"""An hour's requests, all of some visitors at a time, so that memory does not grow with the hour.

Visitors are grouped by the beginning of their ids, so groups in order are ids in order. Most hours
are one group. A larger one goes to the local disk: the requests taken in so far are labelled, cut
into groups and put away, and at the end each group is taken up again as a whole.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pandas as pd

from clickstream import clean

ROWS_AT_ONCE = 500_000
"""Requests that are labelled at a time where there are groups; a group has about as many."""

_BYTES_PER_ROW = 24
"""What a line is about in raw, compressed: some more in most logs."""

Batch = tuple[pd.DataFrame, str]
"""Parsed requests, and the raw object they are from."""


def groups_for(compressed_bytes: int) -> int:
    """Into how many groups the requests of so many bytes of raw objects are best cut."""
    return 1 + compressed_bytes // (_BYTES_PER_ROW * ROWS_AT_ONCE)


def grouped(
    batches: Iterable[Batch], cleaner: clean.Cleaner, groups: int
) -> Iterator[clean.Requests]:
    """The labelled requests, group after group; each visitor is in one, whole."""
    if groups == 1:
        for parsed, origin in batches:
            cleaner.add(parsed, origin)
        yield cleaner.requests()
        return
    with TemporaryDirectory(prefix="clickstream-") as directory:
        _put_away(batches, cleaner, groups, Path(directory))
        for group in range(groups):
            pieces = sorted(Path(directory).glob(f"{group:05d}-*"))
            if pieces:
                yield cleaner.judged(clean.together([_taken_up(piece) for piece in pieces]))


def _put_away(
    batches: Iterable[Batch], cleaner: clean.Cleaner, groups: int, directory: Path
) -> None:
    """Label the requests some at a time, and store those of each group in a file of their own."""
    chunk = 0
    for parsed, origin in batches:
        cleaner.add(parsed, origin)
        if len(cleaner) >= ROWS_AT_ONCE:
            _store(cleaner.take(), groups, chunk, directory)
            chunk += 1
    if len(cleaner) or not chunk:
        _store(cleaner.take(), groups, chunk, directory)


def _store(requests: clean.Requests, groups: int, chunk: int, directory: Path) -> None:
    group = _group_of(requests, groups)
    for number in np.unique(group).tolist() or [0]:
        piece = requests.where(np.flatnonzero(group == number))
        file = directory / f"{number:05d}-{chunk:05d}"
        file.write_bytes(pickle.dumps(piece, protocol=5))


def _taken_up(file: Path) -> clean.Requests:
    requests: clean.Requests = pickle.loads(file.read_bytes())  # noqa: S301 - we have just written it
    file.unlink()
    return requests


def _group_of(requests: clean.Requests, groups: int) -> npt.NDArray[np.int64]:
    """Each request's group: the first 16 bits of the visitor's id, on a scale of `groups`."""
    visitors = requests.tables["visitor"]["visitor_id"]
    begins = [int(text[:4], 16) for text in visitors.cat.categories.tolist()]
    scaled = np.array(begins, np.int64) * groups >> 16
    group: npt.NDArray[np.int64] = scaled[visitors.cat.codes][requests.columns["visitor"]]
    return group
