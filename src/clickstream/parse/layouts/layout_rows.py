"""Read the lines of layouts: regular lines by `layout_scan`, the others by the strict pattern.

A format may have several layouts; a line is read by the first layout that it fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.parse.blocks import Bytes, Flags, Positions, block_bounds, cut_texts
from clickstream.parse.layouts.layout import LineLayout
from clickstream.parse.layouts.layout_scan import LineBlock, find, padding_for
from clickstream.parse.line_patterns import FOREIGN, IMPOSSIBLE_TIME, first_addresses, split_heads
from clickstream.parse.rows import Coded, Refused, Rows, join_targets, unescape_signatures
from clickstream.parse.wrappers import Wrapped, add_wrapped, find_wrapped

_Match = tuple[int, bytes, dict[str, bytes]]
"""A line that a strict pattern matches: its index, its bytes, and its fields by meaning."""

_INTEGERS = {"line": pa.int64(), "seconds": pa.int64(), "status": pa.int16(), "size": pa.int64()}


def read(data: bytes, layouts: Sequence[LineLayout], unwraps: bool = True) -> Rows:
    """Read all lines of the data; a layout may lack texts that others have.

    With `unwraps`, lines inside of others are read, see `wrappers`.
    """
    tables = [_table(layouts[0], [], [])]
    refused: list[Refused] = []
    matched: dict[int, list[_Match]] = {}
    wrapped: dict[int, Wrapped] = {}
    lines = 0
    padding = max(map(padding_for, layouts))
    for start, stop in block_bounds(data):
        text = data[start:stop]
        block = LineBlock.of(text, padding)
        found = find_wrapped(text, block.data, block.starts, block.ends) if unwraps else {}
        wrapped |= {lines + index: line for index, line in found.items()}
        own_lines = np.delete(np.arange(len(block.starts)), [*found])
        tables_of_block, rest = _read_regular(block, layouts, lines, own_lines)
        tables += tables_of_block
        refused += _match_irregular(block, layouts, lines, rest, matched)
        lines += len(block.starts)
    for which, matches in matched.items():
        table, impossible = _parse_times(layouts[which], matches)
        tables.append(table)
        refused += impossible
    heads = layouts[0].slots[0].heads
    table = pa.concat_tables(tables, promote_options="default")
    rows = _rows(table, heads, refused, lines - len(wrapped))
    return add_wrapped(rows, wrapped, partial(read, layouts=layouts, unwraps=False))


def _read_regular(
    block: LineBlock, layouts: Sequence[LineLayout], first_line: int, rest: Positions
) -> tuple[list[pa.Table], Positions]:
    """Return the regular lines of each layout among `rest`, and the indexes of the others."""
    tables = []
    for layout in layouts:
        lines = find(block, layout, rest)
        numbers = [lines.lines + first_line, lines.seconds, lines.status, lines.size]
        table = _table(layout, numbers, _cut(block.data, lines.bounds))
        fits = _fits(table, layout)
        tables.append(table.filter(pa.array(fits)))
        rest = np.setdiff1d(rest, lines.lines[fits], assume_unique=True)
    return tables, rest


def _fits(table: pa.Table, layout: LineLayout) -> Flags:
    """Return a mask of the rows whose client and host have the required form."""
    fits = np.ones(len(table), np.bool_)
    for name, pattern in layout.checks.items():
        column = _encode(table[name].combine_chunks())
        is_match = pc.match_substring_regex(column.values, f"^{pattern.decode()}$")
        fits &= is_match.to_numpy(zero_copy_only=False)[column.codes]
    return fits


def _match_irregular(
    block: LineBlock,
    layouts: Sequence[LineLayout],
    first_line: int,
    rest: Positions,
    matched: dict[int, list[_Match]],
) -> Iterator[Refused]:
    """Add each of the other lines to those of the first layout that it fits, or yield it."""
    for index in rest.tolist():
        line = block.line(index)
        for which, layout in enumerate(layouts):
            if (fields := layout.match(line)) is not None:
                matched.setdefault(which, []).append((first_line + index, line, fields))
                break
        else:
            reasons = (layout.why_not(line) for layout in layouts)
            reason = next((reason for reason in reasons if reason != FOREIGN), FOREIGN)
            yield first_line + index, reason, line


def _parse_times(layout: LineLayout, matches: list[_Match]) -> tuple[pa.Table, list[Refused]]:
    """Build a table of the lines with a possible time; return the others as refused."""
    seconds, possible = _times(layout, [fields["time"] for _, _, fields in matches])
    good = [match for match, ok in zip(matches, possible, strict=True) if ok]
    refused = [
        (index, IMPOSSIBLE_TIME, line)
        for (index, line, _), ok in zip(matches, possible, strict=True)
        if not ok
    ]
    numbers = [
        [index for index, _, _ in good],
        seconds[possible],
        [_number(fields["status"], 0) for _, _, fields in good],
        [_number(fields.get("size", b"-"), -1) for _, _, fields in good],
    ]
    texts = [[fields[name] for _, _, fields in good] for name in layout.texts]
    return _table(layout, numbers, texts), refused


def _times(layout: LineLayout, times: list[bytes]) -> tuple[Positions, Flags]:
    """Return the Unix seconds of times, and a mask of the possible ones."""
    lengths = np.array([len(time) for time in times], np.int64)
    ends = np.cumsum(lengths)
    block = np.frombuffer(b"".join(times) + bytes(padding_for(layout)), np.uint8)
    return layout.time.unix_seconds(block, ends - lengths, ends)


def _number(text: bytes, nothing: int) -> int:
    return nothing if text.startswith(b"-") else int(text)


def _cut(data: Bytes, bounds: Positions) -> list[pa.Array]:
    """Cut out texts. `bounds` has one row per line, in file order, with pairs of start and end."""
    return [
        cut_texts(data, bounds[:, at], bounds[:, at + 1]) for at in range(0, bounds.shape[1], 2)
    ]


def _table(layout: LineLayout, numbers: Sequence[Any], texts: Sequence[Any]) -> pa.Table:
    numbers = numbers or [()] * len(_INTEGERS)
    texts = texts or [()] * len(layout.texts)
    integers = {
        name: pa.array(column, kind)
        for (name, kind), column in zip(_INTEGERS.items(), numbers, strict=True)
    }
    coded = {
        name: pa.array(column, pa.binary()).dictionary_encode()
        for name, column in zip(layout.texts, texts, strict=True)
    }
    return pa.table({**integers, **{name: coded[name] for name in sorted(coded)}})


def _rows(table: pa.Table, heads: tuple[bytes, ...], refused: list[Refused], lines: int) -> Rows:
    """Build `Rows` from a table: in file order, and with the texts of `Rows`."""
    whole = table.unify_dictionaries().combine_chunks()
    numbers = {name: whole[name].to_numpy() for name in _INTEGERS}
    order = np.argsort(numbers["line"], kind="stable")
    names = [name for name in whole.column_names if name not in _INTEGERS]
    columns = {name: _encode(whole[name].combine_chunks()) for name in names}
    texts = unescape_signatures(_derive_texts(columns, heads))
    return Rows(
        **{name: column[order] for name, column in numbers.items()},
        texts={name: Coded(text.codes[order], text.values) for name, text in texts.items()},
        refused=sorted(refused),
        lines=lines,
    )


def _encode(column: pa.DictionaryArray) -> Coded:
    """Convert a column to codes; -1 if the layout of the line does not have the text."""
    return Coded(column.indices.fill_null(-1).to_numpy(), column.dictionary)


def _derive_texts(texts: dict[str, Coded], heads: tuple[bytes, ...]) -> dict[str, Coded]:
    """Derive the texts of `Rows`: the parts of heads, the target from path and query, the client.

    Without a client field, the client is the first forwarded address.
    """
    texts = dict(texts)
    if heads:
        head = texts.pop("head")
        for name, part in split_heads(head.values, heads).items():
            has_part = part.is_valid().to_numpy(zero_copy_only=False)[head.codes]
            values, codes = pc.fill_null(part, b""), np.where(has_part, head.codes, -1)
            if name in texts:  # forwarded addresses, which the end of the line may have as well
                field = texts[name]
                at_end = np.where(field.codes < 0, -1, field.codes + len(values))
                values = pa.concat_arrays([values, field.values])
                codes = np.where(has_part, codes, at_end)
            texts[name] = Coded(codes, values)
    if "client" not in texts:
        forwarded = texts["forwarded"]
        texts["client"] = Coded(forwarded.codes, first_addresses(forwarded.values))
    if "query" in texts:
        query = texts.pop("query")
        without_mark = [value.removeprefix(b"?") for value in query.values.to_pylist()]
        query = Coded(query.codes, pa.array(without_mark, pa.binary()))
        texts["target"] = join_targets(texts["target"], query)
    return texts
