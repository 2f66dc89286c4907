"""What AWS or the disk refuses, told in one sentence that says what to do."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.exceptions import CommitStateUnknownException
from urllib3.exceptions import HTTPError

from clickstream.errors import AwsRefused, AwsUnavailable, ClickstreamError, DiskFull

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LATER = ("throttl", "slowdown", "slow_down", "toomanyrequests", "requesttimeout", "internal")
_FOUND_BY_PYARROW = "AWS Error "


@contextmanager
def told() -> Iterator[None]:
    """Errors of boto3, pyarrow, pyiceberg and the local disk become ours.

    Raises AwsUnavailable, AwsRefused or DiskFull; every other error passes as it is.
    """
    try:
        yield
    except (ClientError, BotoCoreError, HTTPError, OSError, CommitStateUnknownException) as error:
        ours = _ours(error)
        if ours is None:
            raise
        raise ours from error


def _ours(error: Exception) -> ClickstreamError | None:
    if isinstance(error, OSError):
        return _of_the_system(error)
    if isinstance(error, ClientError) and not _may_pass(error):
        return _refused(error)
    return _unavailable(error)


def _of_the_system(error: OSError) -> ClickstreamError | None:
    if error.errno in _NO_SPACE:
        return DiskFull(
            f"The disk takes no more: {error}. Rows on their way are kept in "
            f"{error.filename or tempfile.gettempdir()}; make room there, or set TMPDIR, and clear "
            "the task or run the command again. Nothing is lost."
        )
    if _FOUND_BY_PYARROW not in str(error):
        return None
    is_refusal = any(word in str(error) for word in ("ACCESS_DENIED", "NO_SUCH_BUCKET"))
    return _refused(error) if is_refusal else _unavailable(error)


def _may_pass(error: ClientError) -> bool:
    """Whether the same request may succeed later: a fault of AWS, or too many requests."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(error.response.get("Error", {}).get("Code", "")).lower()
    return status >= 500 or status == 429 or any(word in code for word in _LATER)


def _unavailable(error: Exception) -> AwsUnavailable:
    return AwsUnavailable(
        f"AWS did not do what it was asked for, after several attempts: {error}. Nothing is lost: "
        "when AWS answers again, clear the task or run the command again."
    )


def _refused(error: Exception) -> AwsRefused:
    return AwsRefused(
        f"AWS refused: {error}. Look at the credentials, at what their role may do, and at the "
        "names under [lake]; then clear the task or run the command again. Nothing is lost."
    )
