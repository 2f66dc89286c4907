"""The file that points a shell at a running stack, read by real shells."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.core.errors import SettingsError
from clickstream.demo import environment_file
from clickstream.demo.stack import Ports, StackLayout
from clickstream.demo.stack.environment import airflow_environment
from clickstream.demo.stack.layout import Secrets, write_private
from clickstream.settings import load

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


def running(root: Path, more: dict[str, str], process: int | None = None) -> StackLayout:
    """A directory as a stack leaves it while it runs."""
    layout = StackLayout(root)
    layout.create()
    inherited = {"PATH": os.defpath, "HOME": "/home/x"}
    variables = airflow_environment(
        layout, Ports(18080, 14566, 18095), Secrets.of(layout), inherited
    )
    programs = Path(sys.executable).parent
    path = layout.environment_file
    write_private(path, environment_file.text_of(path, variables | more, programs))
    layout.lock_file.write_text(str(process or os.getpid()))
    return layout


def environment_after_reading(shell: str, path: Path, **before: str) -> dict[str, str]:
    show = f"{sys.executable} -c '{SHOW}'"
    command = f"{environment_file.source_command(path)} && {show}"
    done = subprocess.run(
        [shell, "-c", command], env=before, capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@given(st.dictionaries(st.sampled_from(["CLICKSTREAM_SITE__NAME", "CLICKSTREAM_A"]), TEXTS))
def test_shell_reads_every_value_as_the_stack_has_it(tmp_path: Path, more: dict[str, str]) -> None:
    layout = running(tmp_path / "a directory", more)
    found = environment_after_reading("sh", layout.environment_file, PATH=os.defpath)
    assert {name: found.get(name) for name in more} == more
    assert environment_file._variables(layout.environment_file).items() >= more.items()


@pytest.mark.parametrize(
    "shell", [name for name in ("sh", "bash", "dash", "zsh") if shutil.which(name)]
)
def test_shell_that_has_read_the_file_has_the_settings_of_the_stack_alone(
    tmp_path: Path, shell: str
) -> None:
    layout = running(tmp_path, {"CLICKSTREAM_GEOIP__DATABASE": "/x.mmdb"})
    found = environment_after_reading(
        shell,
        layout.environment_file,
        PATH=os.defpath,
        AWS_PROFILE="real",
        AWS_SESSION_TOKEN="real",
        CLICKSTREAM_GOALS="{}",
    )
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:14566"
    assert found["STACK_DASHBOARD_URL"] == "http://127.0.0.1:18095"
    assert found["CLICKSTREAM_GEOIP__DATABASE"] == "/x.mmdb"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "CLICKSTREAM_GOALS"} & set(found)
    assert found["PATH"] == f"{Path(sys.executable).parent}:{os.defpath}"
    assert not any(name.startswith("AIRFLOW") for name in found)  # and none of its secrets


def test_another_stack_begins_without_what_the_shell_has_read(tmp_path: Path) -> None:
    layout = running(tmp_path, {"CLICKSTREAM_SOURCES": "[]"})
    own = {"PATH": os.defpath, "CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS": "900"}
    found = environment_after_reading("sh", layout.environment_file, PATH=os.defpath)
    found |= own
    environment_file.drop_stack_variables(found)
    ours = ("AWS_", "CLICKSTREAM_", "STACK_", "PATH")
    assert {name: v for name, v in found.items() if name.startswith(ours)} == own


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    path = running(tmp_path, {}).environment_file
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def check(root: Path, **environment: str) -> None:
    environment_file.check_beside_stack(load(root / "clickstream.toml", environment), environment)


def test_command_beside_a_stack_has_its_settings_or_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clickstream.toml").touch()
    endpoint = {"AWS_ENDPOINT_URL": "http://127.0.0.1:14566"}
    places = {"CLICKSTREAM_GEOIP__DATABASE": "/x.mmdb"}
    layout = running(tmp_path, places)
    check(tmp_path, **endpoint, **places)
    check(tmp_path, **places, AWS_ENDPOINT_URL="http://127.0.0.1:4566")  # another AWS
    for other in ({}, {"CLICKSTREAM_GEOIP__DATABASE": "/y.mmdb"}):
        with pytest.raises(SettingsError) as error:
            check(tmp_path, **endpoint, **other)
        assert "CLICKSTREAM_GEOIP__DATABASE" in str(error.value)
        assert f"`. {layout.environment_file}`" in str(error.value)


def test_file_of_a_killed_stack_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "clickstream.toml").touch()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    running(tmp_path, {"CLICKSTREAM_GEOIP__DATABASE": "/x.mmdb"}, process=ended.pid)
    check(tmp_path, AWS_ENDPOINT_URL="http://127.0.0.1:14566")
