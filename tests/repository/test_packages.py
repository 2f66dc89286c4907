"""The audit and the list of packages, by uv, with an index and an advisory service of this test."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from scripts import packages

WANTED = ["pie==1.0", "tart==2.0 ; python_full_version >= '3.12'"]
WHEELS = ("pie-1.0-py3-none-any.whl", "tart-2.0-py3-none-any.whl")


def wheel(name: str) -> bytes:
    package, version, *_ = name.split("-")
    place, file = f"{package}-{version}.dist-info", io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        for entry, text in (
            ("METADATA", metadata),
            ("WHEEL", "Wheel-Version: 1.0"),
            ("RECORD", ""),
        ):
            archive.writestr(zipfile.ZipInfo(f"{place}/{entry}"), text)  # with a fixed date
    return file.getvalue()


class Services(BaseHTTPRequestHandler):
    """A package index (PEP 503), and the part of the OSV API that uv uses."""

    vulnerable = ""

    def do_GET(self) -> None:
        part = self.path.strip("/").split("/")[-1]
        if part in WHEELS:
            self.send(wheel(part))
        elif part == "OSV-1":
            self.send(json.dumps(_advisory(self.vulnerable)).encode())
        else:
            name = next((one for one in WHEELS if one.startswith(part)), "")
            digest = hashlib.sha256(wheel(name)).hexdigest() if name else ""
            self.send(f'<a href="/{name}#sha256={digest}">{name}</a>'.encode(), "text/html")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        known = {"vulns": [{"id": "OSV-1", "modified": "2026-01-01T00:00:00Z"}]}
        names = [one["package"]["name"] for one in asked]
        results = [known if name == self.vulnerable else {} for name in names]
        self.send(json.dumps({"results": results}).encode())

    def send(self, body: bytes, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def _advisory(name: str) -> dict[str, Any]:
    events = [{"introduced": "0"}, {"fixed": "3.1"}]
    versions = [{"type": "ECOSYSTEM", "events": events}]
    affected = [{"package": {"ecosystem": "PyPI", "name": name}, "ranges": versions}]
    return {"id": "OSV-1", "modified": "2026-01-01T00:00:00Z", "affected": affected}


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Services) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{found}/simple")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        for name in ("UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
            monkeypatch.delenv(name, raising=False)
        yield found
        server.shutdown()


def test_an_audit_of_all_packages_says_how_many(url: str) -> None:
    assert packages.audit(WANTED, "--service-url", url) == (
        "Audited 2 packages. Known vulnerabilities: none.",
        0,
    )


def test_a_known_vulnerability_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Services, "vulnerable", "tart")
    sentence, status = packages.audit(WANTED, "--service-url", url)
    assert status == packages.KNOWN
    head, line = sentence.splitlines()
    assert head == "Audited 2 packages. Known vulnerabilities: 1."
    assert line.startswith("tart 2.0: OSV-1, repaired in 3.1.")


def test_an_audit_that_could_not_run_is_not_a_result(url: str) -> None:
    with pytest.raises(packages.NoResult):
        packages.audit(WANTED, "--service-url", "http://127.0.0.1:1")
    with pytest.raises(packages.NoResult):
        packages.audit(["missing==1.0"], "--service-url", url)


def test_an_audit_that_skipped_packages_does_not_say_that_none_is_known() -> None:
    report = {"summary": {"audited_packages": 1}, "vulnerabilities": []}
    sentence, status = packages.describe(report, 2)
    assert sentence.startswith("Audited only 1 of 2 packages")
    assert "none" not in sentence
    assert status == packages.NOT_AUDITED


def test_the_list_has_every_package_with_its_hash(url: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "sbom.json"
    assert packages.write_sbom(WANTED, target) == f"Wrote {target}: 2 packages of requirements.txt."
    stored = json.loads(target.read_text())
    assert stored["bomFormat"] == "CycloneDX"
    assert [one["purl"].split("?")[0] for one in stored["components"]] == [
        "pkg:pypi/pie@1.0",
        "pkg:pypi/tart@2.0",
    ]
    assert all(one["externalReferences"][0]["hashes"] for one in stored["components"])
