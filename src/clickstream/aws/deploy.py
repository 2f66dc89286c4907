"""Deploy: create or update the stacks of lake, host and alarms; start a bundle on the host."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from clickstream.aws.bundle import build_bundle, checkout_of, find_uploaded, upload
from clickstream.aws.deployment import DEFAULT_NAME, TAG, Deployment
from clickstream.aws.stacks import (
    NEVER_CREATED,
    CloudStack,
    Say,
    change_stack,
    delete_stack,
    refuse_unusable,
)
from clickstream.core.errors import DeploymentFailed, InputError
from clickstream.lake import aws_errors
from clickstream.lake.client import has_database
from clickstream.lake.cloudwatch import dimension_value
from clickstream.lake.s3_get import MISSING, code

TEMPLATES = {"lake": "lake.yaml", "airflow": "airflow-ec2.yaml", "alarms": "alarms.yaml"}
_OWN = {"LakeStack", "Bundle", "Namespace", "Site", "InstanceId"}
"""Parameters that the command sets itself."""


@dataclass(frozen=True)
class Deploy:
    """One run of `clickstream aws deploy`.

    `given` are parameters of the templates by name. Without `confirm`, it is a dry run.
    """

    deployment: Deployment
    given: Mapping[str, str]
    say: Say
    confirm: Say | None

    @aws_errors.translate_errors()
    def run(self, directory: Path, allow_dirty: bool = False) -> None:
        """Deploy the checkout of a directory.

        Raises InputError for a dirty checkout or an unknown parameter, AwsRefused for an account in
        which the pipeline could not work, and DeploymentFailed if a stack fails.
        """
        checkout = checkout_of(directory)
        bundle = build_bundle(checkout, allow_dirty)
        self.say(self.deployment.describe_caller())
        texts = {kind: (checkout / "infra" / file).read_text() for kind, file in TEMPLATES.items()}
        cfn = self.deployment.client("cloudformation")
        declared = {}
        for kind, text in texts.items():
            parameters = cfn.get_template_summary(TemplateBody=text).get("Parameters", ())
            declared[kind] = [parameter["ParameterKey"] for parameter in parameters]
        self._refuse_unknown({name for names in declared.values() for name in names})
        names = self._names_of_lake()
        if not self._usable_stack("lake"):
            self.deployment.require_iam_access()
            self._import_retained({**names, **self.given})
        self._change("lake", declared["lake"], names, TemplateBody=texts["lake"])
        if not self.deployment.stack("lake"):  # a dry run of the first deployment
            self.say("The other stacks can be previewed when the stack of the lake exists.")
            return
        state = "would be uploaded"
        if self.confirm:
            is_new = upload(self.deployment.lake(), bundle)
            state = "is uploaded" if is_new else "is in the bucket already"
        self.say(f"Bundle {bundle.digest} ({len(bundle.body) / 1e6:.1f} MB) {state}.")
        shared = {
            "LakeStack": self.deployment.stack_name("lake"),
            "Namespace": self.deployment.name,
        }
        own = {**shared, "Bundle": bundle.digest}
        self._change("airflow", declared["airflow"], own, TemplateBody=texts["airflow"])
        own = {**self._values_of_alarms(declared["alarms"]), **shared}
        self._change("alarms", declared["alarms"], own, TemplateBody=texts["alarms"])

    @aws_errors.translate_errors()
    def run_uploaded(self, digest: str) -> None:
        """Start an uploaded bundle, with the templates and the parameters that the stacks have.

        `digest` may be its first characters. Raises as `run` does.
        """
        self.say(self.deployment.describe_caller())
        stack = self.deployment.needed_stack("airflow")
        self._refuse_unknown(stack.parameters)
        own = {"Bundle": find_uploaded(self.deployment.lake(), digest)}
        self._change("airflow", stack.parameters, own, UsePreviousTemplate=True)

    def _refuse_unknown(self, declared: Collection[str]) -> None:
        settable = {*declared} - _OWN
        if unknown := sorted({*self.given} - settable):
            raise InputError(
                f"The templates have no parameter {', '.join(unknown)} to set; they have "
                f"{', '.join(sorted(settable))}."
            )

    def _names_of_lake(self) -> dict[str, str]:
        """Return names for a new lake; deployments of different names have different data."""
        name, account = self.deployment.name, self.deployment.account
        if name == DEFAULT_NAME or self.deployment.stack("lake"):
            return {}
        return {
            "BucketName": f"{name}-{account.account}-{account.region}",
            "DatabaseName": name.replace("-", "_"),
            "KeyPrefix": name,
        }

    def _values_of_alarms(self, declared: Collection[str]) -> dict[str, str]:
        """Return what the alarms watch: the site, the machine, and values that its stack has."""
        site = {"Site": dimension_value(self.deployment.settings.site.name)}
        host = self.deployment.stack("airflow")
        if not host:
            return site
        shared = {name: value for name, value in host.parameters.items() if name in declared}
        return {**site, "InstanceId": host.outputs.get("InstanceId", ""), **shared}

    def _import_retained(self, names: Mapping[str, str]) -> None:
        """Import bucket and database of an earlier deployment, which a new stack can't create.

        An import can't create other resources at the same time. So the stack is first created with
        bucket and database alone, and then updated to its template like any other stack.
        CloudFormation's `ImportExistingResources` needs names without parameters in the template.
        """
        account = self.deployment.account
        bucket = names.get("BucketName") or f"{DEFAULT_NAME}-{account.account}-{account.region}"
        database = names.get("DatabaseName", DEFAULT_NAME)
        retained: list[tuple[str, str, dict[str, str], dict[str, Any]]] = []
        if self._has_bucket(bucket):
            retained.append(("Bucket", "AWS::S3::Bucket", {"BucketName": bucket}, {}))
        if has_database(self.deployment.client("glue"), database):
            properties = {"CatalogId": account.account, "DatabaseInput": {"Name": database}}
            retained.append(
                ("Database", "AWS::Glue::Database", {"DatabaseName": database}, properties)
            )
        if not retained:
            return
        existing = " and ".join(
            name for _, _, identity, _ in retained for name in identity.values()
        )
        self.say(f"An earlier deployment kept {existing}: the stack imports them.")
        template = {
            name: {"Type": kind, "DeletionPolicy": "Retain", "Properties": {**identity, **values}}
            for name, kind, identity, values in retained
        }
        identifiers = [
            {"LogicalResourceId": resource, "ResourceType": kind, "ResourceIdentifier": identity}
            for resource, kind, identity, _ in retained
        ]
        request = {
            "TemplateBody": json.dumps({"Resources": template}, sort_keys=True),
            "ResourcesToImport": identifiers,
        }
        self._execute("lake", "IMPORT", Parameters=[], **request)

    def _has_bucket(self, name: str) -> bool:
        """Return whether the account has a bucket of this name."""
        owner = self.deployment.account.account
        try:
            self.deployment.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=owner)
        except ClientError as error:
            if code(error) in MISSING | {"404", "NoSuchBucket"}:
                return False
            raise
        return True

    def _change(
        self, kind: str, declared: Collection[str], own: Mapping[str, str], **template: Any
    ) -> None:
        """Create or update a stack. Parameters without a value keep theirs, or get the default."""
        stack, values = self._usable_stack(kind), {**self.given, **own}
        former = stack.parameters if stack else {}
        parameters = [
            {"ParameterKey": name, "ParameterValue": values[name]}
            if name in values
            else {"ParameterKey": name, "UsePreviousValue": True}
            for name in declared
            if name in values or name in former
        ]
        self._execute(kind, "UPDATE" if stack else "CREATE", Parameters=parameters, **template)

    def _execute(self, kind: str, operation: str, **request: Any) -> None:
        cfn, name = self.deployment.client("cloudformation"), self.deployment.stack_name(kind)
        request["Tags"] = [{"Key": TAG, "Value": self.deployment.name}]
        change_stack(cfn, name, operation, request, self.say, self.confirm)

    def _usable_stack(self, kind: str) -> CloudStack | None:
        """Return a stack that can be changed, or None; delete one whose creation failed.

        Raises DeploymentFailed for a stack that can't be changed.
        """
        stack = self.deployment.stack(kind)
        if stack is None:
            return None
        if stack.status != NEVER_CREATED:
            refuse_unusable(stack)
            return stack
        self.say(
            f"The stack {stack.name} is {stack.status}: its creation failed, and its resources are "
            "removed. It can only be deleted and created again."
        )
        if self.confirm is None:
            raise DeploymentFailed("A dry run deletes no stack. Run the command without --dry-run.")
        self.confirm(f"Delete the empty stack {stack.name}?")
        delete_stack(self.deployment.client("cloudformation"), stack, self.say)
        return None
