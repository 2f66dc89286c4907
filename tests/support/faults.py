"""Faults on purpose: a process that dies at its n-th write to S3, before or after it."""

from __future__ import annotations

from typing import Any

from clickstream.lake import Lake


class Killed(BaseException):
    """The process is gone: not an Exception, so that nothing can catch and go on."""


class _DyingS3:
    def __init__(self, real: Any, writes: int, after: bool) -> None:
        self._real, self._left, self._after = real, writes, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def put_object(self, **request: Any) -> Any:
        self._left -= 1
        if self._left < 0 and not self._after:
            raise Killed
        answer = self._real.put_object(**request)
        if self._left < 0:
            raise Killed
        return answer


def dying(lake: Lake, writes: int, after: bool) -> Lake:
    """A lake whose process dies at a later write: `writes` succeed, the next is the last."""
    copy = Lake(lake.settings, lake.session)
    copy.__dict__["s3"] = _DyingS3(lake.s3, writes, after)
    return copy
