"""Answers are kept by version, run once for many askers, and never keep an error."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from clickstream.core.errors import QueryFailed
from clickstream.dashboard.ask.answers import AT_ONCE, Answers, Refresher
from clickstream.dashboard.ask.fact_copy import CopyState
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import Question, build_question

PERIOD = Period(date(2026, 11, 1), date(2026, 11, 2))
QUESTION = build_question(("visits",), (), PERIOD)


class CountingReader:
    """Answers with the number of questions so far, slowly; fails while told so."""

    def __init__(self, version: int = 1) -> None:
        self.state = CopyState(version, None, "UTC")
        self.asked = 0
        self.running = 0
        self.most = 0
        self.fails = False
        self._lock = threading.Lock()

    def rows(self, question: Question) -> list[tuple[int]]:
        with self._lock:
            self.asked += 1
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.02)
        with self._lock:
            self.running -= 1
        if self.fails:
            raise QueryFailed("Athena: query failed: no reason given")
        return [(self.asked,)]


class FixedEngine:
    """An engine whose refreshes do what they are told."""

    poll_seconds = 15.0
    name = "fixed"

    def __init__(self, *results: bool | Exception) -> None:
        self.results = list(results)

    def reader(self):
        return contextlib.nullcontext(CountingReader())

    def refresh(self) -> bool:
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        pass


def test_a_question_runs_once_for_many_who_ask_at_the_same_time() -> None:
    reader = CountingReader()
    ask = Answers(FixedEngine()).asker(reader)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(QUESTION).rows, range(20)))
    assert reader.asked == 1
    assert answers == [[(1,)]] * 20


def test_only_a_few_questions_run_at_once() -> None:
    reader = CountingReader()
    ask = Answers(FixedEngine()).asker(reader)
    questions = [build_question(("visits",), (), PERIOD, limit=n) for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(ask, questions))
    assert reader.asked == 12
    assert reader.most <= AT_ONCE


def test_a_new_version_is_asked_again() -> None:
    answers, old, new = Answers(FixedEngine()), CountingReader(1), CountingReader(2)
    answers.asker(old)(QUESTION)
    answers.asker(new)(QUESTION)
    assert (old.asked, new.asked) == (1, 1)


def test_an_error_reaches_everybody_who_waits_and_is_not_kept() -> None:
    reader = CountingReader()
    ask = Answers(FixedEngine()).asker(reader)
    reader.fails = True
    with pytest.raises(QueryFailed):
        ask(QUESTION)
    reader.fails = False
    assert ask(QUESTION).rows == [(2,)]


def test_a_refresh_that_fails_is_told_until_one_succeeds() -> None:
    refresher = Refresher(FixedEngine(QueryFailed("S3 is away."), False), 60)
    refresher.look()
    assert refresher.problem == "S3 is away. (CS-404)"
    refresher.look()
    assert refresher.problem == ""


def test_answers_are_warmed_up_after_a_new_version_only() -> None:
    warmed = []
    refresher = Refresher(FixedEngine(False, True, False), 60, lambda: warmed.append(1))
    for _ in range(3):
        refresher.look()
    assert warmed == [1]


def test_an_answer_without_rows_has_empty_metrics() -> None:
    reader = CountingReader()
    answer = Answers(FixedEngine()).asker(reader)(QUESTION)
    assert answer.single() == {"visits": 1}
    assert type(answer)(QUESTION, []).single() == {"visits": None}
