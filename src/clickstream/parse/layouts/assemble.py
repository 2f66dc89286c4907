"""Assemble the fields and literals of a format string into a `LineLayout`, or explain why not.

This module has the rules that apply to the formats of all servers: which of several fields is used,
which neighbouring fields are one field, which fields are required, and which fields can't be
separated in a line. `format_strings` calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from clickstream.core.errors import UnusableFormat
from clickstream.parse.layouts.layout import Holds, LineLayout, Slot
from clickstream.parse.times import TimeFormat


@dataclass(frozen=True)
class FormatField:
    """A field of a format string.

    `source` is its text in the string and `character` its position, from 1. `meaning` is that of a
    `Slot`, or path (a target without its query), address (a client with its port), or one of
    _ONLY_BESIDE_ANOTHER. Of several fields with one meaning, the one with the lowest `rank` is
    used, then the first. `holds` is the kind of content, unless the neighbours determine it.
    """

    source: str
    character: int
    meaning: str = ""
    rank: int = 0
    holds: Holds | None = None
    time: TimeFormat | None = None
    or_dash: bool = False


Piece = str | FormatField
REST = "rest"
"""The meaning of a last field that is empty, or a space and any text."""

_ONE_FIELD = {
    ("path", "", "query"): "target",
    ("is_args", "", "query"): "query",
    ("client", ":", "port"): "address",
}
"""Neighbours that form one field: their meanings, the literal between them, the joint meaning."""

_OF_REQUEST = ("method", "target", "path", "query", "protocol")
_WITH_SPACES = ("request", "user_agent", "target", "path")
_LISTS = ("forwarded", "upstream")
_ONLY_BESIDE_ANOTHER = ("port", "is_args", "upstream")
_INSTEAD = {"request": ("target", "path"), "client": ("forwarded",)}
_NEEDED = {
    "time": "the time (Apache: %t; nginx: $time_local, $time_iso8601 or $msec)",
    "status": "the status (Apache: %>s; nginx: $status)",
    "request": "the request (Apache: %r, or %m and %U%q; nginx: $request, or $request_uri)",
    "client": "the client (Apache: %h or %a; nginx: $remote_addr)",
}


def assemble(name: str, pieces: Sequence[Piece]) -> LineLayout:
    """Build the layout of the format `name`. Raises InputError with the reason if it can't."""
    last = pieces[-1] if pieces else ""
    open_ended = isinstance(last, FormatField) and last.meaning == REST
    literals, fields = _alternate(name, pieces[:-1] if open_ended else pieces)
    if open_ended:
        before_rest = literals[-1]
        if before_rest and before_rest[-1] not in ' "])':
            raise UnusableFormat(
                f"Format {name}: write a space before the last {{{REST}}}, instead of "
                f"{before_rest!r}; the rest of a line is empty, or a space and any text."
            )
        literals[-1] = before_rest.removesuffix(" ")  # this space belongs to the rest
    if misplaced := next((field for field in fields if field.meaning == REST), None):
        raise UnusableFormat(
            f"Format {name}: {_where(misplaced)} must be last, because it matches the rest of a "
            "line."
        )
    literals, fields = _join_times(literals, fields)
    literals, fields = _join_neighbours(literals, fields)
    for field, literal, follower in zip(fields, literals[1:], fields[1:], strict=False):
        if not literal:
            raise UnusableFormat(
                f"Format {name}: there is no text between {_where(field)} and {_where(follower)}, "
                "so the end of the first field can't be found; write a space or another character "
                "between them."
            )
    for field in fields:
        if field.time and field.time.problem:
            raise UnusableFormat(
                f"Format {name}: {_where(field)} is not a usable time: {field.time.problem}."
            )
    return _build_layout(name, literals, _choose_fields(name, fields), open_ended)


def _where(field: FormatField) -> str:
    return f"{field.source} (character {field.character})"


def _alternate(name: str, pieces: Sequence[Piece]) -> tuple[list[str], list[FormatField]]:
    """Separate pieces into literals and fields that alternate; there is one more literal."""
    literals, fields = [""], []
    for piece in pieces:
        if isinstance(piece, FormatField):
            fields.append(piece)
            literals.append("")
        else:
            literals[-1] += piece
    if bad := next((c for c in "\\\n\r" if c in "".join(literals)), None):
        raise UnusableFormat(f"Format {name}: {bad!r} is not allowed between fields; remove it.")
    return literals, fields


def _join_times(
    literals: list[str], fields: list[FormatField]
) -> tuple[list[str], list[FormatField]]:
    """Join neighbouring times that complement each other, such as a date and a time of day."""
    new_literals = literals[:1]
    new_fields: list[FormatField] = []
    for field, literal in zip(fields, literals[1:], strict=True):
        last = new_fields[-1] if new_fields else None
        if last and last.time and field.time and _complement(last.time, field.time):
            between = TimeFormat.of(new_literals.pop().replace("%", "%%"))
            source = f"{last.source} … {field.source}"
            joined = last.time + between + field.time
            new_fields[-1] = replace(last, source=source, time=joined)
        else:
            new_fields.append(field)
        new_literals.append(literal)
    return new_literals, new_fields


def _complement(first: TimeFormat, second: TimeFormat) -> bool:
    seconds = {"seconds"} & (first.units | second.units)
    only_fraction = (first.units | second.units) <= {"seconds", "fraction"}
    return not first.units & second.units and (only_fraction or not seconds)


