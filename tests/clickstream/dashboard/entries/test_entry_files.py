"""Files of notes and saved views: limits, damage, crashes, and changes by several processes."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.dashboard.entries.entry_file import UNDO_DAYS, EntryFile
from clickstream.dashboard.entries.own_notes import LONGEST_TEXT, MOST_NOTES, OwnNote
from clickstream.dashboard.entries.saved_views import (
    LONGEST_NAME,
    LONGEST_QUERY,
    MOST_VIEWS,
    SavedView,
)
from clickstream.dashboard.entries.store import EntryStore
from clickstream.dashboard.questions.view import View
from clickstream.errors import InputError

NOW = datetime(2026, 11, 24, 15, 20, tzinfo=UTC)

CHANGE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from clickstream.dashboard.entries.store import EntryStore
from clickstream.dashboard.entries.own_notes import OwnNote
now = datetime(2026, 11, 24, tzinfo=UTC)
notes = EntryStore(Path(sys.argv[1])).notes
for number in range(12):
    note = OwnNote.write("2026-11-20", "", f"{sys.argv[2]} {number}", "ana", now)
    notes.add(note, now)
    if number % 3 == 0:
        notes.delete(note.id, now)
    if number % 6 == 0:
        notes.restore(note.id, now)
"""

CRASH = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from clickstream.dashboard.entries.store import EntryStore
from clickstream.dashboard.entries.own_notes import OwnNote
Path.replace = lambda *_: os._exit(9)
now = datetime(2026, 11, 24, tzinfo=UTC)
EntryStore(Path(sys.argv[1])).notes.add(OwnNote.write("2026-11-20", "", "lost", "ana", now), now)
"""

FULL_DISK = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from clickstream.dashboard.entries.store import EntryStore
from clickstream.dashboard.entries.own_notes import OwnNote
resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
now = datetime(2026, 11, 24, tzinfo=UTC)
EntryStore(Path(sys.argv[1])).notes.add(OwnNote.write("2026-11-20", "", "lost", "ana", now), now)
"""


def note_of(text: str, day: str = "2026-11-20", hour: str = "", account: str = "ana") -> OwnNote:
    return OwnNote.write(day, hour, text, account, NOW)


def view_of(name: str, view: View | None = None) -> SavedView:
    return SavedView.save(name, view or View(), "ana", NOW)


@pytest.fixture
def notes(tmp_path: Path) -> EntryFile[OwnNote]:
    return EntryStore(tmp_path).notes


@pytest.fixture
def views(tmp_path: Path) -> EntryFile[SavedView]:
    return EntryStore(tmp_path).views


def test_a_note_is_read_back_as_it_was_written(notes, tmp_path) -> None:
    for note in (note_of("Rain all day"), note_of("Market “opens” 🧁", hour="9")):
        notes.add(note, NOW)
        assert note in EntryStore(tmp_path).notes.read().entries
    assert stat.S_IMODE(notes.path.stat().st_mode) == 0o600


def test_a_view_is_read_back_with_its_range_as_it_was_named(views, tmp_path) -> None:
    view = View("trust", "7d").with_filter("campaign", "a&b=c #d")
    views.add(view_of("Monday", view), NOW)
    [read] = EntryStore(tmp_path).read().views
    assert (read.tab, read.query) == ("trust", view.query)
    assert "range=7d" in read.query


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("text", "", "empty"),
        ("text", "  \n ", "empty"),
        ("text", "x" * (LONGEST_TEXT + 1), "has 141 characters"),
        ("text", "one\ntwo", "control character"),
        ("text", "a\0b", "control character"),
        ("text", "a\u2028b", "control character"),
        ("text", "a\x85b", "control character"),
        ("day", "yesterday", "'yesterday' is not a date"),
        ("day", "0001-01-01", "not a date"),
        ("day", "", "not a date"),
        ("hour", "24", "'24' is not an hour"),
        ("hour", "-1", "not an hour"),
        ("hour", "٣", "not an hour"),
        ("hour", "9" * 5000, "not an hour"),
    ],
)
def test_a_note_that_is_not_allowed_is_refused_with_what_to_write(field, value, sentence) -> None:
    fields = {"day": "2026-11-20", "hour": "", "text": "Rain", field: value}
    with pytest.raises(InputError, match=sentence) as refused:
        OwnNote.write(**fields, account="ana", now=NOW)
    assert len(str(refused.value)) < 200


