"""Deploy: create or update the stacks of lake, host and alarms; start a bundle on the host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clickstream.aws import change_sets, retained
from clickstream.aws.account import identify, require_iam_access
from clickstream.aws.bundle import Bundle, build_bundle, checkout_of, find_uploaded, upload
from clickstream.aws.change_sets import ChangeSet
from clickstream.aws.deployment import DEFAULT_NAME, Deployment
from clickstream.aws.dialog import Dialog
from clickstream.aws.stacks import NEVER_CREATED, CloudStack, delete_stack, refuse_unusable
from clickstream.errors import DeploymentFailed, InputError
from clickstream.lake import aws_errors
from clickstream.lake.cloudwatch import dimension_value

TEMPLATES = {"lake": "lake.yaml", "airflow": "airflow-ec2.yaml", "alarms": "alarms.yaml"}
_OWN = {"LakeStack", "Bundle", "Namespace", "Site", "InstanceId"}
"""Parameters that the command sets itself."""


@dataclass(frozen=True)
class Template:
    """A template: its text, and the names of its parameters as CloudFormation reads them."""

    text: str
    parameters: Sequence[str]


@dataclass(frozen=True)
class Deploy:
    """One run of `clickstream aws deploy`; `given` are parameters of the templates by name."""

    deployment: Deployment
    given: Mapping[str, str]
    dialog: Dialog
    dry_run: bool = False

    @aws_errors.translate_errors()
    def run(self, directory: Path, allow_dirty: bool = False) -> None:
        """Deploy the checkout of a directory.

        Raises InputError for a dirty checkout or an unknown parameter, AwsRefused for an account in
        which the pipeline could not work, and DeploymentFailed if a stack fails.
        """
        checkout = checkout_of(directory)
        bundle = build_bundle(checkout, allow_dirty)
        self.dialog.say(identify(self.deployment).sentence)
        templates = {kind: self._read(checkout / "infra" / TEMPLATES[kind]) for kind in TEMPLATES}
        self._refuse_unknown(name for one in templates.values() for name in one.parameters)
        if not self._usable_stack("lake"):
            require_iam_access(self.deployment)
            self._import_retained(templates["lake"])
        lake = templates["lake"]
        self._change("lake", lake.parameters, self._values_of_lake(), TemplateBody=lake.text)
        if not self.deployment.stack("lake"):  # a dry run of the first deployment
            self.dialog.say("The other stacks can be previewed when the stack of the lake exists.")
            return
        self._upload(bundle)
        host, alarms = templates["airflow"], templates["alarms"]
        shared = {
            "LakeStack": self.deployment.stack_name("lake"),
            "Namespace": self.deployment.name,
        }
        own = {**shared, "Bundle": bundle.digest}
        self._change("airflow", host.parameters, own, TemplateBody=host.text)
        own = {**self._values_of_alarms(alarms), **shared}
        self._change("alarms", alarms.parameters, own, TemplateBody=alarms.text)

    @aws_errors.translate_errors()
    def run_uploaded(self, digest: str) -> None:
        """Start an uploaded bundle, with the templates and the parameters that the stacks have.

        `digest` may be its first characters. Raises as `run` does.
        """
        self.dialog.say(identify(self.deployment).sentence)
        stack = self.deployment.needed_stack("airflow")
        self._refuse_unknown(stack.parameters)
        own = {"Bundle": find_uploaded(self.deployment.lake(), digest)}
        self._change("airflow", list(stack.parameters), own, UsePreviousTemplate=True)

    def _read(self, path: Path) -> Template:
        text = path.read_text()
        summary = self.deployment.client("cloudformation").get_template_summary(TemplateBody=text)
        return Template(text, [one["ParameterKey"] for one in summary.get("Parameters", ())])

    def _refuse_unknown(self, declared: Iterable[str]) -> None:
        known = {*declared} - _OWN
        if unknown := sorted({*self.given} - known):
            raise InputError(
                f"The templates have no parameter {', '.join(unknown)} to set; they have "
                f"{', '.join(sorted(known))}."
            )

    def _values_of_lake(self) -> dict[str, str]:
        """Return names for a new lake; deployments of different names have different data."""
        name, account = self.deployment.name, self.deployment.account
        if name == DEFAULT_NAME or self.deployment.stack("lake"):
            return {}
        return {
            "BucketName": f"{name}-{account.account}-{account.region}",
            "DatabaseName": name.replace("-", "_"),
            "KeyPrefix": name,
        }

    def _values_of_alarms(self, alarms: Template) -> dict[str, str]:
        """Return what the alarms watch: the site, the machine, and values that its stack has."""
        host = self.deployment.stack("airflow")
        values = {"Site": dimension_value(self.deployment.settings.site.name)}
        if host:
            values["InstanceId"] = host.outputs.get("InstanceId", "")
            known = host.parameters
            values |= {name: known[name] for name in alarms.parameters if name in known}
        return values

    def _import_retained(self, template: Template) -> None:
        """Import bucket and database of an earlier deployment, which a new stack can't create."""
        names = {**self._values_of_lake(), **self.given}
        found = retained.find_retained(self.deployment, template.text, names)
        if found:
            self.dialog.say(
                f"An earlier deployment kept {' and '.join(found.names)}: the stack imports them."
            )
            self._execute(retained.prepare_import(self.deployment, found))

    def _upload(self, bundle: Bundle) -> None:
        if self.dry_run:
            state = "would be uploaded"
        else:
            is_new = upload(self.deployment.lake(), bundle)
            state = "is uploaded" if is_new else "is in the bucket already"
        self.dialog.say(f"Bundle {bundle.digest} ({len(bundle.body) / 1e6:.1f} MB) {state}.")

    def _change(
        self, kind: str, declared: Sequence[str], own: Mapping[str, str], **source: Any
    ) -> None:
        """Create or update a stack: preview, question, progress. Reports if nothing changes."""
        stack = self._usable_stack(kind)
        values, known = {**self.given, **own}, stack.parameters if stack else {}
        parameters = [*_parameters(declared, values, known)]
        prepared = change_sets.prepare(self.deployment, kind, parameters, **source)
        if prepared is None:
            self.dialog.say(f"Stack {self.deployment.stack_name(kind)}: no changes.")
        else:
            self._execute(prepared)

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
        self.dialog.say(
            f"The stack {stack.name} is {stack.status}: its creation failed, and its resources are "
            "removed. It can only be deleted and created again."
        )
        if self.dry_run:
            raise DeploymentFailed("A dry run deletes no stack. Run the command without --dry-run.")
        self.dialog.confirm(f"Delete the empty stack {stack.name}?")
        delete_stack(self.deployment.client("cloudformation"), stack, self.dialog.progress)
        return None

    def _execute(self, prepared: ChangeSet) -> None:
        """Show a change set, and execute it after confirmation; discard it otherwise."""
        cfn, dialog = self.deployment.client("cloudformation"), self.dialog
        verb = "creates" if prepared.is_of_new_stack else "changes"
        dialog.say(f"Stack {prepared.stack} {verb} these resources:")
        for change in prepared.changes:
            dialog.say(f"  {change.line}")
        try:
            if not self.dry_run:
                dialog.confirm(f"Change {prepared.stack} in this way?")
        except BaseException:
            change_sets.discard(cfn, prepared)
            raise
        if self.dry_run:
            change_sets.discard(cfn, prepared)
            return
        change_sets.execute(cfn, prepared, dialog.progress)
        dialog.say(f"Stack {prepared.stack}: done.")


def _parameters(
    declared: Sequence[str], values: Mapping[str, str], known: Mapping[str, str]
) -> Iterable[dict[str, Any]]:
    """Yield parameters as given, or else as the stack has them; others get their default."""
    for name in declared:
        if name in values:
            yield {"ParameterKey": name, "ParameterValue": values[name]}
        elif name in known:
            yield {"ParameterKey": name, "UsePreviousValue": True}
