"""`clickstream aws restore` and `destroy`: what can replace or delete data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from clickstream.cli.aws.options import Name, Region, Yes, deployment_of, dialog_of, say
from clickstream.cli.console import err
from clickstream.errors import InputError


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{text!r} is not a moment; write it like 2026-11-20T14:30, in UTC."
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def restore(
    to: Annotated[
        datetime,
        typer.Option(parser=_moment, metavar="MOMENT", help="Moment, UTC, like 2026-11-20T14:30."),
    ],
    name: Name = "clickstream",
    region: Region = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be restored; change nothing.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Restore the lake to a moment, then verify it. Stop the host first.

    The bucket's objects and the state of the tables become those of the moment. What is
    replaced stays as versions, so a later restore can undo this one. Keys of visitors
    that were destroyed since do not come back.

    The exit code is 1 if the restored lake has a fault that verify finds.

    Example: [bold]clickstream aws restore --to 2026-11-20T14:30 --dry-run[/]
    """
    from clickstream.aws import restore as work
    from clickstream.cli.health import verify_range
    from clickstream.lake import aws_errors

    deployment, now = deployment_of(name, region), datetime.now(UTC)
    with aws_errors.translate_errors():
        lake = deployment.lake()
    work.refuse_active(deployment, lake, now)
    with err.status("Listing the versions of all objects"):
        plan = work.plan_restore(lake, to, now)
    say(plan.sentence)
    if dry_run or plan.is_empty:
        return
    dialog_of(yes).confirm(f"Restore {lake.bucket} and the tables of {lake.database}?")
    with err.status("Restoring"):
        work.restore(lake, plan, now)
    say("The lake is restored. Verification:")
    if not verify_range(lake, None, None).is_proven:
        raise typer.Exit(1)


def destroy(
    name: Name = "clickstream",
    region: Region = "",
    delete_data: Annotated[
        bool,
        typer.Option(
            "--delete-data", help="Delete the data as well; the bucket's name has to be typed."
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """Delete the stacks. The data stays unless [bold]--delete-data[/] is given.

    The command says first what stays and what it costs.

    Example: [bold]clickstream aws destroy[/]

    Example: [bold]clickstream aws destroy --delete-data[/]
    """
    from clickstream.aws.destroy import destroy as delete

    delete(deployment_of(name, region), delete_data, dialog_of(yes))
