"""`clickstream aws status`, `open` and `doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from clickstream.cli.aws.options import Name, Region, deployment_of, say
from clickstream.cli.console import AirflowPort, DashboardPort, err, out

if TYPE_CHECKING:
    from clickstream.aws.checks import Check

MISSING_PLUGIN = (
    "session-manager-plugin is not installed. Install it as the AWS page `Install the Session "
    "Manager plugin for the AWS CLI` describes, and run this command again. With the plugin and "
    "the AWS command line, these commands do it:"
)

HINTS = (
    "For passwords, start a shell on the host: aws ssm start-session --target {instance}\n"
    "  Airflow, user admin:  sudo grep ADMIN_PASSWORD /data/clickstream/secrets.env\n"
    "  Dashboard, a link:    cd /opt/clickstream/current && sudo docker compose exec dashboard "
    "python -m clickstream.cli dashboard link"
)


def status(name: Name = "clickstream", region: Region = "") -> None:
    """Show the stacks, the bundle, the host and the last start of the bundle.

    Example: [bold]clickstream aws status --region eu-central-1[/]
    """
    from clickstream.aws.state import describe_state

    with err.status("Waiting for AWS"):
        rows = [*describe_state(deployment_of(name, region))]
    width = max(len(what) for what, _ in rows)
    for what, value in rows:
        say(f"{what:<{width}}  {value}")


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

    This needs the session-manager-plugin of AWS; without it, the command prints what to
    install and to run. The host accepts no connection from the internet.

    Example: [bold]clickstream aws open[/]
    """
    from clickstream.aws import port_forwarding
    from clickstream.aws.port_forwarding import Port
    from clickstream.aws.state import running_instance

    deployment = deployment_of(name, region)
    instance = running_instance(deployment)
    ports = [Port("Airflow", 8080, airflow_port), Port("Dashboard", 8095, dashboard_port)]
    for port in ports:
        say(f"{port.what}: {port.url}")
    say(HINTS.format(instance=instance))
    if not (only_print or port_forwarding.has_plugin()):
        say(MISSING_PLUGIN)
    if only_print or not port_forwarding.has_plugin():
        for port in ports:
            say(port_forwarding.command_of(deployment, instance, port))
        return
    raise typer.Exit(port_forwarding.forward(deployment, instance, ports))


def doctor(name: Name = "clickstream", region: Region = "") -> None:
    """Check the account step by step: each step is ok, or has a problem with what to do.

    The hosts of the logs are checked from this machine. The exit code is 1 if there is
    a problem.

    Example: [bold]clickstream aws doctor[/]
    """
    from clickstream.aws.checks import run_checks

    deployment, has_problem = deployment_of(name, region, needs_aws=False), False
    with err.status("Checking"):
        for one in run_checks(deployment):
            _show(one)
            has_problem |= bool(one.problem)
    if has_problem:
        raise typer.Exit(1)


def _show(one: Check) -> None:
    if one.problem:
        remedy = f". To repair it: {one.remedy}" if one.remedy else ""
        text = f"[red]✗[/] {one.name}: {escape(one.problem + remedy)}"
    elif one.unchecked:
        text = f"[yellow]-[/] {one.name}: not checked, {escape(one.unchecked)}"
    else:
        text = f"[green]✓[/] {one.name}: {escape(one.found)}"
    out.print(text, soft_wrap=True, highlight=False)
