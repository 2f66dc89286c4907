"""The environment of all templates, and their compiled code.

A wheel has the compiled templates; hatch_build.py writes them. Elsewhere, the user's cache keeps
those that were compiled.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from functools import cached_property
from importlib.machinery import SourceFileLoader
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, BytecodeCache, Environment, FileSystemBytecodeCache, StrictUndefined
from jinja2.bccache import Bucket
from jinja2.loaders import FileSystemLoader
from markupsafe import Markup, escape

from clickstream.core.user_cache import user_cache
from clickstream.core.wording import printable, printable_lines

JINJA = version("jinja2")

BUILT = Path(__file__).with_name(f"jinja-{JINJA}")
"""The directory of compiled templates in a wheel; with another version of Jinja, there is none."""

DIRECTORIES = (
    "clickstream/dashboard/access/templates",
    "clickstream/dashboard/mail/templates",
    "clickstream/dashboard/pages",
    "clickstream/dashboard/web/templates",
    "clickstream_airflow/dashboard/templates",
)
"""The directories of all templates, in src/."""


def compile_templates(source: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of a file in BUILT and its Python code, for each template in `source`, src/.

    The files are the same for all versions of Python.
    """
    cache = _CompiledTemplates()
    for directory in DIRECTORIES:
        environment = template_environment(FileSystemLoader(source / directory))
        for name in environment.list_templates(["html"]):
            text = (source / directory / name).read_text(encoding="utf-8")
            code = environment.compile(text, name, raw=True)
            yield _built_name(cache.get_cache_key(name), cache.get_source_checksum(text)), code


def _built_name(key: str, checksum: str) -> str:
    return f"{key}-{checksum}.py"


class _CompiledTemplates(BytecodeCache):
    """Compiled templates of the wheel, or else of the user. Those of a tab take 0.1 s to compile.

    Both are found by the name and the text of the template, so they are never those of another.
    """

    @cached_property
    def _of_user(self) -> BytecodeCache | None:
        return _user_templates()

    def get_cache_key(self, name: str, filename: str | os.PathLike[str] | None = None) -> str:  # noqa: ARG002  a wheel is built in another directory
        """Return the key of a template, wherever it is installed."""
        return super().get_cache_key(name)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the code of a template if it is compiled."""
        built = BUILT / _built_name(bucket.key, bucket.checksum)
        if built.exists():
            bucket.code = SourceFileLoader(built.stem, str(built)).get_code(built.stem)
        elif self._of_user:
            self._of_user.load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the user's file, unless the disk is full or the directory can't be written."""
        if self._of_user:
            with contextlib.suppress(OSError):
                self._of_user.dump_bytecode(bucket)


def _user_templates() -> BytecodeCache | None:
    """Return the templates that this user has compiled.

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
    return FileSystemBytecodeCache(str(directory), f"%s-{JINJA}-{compiler}")


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
        bytecode_cache=_CompiledTemplates(),
    )
    environment.filters["lines"] = _lines
    return environment


def _without_hidden(value: Any) -> Any:
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return printable(value) if is_text else value


def _lines(text: str) -> Markup:
    return escape(printable_lines(text))