def test_a_text_of_the_longest_length_is_kept(notes) -> None:
    notes.add(note_of("🧁" * LONGEST_TEXT), NOW)
    assert len(notes.read().entries) == 1


@pytest.mark.parametrize("name", ["", "x" * (LONGEST_NAME + 1), "a\tb"])
def test_a_name_that_is_not_allowed_is_refused(name) -> None:
    with pytest.raises(InputError, match="name of the view"):
        view_of(name)


def test_a_view_with_a_very_long_url_is_refused() -> None:
    with pytest.raises(InputError, match="Remove some filters"):
        view_of("Long", View().with_filter("campaign", "x" * LONGEST_QUERY))


def test_a_name_stands_for_one_view(views) -> None:
    views.add(view_of("Monday"), NOW)
    views.add(view_of("monday"), NOW)
    assert len(views.read().entries) == 1
    with pytest.raises(InputError, match="'Monday' already"):
        views.add(view_of("MONDAY", View("trust")), NOW)


def test_a_form_that_was_sent_twice_adds_one_note(notes) -> None:
    notes.add(note_of("Rain"), NOW)
    notes.add(note_of("Rain"), NOW)
    notes.add(note_of("Rain", account="ben"), NOW)
    assert [note.account for note in notes.read().entries] == ["ana", "ben"]


@pytest.mark.parametrize("kind", ["notes", "views"])
def test_the_limit_refuses_one_more_until_one_is_deleted(kind, tmp_path) -> None:
    file: Any = getattr(EntryStore(tmp_path), kind)
    build = note_of if kind == "notes" else view_of
    most = MOST_NOTES if kind == "notes" else MOST_VIEWS
    stored = {kind: [build(f"number {n}").as_json() for n in range(most)], "deleted": []}
    file.path.write_text(json.dumps(stored))
    with pytest.raises(InputError, match=f"There are {most} {kind} already"):
        file.add(build("one more"), NOW)
    deleted = file.read().entries[0]
    file.delete(deleted.id, NOW)
    file.add(build("one more"), NOW)
    with pytest.raises(InputError, match="already"):
        file.restore(deleted.id, NOW)
    assert len(file.read().entries) == most


def test_a_deletion_can_be_undone_for_seven_days(notes) -> None:
    first, second = note_of("first"), note_of("second")
    for note in (first, second):
        notes.add(note, NOW)
        notes.delete(note.id, NOW)
        notes.delete(note.id, NOW)
    assert notes.read().entries == []
    notes.restore(first.id, NOW + timedelta(days=UNDO_DAYS))
    notes.restore(first.id, NOW)
    assert notes.read().entries == [first]
    notes.add(note_of("later"), NOW + timedelta(days=UNDO_DAYS, seconds=1))
    assert "second" not in notes.path.read_text()
    with pytest.raises(InputError, match="deleted more than 7 days ago"):
        notes.restore(second.id, NOW)


def test_an_unknown_entry_is_named_and_nothing_changes(notes) -> None:
    for change in (notes.delete, notes.restore):
        with pytest.raises(InputError, match="There is no note 'nothing'"):
            change("nothing", NOW)
    assert not notes.path.exists()


def test_deleted_notes_do_not_fill_the_disk(tmp_path) -> None:
    views = EntryStore(tmp_path).views
    for number in range(MOST_VIEWS + 10):
        view = view_of(f"number {number}")
        views.add(view, NOW)
        views.delete(view.id, NOW)
    assert len(views.read().deleted) == MOST_VIEWS


