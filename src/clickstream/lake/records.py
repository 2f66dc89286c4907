"""Records: small JSON objects of the lake, which several processes change by compare-and-swap.

A module that keeps records defines a `RecordStore` for their type, such as a dataclass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from clickstream.core.errors import AwsUnavailable
from clickstream.lake import objects
from clickstream.lake.client import Lake

ATTEMPTS = 50
"""Limit of the attempts of an update, each of which another process may overtake."""

READERS = 16
"""Number of records that are read at the same time."""

T = TypeVar("T")
Empty = TypeVar("Empty")


@dataclass(frozen=True)
class Stored(Generic[T]):
    """The value of a record, and the ETag that the next change needs."""

    value: T
    etag: str


class RecordStore(Generic[T]):
    """The records of one type: the record of a name is the object `PREFIX NAME.json`.

    `kind` is their type, which pydantic converts to JSON and back. A stored object of another form
    raises pydantic's ValidationError. Texts may be names of files that are not UTF-8, with
    surrogates: the module `json` escapes them, and pydantic's own JSON refuses them.
    """

    def __init__(self, prefix: str, kind: type[T]) -> None:
        self.prefix = prefix
        self._type: TypeAdapter[T] = TypeAdapter(kind)

    def key(self, name: str) -> str:
        """Return the key of a record's object."""
        return f"{self.prefix}{name}.json"

    def names(self, lake: Lake, prefix: str = "") -> Iterator[str]:
        """Yield the names of the records that begin with `prefix`, in order; no record is read."""
        for key, _ in objects.listing(lake, f"{self.prefix}{prefix}"):
            yield key.removeprefix(self.prefix).removesuffix(".json")

    def read(self, lake: Lake, name: str) -> Stored[T] | None:
        """Return a record; None if it does not exist."""
        stored = objects.get(lake, self.key(name))
        return Stored(self._parse(stored.body), stored.etag) if stored else None

    def read_all(self, lake: Lake, names: Sequence[str]) -> list[T | None]:
        """Return the values of records in the order of `names`; they are read in parallel."""
        if not names:
            return []
        _ = lake.s3  # created here, because boto3 can't create clients in several threads
        with ThreadPoolExecutor(min(READERS, len(names)), thread_name_prefix="records") as pool:
            records = [*pool.map(partial(self.read, lake), names)]
        return [record.value if record else None for record in records]

    def put(self, lake: Lake, name: str, value: T) -> None:
        """Write a record, whether or not it exists."""
        objects.put(lake, self.key(name), self._to_json(value))

    def swap(self, lake: Lake, name: str, value: T, etag: str | None) -> str | None:
        """Write a record only if it still has `etag` (None: does not exist yet).

        Returns the new ETag, or None if another process was faster.
        """
        return objects.swap(lake, self.key(name), self._to_json(value), etag)

    def update(
        self,
        lake: Lake,
        name: str,
        empty: Empty,
        change: Callable[[T | Empty], T],
        stored: Stored[T] | None = None,
    ) -> T:
        """Write what `change` returns for the stored value, and return it.

        `change` gets `empty` if there is no record, and is called again if another process was
        faster. A value that it does not change is not written, and a record that becomes an empty
        mapping is deleted. `stored` is the record as the caller has just read it.
        """
        for _ in range(ATTEMPTS):
            stored = stored or self.read(lake, name)
            before = stored.value if stored else empty
            after = change(before)
            if after == before:
                return after
            if stored and not after:
                is_written = self.remove(lake, name, stored.etag)
            else:
                is_written = bool(self.swap(lake, name, after, stored.etag if stored else None))
            if is_written:
                return after
            stored = None
        raise AwsUnavailable(
            f"{lake.uri(self.key(name))} was changed by other processes {ATTEMPTS} times in a row. "
            "Nothing is lost: clear the task or run the command again."
        )

    def _to_json(self, value: T) -> bytes:
        return json.dumps(self._type.dump_python(value, mode="json")).encode()

    def _parse(self, body: bytes) -> T:
        try:
            value = json.loads(body)
        except ValueError:
            return self._type.validate_json(body)  # raises ValidationError
        return self._type.validate_python(value)

    def remove(self, lake: Lake, name: str, etag: str) -> bool:
        """Delete a record only if it still has `etag`; return whether it was deleted."""
        return objects.remove(lake, self.key(name), etag)

    def delete(self, lake: Lake, name: str) -> None:
        """Delete a record; a missing one is no error."""
        objects.delete(lake, [self.key(name)])
