"""Kill -9 in the middle of mixed writes: whatever was acknowledged is there afterwards."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.support.localaws_process import LocalAwsProcess

WRITES = 200
PART = 5 << 20


def content(kind: str, number: int) -> bytes:
    return hashlib.sha256(f"{kind}-{number}".encode()).digest() * (1 + number * 37 % 400)


class Writers:
    """Threads that write until the server is gone, and remember what it acknowledged."""

    def __init__(self, process: LocalAwsProcess) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._enough = threading.Event()
        self._kinds = self._writes()
        self.acknowledged: dict[str, list[int]] = {kind: [] for kind in self._kinds}

    def _writes(self) -> dict[str, Callable[[int], None]]:
        s3 = self._process.client("s3")
        glue = self._process.client("glue")
        secrets = self._process.client("secretsmanager")

        def put_object(number: int) -> None:
            s3.put_object(Bucket="crash", Key=f"o/{number}", Body=content("object", number))

        def overwrite(number: int) -> None:
            s3.put_object(Bucket="crash", Key="same", Body=b"%d" % number)

        def put_multipart(number: int) -> None:
            key = {"Bucket": "crash", "Key": f"m/{number}"}
            upload = {**key, "UploadId": s3.create_multipart_upload(**key)["UploadId"]}
            bodies = {1: bytes([number % 256]) * PART, 2: content("multipart", number)}
            parts = [
                {
                    "PartNumber": part,
                    "ETag": s3.upload_part(**upload, PartNumber=part, Body=body)["ETag"],
                }
                for part, body in bodies.items()
            ]
            s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})

        def create_table(number: int) -> None:
            described = {"Name": f"t{number}", "Description": content("table", number).hex()}
            glue.create_table(DatabaseName="crash", TableInput=described)

        def update_view(number: int) -> None:
            view = {"Name": "v", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": str(number)}
            glue.update_table(DatabaseName="crash", TableInput=view)

        def create_secret(number: int) -> None:
            value = content("secret", number)[:1000]
            secrets.create_secret(Name=f"s{number}", SecretBinary=value)

        return {
            "object": put_object,
            "overwrite": overwrite,
            "multipart": put_multipart,
            "table": create_table,
            "view": update_view,
            "secret": create_secret,
        }

    def run_and_kill(self) -> None:
        threads = [threading.Thread(target=self._write, args=item) for item in self._kinds.items()]
        for thread in threads:
            thread.start()
        assert self._enough.wait(120)
        self._process.kill()
        for thread in threads:
            thread.join()

    def _write(self, kind: str, write: Callable[[int], None]) -> None:
        number = 0
        while True:
            try:
                write(number)
            except (BotoCoreError, ClientError):
                return
            with self._lock:
                self.acknowledged[kind].append(number)
                if sum(map(len, self.acknowledged.values())) >= WRITES:
                    self._enough.set()
            number += 1


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with LocalAwsProcess(tmp_path_factory.mktemp("crash")) as process:
        process.client("s3").create_bucket(Bucket="crash")
        glue = process.client("glue")
        glue.create_database(DatabaseInput={"Name": "crash"})
        glue.create_table(DatabaseName="crash", TableInput={"Name": "v"})
        writers = Writers(process)
        writers.run_and_kill()
        process.start()
        yield process, writers.acknowledged


def test_every_kind_was_being_written(crashed: Any) -> None:
    assert all(crashed[1].values())


def test_acknowledged_objects_survive_a_crash(crashed: Any) -> None:
    process, acknowledged = crashed
    s3 = process.client("s3")
    for number in acknowledged["object"]:
        body = s3.get_object(Bucket="crash", Key=f"o/{number}")["Body"].read()
        assert body == content("object", number)
    for number in acknowledged["multipart"]:
        body = s3.get_object(Bucket="crash", Key=f"m/{number}")["Body"].read()
        assert body == bytes([number % 256]) * PART + content("multipart", number)


def test_the_last_write_of_an_object_wins(crashed: Any) -> None:
    process, acknowledged = crashed
    value = int(process.client("s3").get_object(Bucket="crash", Key="same")["Body"].read())
    # The write in flight when the server died may have been made, though nobody was told.
    assert value in (acknowledged["overwrite"][-1], acknowledged["overwrite"][-1] + 1)


def test_tables_and_views_survive(crashed: Any) -> None:
    process, acknowledged = crashed
    glue = process.client("glue")
    for number in acknowledged["table"]:
        found = glue.get_table(DatabaseName="crash", Name=f"t{number}")["Table"]
        assert found["Description"] == content("table", number).hex()
    view = glue.get_table(DatabaseName="crash", Name="v")["Table"]
    last = acknowledged["view"][-1]
    assert view["ViewOriginalText"] in (str(last), str(last + 1))
    assert view["VersionId"] == str(int(view["ViewOriginalText"]) + 1)


def test_acknowledged_secrets_survive_a_crash(crashed: Any) -> None:
    process, acknowledged = crashed
    secrets = process.client("secretsmanager")
    for number in acknowledged["secret"]:
        found = secrets.get_secret_value(SecretId=f"s{number}")["SecretBinary"]
        assert found == content("secret", number)[:1000]


def test_no_blob_is_left_over_or_missing(crashed: Any) -> None:
    process, _ = crashed
    s3 = process.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="crash")
    objects = sum(page["KeyCount"] for page in pages)
    blobs = [file for file in Path(process.root, "blobs").glob("??/*") if file.is_file()]
    # Parts of the upload in flight, at most two, stay until it is completed or aborted.
    assert objects <= len(blobs) <= objects + 2