def _join_neighbours(
    literals: list[str], fields: list[FormatField]
) -> tuple[list[str], list[FormatField]]:
    """Join the neighbours of _ONE_FIELD, from the right, as `$uri$is_args$args` requires."""
    new_literals, new_fields = literals[-1:], fields[-1:]
    for field, literal in zip(fields[-2::-1], literals[-2:0:-1], strict=True):
        pair = (field.meaning, literal, new_fields[0].meaning)
        if meaning := _ONE_FIELD.get(pair):
            source = field.source + literal + new_fields[0].source
            new_fields[0] = replace(field, source=source, meaning=meaning)
        else:
            new_fields.insert(0, field)
            new_literals.insert(0, literal)
    return [literals[0], *new_literals], new_fields


def _choose_fields(name: str, fields: list[FormatField]) -> list[FormatField]:
    """Keep one field of each meaning; all other fields lose their meaning."""
    best: dict[str, int] = {}
    for index, field in sorted(enumerate(fields), key=lambda f: (f[1].rank, f[0])):
        if field.meaning and not (field.time and field.time.lacks):
            best.setdefault("client" if field.meaning == "address" else field.meaning, index)
    missing = [
        text
        for meaning, text in _NEEDED.items()
        if best.keys().isdisjoint((meaning, *_INSTEAD.get(meaning, ())))
    ]
    if missing:
        incomplete_times = [
            f" {_where(field)} does not have the {' and '.join(field.time.lacks)}."
            for field in fields
            if field.time and field.time.lacks
        ]
        raise UnusableFormat(
            f"Format {name} lacks {' and '.join(missing)}.{''.join(incomplete_times[:1])}"
        )
    unused = {*_ONLY_BESIDE_ANOTHER}
    if "request" in best:
        unused |= {*_OF_REQUEST}
    elif "target" in best:
        unused |= {"path", "query"}
    used = {index for meaning, index in best.items() if meaning not in unused}
    chosen: list[FormatField] = []
    for index, field in enumerate(fields):
        if index not in used:
            holds = field.holds or ("list" if field.meaning in _LISTS else None)
            chosen.append(replace(field, meaning="", holds=holds))
        elif field.meaning == "path":
            chosen.append(replace(field, meaning="target"))
        else:
            chosen.append(field)
    return chosen


def _build_layout(
    name: str, literals: list[str], fields: list[FormatField], open_ended: bool
) -> LineLayout:
    quoted = _find_quoted_fields(literals)
    before_time = [bool(f.time) and literals[i].startswith(" [") for i, f in enumerate(fields)]
    after = [*literals[1:-1], literals[-1] or " " * open_ended]
    stops = [_stop(f, literals[i], after[i], quoted[i]) for i, f in enumerate(fields)]
    spaced = _find_spaced_field(name, fields, stops)
    slots = []
    for i, field in enumerate(fields):
        holds = _holds(field, stops[i])
        is_before_time = before_time[i + 1 : i + 2] == [True]
        if holds == "word" and i == spaced:
            holds = "spaced"
        elif holds == "word" and not field.meaning and stops[i] == b" " and is_before_time:
            holds = "user"
        has_port = field.meaning == "address"
        meaning = "client" if has_port else field.meaning
        slots.append(Slot(meaning, holds, stops[i], quoted[i], field.or_dash, has_port, field.time))
    befores, afters = [False, *quoted], [*quoted, False]
    without_quotes = tuple(
        literal[before : len(literal) - after].encode()
        for literal, before, after in zip(literals, befores, afters, strict=True)
    )
    return LineLayout(tuple(slots), without_quotes, open_ended)


def _stop(field: FormatField, before: str, after: str, quoted: bool) -> bytes:
    """Return the byte that ends a field: the byte after it, or at the line's end the one before it.

    Method and protocol contain no space, so in `"%m %U %H"` a space ends them and the path.
    """
    if field.meaning in ("method", "protocol") and after.startswith('"') and not quoted:
        return b" "
    return after.encode()[:1] or before.encode()[-1:]


def _find_quoted_fields(literals: list[str]) -> list[bool]:
    """Return which fields are in quotes; a quote can't close one field and open the next."""
    quoted: list[bool] = []
    for before, after in pairwise(literals):
        taken = before == '"' and quoted[-1:] == [True]
        quoted.append(before.endswith('"') and after.startswith('"') and not taken)
    return quoted


def _holds(field: FormatField, stop: bytes) -> Holds:
    if field.time:
        return "time"
    if field.meaning == "status":
        return "status"
    if field.meaning == "size":
        return "size"
    if field.holds == "name":
        return "name"
    if stop == b'"':
        return "text"
    holds = "list" if field.meaning in _LISTS else field.holds
    return holds if holds and stop == b" " else "word"


def _find_spaced_field(name: str, fields: list[FormatField], stops: list[bytes]) -> int:
    """Find the one unquoted field that may contain spaces: request, user agent or target.

    Returns its index, -1 if there is none.
    """
    bare = {f.meaning: i for i, f in enumerate(fields) if stops[i] == b" "}
    spaced = [bare[meaning] for meaning in _WITH_SPACES if meaning in bare]
    if {"request", "user_agent"} <= bare.keys():
        raise UnusableFormat(
            f"Format {name}: {_where(fields[bare['request']])} and "
            f"{_where(fields[bare['user_agent']])} can both contain spaces and are both without "
            "quotes, so their ends can't be found; put them in quotes."
        )
    return spaced[0] if spaced else -1
