"""Damage to stored bytes, as a bad disk or memory does it."""

from __future__ import annotations

from collections.abc import Iterator


def flipped(body: bytes, at: int) -> bytes:
    """The bytes with one bit of the byte at `at` flipped."""
    return body[:at] + bytes([body[at] ^ 1 << at % 7]) + body[at + 1 :]


def flips(body: bytes, count: int = 14) -> Iterator[bytes]:
    """Copies of the bytes, each with one flipped bit, evenly spread from the first to the last."""
    positions = {round(number * (len(body) - 1) / (count - 1)) for number in range(count)}
    return (flipped(body, at) for at in sorted(positions))