DAMAGES = {
    "nothing": b"",
    "half a file": b'{"notes": [{"id": "a", "da',
    "no JSON": b"\xff\xfe",
    "a list": b"[]",
    "other names": b'{"entries": []}',
    "a number": b'{"notes": 3, "deleted": []}',
    "a text for a note": b'{"notes": ["x"], "deleted": []}',
    "an hour of no day": json.dumps(
        {"notes": [{**note_of("x").as_json(), "hour": 77}], "deleted": []}
    ).encode(),
    "a text that is none": json.dumps(
        {"notes": [{**note_of("x").as_json(), "text": None}], "deleted": []}
    ).encode(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_an_error_that_names_it_and_is_never_replaced(notes, damage) -> None:
    notes.path.parent.mkdir(exist_ok=True)
    notes.path.write_bytes(DAMAGES[damage])
    for action in (notes.read, lambda: notes.add(note_of("new"), NOW)):
        with pytest.raises(InputError, match="Restore the file from a backup") as error:
            action()
        assert str(notes.path) in str(error.value)
    assert notes.path.read_bytes() == DAMAGES[damage]


def test_a_damaged_file_of_notes_leaves_the_views(tmp_path) -> None:
    store = EntryStore(tmp_path)
    store.views.add(view_of("Monday"), NOW)
    before = store.version()
    store.notes.path.write_text("{")
    entries = store.read()
    assert [view.name for view in entries.views] == ["Monday"]
    assert "notes.json" in entries.problems[0]
    assert entries.version == store.version() != before


def test_a_query_that_is_no_query_is_damage(views) -> None:
    stored = {**view_of("x").as_json(), "query": "//evil.example/"}
    views.path.write_text(json.dumps({"views": [stored], "deleted": []}))
    with pytest.raises(InputError, match="does not begin with a question mark"):
        views.read()


def test_views_are_sorted_by_name(tmp_path) -> None:
    store = EntryStore(tmp_path)
    for name in ("b", "A", "c", "Z"):
        store.views.add(view_of(name), NOW)
    assert [view.name for view in store.read().views] == ["A", "b", "c", "Z"]


def test_every_change_makes_another_version(tmp_path) -> None:
    store, note = EntryStore(tmp_path), note_of("Rain")
    versions = [store.version()]
    store.notes.add(note, NOW)
    versions.append(store.version())
    store.views.add(view_of("Monday"), NOW)
    versions.append(store.version())
    store.notes.delete(note.id, NOW)
    versions.append(store.version())
    assert len({*versions}) == 4
    assert EntryStore(tmp_path).version() == versions[-1]


def test_a_crash_before_the_rename_leaves_the_old_file(notes, tmp_path) -> None:
    note = note_of("kept")
    notes.add(note, NOW)
    crashed = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], check=False)
    assert crashed.returncode == 9
    assert EntryStore(tmp_path).notes.read().entries == [note]
    notes.add(note_of("after"), NOW)
    assert len(notes.read().entries) == 2


def test_a_disk_that_takes_no_more_leaves_the_old_file_and_says_so(notes, tmp_path) -> None:
    note = note_of("kept")
    notes.add(note, NOW)
    full = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "UnusableDashboardFile: Can't write" in full.stderr
    assert "File too large" in full.stderr
    assert EntryStore(tmp_path).notes.read().entries == [note]
    assert {path.name for path in tmp_path.iterdir()} == {"notes.json", "access.lock"}


def test_changes_of_several_processes_and_threads_all_count(notes, tmp_path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", CHANGE, str(tmp_path), name]) for name in "abc"
    ]
    threads = [
        threading.Thread(target=notes.add, args=(note_of(f"thread {number}"), NOW))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    shown = {note.text for note in notes.read().entries}
    expected = {f"{name} {n}" for name in "abc" for n in range(12) if n % 3 or n % 6 == 0}
    assert shown == expected | {f"thread {number}" for number in range(20)}
    assert len(notes.read().deleted) == 3 * 2


Change = tuple[str, int]
changes = st.tuples(st.sampled_from(["add", "delete", "restore"]), st.integers(0, 4))


@given(st.lists(st.lists(changes, max_size=8), min_size=1, max_size=4))
def test_any_changes_by_threads_keep_what_each_was_told(plans: list[list[Change]]) -> None:
    """Each thread changes notes of its own; the file holds what its calls came to."""
    expected: list[set[str]] = [set() for _ in plans]
    with tempfile.TemporaryDirectory() as directory:

        def run(thread: int, plan: list[Change]) -> None:
            file = EntryStore(Path(directory)).notes
            own = [note_of(f"{thread} {number}") for number in range(5)]
            for name, number in plan:
                note = own[number]
                if name == "add":
                    file.add(note, NOW)
                    expected[thread].add(note.text)
                    continue
                try:
                    getattr(file, name)(note.id, NOW)
                except InputError:
                    continue
                if name == "delete":
                    expected[thread].discard(note.text)
                else:
                    expected[thread].add(note.text)

        threads = [threading.Thread(target=run, args=item) for item in enumerate(plans)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        shown = [note.text for note in EntryStore(Path(directory)).notes.read().entries]
    assert sorted(shown) == sorted(text for texts in expected for text in texts)
