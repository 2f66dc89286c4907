"""Files of entries: limits, damage, crashes, and changes by several processes."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.core.errors import InputError
from clickstream.dashboard.entries.entry_file import EntryFile
from clickstream.dashboard.entries.own_notes import LONGEST_TEXT, MOST_NOTES, OWN_NOTES, OwnNote
from clickstream.dashboard.entries.store import NoteStore

NOW = datetime(2026, 11, 24, 15, 20, tzinfo=UTC)
UNDO_DAYS = 7
KEPT = replace(OWN_NOTES, undo_days=UNDO_DAYS)
"""Notes whose deletion can be undone, as that of share links."""

CHANGE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from dataclasses import replace
from clickstream.dashboard.entries.entry_file import EntryFile
from clickstream.dashboard.entries.own_notes import OWN_NOTES, OwnNote
now = datetime(2026, 11, 24, tzinfo=UTC)
notes = EntryFile(Path(sys.argv[1]), replace(OWN_NOTES, undo_days=7))
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
from clickstream.dashboard.entries.store import NoteStore
from clickstream.dashboard.entries.own_notes import OwnNote
Path.replace = lambda *_: os._exit(9)
now = datetime(2026, 11, 24, tzinfo=UTC)
NoteStore(Path(sys.argv[1])).notes.add(OwnNote.write("2026-11-20", "", "lost", "ana", now), now)
"""

