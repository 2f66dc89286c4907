"""The errors of this project and their stable codes.

Every message says what happened, where, and what to do. docs/runbook.md has a section for each
code. The command line, Airflow's tasks and the pages print the code at the end of a message. A
subclass without a code of its own has that of its base class.

Defined elsewhere: `StackError` (CS-601), `AirflowError` (CS-602), `CopyInUse` (CS-603). The codes
CS-7xx are not of errors but of states of the lake (`StateCode`).
"""

from __future__ import annotations

import errno
import os
from enum import StrEnum

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""The numbers of the system's errors about a full disk, a quota and a limit of a file's size."""

_TEXTS_OF_NO_SPACE = {
    *map(os.strerror, NO_SPACE),
    "max_temp_directory_size",  # DuckDB's own limit: 90 % of the free space
}


def with_code(message: str, code: str) -> str:
    """Return a message as it is printed for a person: with the code of the error at its end."""
    return f"{message} ({code})"


class StateCode(StrEnum):
    """The code of a state of the lake that `clickstream status` or an alert reports."""

    NO_RECENT_HOUR = "CS-701"
    LINES_WAIT = "CS-702"
    MISSING = "CS-703"
    INTERRUPTED = "CS-704"
    LACKS_HOST = "CS-705"
    NO_RECENT_LINES = "CS-706"
    SALES_DIFFER = "CS-707"
    MATCHES_DIFFER = "CS-708"
    REJECTS = "CS-709"
    SERVER_ERRORS = "CS-710"
    BOTS = "CS-711"
    FINDINGS = "CS-712"
    NOT_RECONCILED = "CS-713"
    DISK_FILLS = "CS-714"
    EXPIRES = "CS-715"
    AIRFLOW_SILENT = "CS-716"
    UNMATCHED = "CS-717"
    OLD_FACTS = "CS-718"
    SALES_CHANGED = "CS-719"


class ClickstreamError(Exception):
    """Base class of all errors of this library."""

    code = "CS-901"
    """The code of this kind of error, the same in all releases."""

    is_permanent = False
    """Whether every further attempt fails too, until a person changes something. Airflow does not
    retry a task after such an error."""

    @property
    def printed(self) -> str:
        """The message with the code, for the places that show an error to a person.

        `str(error)` has no code, so that a message that quotes another one has only one code.
        """
        return with_code(str(self), self.code)


class SettingsError(ClickstreamError):
    """A setting is unknown or has a value that is not allowed."""

    code = "CS-101"
    is_permanent = True


class InputError(ClickstreamError):
    """An argument, a name, a file or a form field can't be used."""

    code = "CS-102"
    is_permanent = True


class UnusableRule(SettingsError):
    """A rule, or the file with the rules, can't be used."""

    code = "CS-103"


class UnusableNetworkList(InputError):
    """A list of networks in `[bots]` can't be used."""

    code = "CS-104"


class UnusableFormat(InputError):
    """A format string in `[formats]` can't be used, or no format has the given name."""

    code = "CS-105"


class UnusablePlaces(SettingsError):
    """The database of places is missing or can't be read."""

    code = "CS-106"


class UnusableAsnDatabase(SettingsError):
    """The ASN database is missing or can't be read."""

    code = "CS-109"


class MissingPackage(InputError):
    """A Python package is not installed."""

    code = "CS-107"


class OtherSettings(SettingsError):
    """The local stack on this machine runs with other settings than this shell has."""

    code = "CS-108"


class OtherBucket(SettingsError):
    """The tables of the database are in another bucket than the one of the settings."""

    code = "CS-110"


class NoHost(InputError):
    """A source has no host, its hosts are unknown, or no host has the given name."""

    code = "CS-201"


class HostUnreachable(ClickstreamError):
    """A host does not answer, or the connection to it was lost. A retry may succeed."""

    code = "CS-202"


class LoginRefused(InputError):
    """The login over SSH is refused, or its private key can't be used."""

    code = "CS-203"


class IncompleteConnection(SettingsError):
    """The Airflow connection of a source is missing or can't be used for a login."""

    code = "CS-204"


class HostKeyRefused(ClickstreamError):
    """The key of a host is unknown or differs from the trusted one. Nothing was read from it."""

    code = "CS-205"
    is_permanent = True


class UnreadableLog(InputError):
    """A log directory or a log file can't be read, or only in part."""

    code = "CS-206"


class MissingDirectory(UnreadableLog):
    """The directory of a source does not exist, for example because its disk is not mounted."""

    fault = ""
    """Which directory does not exist, without the remedy."""

    @classmethod
    def of(cls, fault: str, last_read: str = "") -> MissingDirectory:
        """Create the error; `last_read` says when the directory existed."""
        remedy = ": mount its disk, or set the source's path to the directory of its logs."
        error = cls(f"{fault}{last_read}{remedy}")
        error.fault = fault
        return error


class RefusedFiles(InputError):
    """A pull refused access logs of a host. The other files of the host are pulled."""

    code = "CS-207"


