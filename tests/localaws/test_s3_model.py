"""S3 against the simplest model there is: a dictionary."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, ClassVar

from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.support.aws_errors import error_code
from tests.support.examples import examples

KEYS = st.text(st.sampled_from("ab/+% é☕=&"), min_size=1, max_size=3)
BODIES = st.binary(max_size=40)


class Bucket(RuleBasedStateMachine):
    s3: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.bucket = f"model-{uuid.uuid4().hex[:12]}"
        self.model: dict[str, bytes] = {}
        self.s3.create_bucket(Bucket=self.bucket)

    def outcome(self, operation: str, **parameters: Any) -> str | None:
        return error_code(getattr(self.s3, operation), Bucket=self.bucket, **parameters)

    @rule(key=KEYS, body=BODIES)
    def put(self, key: str, body: bytes) -> None:
        assert self.outcome("put_object", Key=key, Body=body) is None
        self.model[key] = body

    @rule(key=KEYS, body=BODIES)
    def create(self, key: str, body: bytes) -> None:
        code = self.outcome("put_object", Key=key, Body=body, IfNoneMatch="*")
        assert code == ("PreconditionFailed" if key in self.model else None)
        self.model.setdefault(key, body)

    @rule(key=KEYS, body=BODIES, seen=BODIES, is_fresh=st.booleans())
    def swap(self, key: str, body: bytes, seen: bytes, is_fresh: bool) -> None:
        current = self.model.get(key)
        seen = current if is_fresh and current is not None else seen
        code = self.outcome(
            "put_object", Key=key, Body=body, IfMatch=f'"{hashlib.md5(seen).hexdigest()}"'
        )
        if current is None:
            assert code == "NoSuchKey"
        elif current != seen:
            assert code == "PreconditionFailed"
        else:
            assert code is None
            self.model[key] = body

    @rule(keys=st.lists(KEYS, min_size=1, max_size=5, unique=True))
    def delete(self, keys: list[str]) -> None:
        entries = {"Objects": [{"Key": key} for key in keys]}
        assert self.outcome("delete_objects", Delete=entries) is None
        for key in keys:
            self.model.pop(key, None)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        code = self.outcome("get_object", Key=key)
        assert code == (None if key in self.model else "NoSuchKey")
        if code is None:
            got = self.s3.get_object(Bucket=self.bucket, Key=key)
            assert got["Body"].read() == self.model[key]

    @invariant()
    def listing_agrees(self) -> None:
        listed = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        assert [(entry["Key"], entry["Size"], entry["ETag"]) for entry in listed] == [
            (key, len(self.model[key]), f'"{hashlib.md5(self.model[key]).hexdigest()}"')
            for key in sorted(self.model)
        ]


def test_s3_is_a_dictionary(s3: Any) -> None:
    Bucket.s3 = s3
    run_state_machine_as_test(
        Bucket,
        settings=examples(stateful_step_count=20, suppress_health_check=list(HealthCheck)),
    )
