"""Settings: one frozen object, read from `clickstream.toml` and the environment, nowhere else.

A key `[sessions] gap_seconds` is overridden by `CLICKSTREAM_SESSIONS__GAP_SECONDS`, and all of
`[goals]` by `CLICKSTREAM_GOALS`: `{}` empties a map and `[]` a list. Unknown keys
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
    AUTO,
    FORMATS,
    LONGEST_GAP_SECONDS,
    Aws,
    Bots,
    Build,
    Channels,
    Clean,
    Goal,
    Lake,
    Pages,
    Places,
    Privacy,
    Sessions,
    Settings,
    Site,
    Source,
    Step,
    Upkeep,
)

__all__ = [
    "AUTO",
    "ENDPOINT_VARIABLE",
    "FILE_NAME",
    "FILE_VARIABLE",
    "FORMATS",
    "LONGEST_GAP_SECONDS",
    "PREFIX",
    "Aws",
    "Bots",
    "Build",
    "Channels",
    "Clean",
    "Goal",
    "Lake",
    "Pages",
    "Places",
    "Privacy",
    "Sessions",
    "Settings",
    "Site",
    "Source",
    "Step",
    "Upkeep",
    "load",
]
