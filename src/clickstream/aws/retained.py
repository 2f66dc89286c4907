"""Import of what a deleted deployment kept: CloudFormation can't create a bucket that exists.

An import can't create other resources at the same time. So the stack is first created with bucket
and database alone, and then updated to its template like any other stack.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from clickstream.aws import change_sets
from clickstream.aws.change_sets import ChangeSet
from clickstream.aws.deployment import Deployment
from clickstream.lake.client import has_database
from clickstream.lake.s3_get import MISSING, code

_BUCKET, _DATABASE = "AWS::S3::Bucket", "AWS::Glue::Database"


@dataclass(frozen=True)
class Retained:
    """Resources to import by their logical names; `template` has only them."""

    resources: list[dict[str, Any]]
    template: str

    @property
    def names(self) -> list[str]:
        """The names of the bucket and the database."""
        return [name for one in self.resources for name in one["ResourceIdentifier"].values()]


def find_retained(
    deployment: Deployment, template: str, values: Mapping[str, str]
) -> Retained | None:
    """Return bucket and database that a new stack would create and that exist; None if neither.

    Their logical names are those of the template. The bucket must belong to the account.
    """
    summary = deployment.client("cloudformation").get_template_summary(TemplateBody=template)
    logical = {
        one["ResourceType"]: one["LogicalResourceIds"][0]
        for one in summary.get("ResourceIdentifierSummaries", ())
    }
    defaults = {
        one["ParameterKey"]: one.get("DefaultValue", "") for one in summary.get("Parameters", ())
    }
    given = {**defaults, **values}
    account = deployment.account
    bucket = given.get("BucketName") or f"clickstream-{account.account}-{account.region}"
    database = given.get("DatabaseName", "")
    resources: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {}
    if _BUCKET in logical and _has_bucket(deployment, bucket):
        resources[logical[_BUCKET]] = (_BUCKET, {"BucketName": bucket}, {})
    if _DATABASE in logical and has_database(deployment.client("glue"), database):
        more = {"CatalogId": account.account, "DatabaseInput": {"Name": database}}
        resources[logical[_DATABASE]] = (_DATABASE, {"DatabaseName": database}, more)
    return _retained(resources) if resources else None


def _retained(
    resources: Mapping[str, tuple[str, dict[str, str], dict[str, Any]]],
) -> Retained:
    template = {
        name: {"Type": kind, "DeletionPolicy": "Retain", "Properties": {**identity, **more}}
        for name, (kind, identity, more) in resources.items()
    }
    asked = [
        {"ResourceType": kind, "LogicalResourceId": name, "ResourceIdentifier": identity}
        for name, (kind, identity, _) in resources.items()
    ]
    return Retained(asked, json.dumps({"Resources": template}, sort_keys=True))


def prepare_import(deployment: Deployment, found: Retained) -> ChangeSet:
    """Prepare the change set that creates the stack with what exists."""
    prepared = change_sets.prepare(
        deployment,
        "lake",
        (),
        TemplateBody=found.template,
        ChangeSetType="IMPORT",
        ResourcesToImport=found.resources,
    )
    if prepared is None:  # an import always changes a stack that does not exist
        raise AssertionError(f"CloudFormation imports nothing of {found.names}.")
    return prepared


def _has_bucket(deployment: Deployment, name: str) -> bool:
    try:
        owner = deployment.account.account
        deployment.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=owner)
    except ClientError as error:
        if code(error) in MISSING | {"404", "NoSuchBucket"}:
            return False
        raise
    return True
