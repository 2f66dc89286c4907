"""The locale of the pages, and the environment of their templates."""

from __future__ import annotations

import contextlib
import hashlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import UnknownLocaleError
from jinja2 import (
    BaseLoader,
    BytecodeCache,
    Environment,
    FileSystemBytecodeCache,
    StrictUndefined,
)
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from clickstream.core.errors import SettingsError
from clickstream.core.user_cache import user_cache
from clickstream.core.wording import printable, printable_lines


def parse_locale(language: str) -> Locale:
    """Parse the setting `language`. Raises SettingsError for a locale that is not English."""
    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        locale = None
    if locale is None or locale.language != "en":
        raise SettingsError(
            f"dashboard.language = {language!r} is not an English locale. The texts of the "
            "dashboard are English; the locale sets the form of numbers, dates and money. "
            "Write one like en-GB, en-US or en-AU."
        )
    return locale


class _CompiledTemplates(FileSystemBytecodeCache):
    """Compiled templates in files; each has the digest of its source, and is replaced with it."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a file, unless the disk is full or the directory can't be written."""
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def _compiled_templates() -> BytecodeCache | None:
    """Return the templates that this user has compiled; compiling those of a tab takes 0.1 s.

    Their files are code. The result is None if another user may have written them.
    """
    try:
        directory = user_cache() / "templates"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except (OSError, RuntimeError):
        return None
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        return None
    # The code depends on the version of Jinja, and on the options of the environment below.
    compiler = hashlib.blake2b(Path(__file__).read_bytes(), digest_size=4).hexdigest()
    return _CompiledTemplates(str(directory), f"%s-{version('jinja2')}-{compiler}")


def template_environment(loader: BaseLoader) -> Environment:
    r"""Return an environment of templates that show any text as text.

    HTML is escaped, and so are hidden characters: `\u202e`. `{{ text|lines }}` keeps line ends.
    `{{ value|e }}` keeps all characters, for a hidden field that the browser sends back.
    """
    environment = Environment(
        loader=loader,
        autoescape=True,
        finalize=_without_hidden,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled_templates(),
    )
    environment.filters["lines"] = _lines
    return environment


def _without_hidden(value: Any) -> Any:
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return printable(value) if is_text else value


def _lines(text: str) -> Markup:
    return escape(printable_lines(text))
