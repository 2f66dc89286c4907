"""Fields of the dashboard's forms, which browsers send as application/x-www-form-urlencoded."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qs

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

MAX_FORM_BYTES = 16_384
MAX_FIELDS = 10


async def read_form(request: Request, max_bytes: int = MAX_FORM_BYTES) -> dict[str, str]:
    """Read the fields of a form; refuse a large one before it fills the memory.

    A client that disconnects is refused, so the log has no traceback.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is too large.")
    except ClientDisconnect:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The form is incomplete.") from None
    try:
        fields = parse_qs(body.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The form has too many fields.") from None
    return {name: values[-1] for name, values in fields.items()}
