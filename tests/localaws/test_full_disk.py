"""On a disk without room, queries end with an error, and deletions make room again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localaws.athena.client import AthenaClient
from tests.support.localaws_process import LocalAwsProcess

from localaws.reserve import DiskReserve

MEGABYTE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free."""
    rest = disk / "rest"
    with suppress(OSError), rest.open("wb", buffering=0) as file:
        for size in (MEGABYTE, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    return rest


def put_until_full(s3: Any) -> int:
    number = 0
    with suppress(ClientError):
        while True:
            s3.put_object(Bucket="kept", Key=f"{number}", Body=bytes(MEGABYTE))
            number += 1
    return number


def test_a_full_store_is_emptied_through_its_api(small_disk: Path) -> None:
    with LocalAwsProcess(small_disk / "aws") as process:
        s3 = process.client("s3")
        s3.create_bucket(Bucket="kept")
        stored = put_until_full(s3)
        assert stored > 8
        rest = fill(small_disk)
        for number in range(stored):
            s3.delete_object(Bucket="kept", Key=f"{number}")
        assert "Contents" not in s3.list_objects_v2(Bucket="kept")
        assert put_until_full(s3) >= stored - 1 - rest.stat().st_size // MEGABYTE
        s3.delete_objects(
            Bucket="kept", Delete={"Objects": [{"Key": f"{n}"} for n in range(stored)]}
        )
        s3.delete_bucket(Bucket="kept")


def test_a_query_ends_with_an_error_when_its_end_can_not_be_written(small_disk: Path) -> None:
    with LocalAwsProcess(small_disk / "aws") as process:
        process.client("s3").create_bucket(Bucket="out")
        athena = AthenaClient(process.client("athena"), "default", "s3://out/queries/")
        running = athena.start(
            "select count(*) from unnest(sequence(1, 10000)) t(x) "
            "cross join unnest(sequence(1, 10000)) u(y) where (x * y) % 7 = 3"
        )
        rest = fill(small_disk)
        status = athena.wait(running)["Status"]
        assert status["State"] == "FAILED"
        assert "disk" in status["StateChangeReason"]
        rest.unlink()
        assert athena.rows("select 1") == [["1"]]
        process.kill()
        process.start()
        again = AthenaClient(process.client("athena"), "default", "s3://out/queries/")
        assert again.wait(running)["Status"]["State"] == "FAILED"


def test_it_starts_on_a_full_disk_and_fails_what_was_running(small_disk: Path) -> None:
    with LocalAwsProcess(small_disk / "aws") as process:
        process.client("s3").create_bucket(Bucket="out")
        athena = AthenaClient(process.client("athena"), "default", "s3://out/queries/")
        running = athena.start(
            "select count(*) from unnest(sequence(1, 10000)) t(x) "
            "cross join unnest(sequence(1, 10000)) u(y) "
            "cross join unnest(sequence(1, 10000)) v(z) where (x * y + z) % 7 = 3"
        )
        process.kill()
        fill(small_disk)
        process.start()
        again = AthenaClient(process.client("athena"), "default", "s3://out/queries/")
        status = again.wait(running)["Status"]
        assert (status["State"], "Run it again" in status["StateChangeReason"]) == ("FAILED", True)


def test_the_reserve_is_given_up_only_on_a_full_disk(small_disk: Path) -> None:
    reserve = DiskReserve(small_disk / "reserve")
    assert (small_disk / "reserve").stat().st_size == 16 * MEGABYTE
    with reserve.released():
        assert (small_disk / "reserve").exists()
    rest = fill(small_disk)
    with reserve.released():
        assert not (small_disk / "reserve").exists()
    rest.unlink()
    with reserve.released():
        pass
    assert (small_disk / "reserve").exists()
