"""A refused line's bytes as text and back, so that a reject can be read, stored and replayed."""

from __future__ import annotations

import re

from clickstream.errors import InputError

# What would not survive a table or a terminal: the backslash itself, control characters (C0, DEL,
# C1, the two Unicode line separators) and the lone surrogates that stand for bytes that are not
# UTF-8.
_UNSAFE = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|(\\))?")


def escape(raw: bytes) -> str:
    r"""The bytes as printable text: `\` doubled, other unsafe bytes as `\xhh`; see `unescape`."""
    return _UNSAFE.sub(_escaped, raw.decode("utf-8", "surrogateescape"))


def unescape(text: str) -> bytes:
    """The bytes that `escape` made the text from. Raises InputError for any other text."""
    return _ESCAPE.sub(_unescaped, text.encode())


def _escaped(match: re.Match[str]) -> str:
    if match[0] == "\\":
        return "\\\\"
    return "".join(f"\\x{byte:02x}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes([int(match[1], 16)])
    if match[2] is None:
        raise InputError(
            f"Not an escaped line: the backslash at byte {match.start()} starts neither "
            r"\\ nor \xhh; pass a text that escape() made."
        )
    return b"\\"
