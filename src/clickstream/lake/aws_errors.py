"""Translate errors of AWS and of the local disk into our errors, with one sentence and a remedy.

The entry points of `pipeline` and `lake` run under `translate_errors`, and so do Airflow's tasks.
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from clickstream.core.errors import (
    NO_SPACE,
    AwsNotConfigured,
    AwsRefused,
    AwsUnavailable,
    ClickstreamError,
    DamagedObject,
    DiskFull,
)

_TEMPORARY = (
    "throttl",
    "slowdown",
    "slow_down",
    "toomanyrequests",
    "limitexceeded",
    "requesttimeout",
    "throughputexceeded",
    "priorrequestnotcomplete",
    "transactioninprogress",
    "internal",
    "unavailable",
    "operationaborted",
    "conditionalrequestconflict",
    "concurrentmodification",
    "expired",
)
"""Parts of the error codes of temporary failures, after which a later attempt may succeed.

These are the codes that botocore's standard retry mode retries, faults of AWS itself, conflicts of
two writers, and expired credentials that the next attempt renews.
"""
_UNKNOWN_COMMIT = "CommitStateUnknownException"
"""The error of pyiceberg for a commit whose response is lost; a name, to import no pyiceberg."""

_OF_PYARROW = "AWS Error "
_REFUSALS_OF_PYARROW = ("ACCESS_DENIED", "NO_SUCH_BUCKET", "INVALID_ACCESS_KEY", "SIGNATURE")

_DAMAGE = re.compile(r"The stored bytes of s3://.* are missing: .*", re.DOTALL)
"""The local S3's report that the file of an object is missing on its disk."""

_log = logging.getLogger(__name__)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate errors of boto3, pyarrow, pyiceberg and the local disk.

    Raises AwsUnavailable, AwsRefused, SettingsError, DiskFull or, where S3 reports missing bytes,
    DamagedObject, without the chain of the libraries' own tracebacks; those are logged at level
    DEBUG. Every other error passes unchanged.
    """
    try:
        yield
    except Exception as error:
        ours = translate_error(error)
        if ours is None:
            raise
        _log.debug("Translated an error.", exc_info=error)
        raise ours from None


def translate_error(error: Exception) -> ClickstreamError | None:
    """Return what `translate_errors` raises in place of `error`; None if it passes unchanged."""
    if isinstance(error, DamagedObject):
        return None
    if damage := reported_damage(error):
        return DamagedObject(
            f"{damage} To find every damaged object and its hours, run: clickstream verify --deep"
        )
    # Without botocore, nothing has asked AWS: `clickstream open` may run where it is not installed.
    if "botocore" in sys.modules and (ours := _of_botocore(error)):
        return ours
    if type(error).__name__ == _UNKNOWN_COMMIT:
        return _unavailable(error)
    if isinstance(error, OSError):
        return _of_the_system(error)
    return None


def _of_botocore(error: Exception) -> ClickstreamError | None:
    """Return our error for one of botocore or urllib3; None for other errors."""
    from botocore import exceptions as boto
    from urllib3.exceptions import HTTPError

    if isinstance(error, boto.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = str(error.response.get("Error", {}).get("Code", "")).lower()
        is_temporary = status >= 500 or status == 429 or any(part in code for part in _TEMPORARY)
        return _unavailable(error) if is_temporary else _refused(error)
    if isinstance(error, boto.EndpointConnectionError):
        return AwsUnavailable(
            f"Can't reach AWS: {_text(error)}. Nothing is lost: check network and endpoint, then "
            "clear the task or run the command again. For the local AWS, start `clickstream up` "
            "and read the file that it names into this shell."
        )
    on_the_way = (
        boto.ConnectionError,
        boto.HTTPClientError,
        boto.IncompleteReadError,
        boto.WaiterError,
        boto.ChecksumError,
        boto.FlexibleChecksumError,
        boto.CapacityNotAvailableError,
        boto.CredentialRetrievalError,
        boto.MetadataRetrievalError,
        boto.TokenRetrievalError,
        HTTPError,
    )
    if isinstance(error, on_the_way):
        return _unavailable(error)
    # All other errors of botocore are caused by a setting.
    if isinstance(error, boto.BotoCoreError) or str(error).startswith("Invalid endpoint: "):
        return AwsNotConfigured(
            f"Can't send requests to AWS: {_text(error)}. Set credentials (`aws configure`, "
            "AWS_PROFILE or Airflow's connection aws_default) and region, and check the names "
            "under [lake]. For the local AWS, start `clickstream up` and read the file that it "
            "names."
        )
    return None


def reported_damage(error: Exception) -> str | None:
    """Return the local S3's report of missing bytes from an error; None for other errors."""
    match = _DAMAGE.search(str(error))
    return " ".join(match[0].split()) if match else None


def _of_the_system(error: OSError) -> ClickstreamError | None:
    if error.errno in NO_SPACE:
        return DiskFull(
            f"The disk is full: {_text(error)}. Temporary files are in "
            f"{error.filename or tempfile.gettempdir()}; free space there, or set TMPDIR, then "
            "clear the task or run the command again. Nothing is lost."
        )
    if _OF_PYARROW not in str(error):
        return None
    is_refusal = any(word in str(error) for word in _REFUSALS_OF_PYARROW)
    return _refused(error) if is_refusal else _unavailable(error)


def _unavailable(error: Exception) -> AwsUnavailable:
    return AwsUnavailable(
        f"AWS request failed: {_text(error)}. Nothing is lost: when AWS answers again, clear the "
        "task or run the command again."
    )


def _refused(error: Exception) -> AwsRefused:
    return AwsRefused(
        f"AWS refused: {_text(error)}. Check the credentials, the permissions of their role, and "
        "the names under [lake]; then clear the task or run the command again. Nothing is lost."
    )


def _text(error: Exception) -> str:
    """Return the error's message on one line, without a full stop at its end."""
    return " ".join(str(error).split()).rstrip(".")
