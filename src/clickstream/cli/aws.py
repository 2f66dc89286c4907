"""`clickstream aws`: deploy the pipeline to AWS, look at it, restore its data, destroy it."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from clickstream.cli.console import AirflowPort, DashboardPort, err, load_settings, out
from clickstream.core.errors import InputError

if TYPE_CHECKING:
    from clickstream.aws.checks import Check
    from clickstream.aws.deployment import Deployment

Name = Annotated[
    str, typer.Option(metavar="NAME", help="Name of the deployment; its stacks begin with it.")
]
Region = Annotated[
    str, typer.Option(metavar="REGION", help="AWS region; that of the settings if not given.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]

MISSING_PROGRAMS = (
    "{missing} is not installed. Install the AWS command line and its plugin as the AWS page "
    "`Install the Session Manager plugin for the AWS CLI` describes, and run this command again. "
    "With both, these commands do it:"
)

HINTS = (
    "For passwords, start a shell on the host: aws ssm start-session --target {instance}\n"
    "  Airflow, user admin:  sudo grep ADMIN_PASSWORD /data/clickstream/secrets.env\n"
    "  Dashboard, a link:    cd /opt/clickstream/current && sudo docker compose exec dashboard "
    "python -m clickstream.cli dashboard link"
)

app = typer.Typer(
    no_args_is_help=True,
    help="Deploy the pipeline to AWS and look after it. Checked offline, not yet run in an AWS "
    "account.",
)


def _deployment(name: str, region: str, needs_aws: bool = True) -> Deployment:
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


def _say(text: str) -> None:
    """Print a sentence."""
    out.print(escape(text), soft_wrap=True, highlight=False)


def _confirm(yes: bool, question: str) -> None:
    """Ask a question unless `yes`, and end the command if the answer is no."""
    if not yes:
        typer.confirm(question, abort=True)


@app.command()
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

    parameters = {}
    for text in parameter or ():
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise InputError(f"{text!r} is not a parameter; write KEY=VALUE.")
        parameters[key] = value
    confirm = None if dry_run else partial(_confirm, yes)
    run = Deploy(_deployment(name, region), parameters, _say, confirm)
    if bundle:
        run.run_uploaded(bundle)
    else:
        run.run(Path.cwd(), allow_dirty)


@app.command()
def status(name: Name = "clickstream", region: Region = "") -> None:
    """Show the stacks, the bundle, the host and the last start of the bundle.

    Example: [bold]clickstream aws status --region eu-central-1[/]
    """
    with err.status("Waiting for AWS"):
        rows = _deployment(name, region).describe_state()
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        _say(f"{label:<{width}}  {value}")


@app.command("open")
def open_(
    name: Name = "clickstream",
    region: Region = "",
    airflow_port: AirflowPort = 8080,
    dashboard_port: DashboardPort = 8095,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the commands of the AWS command line only.")
    ] = False,
) -> None:
    """Forward ports of this machine to Airflow and the dashboard on the host. Ctrl-C ends it.

    This runs the AWS command line with the session-manager-plugin of AWS; without them, the
    command prints what to install and to run. The host accepts no connection from the internet.

    Example: [bold]clickstream aws open[/]
    """
    from clickstream.lake import aws_errors

    deployment = _deployment(name, region)
    with aws_errors.translate_errors():
        instance = deployment.running_instance()
    session = ["aws", "ssm", "start-session", "--region", deployment.account.region]
    session += ["--target", instance, "--document-name", "AWS-StartPortForwardingSession"]
    commands = []
    for title, remote, local in (
        ("Airflow", 8080, airflow_port),
        ("Dashboard", 8095, dashboard_port),
    ):
        _say(f"{title}: http://127.0.0.1:{local}")
        parameters = {"portNumber": [str(remote)], "localPortNumber": [str(local)]}
        commands.append([*session, "--parameters", json.dumps(parameters, separators=(",", ":"))])
    _say(HINTS.format(instance=instance))
    programs = ("aws", "session-manager-plugin")
    missing = [program for program in programs if not shutil.which(program)]
    if missing and not only_print:
        _say(MISSING_PROGRAMS.format(missing=missing[0]))
    if missing or only_print:
        for command in commands:
            _say(shlex.join(command))
        return
    sessions = [subprocess.Popen(command) for command in commands]
    try:
        raise typer.Exit(max(process.wait() for process in sessions))
    finally:  # after Ctrl-C, which ends the sessions as well
        for process in sessions:
            process.wait()


@app.command()
def doctor(name: Name = "clickstream", region: Region = "") -> None:
    """Check the account step by step: each step is ok, or has a problem with what to do.

    The hosts of the logs are checked from this machine. The exit code is 1 if there is
    a problem.

    Example: [bold]clickstream aws doctor[/]
    """
    from clickstream.aws.checks import run_checks

    deployment, has_problem = _deployment(name, region, needs_aws=False), False
    with err.status("Checking"):
        for check in run_checks(deployment):
            out.print(_line_of(check), soft_wrap=True, highlight=False)
            has_problem |= bool(check.problem)
    if has_problem:
        raise typer.Exit(1)


def _line_of(check: Check) -> str:
    if check.problem:
        remedy = f". To repair it: {check.remedy}" if check.remedy else ""
        return f"[red]✗[/] {check.name}: {escape(check.problem + remedy)}"
    if check.unchecked:
        return f"[yellow]-[/] {check.name}: not checked, {escape(check.unchecked)}"
    return f"[green]✓[/] {check.name}: {escape(check.found)}"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{text!r} is not a moment; write it like 2026-11-20T14:30, in UTC."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@app.command()
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

    deployment, now = _deployment(name, region), datetime.now(UTC)
    with aws_errors.translate_errors():
        lake = deployment.lake()
    work.refuse_active(deployment, lake, now)
    with err.status("Listing the versions of all objects"):
        plan = work.plan_restore(lake, to, now)
    _say(plan.sentence)
    if dry_run or plan.is_empty:
        return
    _confirm(yes, f"Restore {lake.bucket} and the tables of {lake.database}?")
    with err.status("Restoring"):
        work.restore(lake, plan, now)
    _say("The lake is restored. Verification:")
    if not verify_range(lake, None, None).is_proven:
        raise typer.Exit(1)


@app.command()
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
    from clickstream.aws import destroy as work
    from clickstream.core.wording import quantity

    deployment = _deployment(name, region)
    stacks, data = work.find_stacks(deployment), work.find_data(deployment)
    for stack in stacks:
        _say(f"The stack {stack.name} will be deleted.")
    if data:
        stays = "will be deleted for good" if delete_data else "stays, with its price for a month"
        _say(f"The data {stays}:")
        for line in data.lines:
            _say(f"  {line}")
    if data and not delete_data:
        _say("To delete it as well: clickstream aws destroy --delete-data")
    if data and delete_data:
        _confirm(yes, "Delete all data? It can't be restored.")
        if typer.prompt("Type the name of the bucket") != data.lake.bucket:
            raise InputError(f"That is not the name {data.lake.bucket}. Nothing is deleted.")
    _confirm(yes, f"Delete {quantity(len(stacks), 'stack')}?")
    work.delete_stacks(deployment, stacks, _say)
    if data and delete_data:
        work.delete_data(deployment, data, _say)
