"""Rules made from settings, and what is looked up by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from clickstream import step_config
from clickstream.clean.devices import device_of
from clickstream.settings import Build, Settings

AGENTS = ["", "curl/8.0", *(f"Mozilla/5.0 (X11; Linux x86_64) Chrome/{n}.0.0.0" for n in range(9))]


def test_devices_are_right_however_few_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_config, "_MOST_DEVICES", 3)
    monkeypatch.setattr(step_config, "_DEVICES", {})
    asked = [*AGENTS, *AGENTS[::-1]]
    with step_config.look_ups(Settings(build=Build(cache_directory=str(tmp_path)))) as found:
        assert [*map(found.device, asked)] == [*map(device_of, asked)]
    assert len(step_config._DEVICES) <= 3


def test_digest_of_settings_is_made_with_the_own_domain_alone() -> None:
    """Settings without the inferred own domain name hours that no build makes."""
    source = Path(step_config.__file__).parent
    users = [path for path in source.rglob("*.py") if "result_digest(" in path.read_text()]
    names = {str(path.relative_to(source)) for path in users}
    assert names == {"rules.py", "settings/sections.py", "pipeline/site.py"}
