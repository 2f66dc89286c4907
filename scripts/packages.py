"""List the packages of requirements.txt (`packages.py sbom FILE`), or audit them (`… audit`).

uv does both for a project with a lock. So these commands lock a temporary project whose
dependencies are the pins of requirements.txt. `make sbom`, `make audit` and CI call this.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
PREVIEW = "audit-command,json-output,sbom-export"
KNOWN, NOT_AUDITED = 1, 2
"""Exit statuses: packages have known vulnerabilities; or not all packages could be audited."""


class NoResult(Exception):
    """A command failed, or its result is not complete."""


def pins(text: str) -> list[str]:
    """Return the requirements of a file, without their hashes: `numpy==2.3.1 ; marker`."""
    return [line.rstrip(" \\") for line in text.splitlines() if line and line[0] not in "# "]


def run(command: str, wanted: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run a command of uv on a project with these dependencies. Raises NoResult without a lock."""
    with tempfile.TemporaryDirectory() as directory:
        project = (
            '[project]\nname = "clickstream-packages"\nversion = "0"\n'
            f'requires-python = ">=3.11,<3.14"\ndependencies = {json.dumps(wanted)}\n'
        )
        Path(directory, "pyproject.toml").write_text(project, encoding="utf-8")
        locked = _uv(directory, "lock")
        if locked.returncode:
            raise NoResult(locked.stderr)
        return _uv(directory, command, "--frozen", "--preview-features", PREVIEW, *options)


def _uv(directory: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [UV, *arguments]
    return subprocess.run(command, cwd=directory, check=False, capture_output=True, text=True)


def write_sbom(wanted: list[str], target: Path) -> str:
    """Write the packages with versions, hashes and dependencies as CycloneDX 1.5 (JSON)."""
    exported = run("export", wanted, "--format", "cyclonedx1.5")
    if exported.returncode:
        raise NoResult(exported.stderr)
    components = json.loads(exported.stdout)["components"]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(exported.stdout, encoding="utf-8")
    return f"Wrote {target}: {len(components)} packages of requirements.txt."


def audit(wanted: list[str], *options: str) -> tuple[str, int]:
    """Look the packages up in the OSV database; return a sentence and the exit status."""
    audited = run("audit", wanted, "--output-format", "json", *options)
    try:
        return describe(json.loads(audited.stdout), len({pin.split(" ;")[0] for pin in wanted}))
    except (ValueError, KeyError, TypeError):
        raise NoResult(audited.stderr or audited.stdout) from None


def describe(report: dict[str, Any], wanted: int) -> tuple[str, int]:
    """Describe uv's report on `wanted` packages; return a sentence and the exit status."""
    audited = report["summary"]["audited_packages"]
    of_all = f"{audited} packages" if audited == wanted else f"only {audited} of {wanted} packages"
    vulnerabilities = [
        f"{entry['dependency']['name']} {entry['dependency']['version']}: {entry['id']}, "
        f"repaired in {', '.join(entry['fix_versions']) or 'no version'}. {entry['link']}"
        for entry in report["vulnerabilities"]
    ]
    if vulnerabilities:
        head = f"Audited {of_all}. Known vulnerabilities: {len(vulnerabilities)}."
        return "\n".join([head, *vulnerabilities]), KNOWN
    if audited != wanted:
        return f"Audited {of_all}, so vulnerabilities may be unknown.", NOT_AUDITED
    return f"Audited {of_all}. Known vulnerabilities: none.", 0


def main(command: str, *arguments: str) -> int:
    """Run `sbom FILE` or `audit`; print the result, and return the exit status."""
    wanted = pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    try:
        if command == "sbom":
            sentence, status = write_sbom(wanted, Path(*arguments)), 0
        else:
            sentence, status = audit(wanted, *arguments)
    except NoResult as error:
        verb = "list" if command == "sbom" else "audit"
        sentence, status = f"Could not {verb} the packages: {str(error).strip()}", NOT_AUDITED
    print(sentence)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
