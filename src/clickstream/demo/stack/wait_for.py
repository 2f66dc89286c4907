"""Start a command once what it needs answers.

    python -m clickstream.demo.stack.wait_for postgres api -- airflow scheduler

waits for PostgreSQL and for Airflow's API, then becomes `airflow scheduler`. The addresses are the
ones Airflow and boto3 use themselves, read from the same environment variables.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping

import httpx

from clickstream.demo.stack.layout import StackError

DEADLINE_SECONDS = 180
_PAUSE_SECONDS = 0.2


def postgres_answers() -> bool:
    """Whether Airflow's metadata database accepts connections."""
    import psycopg2

    address = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "", 1)
    try:
        psycopg2.connect(address).close()
    except psycopg2.OperationalError:
        return False
    return True


def api_answers() -> bool:
    """Whether Airflow's API answers: a scheduler started earlier fails the tasks it starts."""
    address = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    return status_of(f"{address}/api/v2/version") == httpx.codes.OK


def aws_answers() -> bool:
    """Whether the local AWS answers at all; real AWS, without an endpoint, always does."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return not endpoint or status_of(endpoint) is not None


def status_of(url: str) -> int | None:
    """The HTTP status that a GET is answered with; None when nobody answers."""
    try:
        return httpx.get(url, timeout=5).status_code
    except httpx.TransportError:
        return None


CHECKS: Mapping[str, Callable[[], bool]] = {
    "postgres": postgres_answers,
    "api": api_answers,
    "aws": aws_answers,
}


def wait_for(name: str, deadline_seconds: float = DEADLINE_SECONDS) -> None:
    """Return once the named service answers; raise StackError when it does not in time."""
    deadline = time.monotonic() + deadline_seconds
    while not CHECKS[name]():
        if time.monotonic() > deadline:
            raise StackError(f"{name} did not answer within {deadline_seconds:.0f} s; see its log.")
        time.sleep(_PAUSE_SECONDS)


def main(arguments: list[str]) -> None:
    """Wait for the services named before `--`, then become the command after it."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    names, command = arguments[:end], arguments[end + 1 :]
    if not command or not set(names) <= set(CHECKS):
        sys.exit(f"Usage: wait_for {{{','.join(CHECKS)}}}... -- COMMAND [ARGUMENT]...")
    for name in names:
        wait_for(name)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except StackError as error:
        sys.exit(error.printed)
