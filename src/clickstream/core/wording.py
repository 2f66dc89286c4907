"""Wording of messages: counts with their nouns, shortened lists, and durations.

Durations are written `90m`, `3h` or `2d`, and described as `3 hours 20 minutes`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

from clickstream.core.errors import InputError

SHOWN = 3
"""Number of items of a long list that a message names."""


def quantity(number: int, noun: str, plural: str = "") -> str:
    """Format a count and its noun: `1 hour`, `0 hours`, `1,200 hours`.

    `plural` is needed only if it is not the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def amount(cents: int) -> str:
    """Format hundredths of a currency: `-1,234.50`."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100:,}.{abs(cents) % 100:02}"


def format_share(share: float) -> str:
    """Format a share as per cent: `12 %`, and below 1 % with a digit more."""
    return f"{percent(share)} %"


def percent(share: float) -> str:
    """Return the number of `format_share`: `12`, `0.4` or `−3`."""
    number = share * 100
    text = f"{number:.1f}" if 0 < abs(number) < 1 else f"{number:.0f}"
    return text.replace("-", "−") if float(text) else "0"


def shorten(items: Iterable[object], shown: int = SHOWN) -> str:
    """Join items as text, like `A, B, C and 1,417 more`; `none` for no items.

    If only one item more than `shown` exists, it is named as well, since "and 1 more" is no
    shorter.
    """
    texts = [str(item) for item in items]
    if len(texts) <= shown + 1:
        return ", ".join(texts) or "none"
    return f"{', '.join(texts[:shown])} and {len(texts) - shown:,} more"


_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories of control and format characters, halves of surrogate pairs, and line ends."""

_JOINERS = "\u200b\u200c\u200d"
"""Break, separate and join letters in Khmer, Persian and Hindi, for example, and join emoji."""

_FIRST_JOINED = "\u0600"
"""The first letter of the scripts that use joiners: Arabic and all after it. Latin needs none."""


def printable(text: str) -> str:
    r"""Escape the hidden characters of a text from outside, so that it can be shown: `\u202e`.

    Hidden characters are line ends, control characters, bytes that are not UTF-8, and Unicode's
    format characters, some of which reverse the order of what follows (UAX #9). Joiners remain
    where their scripts need them. Pages, mails, CSV files and terminals show names by this rule.
    """
    if text.isprintable():
        return text
    # The first character follows nothing.
    return "".join(
        char if _is_shown(before, char) else _escaped(char)
        for before, char in pairwise(f"\0{text}")
    )


def printable_lines(text: str) -> str:
    r"""Escape hidden characters, except for line ends (`\n`)."""
    return "\n".join(map(printable, text.split("\n")))


LONGEST_NAME = 60
"""Limit of the length of a name from the logs in a mail, in characters."""


def shown_name(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a name without line breaks and invisible characters, cut to a length.

    Visitors choose the names of pages and campaigns. A name must not begin a header or a line, or
    change the direction of writing.
    """
    safe = printable(text)
    return safe if len(safe) <= longest else f"{safe[: longest - 1]}…"


def _is_shown(before: str, char: str) -> bool:
    if unicodedata.category(char) not in _HIDDEN:
        return True
    is_after_letter = before >= _FIRST_JOINED and unicodedata.category(before) not in _HIDDEN
    return char in _JOINERS and is_after_letter


def _escaped(char: str) -> str:
    byte = ord(char) - 0xDC00  # a byte that is not UTF-8, as os.fsdecode represents it
    if 0x80 <= byte <= 0xFF:
        return f"\\x{byte:02x}"
    return char.encode("unicode_escape").decode()


_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_TEXT = re.compile(r"(\d{1,6})([mhd])")


def parse_duration(text: str) -> timedelta:
    """Parse a number of minutes, hours or days. Raises InputError for anything else."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is not a duration; write it like 90m, 3h or 2d.")
    return int(match[1]) * _UNITS[match[2]]


def describe_duration(duration: timedelta) -> str:
    """Format a duration in its two largest units, rounded down to minutes."""
    minutes = max(int(duration.total_seconds()) // 60, 0)
    parts = (("day", minutes // 1440), ("hour", minutes // 60 % 24), ("minute", minutes % 60))
    largest = next((index for index, (_, number) in enumerate(parts) if number), 2)
    named = [
        f"{number:,} {unit}{'' if number == 1 else 's'}"
        for unit, number in parts[largest : largest + 2]
        if number
    ]
    return " ".join(named) or "0 minutes"
