"""Read the settings from their file and the environment, and report what is wrong in them."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from clickstream.core.errors import SettingsError
from clickstream.settings.alerts import SECRETS
from clickstream.settings.holdouts import HOLDOUT_PROBLEM, HoldoutSettings
from clickstream.settings.sales import SalesSettings
from clickstream.settings.sections import FunnelStepSettings, GoalSettings, Settings, public
from clickstream.settings.sources import AUTO, SOURCE_PROBLEM, SourceSettings

FILE_NAME = "clickstream.toml"
PREFIX = "CLICKSTREAM_"
FILE_VARIABLE = "CLICKSTREAM_SETTINGS"
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"

Keys = tuple[str, ...]
"""The name of a setting, such as ("sources", "0", "format")."""

Where = Callable[[Keys], str]
"""Names the origin of a setting for messages; see `_where`."""


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Without `path`, the file is the one that `CLICKSTREAM_SETTINGS` names, or else the
    `clickstream.toml` in the working directory or the nearest directory above it. Without a file,
    the defaults apply. Raises SettingsError with the file, the line and the allowed values.
    """
    environment = os.environ if environment is None else environment
    path = path or find_file(environment)
    text = ""
    try:
        if path:
            text = path.read_text(encoding="utf-8")
        values = {key: _freeze(value) for key, value in tomllib.loads(text).items()}
    except OSError as error:
        raise SettingsError(f"Can't read the settings file {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not valid TOML: it is not UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None
    variables = _overlay(values, environment)
    where = partial(_where, text=text, path=path, variables=variables)
    aws = values.setdefault("aws", {})
    if isinstance(aws, dict) and not aws.get("endpoint_url"):
        aws["endpoint_url"] = environment.get(ENDPOINT_VARIABLE, "")
    directory = path.resolve().parent if path else Path.cwd()
    try:
        settings = Settings.model_validate({**values, "directory": directory})
    except ValidationError as error:
        complaints = [_complaint(details, where) for details in error.errors()]
        raise SettingsError("\n".join(complaints)) from None
    _check_formats(settings, where)
    _check_names(settings, where)
    return settings


def find_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return the file that `load` reads; None if there is none."""
    environment = os.environ if environment is None else environment
    if named := environment.get(FILE_VARIABLE):
        return Path(named)
    here = Path.cwd()
    return next((d / FILE_NAME for d in (here, *here.parents) if (d / FILE_NAME).is_file()), None)


def variables_for_logs(settings: Settings) -> dict[str, str]:
    """Return variables for log files of any age, and of a site whose name may not be set.

    They set only what the user has not set.
    """
    variables = {}
    if settings.site.model_fields_set.isdisjoint(("name", "title")):
        variables[f"{PREFIX}SITE__TITLE"] = "My logs"
    if "keep_days" not in settings.dashboard.model_fields_set:
        variables[f"{PREFIX}DASHBOARD__KEEP_DAYS"] = "3660"
    return variables


def _freeze(value: Any) -> Any:
    """Replace lists by tuples, also in nested maps, because strict frozen sections hold tuples."""
    if isinstance(value, dict):
        return {k: _freeze(v) for k, v in value.items()}
    return tuple(map(_freeze, value)) if isinstance(value, list) else value


def _overlay(values: dict[str, Any], environment: Mapping[str, str]) -> dict[Keys, str]:
    """Override the file's values by those of the environment; return the variable of each key.

    A variable of a whole section replaces the section; `{}` or `[]` empties it. The variables of
    its parts sort after it, so they override parts of the new value. A text that is not a TOML
    value is the value itself.
    """
    variables: dict[Keys, str] = {}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE:
            continue
        keys = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        section = values
        for key in keys[:-1]:
            section = section.setdefault(key, {})
            if not isinstance(section, dict):
                name = ".".join(keys)
                raise SettingsError(f"{variable}: there is no setting {name}, {key} has no parts.")
        text = environment[variable]
        try:
            section[keys[-1]] = _freeze(tomllib.loads(f"value = {text}")["value"])
        except tomllib.TOMLDecodeError:
            section[keys[-1]] = text
        variables[keys] = variable
    return variables


def _check_formats(settings: Settings, where: Where) -> None:
    """Check that each source's format is a known one or is defined in [formats]."""
    for number, source in enumerate(settings.sources):
        if source.format in (AUTO, *settings.formats):
            continue
        from clickstream.parse.formats import FORMATS  # the only list of all formats

        if source.format not in FORMATS:
            keys = ("sources", str(number), "format")
            allowed = ", ".join((AUTO, *FORMATS, *settings.formats))
            raise SettingsError(
                f"{where(keys)}: {'.'.join(keys)} = {source.format!r} is not allowed: use one of "
                f"{allowed}, or describe it under [formats]."
            )


def _check_names(settings: Settings, where: Where) -> None:
    """Check that no two sources or tests have the same name, because they are known by it."""
    for section, noun in (("sources", "sources"), ("sales", "sources"), ("holdouts", "tests")):
        seen: set[str] = set()
        for number, entry in enumerate(getattr(settings, section)):
            if entry.name in seen:
                raise SettingsError(
                    f"{where((section, str(number), 'name'))}: there are two {noun} named "
                    f"{entry.name}; give each a name of its own."
                )
            seen.add(entry.name)


def _where(keys: Keys, text: str, path: Path | None, variables: Mapping[Keys, str]) -> str:
    """Name the origin of a key: the environment variable, or the file and line.

    The origin of a section that is not in the file is a variable of one of its parts.
    """
    variable = next((v for k, v in variables.items() if keys[: len(k)] == k), None)
    if not variable and not _has(tomllib.loads(text), keys):
        variable = next((v for k, v in variables.items() if k[: len(keys)] == keys), None)
    return variable or f"{path}, line {_line_of(keys, text)}"


def _has(values: Any, keys: Keys) -> bool:
    """Whether nested tables contain a key."""
    for key in keys:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def _complaint(error: ErrorDetails, where: Where) -> str:
    keys = tuple(str(key) for key in error["loc"] if key != "[key]")
    name, value = ".".join(keys), error["input"]
    if error["type"] == "extra_forbidden":
        return f"{where(keys)}: there is no setting {name}. Allowed here: {_allowed_keys(keys)}."
    if noun := {SOURCE_PROBLEM: "source", HOLDOUT_PROBLEM: "test"}.get(error["type"]):
        name_of_entry = value.get("name") if isinstance(value, dict) else None
        return f"{where(keys)}: the {noun} {name_of_entry or name} can't be used: {error['msg']}."
    shown = "(hidden)" if error["type"].startswith("alert_") or name in SECRETS else value
    return f"{where(keys)}: {name} = {shown!r} is not allowed: {error['msg']}."


def _allowed_keys(keys: Keys) -> str:
    sections: dict[str, type[BaseModel]] = {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    } | {
        "sources": SourceSettings,
        "sales": SalesSettings,
        "holdouts": HoldoutSettings,
        "goals": GoalSettings,
        "funnel": FunnelStepSettings,
    }
    model = sections.get(keys[0], Settings) if len(keys) > 1 else Settings
    return ", ".join(public(model))


def _line_of(keys: Keys, text: str) -> int:
    """Number of the line with the last of the keys below the header of its section, from 1."""
    lines = text.splitlines()
    names = [key for key in keys if not key.isdigit()]
    index = next((int(key) for key in keys if key.isdigit()), 0)
    headers = _headers(lines, names[:2]) or _headers(lines, names[:1])
    start = headers[min(index, len(headers) - 1)] if headers else 0
    wanted = re.compile(rf"\s*\[*\s*['\"]?{re.escape(names[-1])}['\"]?\s*[=\].]")
    matches = (n for n in range(start, len(lines)) if wanted.match(lines[n]))
    return next(matches, start) + 1


def _headers(lines: list[str], names: list[str]) -> list[int]:
    """Indexes of the lines on which a section of this name begins."""
    header = re.compile(rf"\s*\[+\s*{re.escape('.'.join(names))}\b")
    return [number for number, line in enumerate(lines) if header.match(line)]
