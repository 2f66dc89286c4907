"""`make sbom` and `make audit` list and audit the pinned packages."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from scripts import packages


def write_wheel(directory: Path, name: str, version: str) -> None:
    """Write an empty package."""
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0",
        "RECORD": "",
    }
    with zipfile.ZipFile(directory / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for file, text in files.items():
            archive.writestr(f"{name}-{version}.dist-info/{file}", text)


def test_the_list_has_every_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_wheel(tmp_path, "pie", "1.0")
    write_wheel(tmp_path, "tart", "2.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    target = tmp_path / "new" / "sbom.json"
    packages.write_sbom(["pie==1.0", "tart==2.0 ; python_full_version >= '3.12'"], target)
    stored = json.loads(target.read_text())
    assert stored["bomFormat"] == "CycloneDX"
    assert [(each["name"], each["version"]) for each in stored["components"]] == [
        ("pie", "1.0"),
        ("tart", "2.0"),
    ]
    with pytest.raises(packages.NoResult):
        packages.audit(["missing==1.0"])


def report(audited: int, *vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    return {"summary": {"audited_packages": audited}, "vulnerabilities": [*vulnerabilities]}


def test_an_audit_reports_known_vulnerabilities_and_what_it_has_not_audited() -> None:
    tart = {
        "dependency": {"name": "tart", "version": "2.0"},
        **{"id": "OSV-1", "fix_versions": ["3.1"], "link": ""},
    }
    assert packages.describe(report(2), 2)[1] == 0
    sentence, status = packages.describe(report(2, tart), 2)
    assert (status, "tart 2.0: OSV-1, repaired in 3.1." in sentence) == (packages.KNOWN, True)
    sentence, status = packages.describe(report(1), 2)
    assert (status, "none" in sentence) == (packages.NOT_AUDITED, False)
