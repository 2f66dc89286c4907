"""Descriptions of AWS services, which a process that imports this module reads once.

Otherwise each new session reads those of S3, Glue, Athena and Secrets Manager again, in 0.1 s of
CPU time. A forked process has them from its parent.
"""

from __future__ import annotations

from typing import Any

import boto3
from botocore.loaders import JSONFileLoader

_read = JSONFileLoader.load_file
_descriptions: dict[str, Any] = {}


def _load_file(loader: JSONFileLoader, path: str) -> Any:
    if path not in _descriptions:
        found = _read(loader, path)
        if found is None:
            return None
        _descriptions[path] = found
    return _descriptions[path]


JSONFileLoader.load_file = _load_file
for _name in ("s3", "glue", "athena", "secretsmanager"):
    boto3.Session("test", "test").client(_name, region_name="us-east-1")
