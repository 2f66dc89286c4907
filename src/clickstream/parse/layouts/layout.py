r"""Layouts: descriptions of log lines as alternating literals and fields.

Each format string becomes a layout with a strict pattern. A field ends where the literal after it
begins: a quoted field at the closing quote (a quote inside is escaped, `\"` or `\x22`), any other
field at the first byte of the literal. A few fields between spaces may contain spaces; if a line
can then be read in two ways, it is refused.

The formats combined and common have a layout with a *head*, the text before the time: client,
identity and user, perhaps with the virtual host in front or a list of addresses in place of the
client. `formats` has the patterns of heads and splits them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from clickstream.parse.blocks import MAX_DIGITS
from clickstream.parse.line_patterns import ADDRESSES, CLIENT, CUT, EMPTY, FOREIGN, HOST, MISFIT
from clickstream.parse.times import TimeFormat

Holds = Literal[
    "word", "name", "text", "spaced", "user", "head", "list", "addresses", "time", "status", "size"
]
"""The content of a field. `word`: a word, which may be empty. `name`: a word that is not empty.
`text`: any text up to the next quote. `spaced`: a text between spaces that may contain spaces.
`user`: the same, but not empty, or the `""` that Apache writes for an empty user. `head`: the text
before the time, which matches one of the patterns `Slot.heads`. `list`: words separated by a comma
or ` : `. `addresses`: a `text` that is a list of addresses, or `-`. `time`, `status`, `size`: a
time, a status, a number of bytes."""

PORT_DIGITS = 5
"""The number of digits of the highest port."""

_TEXT = rb'(?:[^"\\]++|\\.)*+'
_SPACED = {"spaced": rb'(?:[^"\\]|\\.)*%b', "user": rb'""|(?:[^"\\]|\\.)+%b'}
_PORT = re.compile(rb"(?<=.):\d{1,%d}\Z" % PORT_DIGITS, re.DOTALL)
_BRACKETED = re.compile(rb"\[.+\]", re.DOTALL)
_OF_VALUES = {"status": rb"\d{3}|-1?", "size": rb"\d{1,%d}|-" % MAX_DIGITS}


@dataclass(frozen=True)
class Slot:
    """A field of a layout.

    `meaning` is the name of a text of `Rows.texts`, or head, time, status, size or query, or "" for
    a field that is skipped. `stop` is the byte that ends a word. `quoted` fields are in quotes; if
    `or_dash` is set, a line may have a bare `-` instead of the quotes and their content. If
    `has_port` is set, a client may have a port, which is dropped, and so are brackets around it.
    `heads` are the patterns of a head, in the order in which they are tried.
    """

    meaning: str
    holds: Holds
    stop: bytes
    quoted: bool = False
    or_dash: bool = False
    has_port: bool = False
    time: TimeFormat | None = None
    heads: tuple[bytes, ...] = ()

    @property
    def is_spaced(self) -> bool:
        """Whether the field may contain spaces although spaces separate it."""
        return self.holds == "head" or self.holds in _SPACED

    @property
    def must_match(self) -> bytes:
        """A pattern that the whole field must also match; b"" if any content is allowed.

        A client must be an address or a host name, and so must a host that the server names. A host
        that the client names (the Host header) may be any text.
        """
        if self.meaning == "head":
            return self.content()
        if self.holds == "addresses":
            return ADDRESSES
        if self.meaning == "client":
            return CLIENT
        return HOST if self.meaning == "host" and self.holds == "name" else b""

    def content(self, lazy: bool = False) -> bytes:
        """Return the pattern of the content; a spaced text is matched greedily, or lazily."""
        if self.time:
            return self.time.pattern
        if self.holds in _OF_VALUES:
            return _OF_VALUES[self.holds]
        if self.holds == "head":
            return rb"(?:%b)" % re.sub(rb"\?P<\w+>", b"?:", b"|".join(self.heads))
        if self.is_spaced:
            return _SPACED[self.holds] % (b"?" if lazy else b"")
        if self.holds in ("text", "addresses"):
            return _TEXT
        stop = re.escape(self.stop)
        word = rb'(?:[^"\\%b]|\\[^%b])' % (stop, stop)  # one byte, or an escaped byte
        if self.holds == "list":
            return rb"%b*+(?:(?:(?<=,)\x20|\x20:\x20)%b++)*+" % (word, word)
        if self.holds == "name":
            return rb"(?!-?(?:%b|\Z))%b++" % (stop, word)
        return rb"%b%b" % (word, b"++" if self.meaning == "client" else b"*+")


@dataclass(frozen=True)
class LineLayout:
    """Slots, and the literals before, between and after them, without the quotes of the slots.

    If `open_ended` is set, a space and any text may follow at the end of a line.
    """

    slots: tuple[Slot, ...]
    literals: tuple[bytes, ...]
    open_ended: bool = False

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The meanings of the text fields, in the order of the line."""
        numbers = ("", "time", "status", "size")
        return tuple(slot.meaning for slot in self.slots if slot.meaning not in numbers)

    @cached_property
    def time(self) -> TimeFormat:
        """The format of the line's time."""
        return next(slot.time for slot in self.slots if slot.meaning == "time" and slot.time)

    def match(self, line: bytes) -> dict[str, bytes] | None:
        """Return the fields of a line by meaning; None if it does not fit, or fits in two ways.

        Early fields are longest in the greedy match and shortest in the lazy match. If both matches
        are equal, no other match is possible.
        """
        match = self._greedy.fullmatch(line)
        if match is None:
            return None
        if self._lazy is not None:
            lazy = self._lazy.fullmatch(line)
            if lazy is None or lazy.regs != match.regs:
                return None
        fields = {name: b"-" if t is None else t for name, t in match.groupdict().items()}
        if any(slot.has_port for slot in self.slots):
            fields["client"] = _without_port(fields["client"])
        checks = self.checks.items()
        return fields if all(re.fullmatch(p, fields[name]) for name, p in checks) else None

    @cached_property
    def checks(self) -> dict[str, bytes]:
        """The patterns that fields must also match, by meaning; a client without its port."""
        return {slot.meaning: slot.must_match for slot in self.slots if slot.must_match}

    def why_not(self, line: bytes) -> str:
        """Return the reject reason of a line that does not fit."""
        if not line.strip():
            return EMPTY
        cut = line.removesuffix(b"\\")  # a line may be cut inside an escape
        position = complete_slots = 0
        ends_early = False
        for slots_after, step in self._steps:
            if ends_early := position == len(cut) and step != b"":
                break
            end = _step(cut, position, step)
            if end is None:
                break
            position, complete_slots = end, slots_after
        time = next(i for i, slot in enumerate(self.slots) if slot.meaning == "time")
        if (ends_early and complete_slots >= time) or (cut != line and self.match(cut)):
            return CUT
        return MISFIT if complete_slots > time else FOREIGN

    @cached_property
    def _greedy(self) -> re.Pattern[bytes]:
        return self._pattern(lazy=False)

    @cached_property
    def _lazy(self) -> re.Pattern[bytes] | None:
        return self._pattern(lazy=True) if any(s.holds in _SPACED for s in self.slots) else None

    def _pattern(self, lazy: bool) -> re.Pattern[bytes]:
        """Build the pattern of a line, with a group for each slot, named by its meaning."""
        joined = re.escape(self.literals[0])
        for slot, literal in zip(self.slots, self.literals[1:], strict=True):
            name = b"?P<%b>" % slot.meaning.encode() if slot.meaning else b""
            group = b"(%b%b)" % (name, slot.content(lazy))
            if slot.quoted:
                group = b'(?:"%b"|-)' % group if slot.or_dash else b'"%b"' % group
            joined += group + re.escape(literal)
        return re.compile(joined + (b"(?: .*)?" if self.open_ended else b""), re.DOTALL)

    @cached_property
    def _steps(self) -> list[tuple[int, bytes | re.Pattern[bytes]]]:
        """The literals and patterns of a line, each with the number of slots complete after it."""
        steps: list[tuple[int, bytes | re.Pattern[bytes]]] = [(0, self.literals[0])]
        for index, slot in enumerate(self.slots):
            quote = b'"' if slot.quoted else b""
            if quote:
                steps.append((index, quote))
            steps += [(index, re.compile(piece, re.DOTALL)) for piece in self._pieces(index)]
            steps.append((index + 1, quote + self.literals[index + 1]))
        return steps

    def _pieces(self, index: int) -> Iterator[bytes]:
        """Yield the patterns of a field in pieces; a line may be cut after each piece."""
        slot = self.slots[index]
        if slot.time:
            yield from slot.time.pieces
        elif slot.holds == "status":
            yield rb"\d{3}|-1?|\d{1,2}\Z"
        elif slot.is_spaced:
            time = self._time_after(index)  # if the text has times, too, the last one is meant
            after = time or re.escape(self.literals[index + 1])
            ended = b"(?:%b)(?=%b)" % (slot.content(lazy=not time), after)
            yield rb"%b|%b\Z" % (ended, _SPACED["spaced"] % b"+")
        elif slot.must_match and not slot.has_port:
            stop = re.escape(slot.stop)
            yield rb"(?=%b(?:%b|\Z))%b" % (slot.must_match, stop, slot.content())
        else:
            yield slot.content()

    def _time_after(self, index: int) -> bytes:
        """Return the pattern of a time after a slot, perhaps cut, and of the literals around it."""
        after = self.slots[index + 1 : index + 2]
        if not after or not after[0].time:
            return b""
        quote = b'"' * after[0].quoted
        literal = (re.escape(bytes([byte])) for byte in quote + self.literals[index + 2])
        pieces = [*after[0].time.pieces, *literal]
        cut = b""
        for piece in reversed(pieces):
            cut = b"(?:%b%b)?" % (piece, cut)
        before = re.escape(self.literals[index + 1] + quote)
        return rb"%b(?:%b|%b\Z)" % (before, b"".join(pieces), cut)


def _without_port(address: bytes) -> bytes:
    client = _PORT.sub(b"", address)
    return client[1:-1] if _BRACKETED.fullmatch(client) else client


def _step(line: bytes, at: int, step: bytes | re.Pattern[bytes]) -> int | None:
    """Return the position after a step, at most the line's end; None if the line does not fit."""
    if isinstance(step, bytes):
        rest = line[at : at + len(step)]
        return at + len(rest) if step.startswith(rest) else None
    match = step.match(line, at)
    return match.end() if match else None
