"""Airflow's own S3 hook, which brings its own way of calling S3."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def hook(local_aws: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    # Airflow reads its home once, when it is first imported: leave alone what others have set.
    if "AIRFLOW_HOME" not in os.environ:
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    connection = {
        "conn_type": "aws",
        "login": "test",
        "password": "test",
        "extra": {"endpoint_url": local_aws.endpoint, "region_name": "us-east-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_LOCALAWS", json.dumps(connection))
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    return S3Hook(aws_conn_id="localaws")


@pytest.mark.airflow
def test_airflows_s3_hook_stores_and_reads_objects(hook: Any, bucket: str, tmp_path: Path) -> None:
    assert hook.check_for_bucket(bucket)
    hook.load_string("text", "dir/a b.txt", bucket)
    assert hook.read_key("dir/a b.txt", bucket) == "text"
    with pytest.raises(ValueError, match="already exists"):
        hook.load_string("other", "dir/a b.txt", bucket)
    hook.load_bytes(b"x" * 100, "dir/sub/b", bucket, replace=True)
    source = tmp_path / "file"
    source.write_bytes(b"y" * 1000)
    hook.load_file(str(source), "dir/sub/c", bucket)
    assert hook.list_keys(bucket, prefix="dir/") == ["dir/a b.txt", "dir/sub/b", "dir/sub/c"]
    assert hook.list_prefixes(bucket, prefix="dir/", delimiter="/") == ["dir/sub/"]
    assert hook.check_for_wildcard_key("dir/sub/*", bucket)
    hook.copy_object("dir/sub/c", "copy", bucket, bucket)
    assert Path(hook.download_file("copy", bucket)).read_bytes() == b"y" * 1000
    hook.delete_objects(bucket, ["copy", "dir/sub/b"])
    assert not hook.check_for_key("copy", bucket)
    hook.delete_bucket(bucket, force_delete=True)
    assert not hook.check_for_bucket(bucket)
