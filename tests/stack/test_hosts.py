"""Two hosts in a running Airflow, one of them behind a real sshd: down, back again, pulled again.

Whatever happens to its pulls, the lake ends in the state that one clean run gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from tests.support.access_log import Client, append
from tests.support.free_ports import free_ports
from tests.support.lake_settings import ROOT, write_settings
from tests.support.lakes import beside, build_all
from tests.support.sshd import Sshd, running_sshd

from clickstream import pipeline
from clickstream.demo.stack import AirflowApi, Layout, Stack, running_stack
from clickstream.hours import Hour, hour_range
from clickstream.lake import Lake, athena, hour_ledger, open_lake
from clickstream.tables import HITS, REJECTS, SESSION_PARTS

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

HOURLY = "clickstream_hourly"
FIRST, LAST = Hour.parse("2026-11-20T21"), Hour.parse("2026-11-20T23")
HOURS = list(hour_range(FIRST, LAST))
DOWN_UNTIL = HOURS[1]
DEADLINE_SECONDS = 500
FINISHED = {"success", "failed"}
ALONE = {"CLICKSTREAM_BUILD__CATCH_UP_HOURS": "0"}
OF_RAW = ("raw_object", "line_number")
ANA, BEN = Client("203.0.113.7"), Client("203.0.113.8")

SOURCE = """
[[sources]]
name = "shop"
kind = "sftp"
hosts = ["{address}"]
user = "{user}"
key_file = "{key_file}"
path = "{path}"
format = "combined"
max_kb_per_second = 50

[collect]
known_hosts = "{known_hosts}"
"""


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, sshd: Sshd) -> Iterator[Stack]:
    """The project's own DAGs over three hours of a directory and of a host that is down."""
    root = tmp_path_factory.mktemp("h")
    for name in ("Procfile", "dags", "plugins", "include"):
        (root / name).symlink_to(ROOT / name)
    path = write_settings(root, "hosts", ["web"])
    (root / "shop").mkdir()
    about = {name: getattr(sshd, name) for name in ("address", "user", "key_file", "known_hosts")}
    path.write_text(path.read_text() + SOURCE.format(path=root / "shop", **about))
    for hour in HOURS:
        append(
            root / "web" / "access.log", [ANA.get(f"{hour}:{m:02}:00", "/menu") for m in (5, 55)]
        )
        append(root / "shop" / "access.log", [BEN.get(f"{hour}:40:00", "/order")])
    sshd.stop()
    with running_stack(Layout(root), free_ports(), variables=ALONE) as running:
        for _ in running.ready_parts():
            pass
        yield running


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[AirflowApi]:
    with stack.airflow() as client:
        stack.wait_until("The DAG", lambda: client.dag_exists(HOURLY), DEADLINE_SECONDS)
        yield client


@pytest.fixture(scope="module")
def shop(sshd: Sshd) -> str:
    """The name of the host behind sshd."""
    return f"shop.127.0.0.1_{sshd.port}"


def clean_run(lake: Lake, name: str) -> list[list[str]]:
    """The tables of a lake of its own after one run over what both hosts have now."""
    clean = open_lake(beside(lake.settings, name), lake.session)
    for _, pulled in pipeline.pull_all(clean, pipeline.list_hosts(clean)):
        assert isinstance(pulled, pipeline.Pulled)
    build_all(clean, FIRST, LAST, name)
    return tables(clean)


def tables(lake: Lake, last: Hour = LAST) -> list[list[str]]:
    """The rows of the hours up to the last one that was built; verified.

    The raw object of a row is left out: its name holds the range that its pull found.
    """
    assert pipeline.verify(lake, FIRST, last).is_proven
    found = []
    for table in (HITS, SESSION_PARTS, REJECTS):
        columns = ", ".join(name for name in table.column_names if name not in OF_RAW)
        found.append(athena.query(lake, f"select {columns} from {table.name}").rows)
    return [sorted(map(str, rows)) for rows in found]


def missing(lake: Lake) -> list[object]:
    rows = hour_ledger.ledger_rows(lake, FIRST, LAST)
    return [rows[hour].values["missing_sources"] for hour in HOURS if hour in rows]


def backfill(stack: Stack, api: AirflowApi, last: Hour, **options: object) -> set[str]:
    """Backfill the hours up to `last`; returns the states that their runs end in."""

    def accepted() -> bool:
        return api.create_backfill(HOURLY, FIRST, last, **options) is not None

    def finished() -> bool:
        states = api.run_states(HOURLY, FIRST, last)
        return len(states) == len([*hour_range(FIRST, last)]) and {*states.values()} <= FINISHED

    stack.wait_until("The backfill", accepted, DEADLINE_SECONDS)
    stack.wait_until("The runs", finished, DEADLINE_SECONDS)
    return {*api.run_states(HOURLY, FIRST, last).values()}


