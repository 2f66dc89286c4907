"""`clickstream digest`: show the weekly mail, or write it to a file, without sending it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from clickstream.cli.console import err, open_lake, out
from clickstream.errors import InputError

if TYPE_CHECKING:
    from clickstream.dashboard.digest import Digest


def digest(
    week: Annotated[
        str | None,
        typer.Option(
            metavar="WEEK", help="A week such as 2026-W47; by default the last complete one."
        ),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the mail to a file: .html, .txt, or .png (only the chart).",
        ),
    ] = None,
) -> None:
    """Show the weekly mail of the DAG clickstream_digest without sending it.

    Without --preview, the command prints the text part.

    Example: [bold]clickstream digest[/]

    Example: [bold]clickstream digest --week 2026-W47 --preview week.html[/]
    """
    from clickstream.dashboard.digest import Week, build_digest, render_text

    write = None if preview is None else _writer(preview)
    lake, moment = open_lake(), datetime.now(UTC)
    zone = ZoneInfo(lake.settings.site.time_zone)
    chosen = Week.parse(week) if week else Week.last_complete(moment, zone)
    with err.status("Weekly mail"):
        content = build_digest(lake, chosen, moment)
    if preview is None or write is None:
        out.print(render_text(content), markup=False, highlight=False, soft_wrap=True, end="")
        return
    preview.write_bytes(write(content))
    err.print(f"The mail of {chosen} is written to {preview}.", markup=False, soft_wrap=True)


Writer = Callable[["Digest"], bytes]


def _writer(path: Path) -> Writer:
    """Return the writer for a path's suffix. Raises InputError for an unknown suffix."""
    if write := _WRITERS.get(path.suffix.lower()):
        return write
    raise InputError(f"Can't write a preview to {path}: name it .html, .txt or .png.")


def _write_html(content: Digest) -> bytes:
    from clickstream.dashboard.digest import render_preview

    return render_preview(content).encode()


def _write_text(content: Digest) -> bytes:
    from clickstream.dashboard.digest import render_text

    return render_text(content).encode()


def _write_png(content: Digest) -> bytes:
    from clickstream.dashboard.digest import draw_png

    return draw_png(content.days)


_WRITERS: Mapping[str, Writer] = {".html": _write_html, ".txt": _write_text, ".png": _write_png}
