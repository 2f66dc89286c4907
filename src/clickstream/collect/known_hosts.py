"""The trusted host keys, in a file of OpenSSH's format.

Lines with patterns, hashed names, `@cert-authority` and `@revoked` are read as OpenSSH reads them.
`clickstream sources trust` adds lines.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh

from clickstream.core.errors import InputError


@dataclass(frozen=True)
class TrustedKeys:
    """The keys that one host may have: its own, and those of authorities that sign host keys."""

    keys: tuple[asyncssh.SSHKey, ...] = ()
    authorities: tuple[asyncssh.SSHKey, ...] = ()
    revoked: tuple[asyncssh.SSHKey, ...] = ()

    def __bool__(self) -> bool:
        """Whether any key of the host could be accepted."""
        return bool(self.keys or self.authorities)

    @property
    def fingerprints(self) -> list[str]:
        """Fingerprints of the host's own keys, such as `SHA256:…`."""
        return [key.get_fingerprint() for key in self.keys]


def read_trusted(path: Path, key_name: str, host_key: str = "") -> TrustedKeys:
    """Return the keys that a file of known hosts trusts under a name, and `host_key`.

    A missing file trusts nothing. Raises InputError for a file that can't be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
        matching = asyncssh.import_known_hosts(text).match(key_name.lower(), "", None)
    except FileNotFoundError:
        matching = ((), (), ())  # type: ignore[assignment]
    except OSError as error:
        raise InputError(f"Can't read the known hosts in {path}: {error.strerror}.") from None
    except ValueError as error:
        raise InputError(f"{path} is not a file of known hosts: {error}.") from None
    trusted = TrustedKeys(tuple(matching[0]), tuple(matching[1]), tuple(matching[2]))
    return replace(trusted, keys=(*trusted.keys, *_parse_host_key(key_name, host_key)))


def _parse_host_key(key_name: str, host_key: str) -> list[asyncssh.SSHKey]:
    """Parse the key of a login, such as `ssh-ed25519 AAAA…`; the type may be omitted for RSA."""
    if not host_key.strip():
        return []
    words = host_key.split()
    text = " ".join(words if len(words) > 1 else ["ssh-rsa", *words])
    try:
        return [asyncssh.import_public_key(text)]
    except asyncssh.KeyImportError:
        raise InputError(
            f"The host key that the connection gives for {key_name} is no public key; "
            "write it like ssh-ed25519 AAAA…"
        ) from None


def replace_keys(path: Path, key_name: str, key: asyncssh.SSHKey) -> None:
    """Trust this key of a host, and none of its earlier ones.

    A line with several names loses this one. Lines with patterns and those of authorities apply to
    other hosts too, and stay. The file is replaced atomically: another process reads either the old
    lines or the new ones.
    """
    name = key_name.lower()
    key_type, key_data, *_comment = key.export_public_key("openssh").decode().split()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        new_lines = [*_without_name(lines, name), f"{name} {key_type} {key_data}"]
        target = path.resolve()
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, prefix=".known_hosts-", delete=False
        ) as written:
            written.write("".join(f"{line}\n" for line in new_lines))
        Path(written.name).chmod(mode)
        os.replace(written.name, target)  # noqa: PTH105 - atomic
    except OSError as error:
        raise InputError(f"Can't write {path}: {error.strerror}.") from None


def _without_name(lines: Iterable[str], name: str) -> Iterator[str]:
    """Yield the lines without a name, which may be in the hashed form of `ssh-keygen -H`."""
    for line in lines:
        names, _, rest = line.partition(" ")
        remaining = [listed for listed in names.split(",") if listed.lower() != name]
        is_hashed_name = line.startswith("|") and bool(
            asyncssh.import_known_hosts(line).match(name, "", None)[0]
        )
        if remaining and not is_hashed_name:
            yield f"{','.join(remaining)} {rest}" if rest else line
