"""One running demo for all modules of this directory; each works on hours of other dates.

The modules run in the order of MODULES. After the demo, hosts of the tests replace the café's
server in the settings. The host `shop` is an sshd, which is down from the fixture
`outage` until `test_hosts` starts it again. Airflow waits for minutes before it gives up a host, so
the modules before `test_hosts`, which need no hourly run, run in that time.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import boto3
import pytest
from tests.stack.airflow_server import USERS
from tests.stack.hosts import ANA, BEN, OUTAGE_HOURS, SOURCES, write
from tests.stack.runs import DEADLINE_SECONDS, DIGEST, HOURLY, REPROCESS, SALES, backfill
from tests.support.emr_serverless import EmrServerless, emr_serverless
from tests.support.free_ports import free_ports
from tests.support.lake_settings import ROOT
from tests.support.smtp_server import MailServer
from tests.support.sshd import Sshd, running_sshd

from clickstream import settings
from clickstream.core.terminal import SafeConsole
from clickstream.demo import traffic
from clickstream.demo.demo import Demo, running_demo
from clickstream.demo.stack import AirflowApi, Stack
from clickstream.lake import Lake, open_lake

MODULES = (
    *("test_demo", "test_memory", "test_in_airflow", "test_local_stack"),
    *("test_sales", "test_hosts", "test_reruns"),
)
DAYS, RUNS = 2, 4
"""The days before today of which the demo has logs, and the newest hours, which Airflow builds."""

DEFAULT_SOURCES = re.compile(r"(?ms)^\[\[sources\]\].*?\n\n")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if "tests/stack/" in item.nodeid]
    items[:] = [item for item in items if item not in ours]
    items += sorted(ours, key=lambda item: MODULES.index(item.path.stem))


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="session")
def emr() -> Iterator[EmrServerless]:
    with emr_serverless() as server:
        yield server


@pytest.fixture(scope="session")
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def mail_variables(mail: MailServer) -> dict[str, str]:
    """Airflow's connection to the mail server, and the recipients of the weekly mail."""
    connection = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": mail.port,
        "extra": {"disable_tls": True, "disable_ssl": True, "from_email": "news@cafe.example"},
    }
    return {
        "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(connection),
        "CLICKSTREAM_DIGEST__RECIPIENTS": json.dumps(["owner@cafe.example"]),
    }


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's directory with the repository's settings and DAGs, and the DAG of the tests."""
    root = tmp_path_factory.mktemp("s")
    shutil.copy(ROOT / "cafe.toml", root)
    for name in ("Procfile", "plugins", "include", "src"):
        (root / name).symlink_to(ROOT / name)
    (root / "dags").mkdir()
    for dag in [*(ROOT / "dags").glob("*.py"), Path(__file__).with_name("probe_dag.py")]:
        (root / "dags" / dag.name).symlink_to(dag)
    return root


@pytest.fixture(scope="session")
def demo_output() -> io.StringIO:
    """What the demo prints."""
    return io.StringIO()


@pytest.fixture(scope="session")
def demo(
    project: Path, demo_output: io.StringIO, emr: EmrServerless, mail: MailServer
) -> Iterator[Demo]:
    """The demo while it runs, as `make demo` runs it, but of fewer days and fewer runs of Airflow.

    Ctrl-C and SIGTERM end the tests and it.
    """
    variables = emr.airflow_variables(ROOT / "src" / "clickstream" / "spark.py")
    variables |= mail_variables(mail) | USERS
    console = SafeConsole(file=demo_output, width=100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traffic, "HOURLY", RUNS)
        with running_demo(None, project, free_ports(), console, variables, DAYS) as running:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, end_tests)
            emr.environment = running.stack.environment
            yield running


def end_tests(number: int, _frame: object) -> None:
    """End the run of pytest, not only the present test, as SystemExit would."""
    pytest.exit(f"signal {number}", 128 + number)


@pytest.fixture(scope="session")
def stack(demo: Demo, project: Path, sshd: Sshd) -> Stack:
    """The stack of the demo, from then on with the hosts of the tests."""
    for name in ("web-1", "web-2", "shop"):
        (project / name).mkdir()
    settings_file = project / "cafe.toml"
    sources = SOURCES.format(shop=project / "shop", sshd=sshd)
    settings_file.write_text(DEFAULT_SOURCES.sub(sources, settings_file.read_text(), count=1))
    (project / "var" / "ssh").mkdir()
    (project / "var" / "ssh" / "known_hosts").symlink_to(sshd.known_hosts)
    return demo.stack


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[AirflowApi]:
    with stack.airflow() as client:
        for dag in (HOURLY, REPROCESS, DIGEST, SALES, "probe"):
            stack.wait_until(f"The DAG {dag}", partial(client.dag_exists, dag), DEADLINE_SECONDS)
        yield client


@pytest.fixture(scope="session")
def lake(stack: Stack) -> Lake:
    environment = stack.environment
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )
    return open_lake(settings.load(stack.layout.root / "cafe.toml", environment), session)


@pytest.fixture(scope="session")
def outage(stack: Stack, api: AirflowApi, sshd: Sshd) -> None:
    """The shop is down, and a backfill of two hours runs, which takes minutes."""
    for hour in OUTAGE_HOURS:
        write(stack, "web-1", [ANA.get(f"{hour}:{m:02}:00", "/menu") for m in (5, 55)])
        write(stack, "shop", [BEN.get(f"{hour}:40:00", "/order")])
    sshd.stop()
    backfill(api, OUTAGE_HOURS[:2])
