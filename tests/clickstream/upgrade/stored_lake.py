"""The archive of a lake that another release wrote: its settings, and how it is stored again."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

from tests.support.lakes import SQL, aws_session
from tests.support.localaws_process import CREDENTIALS

from clickstream.lake import Lake, objects, refer_to_lake
from clickstream.settings import AwsSettings, LakeSettings, Settings, SiteSettings, SourceSettings
from clickstream.settings.sections import BuildSettings

OBJECTS = "objects/"
GLUE, SECRETS, TASKS = "glue.json", "secrets.json", "tasks.json"
TABLE_FIELDS = (
    *("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys"),
    *("ViewOriginalText", "ViewExpandedText", "TableType", "Parameters"),
)
"""The fields of Glue's entry of a table that a new entry may have."""


def settings_of_the_lake(endpoint: str, logs: Path) -> Settings:
    """Settings of the archived lake, whose names are in the addresses of its Iceberg metadata."""
    return Settings(
        site=SiteSettings(name="cafe", domains=("cafe.example",)),
        sources=(SourceSettings(name="web-1", path=str(logs), format="combined"),),
        lake=LakeSettings(bucket="older-lake", database="older_lake", key_secret="older-lake"),
        aws=AwsSettings(endpoint_url=endpoint, region=CREDENTIALS["AWS_DEFAULT_REGION"]),
        build=BuildSettings(sql_directory=str(SQL)),
    )


def restore(archive: Path, settings: Settings) -> tuple[Lake, dict[str, Any]]:
    """Store the archived lake on a local AWS; return it unopened, and the results of its tasks."""
    lake = refer_to_lake(settings, aws_session())
    lake.s3.create_bucket(Bucket=lake.bucket)
    lake.glue.create_database(DatabaseInput={"Name": lake.database})
    found: dict[str, Any] = {}
    with tarfile.open(archive) as files:
        for entry in files:
            body = files.extractfile(entry).read()  # type: ignore[union-attr]  # all are files
            if entry.name.startswith(OBJECTS):
                objects.put(lake, entry.name.removeprefix(OBJECTS), body)
            else:
                found[entry.name] = json.loads(body)
    for table in found[GLUE]:
        lake.glue.create_table(DatabaseName=lake.database, TableInput=table)
    for name, value in found[SECRETS].items():
        lake.secrets.create_secret(Name=name, SecretString=value)
    return lake, found[TASKS]
