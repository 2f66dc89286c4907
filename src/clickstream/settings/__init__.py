"""Settings: one frozen object, read only from `clickstream.toml` and the environment.

`CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS` overrides `[sessions] timeout_seconds`, and
`CLICKSTREAM_GOALS` overrides all of `[goals]`: `{}` empties a map and `[]` a list. Unknown keys and
invalid values raise SettingsError with their line in the file and the allowed values.
"""

from clickstream.settings.alerts import AlertSettings
from clickstream.settings.dashboard import DashboardSettings
from clickstream.settings.loading import FILE_NAME, load
from clickstream.settings.privacy import PrivacySettings
from clickstream.settings.sections import (
    AwsSettings,
    GeoIpSettings,
    GoalSettings,
    LakeSettings,
    MaintenanceSettings,
    SessionSettings,
    Settings,
    SiteSettings,
)
from clickstream.settings.sources import AUTO, SourceSettings

__all__ = [
    "AUTO",
    "FILE_NAME",
    "AlertSettings",
    "AwsSettings",
    "DashboardSettings",
    "GeoIpSettings",
    "GoalSettings",
    "LakeSettings",
    "MaintenanceSettings",
    "PrivacySettings",
    "SessionSettings",
    "Settings",
    "SiteSettings",
    "SourceSettings",
    "load",
]
