"""Names, links and special files that try to do harm, in a directory of this machine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.support.hostile_names import make_hostile_directory
from tests.support.web_server import raw_lines

from clickstream.collect import hosts_of
from clickstream.lake import Lake
from clickstream.pipeline.pull.host import pull_host
from clickstream.settings import SourceSettings


@pytest.mark.parametrize("pattern", ["*access*log*", "**/*access*log*"])
def test_every_regular_file_is_collected_and_nothing_outside(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = make_hostile_directory(tmp_path / "host")
    source = SourceSettings(name="hostile", path=str(tmp_path / "host" / "logs"), pattern=pattern)
    [host] = hosts_of(source)
    for _ in range(3):
        pulled = pull_host(lake, host)
        assert pulled.sentence.isprintable()
        told = [*pulled.refused, *pulled.waiting, *pulled.unfinished, *pulled.set_aside]
        assert [text for text in told if not text.isprintable()] == []
    assert pulled.lines == 0
    assert (len(pulled.refused), len(pulled.unfinished), pulled.waiting) == (1, 1, [])
    assert sum(raw_lines(lake, "hostile").values(), Counter()) == Counter(expected)
    assert [*tmp_path.rglob("PWNED")] == []
