"""What the commands of `clickstream aws` share: options, the deployment, and the dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from clickstream.cli.console import load_settings, out
from clickstream.errors import InputError

if TYPE_CHECKING:
    from clickstream.aws.deployment import Deployment
    from clickstream.aws.dialog import Dialog

Name = Annotated[
    str, typer.Option(metavar="NAME", help="Name of the deployment; its stacks begin with it.")
]
Region = Annotated[
    str, typer.Option(metavar="REGION", help="AWS region; that of the settings if not given.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def deployment_of(name: str, region: str, needs_aws: bool = True) -> Deployment:
    """Return the deployment of a name in a region.

    Raises InputError for another endpoint than AWS, unless `needs_aws` is false.
    """
    from clickstream.aws.deployment import NAMES, Deployment

    if not NAMES.fullmatch(name):
        raise InputError(
            f"{name!r} can't be the name of a deployment. Use 3 to 30 lower-case letters, digits "
            "and hyphens, with a letter first."
        )
    settings = load_settings()
    if region:
        aws = settings.aws.model_copy(update={"region": region})
        settings = settings.model_copy(update={"aws": aws})
    if needs_aws and settings.aws.endpoint_url:
        raise InputError(
            f"This command needs AWS, but the endpoint is {settings.aws.endpoint_url}. Run it in a "
            "shell without AWS_ENDPOINT_URL, and with the credentials of your account."
        )
    return Deployment(name, settings)


def say(text: str) -> None:
    """Print a sentence."""
    out.print(escape(text), soft_wrap=True, highlight=False)


def dialog_of(yes: bool) -> Dialog:
    """Return the dialog of a terminal; with `yes`, questions are not asked."""
    from clickstream.aws.dialog import Dialog

    def confirm(question: str) -> None:
        if not yes:
            typer.confirm(question, abort=True)

    return Dialog(say, lambda text: say(f"  {text}"), confirm, lambda text: str(typer.prompt(text)))