FULL_DISK = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from clickstream.dashboard.entries.store import NoteStore
from clickstream.dashboard.entries.own_notes import OwnNote
resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
now = datetime(2026, 11, 24, tzinfo=UTC)
NoteStore(Path(sys.argv[1])).notes.add(OwnNote.write("2026-11-20", "", "lost", "ana", now), now)
"""


def note_of(text: str, day: str = "2026-11-20", hour: str = "", account: str = "ana") -> OwnNote:
    return OwnNote.write(day, hour, text, account, NOW)


@pytest.fixture
def notes(tmp_path: Path) -> EntryFile[OwnNote]:
    return NoteStore(tmp_path).notes


@pytest.fixture
def undoable(tmp_path: Path) -> EntryFile[OwnNote]:
    return EntryFile(tmp_path, KEPT)


def test_a_note_is_read_back_as_it_was_written(notes, tmp_path) -> None:
    for note in (note_of("Rain all day"), note_of("Market “opens” 🧁", hour="9")):
        notes.add(note, NOW)
        assert note in NoteStore(tmp_path).notes.read().entries
    assert stat.S_IMODE(notes.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("text", "", "empty"),
        ("text", "  \n ", "empty"),
        ("text", "x" * (LONGEST_TEXT + 1), "has 141 characters"),
        ("text", "one\ntwo", "hidden character"),
        ("text", "a\0b", "hidden character"),
        ("text", "a\u2028b", "hidden character"),
        ("text", "a\x85b", "hidden character"),
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


def test_a_form_that_was_sent_twice_adds_one_note(notes) -> None:
    notes.add(note_of("Rain"), NOW)
    notes.add(note_of("Rain"), NOW)
    notes.add(note_of("Rain", account="ben"), NOW)
    notes.add(note_of("Rain", hour="14"), NOW)
    stored = [(note.account, note.hour) for note in notes.read().entries]
    assert stored == [("ana", None), ("ben", None), ("ana", 14)]


def test_the_limit_refuses_one_more_until_one_is_deleted(undoable) -> None:
    stored = [note_of(f"number {n}").as_json() for n in range(MOST_NOTES)]
    undoable.path.write_text(json.dumps({"notes": stored, "deleted": []}))
    with pytest.raises(InputError, match=f"There are {MOST_NOTES} notes already"):
        undoable.add(note_of("one more"), NOW)
    deleted = undoable.read().entries[0]
    undoable.delete(deleted.id, NOW)
    undoable.add(note_of("one more"), NOW)
    with pytest.raises(InputError, match="already"):
        undoable.restore(deleted.id, NOW)
    assert len(undoable.read().entries) == MOST_NOTES


def test_a_deleted_note_leaves_the_file_at_once(notes) -> None:
    notes.add(note_of("first"), NOW)
    notes.delete(notes.read().entries[0].id, NOW)
    assert "first" not in notes.path.read_text()


def test_a_deletion_can_be_undone_for_the_days_of_its_kind(undoable) -> None:
    first, second = note_of("first"), note_of("second")
    for note in (first, second):
        undoable.add(note, NOW)
        undoable.delete(note.id, NOW)
        undoable.delete(note.id, NOW)
    assert undoable.read().entries == []
    undoable.restore(first.id, NOW + timedelta(days=UNDO_DAYS, seconds=-1))
    undoable.restore(first.id, NOW)
    assert undoable.read().entries == [first]
    undoable.add(note_of("later"), NOW + timedelta(days=UNDO_DAYS))
    assert "second" not in undoable.path.read_text()
    with pytest.raises(InputError, match="it is deleted, or never existed"):
        undoable.restore(second.id, NOW)


def test_an_unknown_entry_is_named_and_nothing_changes(notes) -> None:
    for change in (notes.delete, notes.restore):
        with pytest.raises(InputError, match="There is no note 'nothing'"):
            change("nothing", NOW)
    assert not notes.path.exists()


def test_deleted_notes_do_not_fill_the_disk(tmp_path) -> None:
    few = EntryFile(tmp_path, replace(KEPT, most=5))
    for number in range(8):
        note = note_of(f"number {number}")
        few.add(note, NOW)
        few.delete(note.id, NOW)
    assert len(few.read().deleted) == 5


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


def test_every_change_makes_another_version(tmp_path) -> None:
    store, note = NoteStore(tmp_path), note_of("Rain")
    versions = [store.version()]
    for change in (lambda: store.notes.add(note, NOW), lambda: store.notes.delete(note.id, NOW)):
        change()
        versions.append(store.version())
    store.notes.path.write_text("{")
    versions.append(store.version())
    assert len({*versions}) == 4
    assert NoteStore(tmp_path).read().version == versions[-1]
    assert "notes.json" in store.read().problem


def test_a_crash_before_the_rename_leaves_the_old_file(notes, tmp_path) -> None:
    note = note_of("kept")
    notes.add(note, NOW)
    crashed = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], check=False)
    assert crashed.returncode == 9
    assert NoteStore(tmp_path).notes.read().entries == [note]
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
    assert NoteStore(tmp_path).notes.read().entries == [note]
    assert {path.name for path in tmp_path.iterdir()} == {"notes.json", "access.lock"}


def test_changes_of_several_processes_and_threads_all_count(undoable, tmp_path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", CHANGE, str(tmp_path), name]) for name in "abc"
    ]
    threads = [
        threading.Thread(target=undoable.add, args=(note_of(f"thread {number}"), NOW))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    shown = {note.text for note in undoable.read().entries}
    expected = {f"{name} {n}" for name in "abc" for n in range(12) if n % 3 or n % 6 == 0}
    assert shown == expected | {f"thread {number}" for number in range(20)}
    assert len(undoable.read().deleted) == 3 * 2


Change = tuple[str, int]
changes = st.tuples(st.sampled_from(["add", "delete", "restore"]), st.integers(0, 4))


@given(st.lists(st.lists(changes, max_size=8), min_size=1, max_size=4))
def test_any_changes_by_threads_keep_what_each_was_told(plans: list[list[Change]]) -> None:
    """Each thread changes notes of its own; the file holds what its calls came to."""
    expected: list[set[str]] = [set() for _ in plans]
    with tempfile.TemporaryDirectory() as directory:

        def run(thread: int, plan: list[Change]) -> None:
            file = EntryFile(Path(directory), KEPT)
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
        shown = [note.text for note in NoteStore(Path(directory)).notes.read().entries]
    assert sorted(shown) == sorted(text for texts in expected for text in texts)
