"""The CloudFormation templates of infra/, and the values that they have in a deployed stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

INFRA = Path(__file__).parents[2] / "infra"
TEMPLATES = tuple(sorted(path.name for path in INFRA.glob("*.yaml")))
PSEUDO_PARAMETERS: Mapping[str, object] = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
ARNS: Mapping[str, str] = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::IAM::InstanceProfile": "arn:aws:iam::{account}:instance-profile/{name}",
}
"""The ARN of a resource by its type, for Fn::GetAtt."""

_NAMES = ("BucketName", "RoleName", "ManagedPolicyName", "InstanceProfileName", "Name")
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class _Loader(yaml.SafeLoader):
    """Reads the short forms, such as !Sub, as the long forms, such as {"Fn::Sub": …}."""


def _long_form(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        value = value.split(".", 1) if tag == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _long_form)
# Versions such as 2010-09-09 stay texts.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@cache
def load_template(name: str) -> dict[str, Any]:
    """Return a template of infra/ with all intrinsic functions in their long form."""
    return yaml.load((INFRA / name).read_text(), _Loader)


@dataclass(frozen=True)
class Stack:
    """A template as a stack: each value as CloudFormation would resolve it.

    `parameters` replace the template's defaults, and `imports` are the exports of other stacks.
    A resource without a name of its own is named STACK-LOGICALID.
    """

    template: Mapping[str, Any]
    name: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    imports: Mapping[str, object] = field(default_factory=dict)

    def resources(self, kind: str) -> dict[str, Any]:
        """Return the resolved properties of a type's resources by logical id.

        A resource whose condition is false is left out.
        """
        return {
            name: self.resolve(resource.get("Properties", {}))
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == kind and self._is_created(resource)
        }

    def resolve(self, value: Any) -> Any:
        """Resolve all intrinsic functions in a value. Raises KeyError for an unknown function."""
        if isinstance(value, list):
            resolved = [self.resolve(one) for one in value]
            return [one for one in resolved if one is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and (name := next(iter(value))) in _functions():
            return _functions()[name](self, value[name])
        if any(str(name).startswith("Fn::") for name in value):
            raise KeyError(f"The tests don't know the function in {value}.")
        resolved = {name: self.resolve(one) for name, one in value.items()}
        return {name: one for name, one in resolved.items() if one is not None}

    def is_true(self, condition: str) -> bool:
        """Return the value of a condition of the template."""
        return bool(self.resolve(self.template["Conditions"][condition]))

    def ref(self, name: str) -> object:
        """Return what Ref returns: the value of a parameter, or the name of a resource."""
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name == "AWS::StackName":
            return self.name
        if name in self.template.get("Parameters", {}):
            return self.parameters.get(name, self.template["Parameters"][name].get("Default"))
        return self._name(name)

    def attribute(self, name: str, attribute: str) -> str:
        """Return what Fn::GetAtt returns; only ARNs have a value that tests need."""
        kind = self.template["Resources"][name]["Type"]
        if attribute != "Arn" or kind not in ARNS:
            return f"{self._name(name)}.{attribute}"
        account = PSEUDO_PARAMETERS["AWS::AccountId"]
        return ARNS[kind].format(name=self._name(name), account=account)

    def substitute(self, given: str | list[Any]) -> str:
        """Return what Fn::Sub returns."""
        text, own = (given, {}) if isinstance(given, str) else (given[0], self.resolve(given[1]))

        def value(found: re.Match[str]) -> str:
            if found[1]:
                return f"${{{found[2]}}}"
            if found[2] in own:
                return str(own[found[2]])
            name, _, attribute = found[2].partition(".")
            return str(self.attribute(name, attribute) if attribute else self.ref(name))

        return _VARIABLE.sub(value, text)

    def _name(self, resource: str) -> str:
        properties = self.template["Resources"][resource].get("Properties", {})
        given = properties.get("DatabaseInput", properties)
        found = next((self.resolve(given[name]) for name in _NAMES if name in given), None)
        return str(found or f"{self.name}-{resource}")

    def _is_created(self, resource: Mapping[str, Any]) -> bool:
        return "Condition" not in resource or self.is_true(resource["Condition"])


_Function = Callable[[Stack, Any], Any]


@cache
def _functions() -> dict[str, _Function]:
    """Map the intrinsic functions that the templates use to what they return."""
    return {
        "Ref": Stack.ref,
        "Condition": Stack.is_true,
        "Fn::And": lambda stack, given: all(stack.resolve(given)),
        "Fn::Base64": lambda stack, given: stack.resolve(given),
        "Fn::Equals": lambda stack, given: len({str(stack.resolve(one)) for one in given}) == 1,
        "Fn::GetAtt": lambda stack, given: stack.attribute(*given),
        "Fn::GetAZs": lambda _, given: ["us-east-1a", "us-east-1b"],
        "Fn::If": lambda stack, given: stack.resolve(given[1 if stack.is_true(given[0]) else 2]),
        "Fn::ImportValue": lambda stack, given: stack.imports[stack.resolve(given)],
        "Fn::Join": lambda stack, given: given[0].join(map(str, stack.resolve(given[1]))),
        "Fn::Not": lambda stack, given: not stack.resolve(given)[0],
        "Fn::Or": lambda stack, given: any(stack.resolve(given)),
        "Fn::Select": lambda stack, given: stack.resolve(given[1])[int(given[0])],
        "Fn::Split": lambda stack, given: stack.resolve(given[1]).split(given[0]),
        "Fn::Sub": Stack.substitute,
    }
