r"""Layouts: what a line of a log looks like, as literals and fields in turn.

Every format string of any server becomes a layout with a strict pattern. A field ends where the
literal after it begins: in quotes at the closing quote (one inside is escaped, `\"` or `\x22`),
outside of quotes at the first byte of the literal. A few fields may hold spaces between spaces; a
line that can then be read in two ways is refused. Layouts that equal one of the formats in
`formats` are scanned as those are, which is faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from clickstream.parse.blocks import MAX_DIGITS
from clickstream.parse.formats import CLIENT, CUT, EMPTY, FOREIGN, HOST, MISFIT, NAME, USER
from clickstream.parse.times import TimeFormat

Holds = Literal["word", "name", "text", "spaced", "user", "list", "time", "status", "size"]
"""What a field may hold: a word; a word that is there; a text up to the next quote; a text with
spaces between spaces; the same that is there, or the `""` that Apache writes for an empty user;
words with a comma or ` : ` between them; a time; a status; a number."""

PORT_DIGITS = 5
"""The digits of the highest port."""

_TEXT = rb'(?:[^"\\]++|\\.)*+'
_SPACED = {"spaced": rb'(?:[^"\\]|\\.)*%b', "user": rb'""|(?:[^"\\]|\\.)+%b'}
_PORT = re.compile(rb"(?<=.):\d{1,%d}\Z" % PORT_DIGITS, re.DOTALL)
_BRACKETED = re.compile(rb"\[.+\]", re.DOTALL)
_OF_VALUES = {"status": rb"\d{3}|-1?", "size": rb"\d{1,%d}|-" % MAX_DIGITS}


@dataclass(frozen=True)
class Slot:
    """A field in its place.

    `meaning` is a text of `Rows.texts`, time, status, size or query, or "" for what is passed over.
    `stop` is the byte that ends a word. `quoted` fields stand in quotes; instead of quotes and all,
    there may be a bare `-` where `or_dash` is set. A client may have a port behind it (`has_port`),
    which is no part of it, nor are brackets around it.
    """

    meaning: str
    holds: Holds
    stop: bytes
    quoted: bool = False
    or_dash: bool = False
    has_port: bool = False
    time: TimeFormat | None = None

    @property
    def is_spaced(self) -> bool:
        """Whether it may hold spaces between spaces."""
        return self.holds in _SPACED

    @property
    def must_match(self) -> bytes:
        """The pattern of the whole field, besides what its place allows; b"" if it may be anything.

        A client is an address or a host name, and so is a host that the server names. A host that
        the client names (the Host header) may be anything.
        """
        if self.meaning == "client":
            return CLIENT
        return HOST if self.meaning == "host" and self.holds == "name" else b""

    def content(self, lazy: bool = False) -> bytes:
        """The pattern of what it holds; a spaced text takes all it can, or as little as it can."""
        if self.time:
            return self.time.pattern
        if self.holds in _OF_VALUES:
            return _OF_VALUES[self.holds]
        if self.is_spaced:
            return _SPACED[self.holds] % (b"?" if lazy else b"")
        if self.holds == "text":
            return _TEXT
        word = _word(self.stop)
        if self.holds == "list":
            return rb"%b*+(?:(?:(?<=,)\x20|\x20:\x20)%b++)*+" % (word, word)
        if self.holds == "name":
            return rb"(?!-?%b)%b++" % (rb"(?:%b|\Z)" % re.escape(self.stop), word)
        return rb"%b%b" % (word, b"++" if self.meaning == "client" else b"*+")


def _word(stop: bytes) -> bytes:
    """One byte of a word, or an escaped one."""
    return rb'(?:[^"\\%b]|\\[^%b])' % (re.escape(stop), re.escape(stop))


@dataclass(frozen=True)
class Layout:
    """Slots, and the literals before, between and after them, without the quotes of the slots.

    Where `open_ended` is set, anything may follow after one more space.
    """

    slots: tuple[Slot, ...]
    literals: tuple[bytes, ...]
    open_ended: bool = False

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The meanings that are texts, in the order of the line."""
        numbers = ("", "time", "status", "size")
        return tuple(slot.meaning for slot in self.slots if slot.meaning not in numbers)

    @cached_property
    def time(self) -> TimeFormat:
        """How the line's time is spelled."""
        return next(slot.time for slot in self.slots if slot.meaning == "time" and slot.time)

    def match(self, line: bytes) -> dict[str, bytes] | None:
        """The fields of a line by their meaning; None if it does not fit, or fits in two ways.

        The greedy reading gives early fields the most, the lazy one the least; whatever other
        reading there is lies between both.
        """
        found = self._greedy.fullmatch(line)
        if found is None:
            return None
        if self._lazy is not None:
            other = self._lazy.fullmatch(line)
            if other is None or other.regs != found.regs:
                return None
        fields = {name: b"-" if t is None else t for name, t in found.groupdict().items()}
        if any(slot.has_port for slot in self.slots):
            fields["client"] = _without_port(fields["client"])
        checks = self.checks.items()
        return fields if all(re.fullmatch(p, fields[name]) for name, p in checks) else None

    @cached_property
    def checks(self) -> dict[str, bytes]:
        """The patterns that fields must match, by their meaning; a client's without its port."""
        return {slot.meaning: slot.must_match for slot in self.slots if slot.must_match}

    def why_not(self, line: bytes) -> str:
        """The reason for which a line does not fit."""
        if not line.strip():
            return EMPTY
        passed, ended = self._walked(line)
        time = next(i for i, slot in enumerate(self.slots) if slot.meaning == "time")
        if ended and passed >= time:
            return CUT
        return MISFIT if passed > time else FOREIGN

    @cached_property
    def _greedy(self) -> re.Pattern[bytes]:
        return self._pattern(lazy=False)

    @cached_property
    def _lazy(self) -> re.Pattern[bytes] | None:
        return self._pattern(lazy=True) if any(s.is_spaced for s in self.slots) else None

    def _pattern(self, lazy: bool) -> re.Pattern[bytes]:
        """Every slot is a group, so that readings can be compared; meanings are named."""
        joined = re.escape(self.literals[0])
        for slot, literal in zip(self.slots, self.literals[1:], strict=True):
            name = b"?P<%b>" % slot.meaning.encode() if slot.meaning else b""
            joined += _in_quotes(slot, b"(%b%b)" % (name, slot.content(lazy))) + re.escape(literal)
        return re.compile(joined + (b"(?: .*)?" if self.open_ended else b""), re.DOTALL)

    def _walked(self, line: bytes) -> tuple[int, bool]:
        """How many slots, with the literals after them, the line passes; whether it stops early."""
        at = passed = 0
        for slot, step in self._steps:
            if at == len(line) and step:
                return passed, True
            end = _step(line, at, step)
            if end is None:
                return passed, False
            at, passed = end, slot
        return passed, False

    @cached_property
    def _steps(self) -> tuple[tuple[int, bytes | re.Pattern[bytes]], ...]:
        """The literals and patterns of a line, each with the number of slots passed with it."""
        return tuple(self._each_step())

    def _each_step(self) -> Iterator[tuple[int, bytes | re.Pattern[bytes]]]:
        yield 0, self.literals[0]
        for index, slot in enumerate(self.slots):
            literal = self.literals[index + 1]
            if slot.quoted:
                yield index, b'"'
            for piece in _pieces(slot, literal):
                yield index, re.compile(piece, re.DOTALL)
            yield index + 1, b'"' + literal if slot.quoted else literal


