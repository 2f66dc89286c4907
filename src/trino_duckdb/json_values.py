"""json_extract and json_extract_scalar, as Python functions inside DuckDB.

Numbers keep their text until the JSON is written. A document is read only as far as necessary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

from trino_duckdb.value_text import double_text

BLANKS = (" ", "\t", "\n", "\r")
JSON_STEP = re.compile(r'\.(\w+)|\[(\d+)\]|\["([^"]*)"\]')


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()

    def canonical(self) -> str:
        """Return the number as Trino writes it; with a fraction or an exponent it is a double."""
        return double_text(float(self)) if re.search("[.eE]", self) else str(self)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its keys, in order."""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


DECODER = json.JSONDecoder(
    parse_float=_Number,
    parse_int=_Number,
    parse_constant=_refuse_constant,
    object_pairs_hook=_Pairs,
)


def _dump(value: Any) -> str:
    if isinstance(value, _Number):
        return value.canonical()
    if isinstance(value, _Pairs):
        named = (f"{json.dumps(key, ensure_ascii=False)}:{_dump(item)}" for key, item in value)
        return "{" + ",".join(named) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


_MISSING = object()


def _follow(document: str, path: str) -> Any:
    """Return the part of a document at a path; _MISSING if there is none or it is no JSON.

    Like Trino's parser, it stops reading after that part: errors after it are ignored, and the
    first of two equal keys counts.
    """
    try:
        return _seek(document, _skip(document, 0), list(JSON_STEP.finditer(path)))
    except ValueError:
        return _MISSING


def _skip(text: str, place: int) -> int:
    while text[place : place + 1] in BLANKS:
        place += 1
    return place


def _seek(text: str, place: int, steps: list[re.Match[str]]) -> Any:
    if not steps:
        return DECODER.raw_decode(text, place)[0]
    wanted = steps[0][1] or steps[0][3]
    if text[place : place + 1] != ("[" if wanted is None else "{"):
        return _MISSING
    count, place = 0, _skip(text, place + 1)
    while text[place : place + 1] not in ("]", "}", ""):
        key: Any = count
        if wanted is not None:
            key, place = DECODER.raw_decode(text, place)
            place = _skip(text, place)
            if text[place : place + 1] != ":":
                return _MISSING
            place = _skip(text, place + 1)
        if key == (int(steps[0][2]) if wanted is None else wanted):
            return _seek(text, place, steps[1:])
        _, place = DECODER.raw_decode(text, place)
        place = _skip(text, place)
        if text[place : place + 1] == ",":
            place = _skip(text, place + 1)
        count += 1
    return _MISSING


def json_extract_scalar(document: str, path: str) -> str | None:
    """Return the text, number or boolean at a path as text; None for anything else."""
    value = _follow(document, path)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else None


def json_extract(document: str, path: str) -> str | None:
    """Return the JSON at a path."""
    value = _follow(document, path)
    return None if value is _MISSING else _dump(value)


FUNCTIONS: tuple[Callable[..., Any], ...] = (json_extract, json_extract_scalar)
