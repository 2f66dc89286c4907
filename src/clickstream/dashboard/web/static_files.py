"""Routes of style sheets, scripts, pictures and map shapes, which need no login."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, HTTPException, Request, Response

from clickstream.dashboard.charts.maps import read_shape, shapes_digest
from clickstream.dashboard.web.rendered_pages import compress_file, compressed_response
from clickstream.dashboard.web.rendering import ASSETS_DIGEST, STATIC, read_static
from clickstream.settings.dashboard import Icon

MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
ONE_YEAR = 365 * 24 * 3600


def add_static_routes(app: FastAPI, icon: Icon) -> None:
    """Add the routes to the application; `/static/favicon.svg` is the site's icon."""

    def show_icon(request: Request) -> Response:
        return show_static(f"{icon}.svg", request)

    app.add_api_route("/static/favicon.svg", show_icon)
    app.add_api_route("/static/{name}", show_static)
    app.add_api_route("/static/map/{name}", show_shape)


def show_static(name: str, request: Request) -> Response:
    """Serve a style sheet, script or picture; browsers may cache it if its URL has the digest."""
    if name not in STATIC:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such file.")
    return _static_file(read_static(name), name, request, ASSETS_DIGEST)


def show_shape(name: str, request: Request) -> Response:
    """Serve the shapes of a map: world.svg, or the outline of a country such as GB.svg."""
    content = read_shape(name)
    if content is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such map.")
    return _static_file(content, name, request, shapes_digest())


def _static_file(content: bytes, name: str, request: Request, digest: str) -> Response:
    """Send a file; browsers may cache it if its URL has the digest."""
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    is_digested = request.url.query == digest
    kept = f"public, max-age={ONE_YEAR}, immutable" if is_digested else "no-cache"
    return compressed_response(request, compress_file(content), {"Cache-Control": kept}, media_type)
