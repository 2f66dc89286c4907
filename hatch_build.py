"""Add the views and compiled templates to the wheel, so that a start compiles none."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ViewsAndTemplates(BuildHookInterface):  # type: ignore[misc]
    """The hook that hatchling calls around the build of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add both; an editable install has the views, and compiles templates that are opened."""
        if version == "editable":
            return
        build_data["force_include"][str(Path(self.root) / "include" / "sql")] = "clickstream/sql"
        source = Path(self.root) / "src"
        sys.path.insert(0, str(source))
        from clickstream.dashboard.templates import BUILT, compile_templates

        self._directory = TemporaryDirectory()
        for name, code in compile_templates(source):
            file = Path(self._directory.name) / name
            file.write_text(code, encoding="utf-8")
            target = (BUILT / name).relative_to(source)
            build_data["force_include"][str(file)] = str(target)
