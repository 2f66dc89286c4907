"""Options of the transforms, built from the settings."""

from __future__ import annotations

from pathlib import Path

from clickstream import step_config
from clickstream.settings import Settings


def test_digest_of_settings_is_made_with_the_own_domain_alone() -> None:
    """Settings without the inferred own domain name hours that no build makes."""
    source = Path(step_config.__file__).parent
    users = [path for path in source.rglob("*.py") if "result_digest(" in path.read_text()]
    names = {str(path.relative_to(source)) for path in users}
    of_logs = {"logs/date_tables.py", "logs/log_set.py"}  # no lake, no builds
    assert names - of_logs == {
        "step_config.py",
        "settings/sections.py",
        "pipeline/build_settings.py",
    }


def test_parts_of_the_settings_digest_are_named_as_in_the_settings() -> None:
    settings = Settings()
    names = [name.split(".") for name in step_config.shaping_digests(settings)]
    assert ["geoip", "database"] in names
    for section, *name in names:
        assert all(each in type(getattr(settings, section)).model_fields for each in name)
