"""`clickstream aws`: deploy the pipeline to AWS, look at it, restore its data, destroy it."""

from __future__ import annotations

import typer

from clickstream.cli.aws import data, deploy, inspect

app = typer.Typer(
    no_args_is_help=True,
    help="Deploy the pipeline to AWS and look after it. Checked offline, not yet run in an AWS "
    "account.",
)
app.command()(deploy.deploy)
app.command()(inspect.status)
app.command("open")(inspect.open_)
app.command()(inspect.doctor)
app.command()(data.restore)
app.command()(data.destroy)
