"""Explain why the user of this process can't read a path of this machine, and the remedy."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path


def explain_refusal(path: Path) -> str:
    """Name the directory or file of a path that refuses the user, and how to allow reading it.

    If its group may read it, joining the group is the remedy: the usual case is /var/log/nginx with
    mode 750 and group adm. Otherwise an access control list admits one user (setfacl of acl(5)).
    """
    user, refusing = _user(), _refusing(path)
    try:
        found = refusing.stat()
    except OSError:  # not even its owner and mode can be read
        return f"the user {user} may not read {refusing}: let that user read it"
    owner, group, mode = _name_of_user(found.st_uid), _group(found.st_gid), found.st_mode
    facts = f"owner {owner}, group {group}, mode {stat.S_IMODE(mode):o}"
    right = "rx" if stat.S_ISDIR(mode) else "r"
    needed = stat.S_IRGRP | (stat.S_IXGRP if stat.S_ISDIR(mode) else 0)
    if mode & needed == needed:
        way = f"sudo usermod -aG {group} {user}"
        return (
            f"the user {user} may not read {refusing} ({facts}): add the user to the group by "
            f"`{way}`, and start what runs as {user} again"
        )
    way = f"sudo setfacl -m u:{user}:{right} {refusing}"
    return f"the user {user} may not read {refusing} ({facts}): let that user read it by `{way}`"


def _refusing(path: Path) -> Path:
    """Return the first directory on the way to a path that can't be entered, or the path itself."""
    for directory in reversed(path.absolute().parents):
        if not _may(directory, os.X_OK):
            return directory
    return path


def _may(path: Path, mode: int) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(path, mode, effective_ids=effective)


def _user() -> str:
    return _name_of_user(os.geteuid())


def _name_of_user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
