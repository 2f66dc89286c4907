"""The rule for files beside access logs, such as error.log, for pulls and `clickstream try`."""

from __future__ import annotations

from pathlib import PurePath


def is_set_aside(name: str) -> bool:
    """Whether a file of unknown format is set aside, by its name; else it is an error.

    Call it where `parse.detect` raises InputError: none of the file's first 1,000 lines has a known
    format. A file that is called *access* is meant to be an access log.
    """
    return "access" not in PurePath(name).name.lower()
