"""Find where a log changes its format.

A format changes at a run of at least SWITCH_AFTER lines that the current format refuses and one
other format reads. The lines of a shorter run count as odd lines of the current format, because a
line that was cut short can look like a whole line of a simpler format. If the data of a log comes
in several pieces, the lines of a run at the end of a piece count for the decision in the next
piece, but they keep the format that they were read in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clickstream.parse.blocks import Flags, Positions, line_bounds
from clickstream.parse.formats import FORMATS
from clickstream.parse.w3c import header_after

SWITCH_AFTER = 3
_GLANCE = 1000  # number of lines of a long run that are tried first, in every format
_OFTEN = 50  # after this number of calls for some lines, reading all lines once is faster

_Verdicts = npt.NDArray[np.int8]
_READ, _DIRECTIVE, _REFUSED = 1, 0, -1


@dataclass(frozen=True)
class FormatState:
    """The state in which the next lines of a log are read: the format and the current header.

    The last `leaned` lines before them were refused, and the format `leaning` reads them. If it
    reads the next lines too, the format changes.
    """

    log_format: str
    header: bytes = b""
    leaning: str = ""
    leaned: int = 0


@dataclass
class Position:
    """Where the next batch of a log begins: the number of its first line, and the format's state.

    The state is None until the first batch is parsed.
    """

    line: int = 1
    state: FormatState | None = None


@dataclass(frozen=True)
class Segment:
    """Lines of one format, from byte `start` to `end`; `header` applies to the first."""

    log_format: str
    header: bytes
    start: int
    end: int


def segments(
    data: bytes, now: FormatState, refused: Flags | None = None
) -> tuple[list[Segment], FormatState]:
    """Return the segments of some lines, in order and without gaps, and the state after them.

    `refused` is a mask of the entries that the format of `now` refuses. It saves reading them
    again.
    """
    header = header_after(data, now.header)
    if not data or (refused is not None and not seems_changed(refused, now)):
        whole = Segment(now.log_format, now.header, 0, len(data))
        return [whole], FormatState(now.log_format, header)
    lines = _Lines(data, now.header)
    names, firsts = [now.log_format], [0]
    while change := _next_change(lines, names[-1], firsts[-1], now if len(names) == 1 else None):
        names.append(change[0])
        firsts.append(change[1])
    starts = [*lines.start[firsts].tolist(), len(data)]
    parts, above = [], now.header
    for name, start, end in zip(names, starts, starts[1:], strict=False):
        if start < end:
            parts.append(Segment(name, above if FORMATS[name].has_header else b"", start, end))
            above = header_after(data[start:end], above)
    leaning, leaned = _leaning(lines, names[-1], firsts[-1], now if len(names) == 1 else None)
    return parts, FormatState(names[-1], header, leaning, leaned)


def seems_changed(refused: Flags, now: FormatState) -> bool:
    """Return whether the format may change: a run of refused lines, or part of one at an end."""
    if not len(refused):
        return False
    window = np.lib.stride_tricks.sliding_window_view(refused, min(SWITCH_AFTER, len(refused)))
    is_run = len(refused) >= SWITCH_AFTER and bool(window.all(axis=1).any())
    return is_run or bool(refused[-1]) or bool(now.leaned and refused[0])


class _Lines:
    """The verdicts of each format on each line, computed when they are needed."""

    def __init__(self, data: bytes, header: bytes) -> None:
        self._data, self._header = data, header
        self.start, _ = line_bounds(data)
        self._whole: dict[str, _Verdicts] = {}
        self._asked: Counter[str] = Counter()
        self._refused: dict[str, tuple[Positions, Positions]] = {}

    def whole(self, name: str) -> _Verdicts:
        """Return the verdicts of a format on all lines."""
        if name not in self._whole:
            self._whole[name] = self._verdicts(name, self._data)
        return self._whole[name]

    def part(self, name: str, first: int, past: int) -> _Verdicts:
        """Return the verdicts on some lines; a format with headers must read all lines before."""
        self._asked[name] += 1
        is_worth_it = name in self._whole or self._asked[name] > _OFTEN
        if is_worth_it or FORMATS[name].has_header:
            return self.whole(name)[first:past]
        end = self.start[past] if past < len(self.start) else len(self._data)
        return self._verdicts(name, self._data[self.start[first] : end])

    def refused(self, name: str, first: int) -> Iterator[tuple[int, int]]:
        """Yield the runs of lines that a format refuses, from line `first` on."""
        if name not in self._refused:
            self._refused[name] = _edges(self.whole(name) == _REFUSED)
        firsts, pasts = self._refused[name]
        for run in range(int(np.searchsorted(pasts, first, "right")), len(pasts)):
            yield max(int(firsts[run]), first), int(pasts[run])

    def _verdicts(self, name: str, data: bytes) -> _Verdicts:
        rows = FORMATS[name].read(data, self._header if FORMATS[name].has_header else b"")
        verdicts = np.full(rows.lines + len(rows.directives), _REFUSED, np.int8)
        verdicts[rows.line] = _READ
        verdicts[rows.directives] = _DIRECTIVE
        return verdicts


def _next_change(
    lines: _Lines, name: str, first: int, before: FormatState | None
) -> tuple[str, int] | None:
    """Return the next format after `name` and its first line; None if there is no change.

    `name` is the format from line `first` on. `before` is the state at the start of the data; None
    after a change.
    """
    for begin, past in lines.refused(name, first):
        lean = before if before and begin == 0 else None
        if past - begin + (lean.leaned if lean else 0) < SWITCH_AFTER:
            continue
        for limit in (min(past, begin + _GLANCE), past):
            if change := _first_change(lines, name, begin, limit, lean):
                return change
    return None


def _first_change(
    lines: _Lines, name: str, begin: int, past: int, lean: FormatState | None
) -> tuple[str, int] | None:
    """Return the format that first reads enough lines of a run, and the first of these lines."""
    candidates = []
    for rank, rival in enumerate(FORMATS):
        if rival == name:
            continue
        verdicts = lines.part(rival, begin, past)
        leaned = lean.leaned if lean and lean.leaning == rival else 0
        if (at := _taken_over(verdicts, leaned)) is not None:
            candidates.append((at, -int((verdicts == _READ).sum()), -rank, rival))
    if not candidates:
        return None
    at, _, _, rival = min(candidates)
    return rival, begin + at


def _taken_over(verdicts: _Verdicts, leaned: int) -> int | None:
    """Return the first line of enough read lines with no refused line between them, else None."""
    for begin, past in _runs(verdicts != _REFUSED, 0):
        read = int((verdicts[begin:past] == _READ).sum())
        if read + (leaned if begin == 0 else 0) >= SWITCH_AFTER:
            return begin
    return None


def _leaning(lines: _Lines, name: str, first: int, before: FormatState | None) -> tuple[str, int]:
    """Return the format that reads most of the refused lines at the end, and their number."""
    count = len(lines.start)
    runs = [*lines.refused(name, first)]
    if not runs or runs[-1][1] < count:
        return "", 0
    begin = runs[-1][0]
    candidates = []
    for rank, rival in enumerate(FORMATS):
        if rival == name:
            continue
        tail = [*_runs(lines.part(rival, begin, count) == _READ, begin)]
        if tail and tail[-1][1] == count:
            is_on = before and tail[-1][0] == 0 and before.leaning == rival
            leaned = count - tail[-1][0] + (before.leaned if before and is_on else 0)
            candidates.append((leaned, rank, rival))
    leaned, _, rival = max(candidates, default=(0, 0, ""))
    return rival, leaned


def _runs(holds: Flags, offset: int) -> Iterator[tuple[int, int]]:
    """Yield the runs of true flags: the first line, and the line after the last."""
    firsts, pasts = _edges(holds)
    yield from zip((firsts + offset).tolist(), (pasts + offset).tolist(), strict=True)


def _edges(holds: Flags) -> tuple[Positions, Positions]:
    edges = np.diff(np.concatenate([[False], holds, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
