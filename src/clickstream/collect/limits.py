"""Limits of what one pull takes from the SFTP server of a host, which may be broken or hostile.

`sftp_session` counts every answer of the server in a `Budget`. What was stored before a limit is
reached stays stored, and the next pull continues there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clickstream.core.errors import PullLimitReached, UnusableAnswer

ANSWER_SECONDS = 60
"""Seconds without an answer after which a request fails, even if the host still responds.

It is also the least rate: a block of up to 256 KiB must arrive within this time.
"""


@dataclass(frozen=True)
class PullLimits:
    """What a pull takes from one host; a listing of 100,000 names needs about 30 MB.

    `names` counts all names in the directories of one listing, and `depth` the directories of a
    path below the source's. `file_bytes` and `seconds` count for the whole pull, also what it does
    between two requests.
    """

    names: int = 100_000
    name_bytes: int = 1_024
    depth: int = 32
    file_bytes: int = 50 << 30
    seconds: float = 1_800


LIMITS = PullLimits()
"""The limits of all pulls; `[collect] pull_minutes` sets the time."""

_CONTINUES = (
    "What it read until then is stored. To continue, wait for the next run, clear the task, or run "
    "the command again."
)


@dataclass
class Budget:
    """What one pull has taken from `host` so far. `clock` returns seconds and never goes back."""

    host: str
    limits: PullLimits
    clock: Callable[[], float] = time.monotonic
    names: int = 0
    file_bytes: int = 0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def answer_seconds(self) -> float:
        """Seconds to wait for an answer to a request that was sent; never 0, so that it is sent."""
        return max(0.001, min(ANSWER_SECONDS, self._left))

    @property
    def _left(self) -> float:
        return self.began + self.limits.seconds - self.clock()

    def check_time(self) -> None:
        """Raise PullLimitReached if the time of the pull is over."""
        if self._left <= 0:
            raise PullLimitReached(
                f"The pull of {self.host} was ended after {self.limits.seconds / 60:,.0f} minutes. "
                f"{_CONTINUES} If no pull brings new lines, the host answers too slowly: check its "
                "network and its SFTP server, or set [collect] pull_minutes."
            )

    def count_bytes(self, size: int) -> None:
        """Count bytes of files. Raises PullLimitReached if there are too many."""
        self.file_bytes += size
        if self.file_bytes > self.limits.file_bytes:
            raise PullLimitReached(
                f"The pull of {self.host} was ended after {self.file_bytes / 1e9:,.1f} GB. "
                f"{_CONTINUES} If the host does not have this many logs, find out what its SFTP "
                "server sends."
            )

    def begin_listing(self) -> None:
        """Count the names of another listing."""
        self.names = 0

    def count_name(self, name: bytes) -> None:
        """Count a name in a directory. Raises PullLimitReached, or UnusableAnswer for no name."""
        self.names += 1
        if not name or b"/" in name or len(name) > self.limits.name_bytes:
            raise UnusableAnswer(
                f"{self.host} lists a file whose name is empty, has a slash or is longer than "
                f"{self.limits.name_bytes:,} bytes. {REPAIR_SERVER}"
            )
        if self.names > self.limits.names:
            raise PullLimitReached(
                f"{self.host} lists more than {self.limits.names:,} names, so its pull was ended. "
                "Set the source's path or pattern to fewer directories, or move old files away. If "
                "the host does not have this many files, find out what its SFTP server sends."
            )


REPAIR_SERVER = (
    "No SFTP server may do that, so the pull was ended; what it stored before stays. Update or "
    "replace the SFTP server of the host, and find out whether an attacker controls it."
)
