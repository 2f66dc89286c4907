"""The rule for files beside access logs, such as error.log, for pulls and `clickstream try`."""

from __future__ import annotations

from pathlib import PurePath


def is_named_access_log(name: str) -> bool:
    """Whether a file's name says that it is an access log.

    Call it where `parse.detect` raises InputError, so none of the first 1,000 lines has a known
    format. A file that is named *access* is then an error; any other file is set aside.
    """
    return "access" in PurePath(name).name.lower()
