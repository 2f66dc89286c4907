"""Find the entries of a log, to copy chosen ones byte for byte; `pipeline` splits logs by hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clickstream.parse.blocks import Numbers, line_bounds
from clickstream.parse.w3c import DIRECTIVE, headers_of


@dataclass(frozen=True)
class Entries:
    """The bounds of each entry in the data, including its newline, and its header.

    `header` has positions in `headers`. In a format without headers, `headers` has only b"".
    """

    data: bytes
    start: Numbers
    end: Numbers
    header: Numbers
    headers: list[bytes]

    def __len__(self) -> int:
        return len(self.start)

    def take(self, chosen: Numbers) -> bytes:
        """Return the bytes of chosen entries (ascending indexes), with headers where needed."""
        if not len(chosen):
            return b""
        start, end, header = self.start[chosen], self.end[chosen], self.header[chosen]
        breaks = (start[1:] != end[:-1]) | (header[1:] != header[:-1])
        first = np.concatenate([[0], np.flatnonzero(breaks) + 1])
        last = np.concatenate([first[1:] - 1, [len(chosen) - 1]])
        pieces: list[bytes] = []
        in_force = b""
        for begin, stop, code in zip(
            start[first].tolist(), end[last].tolist(), header[first].tolist(), strict=True
        ):
            if self.headers[code] != in_force:
                in_force = self.headers[code]
                pieces.append(in_force)
            pieces.append(self.data[begin:stop])
        return b"".join(pieces)


def find_entries(data: bytes, header: bytes | None) -> Entries:
    """Find the entries in lines. `header` applies to the first; None if the format has none."""
    start, end = line_bounds(data)
    if header is None:
        return Entries(data, start, end, np.zeros_like(start), [b""])
    is_directive = np.frombuffer(data, np.uint8)[start] == DIRECTIVE
    codes, headers = headers_of(data, start, is_directive, header)
    is_entry = ~is_directive
    return Entries(data, start[is_entry], end[is_entry], codes[is_entry], headers)