class UnknownLogFormat(InputError):
    """The first lines of a log are in no known format."""

    code = "CS-208"


class UnusableAnswer(ClickstreamError):
    """The SFTP server of a host breaks the protocol. Nothing of the answer is stored."""

    code = "CS-209"
    is_permanent = True


class PullLimitReached(ClickstreamError):
    """A pull reached a limit of what it takes from a host. The next pull continues.

    Airflow does not retry the task, so that the hours of the other hosts do not wait for it.
    """

    code = "CS-210"
    is_permanent = True


class PastWindow(ClickstreamError):
    """An hour is past its replay window and can't be built again."""

    code = "CS-301"
    is_permanent = True


class KeyDestroyed(PastWindow):
    """An hour is past its replay window because its visitor key is destroyed."""


class RawDeleted(PastWindow):
    """An hour is past its replay window because its raw lines are deleted or about to be."""


class UnbalancedHour(ClickstreamError):
    """The line balance of an hour does not close, so the hour is not published."""

    code = "CS-302"
    is_permanent = True


class StaleHour(ClickstreamError):
    """Another process published the hour during its build. Build the hour again."""

    code = "CS-303"


class DamagedObject(ClickstreamError):
    """Stored bytes differ from those that were written. Nothing built from them is published."""

    code = "CS-304"
    is_permanent = True


class NewerLake(ClickstreamError):
    """A table of the lake has columns that this release does not know."""

    code = "CS-306"
    is_permanent = True


class UnusableStagedRows(ClickstreamError):
    """Base class of errors of staged rows. Staging them again is the remedy of all of them."""

    code = "CS-305"


class DamagedStagedRows(UnusableStagedRows, DamagedObject):
    """The bytes of staged rows differ from those that were staged."""


class MissingStagedRows(UnusableStagedRows, FileNotFoundError):
    """Staged rows were deleted before they were published."""


class OutdatedStagedRows(UnusableStagedRows, NewerLake):
    """A release with other columns staged the rows."""


class ChangedRows(ClickstreamError):
    """A compacted file has other rows than the files that it was to replace. None was replaced."""

    code = "CS-307"


class AwsUnavailable(ClickstreamError):
    """AWS can't be reached, or answers with a temporary error. A retry may succeed."""

    code = "CS-401"


class AwsRefused(ClickstreamError):
    """AWS refused a request: credentials, permissions, or a wrong name."""

    code = "CS-402"
    is_permanent = True


class AwsNotConfigured(SettingsError):
    """Requests can't be sent to AWS: credentials, region, endpoint or a name is not valid."""

    code = "CS-403"


class QueryFailed(ClickstreamError):
    """Athena refused, failed or did not finish a query, or its result can't be read."""

    code = "CS-404"


class DiskFull(ClickstreamError):
    """The local disk is full."""

    code = "CS-405"


class DeploymentFailed(ClickstreamError):
    """A CloudFormation stack failed, or is in a state in which it can't be changed."""

    code = "CS-406"
    is_permanent = True


class RestoreRefused(ClickstreamError):
    """A lake can't be restored now, or not to the given moment. Nothing is changed."""

    code = "CS-407"
    is_permanent = True


def is_disk_full(error: BaseException) -> bool:
    """Whether an error of the system, of Arrow or of DuckDB says that a disk or a quota is full."""
    return any(text in str(error) for text in _TEXTS_OF_NO_SPACE)


class MailUnavailable(ClickstreamError):
    """The mail server can't be reached or asks to try later. Nothing was sent."""

    code = "CS-501"


class MailRefused(ClickstreamError):
    """The mail server refused the login, the sender or every recipient. Nothing was sent."""

    code = "CS-502"
    is_permanent = True


class UnknownDelivery(ClickstreamError):
    """An earlier attempt to send a mail was interrupted, and may have sent it."""

    code = "CS-503"
    is_permanent = True


class EmptyWeek(ClickstreamError):
    """No hour of a week is published, so there is nothing to mail. A later attempt may succeed."""

    code = "CS-504"


class WebhookFailed(ClickstreamError):
    """A webhook can't be reached, or did not accept an alert."""

    code = "CS-506"


class MailNotConfigured(SettingsError):
    """The sender, an address or the connection of the weekly mail is missing or wrong."""

    code = "CS-505"


class UnusableDashboardFile(InputError):
    """A file of the dashboard, such as its accounts, can't be read or written."""

    code = "CS-604"


class DashboardNotStarted(ClickstreamError):
    """The server of the dashboard ended while it started."""

    code = "CS-605"


class ShopUnreachable(ClickstreamError):
    """A shop's database can't be connected to, or the connection was lost."""

    code = "CS-801"


class ShopRefused(InputError):
    """A shop's database refuses the login, or the account may not read a table."""

    code = "CS-802"


class UnusableSales(InputError):
    """The tables or files of a shop do not have what the column map names."""

    code = "CS-803"


class UnbalancedSales(ClickstreamError):
    """The rows of a date are not all rows that the source has; a fault of this library."""

    code = "CS-804"
    is_permanent = True
