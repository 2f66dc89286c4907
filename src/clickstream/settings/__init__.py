"""Settings: one frozen object, read only from `clickstream.toml` and the environment.

`CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS` overrides `[sessions] timeout_seconds`, and
`CLICKSTREAM_GOALS` overrides all of `[goals]`: `{}` empties a map and `[]` a list. Unknown keys and
invalid values raise SettingsError with their line in the file and the allowed values.
"""

from clickstream.settings.dashboard import Dashboard, Digest
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
)
from clickstream.settings.sources import AUTO, Collect, Instances, Source
from clickstream.settings.values import is_mail_address

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
