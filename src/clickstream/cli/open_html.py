"""The options `--html` and `--range` of `clickstream open`: the Overview in one file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clickstream.cli.console import out
from clickstream.errors import InputError
from clickstream.wording import shorten

if TYPE_CHECKING:
    from clickstream.dashboard.questions.view import View
    from clickstream.logs.engine import LogEngine
    from clickstream.settings import Settings

PRIVATE = 0o600
"""The mode of a new file; one that exists keeps its mode."""

NAMED_LOGS = 5
"""Number of logs that the file names."""

HtmlOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the Overview to an HTML file, and open nothing."),
]
RangeOption = Annotated[
    str | None,
    typer.Option(
        "--range",
        metavar="RANGE",
        help="Dates of --html: today, yesterday, 7d, 28d, 90d, month, year, or two dates such as "
        "2026-11-01..2026-11-30; 28d if not given.",
    ),
]


@dataclass(frozen=True)
class HtmlFile:
    """The file to write, and the view that it shows."""

    path: Path
    view: View

    def write(
        self,
        logs: Sequence[str],
        settings: Settings,
        clock: Callable[[], datetime],
        engine: LogEngine,
    ) -> None:
        """Write the file from the engine's facts of the logs, and print its path.

        Raises InputError if the logs have no line in the range.
        """
        from clickstream.dashboard.web.service import DashboardService
        from clickstream.dashboard.web.single_page import READER, render_single_page
        from clickstream.logs.reading import name_of

        dashboard = DashboardService(settings, clock, engine=engine, log_notes=lambda: engine.notes)
        names = shorten(map(name_of, logs), NAMED_LOGS)
        with dashboard.page(self.view, READER) as page:
            if page.coverage.newest is None:
                raise InputError(
                    f"The logs have no usable line from {page.period.first} to "
                    f"{page.period.last}, so {self.path} is not written. Choose another --range."
                )
            html = render_single_page(dashboard.renderer, page, names, datetime.now(UTC))
        _replace(self.path, html)
        out.print(str(self.path), soft_wrap=True, highlight=False, markup=False)


def parse_html_options(path: Path | None, range_text: str | None) -> HtmlFile | None:
    """Parse both options; None without `--html`. Raises InputError if one can't be used.

    Call it before the logs are read, which may take minutes.
    """
    if path is None:
        if range_text is not None:
            raise typer.BadParameter("it is for --html only.", param_hint="--range")
        return None
    if path.exists() and not path.is_file():
        raise InputError(f"--html {path} is not a file; name one, such as overview.html.")
    if not path.resolve().parent.is_dir():
        raise InputError(f"The directory of --html {path} does not exist; create it first.")
    return HtmlFile(path, _parse_range(range_text or "28d"))


def _parse_range(text: str) -> View:
    from clickstream.dashboard.questions.periods import RANGES
    from clickstream.dashboard.questions.view_urls import parse_view

    first, dots, last = text.partition("..")
    if dots:
        return parse_view("overview", [("from", first), ("to", last)])
    named = [name for name in RANGES if name != "own"]
    if text not in named:
        raise InputError(
            f"--range {text[:40]} is not known; use {', '.join(named)}, or two dates such as "
            "2026-11-01..2026-11-30."
        )
    return parse_view("overview", [("range", text)])


def _replace(path: Path, html: str) -> None:
    """Write a file atomically: its readers see the old one or the new one, never a part."""
    target = path.resolve()
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else PRIVATE
        with tempfile.TemporaryDirectory(prefix=".clickstream-", dir=target.parent) as beside:
            written = Path(beside, target.name)
            written.write_text(f"{html}\n", encoding="utf-8")
            written.chmod(mode)
            written.replace(target)
    except OSError as error:
        raise InputError(
            f"Can't write {path}: {error.strerror}. Free space there, or name another file."
        ) from None
