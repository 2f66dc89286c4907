"""The demo: its output, its results, and the command of the Makefile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import httpx
from tests.support.facts import manifest
from tests.support.free_ports import free_ports
from tests.support.lake_settings import ROOT

from clickstream.core.hours import hour_range
from clickstream.lake import hour_ledger

STEPS = (
    "Local AWS",
    "Older hours",
    "Sales",
    "The dashboard's facts",
    "The dashboard:",
    "Airflow's backfill",
    "What did we sell?",
    "Which items sell best?",
    "Airflow's hourly runs",
    "Verification",
    "All is built and verified",
)


def test_every_hour_is_built_and_verified(demo) -> None:
    hourly, hours = demo.plan.hourly, demo.plan.all
    assert demo.problems == []
    assert demo.runs == dict.fromkeys(hour_range(hourly.first, hourly.last), "success")
    assert demo.report.hours == len(hours)
    assert len(hour_ledger.published_hours(demo.lake, hours.first, hours.last)) == len(hours)


def test_every_date_is_on_the_dashboard(demo) -> None:
    hours = demo.plan.all
    dates = {hour.event_date for hour in hour_range(hours.first, hours.last)}
    files = manifest(demo.lake).files
    assert dates <= files["hour_facts"].keys()
    assert dates <= files["session_facts"].keys()


def test_the_steps_are_printed_in_order(demo, demo_output) -> None:
    shown = demo_output.getvalue()
    places = [shown.index(step) for step in STEPS]
    assert places == sorted(places)


def test_the_printed_link_logs_in(demo, demo_output) -> None:
    [link] = re.findall(r"http://\S+/login/once/\S+", demo_output.getvalue())
    with httpx.Client(follow_redirects=True) as client:
        page = client.get(link, timeout=60)
    assert page.status_code == httpx.codes.OK
    assert "AnyCompany Café" in page.text


def test_make_demo_is_refused_where_a_stack_runs(demo, project: Path) -> None:
    """Its command line is the real one, and its failure is that of make."""
    (project / ".venv").symlink_to(sys.prefix)
    ports = zip(("PORT", "AWS_PORT", "DASHBOARD_PORT"), astuple(free_ports()), strict=True)
    command = ["make", "--file", str(ROOT / "Makefile"), "--old-file", ".venv/run.stamp"]
    command += ["demo", "EXIT=1", *(f"{name}={port}" for name, port in ports)]
    made = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert made.returncode == 2
    said = " ".join((made.stdout + made.stderr).split())
    assert f"A stack already runs in {project} (process {os.getpid()})" in said
