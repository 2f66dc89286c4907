"""The settings that hours are built with, to which the inferred own domain is added.

If `site.domains` is empty, the domain is inferred once from the raw lines and stored in the lake
(`site/own-domain.json`). All processes then use the stored domain, so all hours have the same own
domain, in whatever order they are built. It is inferred again only after the object was deleted.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from clickstream import parse
from clickstream.clean.referrers import LEAST_SAMPLE, OwnDomain
from clickstream.lake import Lake, aws_errors, raw
from clickstream.lake.raw import RawObject
from clickstream.lake.records import RecordStore
from clickstream.settings import Settings
from clickstream.step_config import (
    infer_domain,
    log_format_of,
    result_digest,
    shaping_digests,
    with_own_domain,
)

SAMPLE_OBJECTS = 1000
"""Raw objects that the sample is drawn from: the earliest ones, which S3 lists in one request."""

SAMPLE_BYTES = 2 << 20
"""Compressed bytes at which the sample ends: about 90,000 lines.

It limits the cost while no domain can be inferred: every process that builds tries again.
"""

OF_SAMPLE = " in a sample of the earliest raw lines"

OWN_DOMAINS = RecordStore("site/", OwnDomain)
"""The record `own-domain` has the domain that was inferred for the whole lake."""

BUILT_WITH = RecordStore("site/settings/", dict[str, str])
"""A digest of each setting that shapes hours, by name, for each settings digest of the lake."""

_MEMO = "own domain"
_RECORDED = "recorded settings"


@dataclass(frozen=True)
class _DomainMemo:
    """The own domain as this process knows it. `is_settled` means that the lake stores it."""

    domain: OwnDomain | None
    is_settled: bool


def settings_of(lake: Lake, store: bool = True) -> Settings:
    """Return the settings that the lake's hours are built with.

    Without `store` the lake is only read: a domain that it does not store yet is inferred in the
    same way, and not stored.
    """
    settings = lake.settings
    return (
        settings if settings.site.domains else with_own_domain(settings, _own_domain(lake, store))
    )


def settings_digest(lake: Lake, store: bool = True) -> str:
    """Return the digest of everything that shapes an hour, except lines and library version.

    With `store`, the lake records the settings of this digest, which `changed_settings` compares.
    """
    settings = settings_of(lake, store)
    digest = result_digest(settings)
    if store and f"{_RECORDED} {digest}" not in lake.memo:
        if not BUILT_WITH.read(lake, digest):
            BUILT_WITH.put(lake, digest, shaping_digests(settings))
        lake.memo[f"{_RECORDED} {digest}"] = True
    return digest


def changed_settings(lake: Lake, digest: str) -> list[str]:
    """Return the names of the settings that differ between this lake's and those of a digest.

    The result is empty if the lake has no record of the digest.
    """
    stored = BUILT_WITH.read(lake, digest)
    if not stored:
        return []
    own, recorded = shaping_digests(settings_of(lake, store=False)), stored.value
    return sorted(
        name for name in own.keys() | recorded.keys() if own.get(name) != recorded.get(name)
    )


@aws_errors.translate_errors()
def describe_own_domain(lake: Lake) -> str:
    """Describe the inferred domain and its evidence; empty if the settings name domains."""
    if lake.settings.site.domains:
        return ""
    if domain := _own_domain(lake, store=True):
        return domain.describe(OF_SAMPLE)
    return (
        f"No own domain: fewer than {LEAST_SAMPLE} asset requests name a referrer, or no domain "
        "has more than half of them. The site's own pages may count as referrers; set site.domains."
    )


def look_again(lake: Lake) -> None:
    """Infer the domain again at its next use, unless the lake stores one."""
    memo = lake.memo.get(_MEMO)
    if memo and not memo.is_settled:
        del lake.memo[_MEMO]


def _own_domain(lake: Lake, store: bool) -> OwnDomain | None:
    """Return the own domain. If two processes store one, both use the first that was stored."""
    memo: _DomainMemo | None = lake.memo.get(_MEMO)
    if memo is None:
        record = OWN_DOMAINS.read(lake, "own-domain")
        memo = _DomainMemo(record.value if record else _infer_domain(lake), bool(record))
    if store and (inferred := memo.domain) and not memo.is_settled:

        def keep_first(before: OwnDomain | None) -> OwnDomain:
            return before or inferred

        stored = OWN_DOMAINS.update(lake, "own-domain", None, keep_first)
        if stored == inferred:
            logging.getLogger(__name__).info(inferred.describe(OF_SAMPLE))
        memo = _DomainMemo(stored, True)
    lake.memo[_MEMO] = memo
    return memo.domain


def _infer_domain(lake: Lake) -> OwnDomain | None:
    """Infer the domain from the lake's raw lines, independent of the hour that is built."""
    longest = lake.settings.clean.longest_line_bytes
    tables = (
        parse.parse(
            raw.read(lake, item), log_format_of(lake.settings, item.log_format), longest=longest
        ).table
        for item in _sample(lake)
    )
    return infer_domain(lake.settings, tables)


def _sample(lake: Lake) -> Iterator[RawObject]:
    """Yield the earliest raw objects in an order independent of time, up to SAMPLE_BYTES."""
    earliest = islice(raw.all_raw(lake), SAMPLE_OBJECTS)
    size = 0
    for item in sorted(
        earliest, key=lambda item: hashlib.blake2b(item.key.encode(), digest_size=8).digest()
    ):
        yield item
        size += item.size
        if size >= SAMPLE_BYTES:
            return
