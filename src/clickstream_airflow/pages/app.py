"""The web application of the pages: routes, login check, and the frame around a page.

Airflow does not check the login for a plugin's application. So every route here depends on the
login check of Airflow's own API, and the routes that FastAPI adds by default are switched off.
"""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files
from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from clickstream.errors import ClickstreamError
from clickstream.wording import quantity
from clickstream_airflow.addresses import (
    URL_PREFIX,
    airflow_path,
    dashboard_address,
    has_external_views,
)
from clickstream_airflow.pages import docs_pages, ledger_rows
from clickstream_airflow.task_links import runbook_section

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
NO_INSTANCE = "No such task instance exists."
LOGIN_REQUIRED = "Log in to Airflow in this browser, then open the link again."

_templates = Environment(loader=PackageLoader("clickstream_airflow.pages"), autoescape=True)
_templates.globals |= {"column_text": ledger_rows.column_text, "quantity": quantity}
_templates.globals["dashboard_address"] = dashboard_address
_may_read_task = Depends(requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE))


def build_app() -> FastAPI:
    """Build the application; without a valid login it answers every request with status 401."""
    app = FastAPI(dependencies=[Depends(get_user)], openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/pages.css", show_styles)
    app.add_api_route("/docs/{name:path}", show_docs)
    app.add_api_route("/ledger/{dag_id}/{task_id}", show_ledger, dependencies=[_may_read_task])
    app.add_api_route(
        "/dashboard/{dag_id}/{task_id}",
        lead_to_dashboard,
        dependencies=[_may_read_task],
        response_model=None,
    )
    app.add_exception_handler(HTTPException, show_refusal)
    return app


def show_styles() -> Response:
    """Return the style sheet of all pages."""
    styles = files("clickstream_airflow.pages") / "pages.css"
    return Response(styles.read_text(encoding="utf-8"), media_type="text/css")


def show_docs(name: str) -> HTMLResponse:
    """Show a page of docs/, such as runbook.md."""
    text = docs_pages.read(name)
    if text is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"The documentation has no page docs/{name}.")
    page = docs_pages.render(text)
    return _render("docs.html", page.title, content=Markup(page.html))  # noqa: S704, rendered here


def show_ledger(dag_id: str, task_id: str, run_id: str, map_index: int = -1) -> HTMLResponse:
    """Show the rows of `hour_ledger` of the hours that a task instance builds."""
    found = ledger_rows.find(dag_id, task_id, run_id, map_index)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, NO_INSTANCE)
    section = f"{airflow_path()}{URL_PREFIX}/docs/runbook.md#{runbook_section(task_id)}"
    has_dashboard = has_external_views()
    return _render(
        "ledger.html", found.title, found=found, section=section, has_dashboard=has_dashboard
    )


def lead_to_dashboard(dag_id: str, task_id: str, run_id: str, map_index: int = -1) -> Response:
    """Redirect to the hours that a task instance builds, on the dashboard inside Airflow."""
    try:
        span = ledger_rows.span_of_instance(dag_id, task_id, run_id, map_index)
    except ClickstreamError as error:
        raise HTTPException(HTTPStatus.CONFLICT, error.printed) from None
    if span is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, NO_INSTANCE)
    first, last = span
    page = f"hours/{first}" if first == last else f"hours/{first}/{last}"
    return RedirectResponse(dashboard_address(page), HTTPStatus.FOUND, headers=HEADERS)


def show_refusal(_request: Request, error: Any) -> HTMLResponse:
    """Show one sentence: why the page can't be shown."""
    is_anonymous = error.status_code == HTTPStatus.UNAUTHORIZED
    sentence = LOGIN_REQUIRED if is_anonymous else str(error.detail)
    title = HTTPStatus(error.status_code).phrase
    return _render("refusal.html", title, error.status_code, sentence=sentence)


def _render(template: str, title: str, status: int = HTTPStatus.OK, **values: Any) -> HTMLResponse:
    values |= {
        "title": title,
        "airflow": f"{airflow_path()}/",
        "pages": airflow_path() + URL_PREFIX,
    }
    html = _templates.get_template(template).render(values)
    return HTMLResponse(html, status_code=status, headers=HEADERS)
