"""What functions made of texts, remembered on disk from hour to hour and from task to task.

Parsing a user agent is dear, and so is compiling the patterns for it; most agents of an hour were
seen in an earlier one. The cache saves time and changes nothing else: whatever becomes of its
file, answers are what the functions say. Texts are not kept, only digests of them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import time
import zlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Self, TypeVar

T = TypeVar("T")

_BUSY_SECONDS = 5.0
_SAVE_EVERY = 10_000
_LONGEST = 1000
_DAY = 86_400
_SCHEMA = """
create table if not exists answers (
    key blob primary key,
    answer text not null,
    checksum integer not null,
    used_at integer not null
) without rowid
"""


class AnswerCache:
    """A bounded cache in one SQLite file on a local disk; those least recently used go first.

    Any number of processes may share the file; an object belongs to one thread. When the file
    can't be read or written, the cache says so once in the log and works without.
    """

    def __init__(self, path: Path, limit: int = 100_000) -> None:
        self._path = path
        self._limit = limit
        self._connection: sqlite3.Connection | None = None
        self._has_failed = False
        self._new: dict[bytes, str] = {}
        self._seen_again: set[bytes] = set()
        self._now = int(time.time())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def remembering(
        self, function: Callable[[str], T], shape: type[Any], version: str
    ) -> Callable[[str], T]:
        """The same function, which asks the cache first.

        It must depend on nothing but its text, and return `shape`, a named tuple of texts,
        numbers and None, or None. Answers given under another `version` are not found.
        """
        named = function.__module__, function.__qualname__, shape._fields, version
        scope = hashlib.blake2b(repr(named).encode(), digest_size=16)

        def remembered(text: str) -> T:
            digest = scope.copy()
            digest.update(text.encode("utf-8", "surrogatepass"))
            key = digest.digest()
            known = self._find(key)
            if known is None:
                answer = function(text)
                self._add(key, json.dumps(answer))
            else:
                values = json.loads(known)
                answer = shape(*values) if values else values
            return answer

        return remembered

    def close(self) -> None:
        """Save what is new, and close the file."""
        self._save()
        self._disconnect()

    def _find(self, key: bytes) -> str | None:
        if key in self._new:
            return self._new[key]
        rows = self._run(
            lambda file: file.execute(
                "select answer, checksum, used_at < ? from answers where key = ?",
                (self._now - _DAY, key),  # once a day, so that a read is seldom also a write
            ).fetchall()
        )
        for answer, checksum, is_old in rows or ():
            if checksum == _checksum(key, answer):
                if is_old:
                    self._seen_again.add(key)
                return str(answer)
        return None

    def _add(self, key: bytes, answer: str) -> None:
        if len(answer) <= _LONGEST:
            self._new[key] = answer
        if len(self._new) >= _SAVE_EVERY:
            self._save()

    def _save(self) -> None:
        if self._new or self._seen_again:
            self._run(self._write)
        self._new.clear()
        self._seen_again.clear()

    def _write(self, file: sqlite3.Connection) -> None:
        """Put what is new into the file, in one transaction, and keep the file within its limit."""
        new = [(key, text, _checksum(key, text), self._now) for key, text in self._new.items()]
        seen_again = [(self._now, key) for key in self._seen_again]
        file.execute("begin immediate")
        file.executemany("insert or replace into answers values (?, ?, ?, ?)", new)
        file.executemany("update answers set used_at = ? where key = ?", seen_again)
        (count,) = file.execute("select count(*) from answers").fetchone()
        if count > self._limit:
            file.execute(
                "delete from answers where key in "
                "(select key from answers order by used_at limit ?)",
                (count - self._limit * 9 // 10,),  # some more, so that it is not for every save
            )
        file.execute("commit")

    def _run(self, action: Callable[[sqlite3.Connection], Any]) -> Any:
        """The action's result; None when the file is out of use or has just become so."""
        if self._has_failed:
            return None
        try:
            return action(self._connection or self._connect())
        except (OSError, ValueError, sqlite3.Error) as error:
            self._has_failed = True
            self._disconnect()
            logging.getLogger(__name__).warning(
                "Going on without the cache in %s (%s). It costs time, nothing else; "
                "if the file is damaged, delete it.",
                self._path,
                error,
            )
            return None

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        # Readers and a writer do not wait for each other.
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = normal")
        self._connection.execute(_SCHEMA)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None


def code_version(module: ModuleType, *distributions: str) -> str:
    """What the answers of a module's functions depend on, as one text.

    The source of the module, or of all modules of a package, and the versions of the distributions
    that it uses.
    """
    source = Path(str(module.__file__))
    sources = sorted(source.parent.rglob("*.py")) if source.name == "__init__.py" else [source]
    digest = hashlib.blake2b(digest_size=8)
    for file in sources:
        digest.update(file.read_bytes())
    return " ".join([digest.hexdigest(), *(f"{name}={version(name)}" for name in distributions)])


def _checksum(key: bytes, answer: Any) -> int:
    """Ties an answer to its key: SQLite itself does not notice a flipped bit in a row."""
    return zlib.crc32(str(answer).encode("utf-8", "surrogatepass"), zlib.crc32(key))
