"""An hour too large for the memory is built in groups of visitors, to the same rows."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.clean.builders import BROWSER, KEY, RULES, line, requests, table

from clickstream import sessions
from clickstream.clean import Cleaner, VisitorKeys, cleaner
from clickstream.core.hours import Hour
from clickstream.lake import Lake, staging
from clickstream.pipeline.hour import spill
from clickstream.pipeline.hour.build import build_sessions, check_hour, clean_hits
from clickstream.pipeline.pull.host import pull_source
from clickstream.tables import HITS
from clickstream.tables.sessions import UNSTITCHED_PARTS

RULES_OF_SESSIONS = sessions.SessionRules(1800, 12)
lines = st.builds(
    line,
    st.sampled_from(["/", "/menu", "/a.css", "/?utm_source=a&utm_medium=email", "/robots.txt"]),
    client=st.sampled_from([f"192.0.2.{n}" for n in range(12)]),
    status=st.sampled_from([200, 404]),
    referrer=st.sampled_from(["-", "https://www.google.com/"]),
    agent=st.sampled_from([BROWSER, "curl/8.0"]),
)


def built(batches: list[list[str]], groups: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hits and parts of some batches of lines, as plain texts and numbers."""
    labelling = Cleaner(RULES, VisitorKeys(KEY))
    parsed = ((table(requests(*batch)), f"raw/{n}") for n, batch in enumerate(batches))
    hits, parts = [], []
    for group in spill.grouped(parsed, labelling, groups):
        cut = sessions.cut(group, RULES_OF_SESSIONS)
        made = sessions.make_parts(group, cut, RULES_OF_SESSIONS)
        parts.append(made.to_pandas().astype(str))
        in_order = sessions.hits_in_order(group, cut, made)
        hits += [rows.to_pandas().astype(str) for rows in in_order]
    return pd.concat(hits, ignore_index=True), pd.concat(parts, ignore_index=True)


@given(
    st.lists(st.lists(lines, min_size=1, max_size=15), min_size=1, max_size=5),
    st.integers(1, 7),
    st.integers(1, 20),
    st.integers(0, 20),
)
def test_hours_built_in_groups_of_visitors_have_the_same_rows(
    batches: list[list[str]], groups: int, at_once: int, remembered: int
) -> None:
    whole = built(batches, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill, "ROWS_AT_ONCE", at_once)
        patch.setattr(cleaner, "MOST_REMEMBERED", remembered)
        grouped = built(batches, groups)
    for one, other in zip(whole, grouped, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_the_hours_of_a_cafe_are_one_group() -> None:
    assert spill.groups_for(0) == spill.groups_for(5 << 20) == 1
    assert spill.groups_for(500 << 20) > 20


def test_a_large_hour_is_staged_as_a_small_one_is(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = lake.settings.resolve(lake.settings.sources[0].path) / "access.log"
    some = [line("/menu", client=f"192.0.2.{n}") for n in range(200)] + ["no line at all"]
    log.write_text("\n".join(some) + "\n")
    pull_source(lake, lake.settings.sources[0])
    hour = Hour.parse("2026-11-20T05")

    def staged() -> tuple[object, ...]:
        found = build_sessions(lake, clean_hits(lake, hour))
        check_hour(lake, found)
        rows = (staging.read(lake, found.staged(key)) for key in (found.hits_key, found.parts_key))
        return replace(found, digests={}), *rows  # the row groups differ, and so do the digests

    small = staged()
    monkeypatch.setattr(spill, "groups_for", lambda _bytes: 5)
    assert staged() == small
    assert small[1].column_names == HITS.column_names
    assert small[2].column_names == UNSTITCHED_PARTS.column_names
