"""Starts the local AWS with the Athena workgroup of the settings; the Procfile uses it.

    python -m clickstream.demo.stack.aws ROOT PORT [OPTION…]

replaces itself by `python -m localaws`. The workgroup, and `primary`, get the output location of
the pipeline's queries, so that a client of Athena need not name one.
"""

from __future__ import annotations

import os
import sys

from clickstream import settings
from clickstream.core.errors import ClickstreamError
from clickstream.settings.sections import QUERY_RESULTS


def main(root: str, port: str, *more: str) -> None:
    """Replace the process by the local AWS, with `more` options. Raises SettingsError."""
    lake = settings.load().lake
    names = dict.fromkeys(("primary", lake.workgroup))
    results = f"s3://{lake.local_bucket}/{QUERY_RESULTS}"
    options = [f"--workgroup={name}={results}" for name in names]
    command = [sys.executable, "-m", "localaws", "--root", root, "--port", port, *options, *more]
    os.execv(sys.executable, command)  # noqa: S606


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ClickstreamError as error:
        sys.exit(error.printed)