def _without_port(address: bytes) -> bytes:
    client = _PORT.sub(b"", address)
    return client[1:-1] if _BRACKETED.fullmatch(client) else client


def _in_quotes(slot: Slot, group: bytes) -> bytes:
    if not slot.quoted:
        return group
    return b'(?:"%b"|-)' % group if slot.or_dash else b'"%b"' % group


def _pieces(slot: Slot, literal: bytes) -> Iterator[bytes]:
    """The patterns of a field that may be cut: after each of them."""
    if slot.time:
        yield from slot.time.pieces
    elif slot.holds == "status":
        yield rb"\d{1,3}|-1?"
    elif slot.is_spaced:
        ended = b"(?:%b)(?=%b)" % (slot.content(lazy=True), re.escape(literal))
        yield rb"%b|%b\Z" % (ended, _SPACED["spaced"] % b"+")
    else:
        yield slot.content()


def _step(line: bytes, at: int, step: bytes | re.Pattern[bytes]) -> int | None:
    """Where the step ends; the line's end if that comes first; None where it does not fit."""
    if isinstance(step, bytes):
        rest = line[at : at + len(step)]
        return at + len(rest) if step.startswith(rest) else None
    match = step.match(line, at)
    return match.end() if match else None


_TIME = TimeFormat.of("%d/%b/%Y:%H:%M:%S %z")
_TIME_TO_SIZE = ["time", "request", "status", "size"]
_IN_CLIENTS = re.compile(rb"[\w.:%\[\]-]")
_BETWEEN = (b" [", b"] ", b" ", b" ")


