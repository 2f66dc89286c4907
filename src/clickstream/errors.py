"""The error tree. Every message says what is wrong, where, and what to do.

ClickstreamError
├── SettingsError     a setting is unknown or has a value that is not allowed
├── InputError        a log, a path or an argument can't be used
├── OtherLayout       the lake's tables are of another version than this release needs
├── UnbalancedHour    an hour's lines do not add up, so it is not published
├── PastWindow        an hour is past its replay window, so it is not built again
│   ├── KeyDestroyed  its visitor key is destroyed
│   └── RawDeleted    its raw lines are deleted, or about to be
├── DamagedObject     stored bytes are not those that were written
├── StaleHour         someone else published the hour meanwhile; build it afresh
├── ChangedRows       a compacted file would not hold the rows it is to replace
├── QueryFailed       Athena refused or failed a query
├── AwsUnavailable    AWS can't be reached or does not answer as it should; later it may
├── AwsRefused        AWS refused a request: credentials, permissions, or a wrong name
├── DiskFull          the local disk takes no more
├── EmptyWeek         a week has no published hour, so there is nothing to mail about it
├── MailUnavailable   the mail server can't be reached or asks to try later
├── MailRefused       the mail server refused the login, the sender or every recipient
├── UnknownDelivery   an attempt to send a mail broke off: whether it was sent is unknown
├── HostUnreachable   a host does not answer, or the connection to it was lost; later it may
└── HostKeyRefused    a host's key is not trusted, or is not the one that is
"""


class ClickstreamError(Exception):
    """What every error of this library is."""

    is_permanent = False
    """Whether every further attempt fails too, until a person changes something. Airflow's tasks
    are not tried again after such an error."""


class SettingsError(ClickstreamError):
    """A setting is unknown or has a value that is not allowed."""

    is_permanent = True


class InputError(ClickstreamError):
    """A log, a path or an argument can't be used."""

    is_permanent = True


class OtherLayout(ClickstreamError):
    """The lake's tables are of another version than this release needs."""

    is_permanent = True


class UnbalancedHour(ClickstreamError):
    """An hour's lines do not add up, so it is not published."""

    is_permanent = True


class PastWindow(ClickstreamError):
    """An hour is past its replay window, so it is not built again."""

    is_permanent = True


class KeyDestroyed(PastWindow):
    """An hour is past its replay window: its visitor key is destroyed."""


class RawDeleted(PastWindow):
    """An hour is past its replay window: its raw lines are deleted, or about to be."""


class DamagedObject(ClickstreamError):
    """Stored bytes are not those that were written; nothing made from them is published."""

    is_permanent = True


class StaleHour(ClickstreamError):
    """Someone else published the hour meanwhile; build it afresh."""


class ChangedRows(ClickstreamError):
    """A compacted file would not hold the rows it is to replace; nothing was replaced."""


class QueryFailed(ClickstreamError):
    """Athena refused or failed a query."""


class AwsUnavailable(ClickstreamError):
    """AWS can't be reached or does not answer as it should; later it may."""


class AwsRefused(ClickstreamError):
    """AWS refused a request: credentials, permissions, or a wrong name."""

    is_permanent = True


class DiskFull(ClickstreamError):
    """The local disk takes no more."""


class EmptyWeek(ClickstreamError):
    """A week has no published hour, so there is nothing to mail about it; later it may."""


class MailUnavailable(ClickstreamError):
    """The mail server can't be reached, or asks to try later; nothing was sent."""


class MailRefused(ClickstreamError):
    """The mail server refused the login, the sender or every recipient; nothing was sent."""

    is_permanent = True


class UnknownDelivery(ClickstreamError):
    """An earlier attempt to send a mail broke off: whether the mail was sent is unknown."""

    is_permanent = True


class HostUnreachable(ClickstreamError):
    """A host does not answer, or the connection to it was lost; later it may."""


class HostKeyRefused(ClickstreamError):
    """A host's key is not trusted, or is not the one that is: nothing was read from it."""

    is_permanent = True
