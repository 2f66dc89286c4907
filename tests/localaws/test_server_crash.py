"""After kill -9 in the middle of writes, all acknowledged writes are stored."""

from __future__ import annotations

import threading
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from tests.support.localaws_process import LocalAwsProcess

WRITES = 40


def content(number: int) -> bytes:
    return b"%d " % number * (1 + number * 3700 % 40_000)


def test_acknowledged_objects_and_tables_survive_a_crash(tmp_path: Path) -> None:
    objects: list[int] = []
    tables: list[int] = []
    with LocalAwsProcess(tmp_path) as process:
        s3, glue = process.client("s3"), process.client("glue")
        s3.create_bucket(Bucket="crash")
        glue.create_database(DatabaseInput={"Name": "crash"})

        def write() -> None:
            try:
                for number in range(10_000):
                    s3.put_object(Bucket="crash", Key=f"{number}", Body=content(number))
                    objects.append(number)
                    s3.put_object(Bucket="crash", Key="overwritten", Body=b"%d" % number)
                    glue.create_table(DatabaseName="crash", TableInput={"Name": f"t{number}"})
                    tables.append(number)
                    if number == WRITES:
                        enough.set()
            except (BotoCoreError, ClientError):
                return

        enough = threading.Event()
        writer = threading.Thread(target=write)
        writer.start()
        assert enough.wait(120)
        process.kill()
        writer.join()
        process.start()
        assert len(tables) > WRITES
        for number in objects:
            assert s3.get_object(Bucket="crash", Key=f"{number}")["Body"].read() == content(number)
        for number in tables:
            glue.get_table(DatabaseName="crash", Name=f"t{number}")
        # The write in flight when the server ended may be stored without an answer.
        last = int(s3.get_object(Bucket="crash", Key="overwritten")["Body"].read())
        assert last in (objects[-1], objects[-1] - 1, objects[-1] + 1)
        stored = [*(tmp_path / "blobs").iterdir()]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="crash")
        assert len(stored) == sum(page["KeyCount"] for page in pages)
