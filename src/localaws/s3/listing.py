"""Pages of a bucket listing.

A page has entries in key order. An entry is a key or a common prefix. The next page starts after
the last entry of either kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from localaws.s3.index import ObjectIndex, StoredObject

# Sorts after all other characters, so a scan from prefix + _LAST skips the keys with the prefix.
_LAST = "\U0010ffff"


@dataclass
class ListingPage:
    """Objects and common prefixes of one page; ``last`` is its last entry, if there are more."""

    objects: list[StoredObject] = field(default_factory=list)
    common_prefixes: list[str] = field(default_factory=list)
    last: str | None = None

    def __len__(self) -> int:
        return len(self.objects) + len(self.common_prefixes)


def list_page(
    index: ObjectIndex, bucket: str, prefix: str, delimiter: str, after: str, limit: int
) -> ListingPage:
    """List up to ``limit`` entries after ``after``.

    Keys that have the delimiter after the prefix are folded to a common prefix.
    """
    page = ListingPage()
    last = ""
    if limit == 0:
        return page
    for entry in _entries(index, bucket, prefix, delimiter, after):
        if len(page) == limit:
            page.last = last
            break
        if isinstance(entry, str):
            page.common_prefixes.append(entry)
            last = entry
        else:
            page.objects.append(entry)
            last = entry.key
    return page


def _entries(
    index: ObjectIndex, bucket: str, prefix: str, delimiter: str, after: str
) -> Iterator[StoredObject | str]:
    """Objects and common prefixes (as text) greater than ``after``, in key order."""
    start: str | None = max(prefix, after)
    folded: str | None = _common_prefix(after, prefix, delimiter)
    if folded is not None:
        start = folded + _LAST
    while start is not None:
        rows, start = index.scan(bucket, start), None
        for stored in rows:
            if not stored.key.startswith(prefix):
                return
            if stored.key <= after or (folded is not None and stored.key.startswith(folded)):
                continue
            folded = _common_prefix(stored.key, prefix, delimiter)
            if folded is None:
                yield stored
                continue
            yield folded
            # Jump over the folded keys instead of reading them all.
            start = folded + _LAST
            break


def _common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    """The part of a key up to the first delimiter after the prefix, or None."""
    position = key.find(delimiter, len(prefix)) if delimiter and key.startswith(prefix) else -1
    return None if position < 0 else key[: position + len(delimiter)]
