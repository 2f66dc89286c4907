"""Lines of an access log in combined format, one by one, for tests that count by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@dataclass(frozen=True)
class Client:
    """Who asks: an address and a user agent make one visitor."""

    address: str
    agent: str = BROWSER

    def get(
        self, moment: str, target: str, status: int = 200, referrer: str = "-", size: int = 512
    ) -> str:
        """The line of one GET at `moment`, which is UTC, like `2026-11-20T05:10:00`."""
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
        return (
            f'{self.address} - - [{stamp}] "GET {target} HTTP/1.1" {status} {size} '
            f'"{referrer}" "{self.agent}"'
        )


def append(path: Path, lines: list[str]) -> None:
    """Write whole lines to the end of a log file, as a web server does."""
    with path.open("a", encoding="utf-8") as log:
        log.writelines(f"{line}\n" for line in lines)
