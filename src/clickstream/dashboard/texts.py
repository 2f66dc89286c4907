"""Texts of the pages: gettext, with the language of the settings.

Texts in tables such as the metrics are marked with `mark` where they are written and translated
where they are shown. Catalogs lie in `locale/LANGUAGE/LC_MESSAGES/dashboard.mo`; English needs
none.
"""

from __future__ import annotations

import gettext
from importlib.resources import files
from typing import Protocol

from babel import Locale
from babel.core import UnknownLocaleError

from clickstream.errors import SettingsError

DOMAIN = "dashboard"


class Translations(Protocol):
    """What the pages need of a catalog."""

    def gettext(self, message: str) -> str:
        """Translate a text."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Translate a text that depends on a number."""


def mark(text: str) -> str:
    """Mark a text for translation, and return it as it is."""
    return text


def load_translations(locale: Locale) -> Translations:
    """The catalog of a language; English texts where there is none."""
    directory = str(files("clickstream.dashboard") / "locale")
    return gettext.translation(DOMAIN, directory, [str(locale), locale.language], fallback=True)


def parse_locale(language: str) -> Locale:
    """The locale of the setting `language`. Raises SettingsError for an unknown one."""
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise SettingsError(
            f"dashboard.language = {language!r} is no known language; write one like en-GB or de."
        ) from None
