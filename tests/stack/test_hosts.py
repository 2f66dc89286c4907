"""A host behind a real sshd in a running Airflow: down, back again, pulled again.

Whatever happens to its pulls, the lake ends in the state that one clean run gives.
"""

from __future__ import annotations

import pytest
from tests.stack.hosts import BEN, OUTAGE_HOURS, name_of_shop, write
from tests.stack.runs import HOURLY, ended, settled, states_of, trigger, wait_for_state
from tests.support.lakes import beside, build_all

from clickstream.core.hours import Hour
from clickstream.demo.stack import AirflowApi
from clickstream.lake import Lake, athena, hour_ledger, open_lake
from clickstream.pipeline.hosts.listing import list_hosts
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.pull.host import Pulled, pull_all
from clickstream.tables import HITS, REJECTS, SESSION_PARTS

FIRST, DOWN_UNTIL, LAST = OUTAGE_HOURS
OF_RAW = ("raw_object", "line_number")


@pytest.fixture(scope="module")
def shop(sshd) -> str:
    return name_of_shop(sshd)


def clean_run(lake: Lake, name: str) -> list[list[str]]:
    """The tables of a separate lake after one run over the lines that all hosts have now."""
    own = beside(lake.settings, name)
    unlimited = [source.model_copy(update={"max_kb_per_second": 0}) for source in own.sources]
    clean = open_lake(own.model_copy(update={"sources": tuple(unlimited)}), lake.session)
    for _, pulled in pull_all(clean, list_hosts(clean)):
        assert isinstance(pulled, Pulled)
    build_all(clean, FIRST, LAST, name)
    return tables(clean)


def tables(lake: Lake, last: Hour = LAST) -> list[list[str]]:
    """The rows of the hours up to the last one that was built; verified.

    The raw object of a row is left out: its name holds the range that its pull found.
    """
    report = verify(lake, FIRST, last)
    assert report.is_proven, report
    where = f"hour_at between timestamp '{FIRST.naive:%F %T}' and timestamp '{last.naive:%F %T}'"
    found = []
    for table in (HITS, SESSION_PARTS, REJECTS):
        columns = ", ".join(name for name in table.column_names if name not in OF_RAW)
        sql = f"select {columns} from {table.name} where {where}"
        found.append(sorted(map(str, athena.query(lake, sql).rows)))
    return found


def missing(lake: Lake) -> list[object]:
    rows = hour_ledger.ledger_rows(lake, FIRST, LAST)
    return [rows[hour].values["missing_sources"] for hour in OUTAGE_HOURS if hour in rows]


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
    cleared = api.request("POST", f"/dags/{HOURLY}/clearTaskInstances", json=body)
    assert cleared["total_entries"] >= 1
    return f"/dags/{HOURLY}/dagRuns/{run_id}/taskInstances/pull_logs/{index}"


def test_a_dead_host_does_not_stop_the_hours_of_the_others(outage, stack, api, lake, shop) -> None:
    assert {*settled(stack, api, OUTAGE_HOURS[:2]).values()} == {"failed"}
    states = states_of(api, api.run_ids(HOURLY, FIRST, DOWN_UNTIL)[DOWN_UNTIL])
    assert states["pull_logs", "web-1"] == states["pull_logs", "web-2"] == "success"
    assert states["pull_logs", shop] == "failed"
    assert states["every_source_pulled", ""] == "upstream_failed"
    assert states["build_hour.register_tables", str(DOWN_UNTIL)] == "success"
    assert states["refresh_facts", ""] == "success"
    assert missing(lake) == [shop, shop]
    assert len(tables(lake, DOWN_UNTIL)[0]) == 4


def test_the_hours_complete_themselves_when_the_host_is_back(
    outage, stack, api, lake, sshd
) -> None:
    sshd.start()
    run_id = trigger(api, HOURLY, {"hour": str(LAST)})
    assert ended(stack, api, run_id) == "success"
    assert missing(lake) == [None, None, None]
    assert tables(lake) == clean_run(lake, "back")


def test_a_pull_that_is_killed_in_the_middle_is_made_up_for(outage, stack, api, lake, shop) -> None:
    """50 kB a second leave time to kill it: Airflow ends the process of a task called failed."""
    write(stack, "shop", [BEN.get(f"{DOWN_UNTIL}:50:00", f"/order?{n}") for n in range(5_000)])
    run_id = api.run_ids(HOURLY, FIRST, LAST)[DOWN_UNTIL]
    pull = clear_pull(api, run_id, shop, with_downstream=False)
    wait_for_state(stack, api, run_id, ("pull_logs", shop), "running")
    api.request("PATCH", pull, json={"new_state": "failed"})
    ended(stack, api, run_id)
    assert states_of(api, run_id)["pull_logs", shop] == "failed"
    clear_pull(api, run_id, shop, with_downstream=True)
    assert ended(stack, api, run_id) == "success"
    assert tables(lake) == clean_run(lake, "killed")
    assert missing(lake) == [None, None, None]
