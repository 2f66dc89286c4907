"""Paths that only a search for weak spots asks for, on a site that has nothing there."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

SCANNER_PATHS = (
    # Secrets and version control that were left on the server by mistake.
    *("/.env", "/.git/", "/.svn/", "/.hg/", "/.aws/", "/.ssh/", "/.vscode/", "/.ds_store"),
    *("/.htaccess", "/.htpasswd", "/.npmrc", "/.docker", "/.bash_history", "id_rsa"),
    *("/web.config", "wp-config"),
    # Dumps and backups.
    *("/backup.", "/backups/", "/dump.sql", "/db.sql", "/database.sql", ".sql.gz"),
    # Well-known programs to break into.
    *("wp-login.php", "xmlrpc.php", "wlwmanifest.xml", "phpmyadmin", "/pma/", "/adminer"),
    *("/cgi-bin/", "/server-status", "/actuator", "/solr/admin", "/manager/html", "/jmx-console"),
    *("/hnap1", "/boaform", "/setup.cgi", "/goform/", "/owa/auth", "/telescope/"),
    *("/_ignition/", "/vendor/phpunit", "eval-stdin.php", "phpinfo", "/invoker/", "/geoserver/"),
    # Ways out of the site's folder.
    *("/etc/passwd", "../", "..\\", "/bin/sh"),
)
"""Parts of a path, in lower case. A site that runs one of these programs takes its part out."""


def is_scanner_path(path: str, parts: tuple[str, ...] = SCANNER_PATHS) -> bool:
    """Whether the path holds any of the parts, however it is written: in capitals, percent-coded.

    It is decoded twice, because scanners hide their ways out of a folder by coding them twice.
    """
    pattern = _pattern(parts)
    return pattern is not None and pattern.search(unquote(unquote(path)).lower()) is not None


@lru_cache(maxsize=16)
def _pattern(parts: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, parts))) if parts else None
