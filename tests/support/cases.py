"""Tests of one rule on many cases, as one test: no item, fixtures and report for each case."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from reprlib import Repr
from typing import Any

import pytest

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 200


def each_case(names: str, cases: Iterable[Any]) -> Callable[..., Callable[..., None]]:
    """Call a test with each case; like `pytest.mark.parametrize`, but all cases are one test.

    All cases run, and the failure lists those that fail, each with its traceback. The cases share
    the fixtures of the test, so a test that changes a fixture needs `parametrize`.
    """
    arguments = [name.strip() for name in names.split(",")]
    rows = [case if len(arguments) > 1 else (case,) for case in cases]

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def test_each(**fixtures: Any) -> None:
            failures = []
            for row in rows:
                case = dict(zip(arguments, row, strict=True))
                try:
                    test(**fixtures, **case)
                except (Exception, pytest.fail.Exception) as failure:
                    failure.add_note(f"Case: {_SHORT.repr(case)}")
                    failures.append(failure)
            if failures:
                message = f"{len(failures)} of {len(rows)} cases of {test.__name__} fail"
                raise BaseExceptionGroup(message, failures)

        signature = inspect.signature(test)
        left = [one for name, one in signature.parameters.items() if name not in arguments]
        test_each.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        assert rows, "no cases"
        return test_each

    return decorate
