"""What the machine of a check observes: its disk, certificates, keys of agents, and Airflow."""

from __future__ import annotations

import json
import platform
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from urllib import request
from urllib.parse import urlsplit

from clickstream.alerts.observations import AirflowObservation, Expiry, MachineObservations
from clickstream.core.errors import UnusableRule
from clickstream.settings import Settings
from clickstream.step_config import read_agent_keys

SECONDS = 10
EXPIRED = 10
"""OpenSSL's number of the error about an expired certificate."""

HEARTBEAT = timedelta(minutes=1)
"""Age at which the scheduler's heartbeat, usually seconds old, counts as missing."""


def observe_machine(settings: Settings) -> MachineObservations:
    """Measure the disk, and read the ends of certificates and of agents' keys."""
    directory = tempfile.gettempdir()
    disk = shutil.disk_usage(directory)
    expiries, unread = [*_agent_keys(settings)], set[str]()
    for host, port in _https_hosts(settings):
        if end := certificate_end(host, port):
            expiries.append(Expiry(host, f"The certificate of {host}", end))
        else:
            unread.add(host)
    percent = 100 * disk.used / max(disk.used + disk.free, 1)
    return MachineObservations(
        platform.node() or "localhost", directory, percent, expiries, frozenset(unread)
    )


def _https_hosts(settings: Settings) -> set[tuple[str, int]]:
    addresses = map(urlsplit, (settings.dashboard.url, settings.alerts.airflow_url))
    return {(a.hostname or "", a.port or 443) for a in addresses if a.scheme == "https"}


def certificate_end(host: str, port: int, context: ssl.SSLContext | None = None) -> datetime | None:
    """Return when the certificate of a server ends; now if it has ended, None if it is unknown.

    A server that can't be reached or that is not trusted is not a matter of its certificate's end.
    """
    context = context or ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, port), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            end = (connection.getpeercert() or {}).get("notAfter")
    except ssl.SSLCertVerificationError as error:
        return datetime.now(UTC) if error.verify_code == EXPIRED else None
    except OSError:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(end)), UTC) if end else None


def _agent_keys(settings: Settings) -> Iterator[Expiry]:
    """Yield when the last key of each agent expires, if all its keys expire."""
    try:
        agents = read_agent_keys(settings)
    except UnusableRule:  # every build reports this
        return
    for name, keys in agents.items():
        ends = [key.expires for key in keys.values()]
        expiring = [end for end in ends if end is not None]
        if expiring and len(expiring) == len(ends):
            last = datetime.fromtimestamp(max(expiring), UTC)
            yield Expiry(name, f"The snapshot of the keys of {name} ([bots] agent_keys)", last)


def ask_airflow(
    url: str, now: datetime, silent_since: datetime | None, began: datetime
) -> AirflowObservation:
    """Ask Airflow for its scheduler's heartbeat; `silent_since` is that of the check before.

    Checks follow one another since `began`. The time before does not count: Airflow may have been
    stopped together with the watch, and starts again beside it. `GET /api/v2/monitor/health` needs
    no login.
    """
    address = f"{url.rstrip('/')}/api/v2/monitor/health"
    try:
        with request.urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 - by the settings
            scheduler = json.load(answer)["scheduler"]
        heartbeat = scheduler.get("latest_scheduler_heartbeat")
        beat = datetime.fromisoformat(heartbeat) if heartbeat else None
    except (OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = f"{address} gave no answer ({type(error).__name__})"
        return AirflowObservation(silent_since or now, reason)
    if beat is None:
        return AirflowObservation(silent_since or now, "no scheduler has started")
    if now - beat <= HEARTBEAT:
        return AirflowObservation()
    reason = f"the scheduler's last heartbeat was at {beat:%Y-%m-%d %H:%M} UTC"
    return AirflowObservation(silent_since or max(beat, began), reason)
