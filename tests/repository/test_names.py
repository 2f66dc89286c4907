"""One concept has one name: classes have unique names, and packages export few names."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"
MOST_EXPORTS = 15


@cache
def module_trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in SRC.rglob("*.py")}


def test_no_two_public_classes_have_the_same_name() -> None:
    found = defaultdict(list)
    for path, tree in module_trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(path.relative_to(SRC)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_no_package_exports_more_than_a_few_names() -> None:
    exported = {
        str(path.relative_to(SRC)): len(ast.literal_eval(node.value))
        for path, tree in module_trees().items()
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "__all__"
    }
    assert {path: number for path, number in exported.items() if number > MOST_EXPORTS} == {}
