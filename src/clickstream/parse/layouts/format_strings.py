"""Compile format strings to layouts: Apache's, nginx's, and plain ones, which this package defines.

Plain strings describe formats that LogFormat and log_format can't express. They are Python format
strings: `{client}` and similar name the meaning of a field, `{time:%d/%b/%Y:%T %z}` is a time, and
`{}` a field that is skipped.
"""

from __future__ import annotations

import re
from string import Formatter

from clickstream.core.errors import UnusableFormat
from clickstream.parse.layouts import apache, nginx
from clickstream.parse.layouts.assemble import REST, FormatField, Piece, assemble
from clickstream.parse.layouts.layout import Holds, LineLayout
from clickstream.parse.rows import TEXTS
from clickstream.parse.times import TimeFormat

MEANINGS = ("status", "size", *TEXTS, "address", "path", "query")
"""The meanings of fields in plain strings; `address` is a client with its port."""

_OR_DASH, _SPACED = "r", "spaced"
_PLAIN_TIME = re.compile(r"(?<!%)\{time:")
_VARIABLE = re.compile(r"\$\{?[A-Za-z]")
_DIRECTIVE = re.compile(r"%[<>!0-9,]*(?:\{[^}]*\})?[A-Za-z]")


def _plain_pieces(name: str, text: str) -> list[Piece]:
    """Split a plain format string into fields and literals.

    A field `{:spaced}` may contain spaces. A line may have a bare `-` instead of a quoted
    `"{referrer!r}"`. `{rest}` at the end is empty, or a space and any text. Raises InputError for
    any other text in braces.
    """
    pieces: list[Piece] = []
    try:
        for literal, meaning, spec, conversion in Formatter().parse(text):
            pieces.append(literal)
            if meaning is not None:
                pieces.append(_plain_field(meaning, spec or "", conversion, len(pieces)))
    except ValueError as error:
        raise UnusableFormat(
            f"Format {name}: {error} in {text!r}; allowed in braces are a meaning "
            f"({', '.join(MEANINGS)}, {REST}), time:FORMAT, or nothing."
        ) from None
    return pieces


def _plain_field(meaning: str, spec: str, conversion: str | None, character: int) -> FormatField:
    source = f"{{{meaning}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}}}"
    if meaning == "time":
        return FormatField(source, character, meaning, time=TimeFormat.of(spec))
    is_known = meaning in ("", REST, *MEANINGS) and spec in ("", _SPACED)
    if not is_known or conversion not in (None, _OR_DASH):
        raise ValueError(f"{source} is unknown")
    holds: Holds | None = "spaced" if spec == _SPACED else None
    return FormatField(source, character, meaning, holds=holds, or_dash=conversion == _OR_DASH)


def layout_of(name: str, text: str) -> LineLayout:
    """Build the layout of a format string.

    `%` directives mark Apache's strings, `$` variables nginx's, and `{time:…}` plain ones. Raises
    InputError, which names the format and the directive, for an unsupported string.
    """
    text = text.strip("\r\n")
    if _PLAIN_TIME.search(text):
        return assemble(name, _plain_pieces(name, text))
    is_apache, is_nginx = bool(_DIRECTIVE.search(text)), bool(_VARIABLE.search(text))
    if is_apache == is_nginx:
        has = "both %directives and $variables" if is_apache else "no %directives and no $variables"
        raise UnusableFormat(
            f"Format {name} has {has}: write an Apache LogFormat string or an nginx log_format "
            f"string, not {text!r}."
        )
    return assemble(name, (apache if is_apache else nginx).pieces_of(name, text))
