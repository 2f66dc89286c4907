"""The file `env.sh`, by which a shell uses a running local stack, and a check of its settings.

The stack writes `env.sh` to its state directory when it starts, and deletes it when it stops.
Commands in a shell that has read it (`. var/env.sh`) use the stack's AWS and its settings. This
module imports nothing of the stack, because `clickstream build` on AWS imports it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, MutableMapping
from itertools import pairwise
from pathlib import Path

from clickstream.core.errors import OtherSettings
from clickstream.settings import Settings
from clickstream.settings.loading import ENDPOINT_VARIABLE, FILE_VARIABLE, PREFIX

NAME = "env.sh"
LOCK_NAME = "stack.lock"
"""The file with the process id of the stack, in the same directory."""

AWS_VARIABLES = (
    ENDPOINT_VARIABLE,
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EC2_METADATA_DISABLED",
)
LIST_VARIABLE = "STACK_VARIABLES"
"""The variable that lists the other variables of the file."""

SOCKET_VARIABLE = "PGHOST"
"""The variable with the directory of PostgreSQL's socket, where libpq finds the café's shop."""

DASHBOARD_URL_VARIABLE = "STACK_DASHBOARD_URL"
"""The default address of `clickstream dashboard link` and `share`."""

DASHBOARD_DIRECTORY_VARIABLE = f"{PREFIX}DASHBOARD__DIRECTORY"
"""Each stack has its own dashboard. Commands that change the lake do not need this variable."""

_TEXT = """\
# Points a shell at the local stack in {directory}: read it by `. {path}`.
# Settings and credentials that the shell has of its own are replaced.
for name in $(env | sed -n 's/^\\({prefix}[A-Za-z0-9_]*\\)=.*/\\1/p'); do unset "$name"; done
unset name AWS_PROFILE AWS_SESSION_TOKEN
case ":$PATH:" in *:{programs}:*) ;; *) PATH={programs}:$PATH ;; esac
"""


def text_of(path: Path, environment: Mapping[str, str], programs: Path) -> str:
    """Build the file's text from the environment of the stack's processes.

    `programs` is the directory of the `clickstream` command, which the file adds to PATH.
    """
    quoted = {"directory": str(path.parent), "path": shlex.quote(str(path)), "prefix": PREFIX}
    text = _TEXT.format(**quoted, programs=shlex.quote(str(programs)))
    chosen = {
        name: value
        for name, value in sorted(environment.items())
        if name in (*AWS_VARIABLES, DASHBOARD_URL_VARIABLE, SOCKET_VARIABLE)
        or name.startswith(PREFIX)
    }
    chosen[LIST_VARIABLE] = " ".join(chosen)
    exports = (f"export {name}={shlex.quote(value)}\n" for name, value in chosen.items())
    return "".join([text, *exports])


def drop_stack_variables(environment: MutableMapping[str, str]) -> None:
    """Remove the variables that a shell has read from `env.sh`, before another stack starts."""
    for name in environment.pop(LIST_VARIABLE, "").split():
        environment.pop(name, None)


def source_command(path: Path) -> str:
    """Return the shell command that reads the file."""
    return f". {shlex.quote(str(path))}"


def check_beside_stack(settings: Settings, environment: Mapping[str, str] | None = None) -> None:
    """Raise SettingsError if a local stack runs on the same endpoint with other settings.

    Otherwise the command would build hours with its settings, and the stack's next run would build
    them again with its own.
    """
    environment = os.environ if environment is None else environment
    for path in _running_stacks(settings.resolve("var")):
        stack = _variables(path)
        if stack.get(ENDPOINT_VARIABLE) != settings.aws.endpoint_url:
            continue
        if different := [*_different(stack, environment, settings.directory)]:
            raise OtherSettings(
                f"The local stack on {settings.aws.endpoint_url} has other settings than this "
                f"shell: {', '.join(different)}. Load the stack's settings by "
                f"`{source_command(path)}` and run the command again. To use other settings, "
                "restart the stack with them."
            )


def _running_stacks(var: Path) -> Iterator[Path]:
    """Yield the files of running stacks."""
    for path in sorted([*var.glob(NAME), *var.glob(f"*/{NAME}")]):
        try:
            os.kill(int((path.parent / LOCK_NAME).read_text(encoding="utf-8")), 0)
        except (OSError, ValueError):  # the stack was killed before it could delete its file
            continue
        yield path


def _variables(path: Path) -> dict[str, str]:
    """Return the variables that the file exports."""
    words = shlex.split(path.read_bytes().decode(), comments=True)
    exported = (word for before, word in pairwise(words) if before == "export")
    return dict(word.split("=", 1) for word in exported)


def _different(
    stack: Mapping[str, str], environment: Mapping[str, str], directory: Path
) -> Iterator[str]:
    for name, value in stack.items():
        if not name.startswith(PREFIX) or environment.get(name) == value:
            continue
        if name == DASHBOARD_DIRECTORY_VARIABLE:
            continue
        if name == FILE_VARIABLE and Path(value).parent == directory:
            continue  # commands find this file without the variable
        yield f"{name} is {'different' if name in environment else 'not set'}"
