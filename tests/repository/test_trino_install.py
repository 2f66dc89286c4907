"""What `make test-trino` needs is found, or named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import trino_install
from tests.support.required import require_program

NO_NETWORK = "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9 -Dhttp.proxyHost=127.0.0.1"


def java(directory: Path, version: str) -> Path:
    """A directory that says, as every Java does, which version it is."""
    (directory / "bin").mkdir(parents=True)
    (directory / "bin" / "java").touch()
    (directory / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\n')
    return directory


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory where Java is looked for."""
    monkeypatch.setattr(trino_install, "JAVA_HOMES", tmp_path / "jvm")
    monkeypatch.setattr(trino_install, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path / "jvm"


def test_the_newest_java_is_used(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java(homes / "own", "24.0.1")))
    newest = java(homes / "java-25", "25.0.2")
    java(homes / "java-17", "17.0.12")
    assert trino_install.java_home() == newest


@pytest.mark.parametrize("version", ["17.0.12", "23", "1.8.0"])
def test_an_old_java_is_no_java(homes: Path, version: str) -> None:
    java(homes / "java", version)
    with pytest.raises(trino_install.ToolMissing, match="Java 24 is missing: install"):
        trino_install.java_home()


def test_a_directory_without_a_server_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRINO", str(tmp_path))
    with pytest.raises(trino_install.ToolMissing, match="holds no bin/launcher"):
        trino_install.server_directory()


def test_a_missing_maven_is_reported_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRINO", raising=False)
    monkeypatch.setattr(trino_install, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(trino_install.ToolMissing, match="mvn is missing: install the package"):
        trino_install.server_directory()
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.trino
def test_a_refused_download_has_its_own_exit_code(tmp_path: Path) -> None:
    require_program("mvn", "maven")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "TRINO"},
        "MAVEN_OPTS": f"-Dmaven.repo.local={tmp_path / 'repository'} {NO_NETWORK}",
    }
    code = (
        "import sys, pathlib; from tests.support import trino_install; "
        f"trino_install.CACHE = pathlib.Path({str(tmp_path / 'cache')!r}); "
        "sys.exit(trino_install.main())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, env=environment
    )
    assert run.returncode == trino_install.NOT_DOWNLOADED, run.stderr
    assert "Trino is missing: Maven did not download" in run.stderr
