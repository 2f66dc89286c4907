"""Format strings compiled to layouts, whoever's they are."""

from __future__ import annotations

import re

from clickstream.errors import InputError
from clickstream.parse import apache, nginx, plain
from clickstream.parse.assemble import assemble
from clickstream.parse.layout import Layout

_VARIABLE = re.compile(r"\$\{?[A-Za-z]")
_DIRECTIVE = re.compile(r"%[<>!0-9,]*(?:\{[^}]*\})?[A-Za-z]")


def layout_of(name: str, text: str) -> Layout:
    """The layout of a format string: `%` tells Apache's, `$` nginx's, `{time:…}` a plain one.

    Raises InputError, naming the format and the directive, for what can't be read.
    """
    text = text.strip("\r\n")
    if plain.is_plain(text):
        return assemble(name, plain.pieces_of(name, text))
    is_apache, is_nginx = bool(_DIRECTIVE.search(text)), bool(_VARIABLE.search(text))
    if is_apache == is_nginx:
        has = "both %directives and $variables" if is_apache else "no %directives and no $variables"
        raise InputError(
            f"Format {name} has {has}: write an Apache LogFormat string or an nginx log_format "
            f"string, not {text!r}."
        )
    return assemble(name, (apache if is_apache else nginx).pieces_of(name, text))
