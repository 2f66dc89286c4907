"""The login of a host from an Airflow connection of type SSH or SFTP, as plain values.

The task `pull_logs` uses it. The extras are those of Airflow's SSH provider: `key_file`, or
`private_key` with `private_key_passphrase`, and `host_key`. Secrets are only passed to
`collect.Login`: no log, XCom or rendered field has them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Connection

if TYPE_CHECKING:
    from clickstream.collect import Host, HostLogin
    from clickstream.lake import Lake


def host_login(lake: Lake, host: Host) -> HostLogin | None:
    """Return the login in the host's connection; None if its source names no connection.

    Raises SettingsError if the connection can't be used, after recording it as the failure of the
    host's pull.
    """
    from clickstream.core.errors import SettingsError
    from clickstream.lake import pull_states

    if not host.source.connection:
        return None
    try:
        return connection_login(host.source.connection, host.source.user)
    except SettingsError as error:
        pull_states.record_failure(lake, host.name, error.printed)
        raise


def connection_login(name: str, user: str = "") -> HostLogin:
    """Return the login in an Airflow connection; `user` is the default of its login field.

    Raises IncompleteConnection if the connection is missing or can't be used.
    """
    from airflow.exceptions import AirflowNotFoundException  # type: ignore[attr-defined]

    from clickstream.collect import HostLogin
    from clickstream.collect.hosts import SSH_PORT
    from clickstream.core.errors import IncompleteConnection

    try:
        connection = Connection.get(name)
    except AirflowNotFoundException:
        raise IncompleteConnection(
            f"Airflow has no connection {name}, which [[sources]] connection names. Add it, of "
            "type SSH or SFTP."
        ) from None
    extras = connection.extra_dejson
    user = connection.login or user
    if problem := _problem(name, user, bool(connection.password), extras):
        raise IncompleteConnection(problem)
    return HostLogin(
        user,
        key_file=extras.get("key_file") or "",
        private_key=extras.get("private_key") or "",
        passphrase=extras.get("private_key_passphrase") or "",
        host_key=_host_key(name, extras.get("host_key") or ""),
        address=connection.host or "",
        port=connection.port or SSH_PORT,
    )


def _problem(name: str, user: str, has_password: bool, extras: Mapping[str, Any]) -> str:
    """Return the reason why a connection can't be used; empty if it can."""
    if not user:
        return f"The connection {name} has no login: enter the user that reads the logs."
    if extras.get("key_file") or extras.get("private_key"):
        return ""
    has = "a password but no key" if has_password else "no key"
    return (
        f"The connection {name} has {has}. Logs are pulled with a key only: enter key_file or "
        "private_key in its extras."
    )


def _host_key(name: str, text: str) -> str:
    """Return a host key as `TYPE BASE64`. The extra may have only the base64."""
    parts = text.split()
    encoded = parts[-1] if len(parts) == 1 else "".join(parts[1:2])
    if not encoded:
        return ""
    # The type is in the first field of a public key (RFC 4253, 6.6).
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        blob = b""
    length = int.from_bytes(blob[:4], "big")
    kind = blob[4 : 4 + length].decode("ascii", "replace")
    is_whole = len(blob) > 4 + length and len(kind) == length > 0 and kind.isascii()
    if not is_whole or (len(parts) > 1 and parts[0] != kind):
        from clickstream.core.errors import IncompleteConnection

        raise IncompleteConnection(
            f"The host_key in the extras of connection {name} is not a public key. Enter one like "
            "`ssh-ed25519 AAAA…`, as ssh-keyscan prints it after the host."
        )
    return f"{kind} {encoded}"