def states_of(api: AirflowApi, run_id: str) -> dict[tuple[str, str], str]:
    return {
        (task["task_id"], task["rendered_map_index"] or ""): task["state"]
        for task in api.tasks(HOURLY, run_id)
    }


def ended(stack: Stack, api: AirflowApi, run_id: str) -> str:
    """The state that a run ends in."""
    stack.wait_until("The run", lambda: api.run_state(HOURLY, run_id) in FINISHED, DEADLINE_SECONDS)
    return api.run_state(HOURLY, run_id)


def clear_pull(api: AirflowApi, run_id: str, host: str, with_downstream: bool) -> str:
    """Clear the pull of one host; returns the address of its task instance."""
    [index] = [
        task["map_index"]
        for task in api.tasks(HOURLY, run_id)
        if (task["task_id"], task["rendered_map_index"]) == ("pull_logs", host)
    ]
    body = {
        "dry_run": False,
        "dag_run_id": run_id,
        "task_ids": [["pull_logs", index]],
        "only_failed": False,
        "include_downstream": with_downstream,
    }
    cleared = api._request("POST", f"/dags/{HOURLY}/clearTaskInstances", json=body)
    assert cleared["total_entries"] >= 1
    return f"/dags/{HOURLY}/dagRuns/{run_id}/taskInstances/pull_logs/{index}"


def test_a_dead_host_does_not_stop_the_hours_of_the_others(stack, api, lake, shop) -> None:
    assert backfill(stack, api, DOWN_UNTIL) == {"failed"}
    run_id = api.run_ids(HOURLY, FIRST, DOWN_UNTIL)[DOWN_UNTIL]
    states = states_of(api, run_id)
    assert states["pull_logs", "web"] == "success"
    assert states["pull_logs", shop] == "failed"
    assert states["every_source_pulled", ""] == "upstream_failed"
    assert states["build_hour.register_tables", str(DOWN_UNTIL)] == "success"
    assert states["refresh_facts", ""] == "success"
    assert missing(lake) == [shop, shop]
    assert len(tables(lake, DOWN_UNTIL)[0]) == 4


def test_the_hours_complete_themselves_when_the_host_is_back(stack, api, lake, sshd, shop) -> None:
    sshd.start()
    run_id = api.trigger(HOURLY, {"hour": str(LAST)})
    assert ended(stack, api, run_id) == "success"
    assert missing(lake) == [None, None, None]
    assert tables(lake) == clean_run(lake, "back")


def test_the_pull_of_one_host_is_cleared_alone_and_with_downstream(stack, api, lake, shop) -> None:
    before = tables(lake)
    run_id = api.run_ids(HOURLY, FIRST, LAST)[DOWN_UNTIL]
    for with_downstream in (False, True):
        clear_pull(api, run_id, shop, with_downstream)
        assert ended(stack, api, run_id) in FINISHED
        assert states_of(api, run_id)["pull_logs", shop] == "success"
        assert tables(lake) == before
    assert ended(stack, api, run_id) == "success"


def test_a_pull_that_is_killed_in_the_middle_is_made_up_for(stack, api, lake, shop) -> None:
    """50 kB a second leave time to kill it: Airflow ends the process of a task called failed."""
    log = stack.layout.root / "shop" / "access.log"
    append(log, [BEN.get(f"{DOWN_UNTIL}:50:00", f"/order?{n}") for n in range(5_000)])
    run_id = api.run_ids(HOURLY, FIRST, LAST)[DOWN_UNTIL]
    pull = clear_pull(api, run_id, shop, with_downstream=False)
    stack.wait_until("The pull", partial(is_running, api, run_id, shop), DEADLINE_SECONDS)
    api._request("PATCH", pull, json={"new_state": "failed"})
    ended(stack, api, run_id)
    assert states_of(api, run_id)["pull_logs", shop] == "failed"
    clear_pull(api, run_id, shop, with_downstream=True)
    assert ended(stack, api, run_id) == "success"
    assert tables(lake) == clean_run(lake, "killed")


def is_running(api: AirflowApi, run_id: str, host: str) -> bool:
    return states_of(api, run_id)["pull_logs", host] == "running"


def test_a_backfill_twice_ends_in_the_tables_of_one_clean_run(stack, api, lake) -> None:
    before = tables(lake)
    for _ in range(2):
        options = {"reprocess": "completed", "max_active_runs": 10}
        assert backfill(stack, api, LAST, **options) == {"success"}
        assert tables(lake) == before
    assert missing(lake) == [None, None, None]
