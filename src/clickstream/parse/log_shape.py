"""Layouts that look like the formats of `formats`, whose lines are scanned faster than others."""

from __future__ import annotations

import re

from clickstream.parse.formats import NAME, USER
from clickstream.parse.layout import Layout, Slot
from clickstream.parse.time_format import TimeFormat

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
        content = USER if slot.holds == "user" else _word(slot)
        if content is None:
            return None
        name = b"?P<%b>" % slot.meaning.encode() if slot.meaning else b"?:"
        head += b"(%b%b)%b" % (name, content, re.escape(end))
    return head if b"?P<client>" in head and head.isascii() else None


def _word(slot: Slot) -> bytes | None:
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
