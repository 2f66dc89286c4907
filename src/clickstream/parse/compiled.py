"""Format strings compiled to layouts: Apache's, nginx's, and the plain ones of this library."""

from __future__ import annotations

import re
from string import Formatter

from clickstream.errors import InputError
from clickstream.parse import apache, nginx
from clickstream.parse.assemble import Field, Piece, assemble
from clickstream.parse.layout import Layout
from clickstream.parse.time_format import TimeFormat

_VARIABLE = re.compile(r"\$\{?[A-Za-z]")
_DIRECTIVE = re.compile(r"%[<>!0-9,]*(?:\{[^}]*\})?[A-Za-z]")
_REST = "rest"


def layout_of(name: str, text: str) -> Layout:
    """The layout of an Apache `LogFormat` or nginx `log_format` string.

    `%` tells Apache's, `$` tells nginx's. Raises InputError, naming the format and the directive,
    for what can't be read.
    """
    is_apache, is_nginx = bool(_DIRECTIVE.search(text)), bool(_VARIABLE.search(text))
    if is_apache == is_nginx:
        has = "both %directives and $variables" if is_apache else "neither %directives nor $variables"
        raise InputError(
            f"Format {name} has {has}: write an Apache LogFormat string or an nginx log_format "
            f"string, not {text!r}."
        )
    return assemble(name, (apache if is_apache else nginx).pieces_of(name, text))


def plain_layout(name: str, text: str) -> Layout:
    """The layout of a format that no server's format string describes.

    It is written as a Python format string: `{meaning}`, `{time:strftime}`, `{}` for what is passed
    over, `{:spaced}` where that may hold spaces. After `!r`, a bare `-` may stand for the field with
    its quotes. `{rest}` at the end is anything after one more space, or nothing.
    """
    pieces: list[Piece] = []
    open_ended, place = False, 1
    for literal, meaning, spec, conversion in Formatter().parse(text):
        pieces.append(literal)
        if meaning == _REST:
            open_ended = True
        elif meaning is not None:
            pieces.append(_plain_field(meaning, spec or "", bool(conversion), place))
            place += 1
    return assemble(name, pieces, open_ended)


def _plain_field(meaning: str, spec: str, or_dash: bool, place: int) -> Field:
    source = f"{{{meaning}}}"
    if meaning == "time":
        return Field(source, place, meaning, time=TimeFormat.of(spec))
    holds = "spaced" if spec == "spaced" else None
    return Field(source, place, meaning, holds=holds, or_dash=or_dash)
