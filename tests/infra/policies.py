"""Identity policies of IAM, for the few elements that the templates of infra/ use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tests.infra.templates import Stack

ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}
OPERATORS = {"StringEquals"}


@dataclass(frozen=True)
class Statement:
    """A statement that allows actions on resources."""

    policy: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    has_condition: bool = False

    @classmethod
    def parse(cls, policy: str, given: Mapping[str, Any]) -> Statement:
        """Raises ValueError for an element, effect or operator that the tests don't know."""
        unknown = (given.keys() - ELEMENTS) | (given.get("Condition", {}).keys() - OPERATORS)
        if unknown or given["Effect"] != "Allow":
            raise ValueError(f"The tests don't know {unknown or given['Effect']} in {policy}.")
        actions, resources = _texts(given["Action"]), _texts(given["Resource"])
        return cls(policy, given["Sid"], actions, resources, "Condition" in given)

    def allows(self, action: str, resource: str) -> bool:
        """A statement with a condition allows nothing here: recorded calls lack its keys."""
        return (
            not self.has_condition
            and any(_pattern(one, re.IGNORECASE).fullmatch(action) for one in self.actions)
            and any(_pattern(one).fullmatch(resource) for one in self.resources)
        )

    def parts(self) -> Iterator[Statement]:
        """Yield this statement with all but one of its actions, and with all but one resource."""
        for action in self.actions:
            yield replace(self, actions=tuple(one for one in self.actions if one != action))
        for resource in self.resources:
            yield replace(self, resources=tuple(one for one in self.resources if one != resource))


def statements_of(stack: Stack, policy: str) -> list[Statement]:
    """Return the statements of a managed policy of a template."""
    document = stack.resources("AWS::IAM::ManagedPolicy")[policy]["PolicyDocument"]
    return [Statement.parse(policy, one) for one in document["Statement"]]


def is_allowed(statements: Sequence[Statement], action: str, resource: str) -> bool:
    """Whether a statement allows an action on a resource; without any, IAM denies."""
    return any(one.allows(action, resource) for one in statements)


@cache
def _pattern(text: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """In IAM, * is any number of characters, and ? is one."""
    escaped = re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, flags | re.DOTALL)


def _texts(given: str | list[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
