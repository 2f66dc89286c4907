"""Starts a command after the services that it needs accept requests; the Procfile uses it.

    python -m clickstream.demo.stack.wait_for postgres api -- airflow scheduler

waits for PostgreSQL and Airflow's API, then replaces itself by `airflow scheduler`. It reads the
addresses from the environment variables of Airflow and boto3.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from clickstream.demo.stack.layout import StackError

DEADLINE_SECONDS = 600
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
    """Whether Airflow's API answers. Tasks of a scheduler that starts earlier would fail."""
    address = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    return status_of(f"{address}/api/v2/version") == HTTPStatus.OK


def aws_answers() -> bool:
    """Whether the local AWS answers; always true without an endpoint, which means real AWS."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return not endpoint or status_of(endpoint) is not None


def status_of(url: str) -> int | None:
    """Return the HTTP status of a GET request; None if there is no answer.

    Several processes ask several times a second while Airflow starts. `httpx.get` would use 80 ms
    of CPU time for each request, because it loads the certificates that HTTPS needs.
    """
    address = urlsplit(url)
    connection = HTTPConnection(address.netloc, timeout=5)
    try:
        connection.request("GET", address.path or "/")
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


CHECKS: Mapping[str, Callable[[], bool]] = {
    "postgres": postgres_answers,
    "api": api_answers,
    "aws": aws_answers,
}


def wait_for(name: str, deadline_seconds: float = DEADLINE_SECONDS) -> None:
    """Return when the named service answers. Raises StackError after the deadline."""
    deadline = time.monotonic() + deadline_seconds
    while not CHECKS[name]():
        if time.monotonic() > deadline:
            raise StackError(f"{name} did not answer within {deadline_seconds:.0f} s; see its log.")
        time.sleep(_PAUSE_SECONDS)


def main(arguments: list[str]) -> None:
    """Wait for the services named before `--`, then replace the process by the command after it."""
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
