"""The dashboard's application in Airflow's API server, with a local copy for each process."""

from __future__ import annotations

import atexit
import shutil
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from starlette.exceptions import HTTPException as StarletteHttpException

from clickstream.core.errors import UnusableDashboardFile
from clickstream.dashboard.access import guard
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.ask.engines import AnswerEngine, LocalEngine
from clickstream.dashboard.ask.fact_copy import CopyInUse
from clickstream.dashboard.entries import private_files
from clickstream.dashboard.web.app import build_app
from clickstream.dashboard.web.service import DashboardService
from clickstream.lake import Lake, aws_errors
from clickstream_airflow.dashboard import login
from clickstream_airflow.lake import refer_to_lake

# The local copy of the facts in a process of Airflow's API server.
#
# Only one process can open a copy. Each worker of the API server uses the first free one of
# `airflow-1`, `airflow-2` … in the dashboard's directory. The separate dashboard has its own copy.

MOST_COPIES = 16
"""The limit of copies, and of the workers of an API server that share a directory."""


def open_engine(lake: Lake) -> AnswerEngine | None:
    """Open the first free copy, and delete other free copies, which ended workers have left.

    Return None if the settings choose Athena, which needs no copy. Raises InputError if the
    directory can't be written, or if all copies are in use.
    """
    chosen = lake.settings.dashboard
    if chosen.engine != "local":
        return None
    directory = lake.settings.resolve(chosen.directory)
    # A lock prevents that a worker deletes a copy that another worker is about to open.
    with private_files.exclusive_access(directory):
        opened: AnswerEngine | None = None
        for number in range(1, MOST_COPIES + 1):
            path = directory / f"airflow-{number}"
            if opened is None:
                opened = _open(lake, path)
            elif path.is_dir() and (leftover := _open(lake, path)):
                leftover.close()
                shutil.rmtree(path, ignore_errors=True)
    if opened is None:
        raise CopyInUse(
            f"All {MOST_COPIES} copies of the facts in {directory} are in use. Run fewer workers "
            "of Airflow's API server, or give each server a directory of its own by "
            "CLICKSTREAM_DASHBOARD__DIRECTORY."
        )
    return opened


def _open(lake: Lake, path: Path) -> AnswerEngine | None:
    """Open the copy in this directory; None if another process has it open.

    Airflow's umask may let others read DuckDB's write-ahead log, so they may not enter.
    """
    try:
        private_files.create_directory(path)
        path.chmod(private_files.PRIVATE_DIRECTORY)
        return LocalEngine(lake, path)
    except CopyInUse:
        return None
    except OSError as error:
        raise UnusableDashboardFile(
            f"Can't write {path}: {error.strerror}. Set directory in the section [dashboard] of "
            "the settings to one that the API server may write to."
        ) from None


@aws_errors.translate_errors()
def build_dashboard() -> FastAPI:
    """Build the application, look for facts once, and start the thread that refreshes them.

    Raises ClickstreamError if the settings can't be read or the directory can't be written. If AWS
    can't be reached, the dashboard shows the facts in the local copy.
    """
    lake = refer_to_lake()
    app = build_app(
        lake.settings,
        lake=lake,
        engine=open_engine(lake),
        dependencies=login.CHECKS,
        protect=_protect,
    )
    dashboard: DashboardService = app.state.dashboard
    # A mounted application gets no lifespan events: start it here, and stop it with the process.
    dashboard.refresher.look()
    dashboard.start()
    atexit.register(dashboard.stop)
    return app


def _protect(app: FastAPI, _dashboard: DashboardService) -> None:
    """Make every path, existing or not, answer only after the checks of the user."""
    app.add_api_route("/{path:path}", _show_nothing, methods=login.ALL_METHODS)
    show_error: Any = app.exception_handlers[StarletteHttpException]

    def show_http_error(request: Request, error: Exception) -> Response:
        is_known = isinstance(getattr(request.state, "identity", None), Identity)
        show = show_error if is_known else login.show_refusal
        response: Response = show(request, error)
        return response

    app.add_exception_handler(StarletteHttpException, show_http_error)
    guard.install_embedded(app)


def _show_nothing(path: str) -> None:  # noqa: ARG001, the route has it
    raise HTTPException(HTTPStatus.NOT_FOUND, "This page does not exist.")
