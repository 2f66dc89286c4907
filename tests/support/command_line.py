"""Commands of `clickstream` with their settings, environment, input and output, in this process.

A new Python process needs 2 s of CPU time for its imports, more than most commands.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

if TYPE_CHECKING:
    from tests.support.localaws_process import LocalAwsProcess


def clean_environment() -> dict[str, str]:
    """The environment without credentials of AWS and without settings."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CLICKSTREAM_"))}


class CommandLine:
    """Runs a command of `clickstream` beside its settings, with a local AWS."""

    def __init__(
        self, name: str, directory: Path, settings: str, aws: LocalAwsProcess, columns: int
    ) -> None:
        (directory / "clickstream.toml").write_text(settings, encoding="utf-8")
        self.name, self.directory, self.endpoint = name, directory, aws.endpoint
        own = {**aws.environment(), "COLUMNS": str(columns)}
        self.environment = clean_environment() | own

    def run(self, *arguments: str) -> CompletedProcess[str]:
        return run_command((self.name, *arguments), self.directory, self.environment)


def run_command(
    arguments: tuple[str, ...], directory: Path, environment: Mapping[str, str], stdin: str = ""
) -> CompletedProcess[str]:
    """Run `clickstream` with arguments in a directory; returns its exit code and output."""
    import tests.support.service_descriptions  # noqa: F401 (read once for all sessions)

    from clickstream import cli
    from clickstream.cli import console

    umask = os.umask(0)
    os.umask(umask)
    variables = {**dict.fromkeys(os.environ), **environment}
    with (
        pytest.MonkeyPatch.context() as patch,
        CliRunner().isolation(stdin, variables) as (out, err, _),
    ):
        patch.chdir(directory)
        patch.setattr(sys, "argv", ["clickstream", *arguments])
        patch.setattr(os, "_exit", sys.exit)
        patch.setattr(tempfile, "tempdir", None)  # that of the environment
        for screen in (console.out, console.err):
            patch.setattr(screen, "_width", None)  # that of COLUMNS, not of the first command
        try:
            cli.main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            os.umask(umask)
        sys.stdout.flush()
        sys.stderr.flush()
        texts = [stream.getvalue().decode().replace("\r\n", "\n") for stream in (out, err)]
    return CompletedProcess(arguments, status, *texts)
