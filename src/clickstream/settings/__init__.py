"""Settings: one frozen object, read only from `clickstream.toml` and the environment.

`CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS` overrides `[sessions] timeout_seconds`, and
`CLICKSTREAM_GOALS` overrides all of `[goals]`: `{}` empties a map and `[]` a list. Unknown keys and
invalid values raise SettingsError with their line in the file and the allowed values.
"""

from clickstream.settings.dashboard import DashboardSettings, DigestSettings
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
    AwsSettings,
    BotSettings,
    BuildSettings,
    ChannelSettings,
    CleanSettings,
    FunnelStepSettings,
    GeoIpSettings,
    GoalSettings,
    LakeSettings,
    MaintenanceSettings,
    PageSettings,
    PrivacySettings,
    SessionSettings,
    Settings,
    SiteSettings,
)
from clickstream.settings.sources import AUTO, CollectSettings, InstanceSettings, SourceSettings
from clickstream.settings.values import is_mail_address

__all__ = [
    "AUTO",
    "ENDPOINT_VARIABLE",
    "FILE_NAME",
    "FILE_VARIABLE",
    "FORMATS",
    "MAX_TIMEOUT_SECONDS",
    "PREFIX",
    "AwsSettings",
    "BotSettings",
    "BuildSettings",
    "ChannelSettings",
    "CleanSettings",
    "CollectSettings",
    "DashboardSettings",
    "DigestSettings",
    "FunnelStepSettings",
    "GeoIpSettings",
    "GoalSettings",
    "InstanceSettings",
    "LakeSettings",
    "MaintenanceSettings",
    "PageSettings",
    "PrivacySettings",
    "SessionSettings",
    "Settings",
    "SiteSettings",
    "SourceSettings",
    "is_mail_address",
    "load",
]
