"""`clickstream aws deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clickstream.cli.aws.options import Name, Region, Yes, deployment_of, dialog_of
from clickstream.errors import InputError


def deploy(
    name: Name = "clickstream",
    region: Region = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            metavar="KEY=VALUE",
            help="A parameter of the templates in infra/; others keep their value.",
        ),
    ] = None,
    bundle: Annotated[
        str,
        typer.Option(
            metavar="DIGEST",
            help="Start an uploaded bundle, by its first characters, with the templates that the "
            "stacks have.",
        ),
    ] = "",
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Bundle tracked files with uncommitted changes.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the change sets; change nothing.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Create or update the deployment: preview, question, progress by resource.

    In a checkout, the command uploads its tracked files as a bundle, which the host
    builds and starts. A second deployment upgrades. The account, its Lake Formation
    settings and the checkout are checked first.

    Example: [bold]clickstream aws deploy --dry-run[/]

    Example: [bold]clickstream aws deploy --parameter InstanceType=t4g.large[/]

    Example: [bold]clickstream aws deploy --bundle 5b1c9f0e[/]
    """
    from clickstream.aws.deploy import Deploy

    given = dict(map(_split, parameter or ()))
    run = Deploy(deployment_of(name, region), given, dialog_of(yes), dry_run)
    if bundle:
        run.run_uploaded(bundle)
    else:
        run.run(Path.cwd(), allow_dirty)


def _split(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise InputError(f"{text!r} is not a parameter; write KEY=VALUE.")
    return key, value