def shape_of(layout: Layout) -> tuple[tuple[str, ...], tuple[bytes]] | None:
    """The quoted fields and the heads of a LogFormat with these lines; None if there is none.

    Such lines have words and at most a user's name before the time, and nothing but fields in
    quotes after the size.
    """
    meanings = [slot.meaning for slot in layout.slots]
    first = meanings.index("time")
    trailing = layout.slots[first + 4 :]
    literals = layout.literals
    fits = (
        layout.time == _TIME
        and meanings[first : first + 4] == _TIME_TO_SIZE
        and literals[first : first + 4] == _BETWEEN
        and literals[first + 4 :] == (b" ",) * len(trailing) + (b"",)
        and all(slot.quoted and not slot.or_dash for slot in (layout.slots[first + 1], *trailing))
        and not layout.open_ended
    )
    head = _head(layout.slots[:first], literals[: first + 1]) if fits else None
    names = (slot.meaning or f"field{place}" for place, slot in enumerate(trailing))
    return (("request", *names), (head,)) if head else None


def _head(slots: tuple[Slot, ...], literals: tuple[bytes, ...]) -> bytes | None:
    """The pattern of what stands before the time; None if more than words and a user does.

    Also None where a word ends at a byte that is no character: RE2's patterns are text.
    """
    ends = [*literals[1:-1], literals[-1].removesuffix(b" [")]
    head = re.escape(literals[0])
    for slot, end in zip(slots, ends, strict=True):
        content = USER if slot.holds == "user" else _word_of_head(slot)
        if content is None:
            return None
        name = b"?P<%b>" % slot.meaning.encode() if slot.meaning else b"?:"
        head += b"(%b%b)%b" % (name, content, re.escape(end))
    return head if b"?P<client>" in head and head.isascii() else None


def _word_of_head(slot: Slot) -> bytes | None:
    """The pattern of a word; RE2 reads heads, too, so it looks neither ahead nor back."""
    if slot.meaning not in ("", "client", "host") or slot.quoted or slot.has_port:
        return None
    if slot.must_match:
        if slot.holds == "name" and slot.stop == b":":
            return NAME
        return None if _IN_CLIENTS.fullmatch(slot.stop) else slot.must_match
    stop = re.escape(slot.stop)
    one = rb'(?:[^"\\%b]|\\[^%b])' % (stop, stop)
    if slot.holds == "name":  # it is there, and not `-`
        return rb'(?:[^"\\%b-]|\\[^%b]|-%b)%b*' % (stop, stop, one, one)
    if slot.holds == "word":
        return one + (b"+" if slot.meaning else b"*")
    return None
