r"""Split Apache's `LogFormat` strings (mod_log_config) into fields and literals.

A string may be copied from httpd.conf as it is: the whole directive or the format alone, with
quotes as `\"` or bare. `format_strings` calls this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from clickstream.core.errors import InputError, UnusableFormat
from clickstream.parse.layouts.assemble import FormatField, Piece
from clickstream.parse.layouts.layout import Holds
from clickstream.parse.rows import OPTIONAL_FIELDS
from clickstream.parse.times import CLOCK_FORMAT, STRFTIME, TimeFormat

_STATEMENT = re.compile(r'\s*LogFormat\s+"((?:[^"\\]|\\.)*)"(?:\s+\S+)?\s*', re.DOTALL)
_ESCAPES = {'"': '"', "'": "'", "t": "\t", "\\": "\\"}
_PIECE = re.compile(
    r"%(?P<percent>%)"
    r"|%(?P<condition>!?\d{3}(?:,\d{3})*)?(?P<which>[<>]*)(?P<argument>\{[^}]*\})?"
    r"(?P<letter>\^..|[A-Za-z])"
    r"|(?P<broken>%.{0,8})|(?P<literal>[^%]+)",
    re.DOTALL,
)
_PLAIN: dict[str, tuple[str, int]] = {
    "h": ("client", 0),
    "a": ("client", 0),
    "r": ("request", 0),
    "m": ("method", 0),
    "U": ("path", 0),
    "q": ("query", 0),
    "H": ("protocol", 0),
    "s": ("status", 0),
    "b": ("size", 0),
    "B": ("size", 0),
    "O": ("size", 1),
    "v": ("host", 0),
    "V": ("host", 0),
    "p": ("port", 0),
    "D": ("duration_us", 0),
}
_PASSED_OVER = "A e f I k l L n o P R S T u X c x C ^ti ^to i"
_NAMED = ("C", "e", "i", "n", "o", "x", "^ti", "^to")
"""The directives that need a name in braces."""

_HEADERS: dict[str, tuple[str, int]] = {
    "referer": ("referrer", 0),
    "user-agent": ("user_agent", 0),
    "x-forwarded-for": ("forwarded", 0),
    "sec-gpc": ("sec_gpc", 0),
    "dnt": ("dnt", 0),
    **{name.replace("_", "-"): (name, 0) for name in OPTIONAL_FIELDS},
    "host": ("host", 1),
}
_UNITS_OF_T = {"": "duration_s", "s": "duration_s", "ms": "duration_ms", "us": "duration_us"}
_EPOCHS = {"sec": "%s", "msec": "%Q", "usec": "%N", "msec_frac": "%3f", "usec_frac": "%6f"}
_EPOCH_NAMES = ", ".join(_EPOCHS)


def pieces_of(name: str, text: str) -> list[Piece]:
    """Split a format string, or the directive that contains it, into fields and literals.

    Raises InputError, which names an unknown or unsupported directive and its place.
    """
    statement = _STATEMENT.fullmatch(text)
    text = statement[1] if statement else text
    return [piece for match in _PIECE.finditer(text) for piece in _pieces(name, match)]


def _pieces(name: str, match: re.Match[str]) -> Iterator[Piece]:
    character = match.start() + 1
    if match["literal"] or match["percent"]:
        yield _unescape(name, match["literal"] or "%", character)
    elif match["letter"] == "t" and not match["argument"]:
        yield from ("[", FormatField(match[0], character, "time", time=CLOCK_FORMAT), "]")
    elif match["broken"]:
        raise _refusal(name, match[0], character, "there is no such directive")
    else:
        yield _field(name, match, character)


def _unescape(name: str, literal: str, character: int) -> str:
    def unescaped(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise _refusal(
                name, match[0], character + match.start(), 'only \\" \\t \\\\ are escapes'
            )
        return _ESCAPES[match[1]]

    return re.sub(r"\\(.?)", unescaped, literal, flags=re.DOTALL)


def _field(name: str, match: re.Match[str], character: int) -> FormatField:
    letter, argument = match["letter"], (match["argument"] or "{}")[1:-1]
    if letter == "t":
        return _time(name, match[0], argument, character)
    if letter not in (*_PLAIN, *_PASSED_OVER.split()):
        directives = " ".join(sorted({*_PLAIN, *_PASSED_OVER.split(), "t"}, key=str.lower))
        raise _refusal(name, match[0], character, f"known directives are {directives}")
    if letter in _NAMED and not argument:
        raise _refusal(name, match[0], character, f"it needs a name, as in %{{name}}{letter}")
    meaning, rank = _meaning(letter, argument)
    if meaning == "status" and ">" not in match["which"]:
        rank += 1  # %s is the status of the original request, before an internal redirect
    if match["condition"] and meaning in ("status", "client", "host"):
        meaning = ""  # some lines have `-` instead
    holds: Holds | None = "name" if meaning == "host" and letter in "vV" else None
    return FormatField(match[0], character, meaning, rank, holds)


def _meaning(letter: str, argument: str) -> tuple[str, int]:
    if letter == "i":
        return _HEADERS.get(argument.lower(), ("", 0))
    if letter == "T":
        return _UNITS_OF_T.get(argument.lower(), ""), 0
    if (letter, argument) == ("n", "duration"):  # the name of Traefik's field
        return "duration_ms", 0
    if letter == "C" or (letter == "n" and argument == "cookie"):  # mod_usertrack's note
        return "cookie", 0
    if letter == "p" and argument not in ("", "remote"):
        return "", 0
    return _PLAIN.get(letter, ("", 0))


def _time(name: str, source: str, argument: str, character: int) -> FormatField:
    """Build the field of a time `%{format}t`; begin: or end: may precede the format."""
    spelled = re.sub(r"^(?:begin|end):", "", argument)
    if argument in ("begin:", "end:"):
        raise _refusal(name, source, character, "write a format after the colon")
    if spelled in _EPOCHS:
        return FormatField(source, character, "time", time=TimeFormat.of(_EPOCHS[spelled]))
    for letter in re.findall(r"%(.?)", spelled, re.DOTALL):
        if letter not in STRFTIME:
            allowed = " ".join(f"%{directive}" for directive in STRFTIME)
            raise _refusal(
                name,
                source,
                character,
                f"%{letter} is not supported; {allowed} and {_EPOCH_NAMES} are",
            )
    return FormatField(source, character, "time", time=TimeFormat.of(spelled))


def _refusal(name: str, source: str, character: int, why: str) -> InputError:
    return UnusableFormat(f"Format {name}: {source} at character {character} can't be used: {why}.")
