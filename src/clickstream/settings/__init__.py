"""Settings: one frozen object, read from `clickstream.toml` and the environment, nowhere else.

A key `[sessions] timeout_seconds` is overridden by `CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS`, and
all of `[goals]` by `CLICKSTREAM_GOALS`: `{}` empties a map and `[]` a list. Unknown keys
and bad values are refused with the line they stand on and the values that are allowed.
"""

from clickstream.settings.loading import (
    ENDPOINT_VARIABLE,
    FILE_NAME,
    FILE_VARIABLE,
    PREFIX,
    load,
)
from clickstream.settings.sections import (
    FORMATS,
    MAX_TIMEOUT_SECONDS,
    Aws,
    Bots,
    Build,
    Channels,
    Clean,
    Dashboard,
    Digest,
    GeoIp,
    Goal,
    Lake,
    Maintenance,
    Pages,
    Privacy,
    Sessions,
    Settings,
    Site,
    Step,
    is_mail_address,
)
from clickstream.settings.sources import AUTO, Collect, Instances, Source

__all__ = [
    "AUTO",
    "ENDPOINT_VARIABLE",
    "FILE_NAME",
    "FILE_VARIABLE",
    "FORMATS",
    "MAX_TIMEOUT_SECONDS",
    "PREFIX",
    "Aws",
    "Bots",
    "Build",
    "Channels",
    "Clean",
    "Collect",
    "Dashboard",
    "Digest",
    "GeoIp",
    "Goal",
    "Instances",
    "Lake",
    "Maintenance",
    "Pages",
    "Privacy",
    "Sessions",
    "Settings",
    "Site",
    "Source",
    "Step",
    "is_mail_address",
    "load",
]
