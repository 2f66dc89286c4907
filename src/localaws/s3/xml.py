"""The XML of S3: builds responses from dictionaries and parses request bodies."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from starlette.responses import Response

from localaws.errors import AwsError

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
MAX_DOCUMENT_BYTES = 8 << 20
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow (section 2.2).

A listing with encoding-type=url shows keys that have them.
"""


def response(root: str, content: Mapping[str, Any] | str) -> Response:
    """Build the response with an XML document: its text, or its children by name.

    A child is text, a number, a boolean, a mapping, a list (repeats the child) or None (no child).
    """
    element = ET.Element(root, xmlns=_NAMESPACE)
    if isinstance(content, str):
        element.text = content
    else:
        _fill(element, content)
    return Response(_to_bytes(element), media_type="application/xml")


def error_response(error: AwsError, bucket: str, key: str, is_head: bool) -> Response:
    """Build the error document of S3. A response to HEAD has no body."""
    request_id = uuid.uuid4().hex[:16].upper()
    element = ET.Element("Error")
    _fill(
        element,
        {
            "Code": error.code,
            "Message": error.message,
            **error.members,
            "BucketName": bucket or None,
            "Key": key or None,
            "Resource": f"/{bucket}/{key}" if key else f"/{bucket}",
            "RequestId": request_id,
            "HostId": "localaws",
        },
    )
    content = b"" if is_head else _to_bytes(element)
    headers = {"x-amz-request-id": request_id}
    return Response(content, error.status, headers, media_type="application/xml")


def parse(body: bytes) -> ET.Element:
    """Parse a request body and remove namespaces from names. Raises AwsError (MalformedXML)."""
    try:
        root = ET.fromstring(body)  # noqa: S314  expat itself stops entity bombs
    except ET.ParseError as error:
        raise malformed_xml() from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def malformed_xml() -> AwsError:
    """Build the error for a document that the operation does not accept."""
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def timestamp(seconds: float) -> str:
    """Unix seconds as S3 writes them in XML: whole seconds, ``.000Z``."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _fill(parent: ET.Element, content: Mapping[str, Any]) -> None:
    for name, value in content.items():
        for item in value if isinstance(value, list) else [value]:
            _append(parent, name, item)


def _append(parent: ET.Element, name: str, value: Any) -> None:
    if value is None:
        return
    child = ET.SubElement(parent, name)
    if isinstance(value, Mapping):
        _fill(child, value)
    else:
        child.text = str(value).lower() if isinstance(value, bool) else str(value)


def _to_bytes(element: ET.Element) -> bytes:
    for one in element.iter():
        if one.text:
            one.text = _NO_XML.sub("\N{REPLACEMENT CHARACTER}", one.text)
    data: bytes = ET.tostring(element, encoding="UTF-8", xml_declaration=True)
    # An XML parser would read a raw carriage return as a line feed.
    return data.replace(b"\r", b"&#13;")
