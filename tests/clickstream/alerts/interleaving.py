"""Evaluators whose steps a test interleaves: each runs in a thread, one step at a time.

A step ends before each request to S3 and before and after each message. An evaluator may be killed
at any step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from types import SimpleNamespace
from typing import Any, ClassVar

from botocore.exceptions import ClientError
from tests.support.faults import Killed

Step = Callable[[], None]
"""Called between two steps of an evaluator."""


@dataclass
class OneObject:
    """S3 with one object, which answers conditional writes as S3 does."""

    body: bytes | None = None
    etag: str = ""
    bodies: list[bytes] = field(default_factory=list)
    _etags: Any = field(default_factory=lambda: count(1))

    def get(self) -> dict[str, Any]:
        if self.body is None:
            raise _error("NoSuchKey", "GetObject")
        return {"Body": BytesIO(self.body), "ETag": self.etag}

    def put(self, body: bytes, condition: dict[str, str]) -> dict[str, str]:
        expected = condition.get("IfMatch", "")
        if expected != (self.etag if self.body is not None else ""):
            raise _error("PreconditionFailed", "PutObject")
        self.body, self.etag = body, f'"{next(self._etags)}"'
        self.bodies.append(body)
        return {"ETag": self.etag}


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, operation)


@dataclass
class SteppedS3:
    """A client of the object; each request is a step."""

    stored: OneObject
    step: Step
    exceptions: ClassVar = SimpleNamespace(ClientError=ClientError)

    def get_object(self, **_: str) -> dict[str, Any]:
        self.step()
        return self.stored.get()

    def put_object(self, Body: bytes, Bucket: str, Key: str, **condition: str) -> dict[str, str]:  # noqa: N803
        self.step()
        return self.stored.put(Body, condition)


@dataclass
class Evaluator:
    """A thread that runs `work` step by step; at the step `killed_at` it is killed."""

    work: Callable[[Step], None]
    killed_at: int | None
    steps: int = 0
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self._may_run, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.is_done = False

    def advance(self) -> None:
        """Run until the next step."""
        self._may_run.release()
        self._paused.acquire()

    def _step(self) -> None:
        self.steps += 1
        self._paused.release()
        self._may_run.acquire()
        if self.steps == self.killed_at:
            raise Killed

    def _run(self) -> None:
        self._may_run.acquire()
        try:
            self.work(self._step)
        except BaseException as error:
            self.error = error
        self.is_done = True
        self._paused.release()


def run_interleaved(evaluators: Sequence[Evaluator], schedule: Sequence[int]) -> None:
    """Let evaluators run in the order of a schedule, then in the order of the sequence."""
    choices = iter(schedule)
    while running := [one for one in evaluators if not one.is_done]:
        running[next(choices, 0) % len(running)].advance()
    for one in evaluators:
        if one.error is not None and not isinstance(one.error, Killed):
            raise one.error
