"""`clickstream digest`: show the weekly mail, or write it to a file, without sending it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from clickstream.cli.console import err, open_lake, out
from clickstream.core.errors import InputError


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
    from clickstream.dashboard.mail import (
        Week,
        build_digest,
        draw_png,
        render_preview,
        render_text,
    )

    suffix = preview.suffix.lower() if preview else ".txt"
    if suffix not in (".html", ".txt", ".png"):
        raise InputError(f"Can't write a preview to {preview}: name it .html, .txt or .png.")
    lake, moment = open_lake(), datetime.now(UTC)
    zone = ZoneInfo(lake.settings.site.time_zone)
    chosen = Week.parse(week) if week else Week.last_complete(moment, zone)
    with err.status("Weekly mail"):
        content = build_digest(lake, chosen, moment)
    if preview is None:
        out.print(render_text(content), markup=False, highlight=False, soft_wrap=True, end="")
        return
    if suffix == ".png":
        preview.write_bytes(draw_png(content.days))
    else:
        render = render_preview if suffix == ".html" else render_text
        preview.write_bytes(render(content).encode())
    err.print(f"The mail of {chosen} is written to {preview}.", markup=False, soft_wrap=True)
