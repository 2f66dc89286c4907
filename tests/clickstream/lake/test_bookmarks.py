"""Bookmarks move by compare-and-swap, and keep the intended range of a pull that was killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.faults import Killed, dying

from clickstream.lake import Lake, bookmarks
from clickstream.lake.bookmarks import Bookmark, FinishedFiles

FRESH = Bookmark("web-1", "1-2-3", "combined", offset=3, start=3)


def test_a_file_without_a_stored_bookmark_begins_at_its_start(lake: Lake) -> None:
    assert bookmarks.load(lake, FRESH) == FRESH
    assert FRESH.is_at_start
    assert not replace(FRESH, offset=4).is_at_start


def test_a_bookmark_is_loaded_as_it_was_saved(lake: Lake, reopen: Callable[[], Lake]) -> None:
    intended = replace(FRESH, header="#Fields: c-ip", leaning="common", leaned=2).intend(
        90, "digest", [(3, "at the offset"), (40, "within"), (90, "at the end"), (91, "beyond")]
    )
    saved = bookmarks.save(lake, intended)
    assert saved is not None
    assert bookmarks.load(reopen(), FRESH) == saved
    assert saved.checkpoints == ((40, "within"), (90, "at the end"))
    assert replace(saved, etag=None) == intended


def test_of_two_processes_that_save_one_loads_again(lake: Lake, reopen: Callable[[], Lake]) -> None:
    other = reopen()
    assert bookmarks.save(lake, FRESH.intend(50, "ours"))
    assert bookmarks.save(other, FRESH.intend(60, "theirs")) is None, "both found no bookmark"
    ours, theirs = (bookmarks.load(each, FRESH) for each in (lake, other))
    assert ours == theirs
    assert bookmarks.save(other, theirs.move("tail", "2026-11-20T05"))
    assert bookmarks.save(lake, ours.move("tail", "2026-11-20T05")) is None, "both found the same"
    assert bookmarks.load(lake, FRESH).offset == 50


def test_a_bookmark_moves_past_its_intended_range_only() -> None:
    moved = FRESH.intend(50, "digest", [(20, "mid")]).move("tail", "2026-11-20T05")
    assert (moved.offset, moved.pending_end, moved.pending_digest) == (50, None, "")
    assert (moved.tail, moved.last_hour, moved.checkpoints) == (
        "tail",
        "2026-11-20T05",
        ((20, "mid"),),
    )
    with pytest.raises(AssertionError):
        moved.move("tail", "2026-11-20T05")


@pytest.mark.parametrize("is_written", [False, True])
def test_a_killed_pull_leaves_the_bookmark_or_its_intent_to_the_next(
    lake: Lake, is_written: bool
) -> None:
    before = bookmarks.save(lake, FRESH)
    assert before is not None
    intended = before.intend(50, "digest")
    with pytest.raises(Killed):
        bookmarks.save(dying(lake, writes=0, after=is_written), intended)
    found = bookmarks.load(lake, FRESH)
    assert replace(found, etag=None) == replace(intended if is_written else before, etag=None)
    assert bookmarks.save(lake, found.intend(50, "digest").move("tail", "2026-11-20T05"))


def test_finished_files_are_kept_for_each_host(lake: Lake, reopen: Callable[[], Lake]) -> None:
    assert bookmarks.finished_files(lake, "web-1") == FinishedFiles()
    first, second = FinishedFiles({"b": "", "a": "10-ff"}), FinishedFiles({"c": ""}, {"d": 17})
    bookmarks.save_finished_files(lake, "web-1", first)
    bookmarks.save_finished_files(lake, "web-2", second)
    assert bookmarks.finished_files(reopen(), "web-1") == first
    assert bookmarks.finished_files(lake, "web-2") == second


def test_fingerprints_are_listed_up_to_a_limit(lake: Lake) -> None:
    for name in "abc":
        bookmarks.save(lake, Bookmark("web-1", name, "combined"))
    bookmarks.save(lake, Bookmark("web-12", "d", "combined"))
    assert bookmarks.known_fingerprints(lake, "web-1", 3) == {"a", "b", "c"}
    assert bookmarks.known_fingerprints(lake, "web-1", 2) is None
    assert bookmarks.known_fingerprints(lake, "web-2", 0) == set()
