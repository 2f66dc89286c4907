"""Start the local AWS from the command line: ``python -m localaws --root DIR --port N``."""

from __future__ import annotations

import argparse
import re
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from localaws.athena.engine import DEFAULT, Limits
from localaws.errors import StartError
from localaws.server import build_app
from localaws.store import lock_root

HOST = "127.0.0.1"
ALL_INTERFACES = "0.0.0.0"  # noqa: S104
DEFAULT_PORT = 4566
GRACE_SECONDS = 5
# Longer than clients keep idle connections for reuse, so that the client closes them, not we.
KEEP_ALIVE_SECONDS = 120
BACKLOG = 512


class _Server(uvicorn.Server):
    """Prints its address when it accepts requests, for the process that started it."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()
            print(f"localaws listens on http://{host}:{port}", flush=True)  # noqa: T201


def main() -> int:
    """Run until SIGTERM or SIGINT, and return the exit status."""
    arguments = _parser().parse_args()
    root: Path = arguments.root.resolve()
    limits = Limits(seconds=60 * arguments.query_minutes)
    try:
        lock = lock_root(root)
        listener = _listen(ALL_INTERFACES if arguments.host_name else HOST, arguments.port)
        app = build_app(root, limits, dict(arguments.workgroup), arguments.host_name)
    except StartError as error:
        print(f"localaws: {error}", file=sys.stderr)  # noqa: T201
        return 1
    # uvicorn stops on these signals and raises them again after it has stopped. The second time
    # they are ignored, so that a requested stop exits with status 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    with lock, listener:
        server.run(sockets=[listener])
    return 0 if server.started else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m localaws",
        description="Serve S3, the Glue Data Catalog, Athena and Secrets Manager on 127.0.0.1. "
        "Acknowledged writes survive a crash.",
        epilog="example: python -m localaws --root .local/aws --port 4566\n"
        "then:    export AWS_ENDPOINT_URL=http://127.0.0.1:4566",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--root", type=Path, required=True, help="folder for all data; created if missing"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help=f"port to listen on, 0 for any free one (default: {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--host-name",
        default="",
        metavar="NAME",
        help="listen on all interfaces, for clients that use this host name; anyone who reaches "
        "the port may read and write everything, so use it only in a private network of containers",
    )
    parser.add_argument(
        "--query-minutes",
        type=_minutes,
        default=DEFAULT.seconds / 60,
        metavar="MINUTES",
        help="time limit of an Athena query; default and maximum are 30 minutes, as at AWS",
    )
    parser.add_argument(
        "--workgroup",
        type=_workgroup,
        action="append",
        default=[],
        metavar="NAME=S3_URI",
        help="workgroup of Athena and the location of its results; may be repeated. The workgroup "
        "primary exists in any case",
    )
    return parser


def _workgroup(text: str) -> tuple[str, str]:
    name, _, location = text.partition("=")
    if not re.fullmatch(r"[\w.-]{1,128}", name, re.ASCII) or not location.startswith("s3://"):
        raise argparse.ArgumentTypeError(
            f"{text} is not allowed; give a name and a location, as in primary=s3://bucket/results/"
        )
    return name, location


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes <= DEFAULT.seconds / 60:
        raise argparse.ArgumentTypeError(f"{text} is not allowed; give more than 0 and at most 30")
    return minutes


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises StartError if the port is in use or not permitted."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise StartError(
            f"Cannot listen on {host}:{port}: {error}. Choose another --port, or 0 for a free one."
        ) from error
    return listener


if __name__ == "__main__":
    sys.exit(main())
