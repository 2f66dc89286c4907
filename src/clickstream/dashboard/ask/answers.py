"""In-process cache of answers, valid until the facts change, and the thread that refreshes them.

Equal questions that arrive at the same time run once, and at most `AT_ONCE` questions run at the
same time. So readers who open a new page at once share the work.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cachetools import LRUCache

from clickstream.core.errors import ClickstreamError, with_code
from clickstream.core.sql_values import SqlValue
from clickstream.dashboard.ask.engines import AnswerEngine, AnswerRow, Reader
from clickstream.dashboard.ask.question import Question

log = logging.getLogger("clickstream")

MOST_ANSWERS = 4000
AT_ONCE = 2
"""Maximum number of questions that run at the same time."""

Value = TypeVar("Value")
AnswerKey = tuple[int, str, tuple[SqlValue, ...]]


@dataclass(frozen=True)
class Answer:
    """The rows of a question: values of its dimensions, then of its metrics.

    `derived` are values computed from the rows, which are kept as long as the rows.
    """

    question: Question
    rows: Sequence[AnswerRow]
    derived: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    def derive(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return a value that depends on the rows and the key only; compute it once."""
        if key not in self.derived:
            self.derived[key] = compute()
        value: Value = self.derived[key]
        return value

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries, by the names of dimensions and metrics."""
        names = (*self.question.dimensions, *self.question.metrics)
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def single(self) -> dict[str, Any]:
        """Return the only row by name; without a row, each metric is None."""
        return next(iter(self.records()), dict.fromkeys(self.question.metrics))


Ask = Callable[[Question], Answer]
"""Answers a question from one version of the facts."""


class Answers:
    """Sends questions to an engine and caches its answers."""

    def __init__(self, engine: AnswerEngine) -> None:
        self.engine = engine
        self._kept: LRUCache[AnswerKey, Future[Answer]] = LRUCache(MOST_ANSWERS)
        self._lock = threading.Lock()
        self._gate = threading.BoundedSemaphore(AT_ONCE)

    def asker(self, reader: Reader) -> Ask:
        """Return a function that answers questions from a reader's version."""
        return lambda question: self._answer(reader, question)

    def _answer(self, reader: Reader, question: Question) -> Answer:
        if not question.is_kept:
            with self._gate:
                return Answer(question, reader.rows(question))
        key = (reader.state.version, question.sql, question.values)
        with self._lock:
            running = self._kept.get(key)
            if running is None:
                mine: Future[Answer] = Future()
                self._kept[key] = mine
        if running is not None:
            return running.result()
        try:
            with self._gate:
                mine.set_result(Answer(question, reader.rows(question)))
        except BaseException as error:
            with self._lock:
                self._kept.pop(key, None)
            mine.set_exception(error)
        return mine.result()


class Refresher(threading.Thread):
    """Thread that checks for a new version of the facts every `seconds`.

    It calls `also` at each check, and `after` after each new version. `problem` is the reason why
    the last check failed, empty after a success; meanwhile the old version is served.
    """

    def __init__(
        self,
        engine: AnswerEngine,
        seconds: float,
        after: Callable[[], None] = lambda: None,
        also: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(name="dashboard-refresh", daemon=True)
        self._engine = engine
        self._seconds = seconds
        self._after = after
        self._also = also or (lambda: None)
        self._stopping = threading.Event()
        self.problem = ""

    def look(self) -> None:
        """Check once."""
        try:
            self._also()
            if self._engine.refresh():
                self._after()
            self.problem = ""
        except ClickstreamError as error:
            self._tell(error.printed)
        except Exception as error:
            self._tell(with_code(f"{type(error).__name__}: {error}", ClickstreamError.code))

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            log.warning(f"The dashboard could not refresh its facts: {problem}")
        self.problem = problem

    def run(self) -> None:
        """Check until `stop` is called."""
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(self._seconds)

    def stop(self) -> None:
        """End the thread after the check that is running."""
        self._stopping.set()
