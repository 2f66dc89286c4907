"""Validate the CloudFormation templates of infra/ with AWS's own validator, offline.

`make lint` runs it. The exit code is 1 if it finds an error or a warning that is not in ACCEPTED.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cloudformation_validate import CelEngine, Severity

ACCEPTED = {
    "W1001": "a reference to a conditional resource has the condition of that resource",
    "W1030": "without a value for the parameter, the resource is not created",
    "W2509": "the ARN of a secret is no secret",
}
"""Rules whose findings are right by design, and why."""

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Print what the validator finds, with the file and the rule."""
    engine, problems = CelEngine(), 0
    for path in sorted((ROOT / "infra").glob("*.yaml")):
        for diagnostic in engine.validate_template(path).diagnostics:
            if diagnostic.severity != Severity.INFO and diagnostic.rule_id not in ACCEPTED:
                template = path.relative_to(ROOT)
                sys.stderr.write(f"{template}: {diagnostic.rule_id} {diagnostic.message}\n")
                problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
