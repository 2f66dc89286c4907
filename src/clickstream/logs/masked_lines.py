"""Read single lines of log files again, and mask them.

Only what the tables store of a request, and its user agent, remains readable (decision 51).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from clickstream import parse
from clickstream.core.errors import InputError
from clickstream.dashboard.visits.masking import MASK, Mask
from clickstream.logs.log_file import SAMPLE_SIZE, text_blocks
from clickstream.settings import AUTO, Settings
from clickstream.step_config import log_format_of

Place = tuple[str, int]
"""The path of a log and the number of a line, from 1."""


def masked_lines(
    places: Iterable[Place], log_format: str, settings: Settings
) -> Mapping[Place, str]:
    """Return the masked lines at some places.

    Only files can be read again: stdin and pipes have no lines in the result.
    """
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for path, number in places:
        if Path(path).is_file():
            wanted[path].add(number)
    mask = Mask(frozenset(settings.clean.query_parameters), settings.site.domains)
    masked: dict[Place, str] = {}
    for path, numbers in wanted.items():
        for number, line, names, header in _lines_at(path, numbers, log_format, settings):
            formats = (*names, *_detect_names(header + line))
            texts = (mask.line(line, log_format_of(settings, name), header) for name in formats)
            masked[path, number] = next((text for text in texts if text != MASK), MASK)
    return masked


def _lines_at(
    path: str, numbers: set[int], log_format: str, settings: Settings
) -> Iterator[tuple[int, bytes, list[str], bytes]]:
    """Yield lines by their numbers: each with its number, names of likely formats, and header."""
    longest = settings.clean.longest_line_bytes
    read, header, names = 0, b"", [] if log_format == AUTO else [log_format]
    for block in text_blocks(path, longest):
        lines = block.removesuffix(b"\n").split(b"\n")
        if not names:
            names = _detect_names(parse.shorten(block, longest).data[:SAMPLE_SIZE])
        for number in sorted(n for n in numbers if read < n <= read + len(lines)):
            above = parse.shorten(b"\n".join(lines[: number - read - 1]) + b"\n", longest).data
            yield number, lines[number - read - 1] + b"\n", names, _header_after(above, header)
        read += len(lines)
        if read >= max(numbers):
            return
        header = _header_after(parse.shorten(block, longest).data, header)


def _header_after(above: bytes, header: bytes) -> bytes:
    return parse.header_after(above, "w3c", header)


def _detect_names(data: bytes) -> list[str]:
    try:
        return [parse.detect(data).name]
    except InputError:
        return []
