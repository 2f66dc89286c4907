"""Texts of the pages: gettext, with the language of the settings, and templates.

Texts in tables such as the metrics are marked with `mark` where they are written, and translated
where they are shown. Catalogs are in `locale/LANGUAGE/LC_MESSAGES/dashboard.mo`; English needs
none.
"""

from __future__ import annotations

import gettext
from importlib.resources import files
from types import CodeType
from typing import Any, Protocol

from babel import Locale
from babel.core import UnknownLocaleError
from jinja2 import BaseLoader, BytecodeCache, Environment, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from clickstream.errors import SettingsError
from clickstream.wording import printable, printable_lines

DOMAIN = "dashboard"


class Translations(Protocol):
    """The interface of a catalog."""

    def gettext(self, message: str) -> str:
        """Translate a text."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Translate a text that depends on a number."""


def mark(text: str) -> str:
    """Mark a text for translation, and return it unchanged."""
    return text


def load_translations(locale: Locale) -> Translations:
    """Load the catalog of a language; return English texts if it does not exist."""
    directory = str(files("clickstream.dashboard") / "locale")
    return gettext.translation(DOMAIN, directory, [str(locale), locale.language], fallback=True)


def parse_locale(language: str) -> Locale:
    """Parse the setting `language`. Raises SettingsError for an unknown language."""
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise SettingsError(
            f"dashboard.language = {language!r} is not a known language; write one "
            f"like en-GB or de."
        ) from None


class _CompiledTemplates(BytecodeCache):
    """Templates that this process has compiled, shared by all environments.

    Each application has an environment. Compiling the templates of a tab takes 0.10 s of CPU time,
    the questions and the rendering 0.07 s.
    """

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Set the code of a template, if the same source was compiled."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _CompiledTemplates()


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
        bytecode_cache=_COMPILED,
    )
    environment.filters["lines"] = _lines
    return environment


def _without_hidden(value: Any) -> Any:
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return printable(value) if is_text else value


def _lines(text: str) -> Markup:
    return escape(printable_lines(text))
