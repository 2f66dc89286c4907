"""STS, with only the operation GetCallerIdentity, by which clients learn their identity."""

from __future__ import annotations

from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from starlette.responses import Response

from localaws.service import ACCOUNT_ID

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def action_of(body: bytes) -> str:
    """Return the action of a query-protocol request; empty if it names none."""
    return parse_qs(body.decode("utf-8", "replace")).get("Action", [""])[0]


def answer(action: str) -> Response:
    """Answer a request; other actions than GetCallerIdentity are refused by name."""
    if action != "GetCallerIdentity":
        return _refusal(action)
    root = ET.Element("GetCallerIdentityResponse", xmlns=_NAMESPACE)
    result = ET.SubElement(root, "GetCallerIdentityResult")
    ET.SubElement(result, "Arn").text = f"arn:aws:iam::{ACCOUNT_ID}:root"
    ET.SubElement(result, "UserId").text = ACCOUNT_ID
    ET.SubElement(result, "Account").text = ACCOUNT_ID
    return _respond(root, 200)


def _refusal(action: str) -> Response:
    root = ET.Element("ErrorResponse", xmlns=_NAMESPACE)
    error = ET.SubElement(root, "Error")
    ET.SubElement(error, "Type").text = "Sender"
    ET.SubElement(error, "Code").text = "NotImplemented"
    ET.SubElement(error, "Message").text = f"localaws does not implement sts {action}."
    return _respond(root, 501)


def _respond(root: ET.Element, status: int) -> Response:
    return Response(ET.tostring(root), status, media_type="text/xml")
